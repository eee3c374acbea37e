"""From modules to graph files: ONNX by the dynamo exporter and TorchScript by tracing, with the same call."""

from __future__ import annotations

import contextlib
import io
import logging
import warnings
import zipfile
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
import onnx
import onnx.compose
import torch
from torch import Tensor, nn

from ..models import ModelError
from ..realtime.backends import SPEC_KEY
from ..train.network import Encoder, Network

DEFAULT_OPSET = 20
_LOUD = ("torch", "torch.__trace", "torch.onnx", "onnxscript", "onnx_ir")
_STREAMS, _STEPS = 2, 3
"""Of the example inputs: neither 0 nor 1, which an exporter takes for constants."""


@dataclass(frozen=True)
class GraphPlan:
    """A module to be exported: its example inputs, the names of its ports, and which axes are free."""

    module: nn.Module
    inputs: dict[str, Tensor]
    outputs: tuple[str, ...]
    timed: tuple[str, ...] = ()
    """Inputs whose second axis is time."""


def plan_encoder(network: Network) -> GraphPlan:
    """Plan the graph frames, encoder_state_k -> features, next_encoder_state_k."""
    encoder = network.encoder
    states = {
        spec.name: state for spec, state in zip(encoder.state_specs, encoder.start(_STREAMS), strict=True)
    }
    return GraphPlan(encoder, {"frames": _frames(network), **states}, ("features", *_next(states)))


def plan_head(network: Network) -> GraphPlan:
    """Plan the graph features, state -> logits, next_state. Raises ModelError for a bidirectional head."""
    refuse_bidirectional(network)
    features = torch.zeros(_STREAMS, _STEPS, network.encoder.features)
    inputs = {"features": features, "state": network.head.start(_STREAMS)}
    return GraphPlan(network.head, inputs, ("logits", "next_state"), timed=("features",))


def refuse_bidirectional(network: Network) -> None:
    """Raise ModelError for a head that reads a clip from both ends."""
    if network.config.bidirectional:
        raise ModelError(
            "the head is bidirectional: it reads a clip from its end as well, and a live stream has no end; "
            "train with bidirectional off"
        )


def export_onnx(plan: GraphPlan, opset: int = DEFAULT_OPSET) -> onnx.ModelProto:
    """Return the ONNX graph of a plan: standard ops only, batch (and time) of any length.

    Raises ModelError if the exporter cannot express the module in that opset.
    """
    batch, time = torch.export.Dim("batch", max=1 << 16), torch.export.Dim("time", max=1 << 20)
    axes = tuple({0: batch, 1: time} if name in plan.timed else {0: batch} for name in plan.inputs)
    shapes = _as_called(plan.module, axes)
    try:
        with _quiet(), torch.no_grad():
            program = torch.onnx.export(
                plan.module.eval(), tuple(plan.inputs.values()), dynamo=True, verbose=False,
                opset_version=opset, input_names=list(plan.inputs), output_names=list(plan.outputs),
                dynamic_shapes=shapes,
            )  # fmt: skip
    except Exception as error:
        cause = error.__cause__ or error
        reason = next((line for line in str(cause).splitlines() if line.strip()), type(cause).__name__)[:200]
        raise ModelError(
            f"ONNX opset {opset}: the network cannot be exported ({reason}); "
            f"try --opset {DEFAULT_OPSET} or another backbone"
        ) from None
    assert program is not None
    graph = program.model_proto
    _forget_origin(graph)
    foreign = sorted({node.domain for node in graph.graph.node if node.domain not in ("", "ai.onnx")})
    if foreign or graph.functions:
        raise ModelError(
            f"ONNX export: ops outside the standard ({', '.join(foreign) or 'functions'}); other backbone"
        )
    return graph


def fuse_step(encoder: onnx.ModelProto, head: onnx.ModelProto) -> onnx.ModelProto:
    """Return both graphs as one: frame, encoder_state_k, state -> logits [N, C] and every next state."""
    first, second = onnx.ModelProto(), onnx.ModelProto()
    first.CopyFrom(encoder)
    second.CopyFrom(head)
    keep = {port.name for port in (*second.graph.input, *second.graph.output)} - {"features", "logits"}
    second = onnx.compose.add_prefix(second, "head_")
    renamed = {f"head_{name}": name for name in keep}
    _rename(second.graph, renamed)
    axis = onnx.numpy_helper.from_array(np.array([1], np.int64), "time_axis")
    widen = onnx.helper.make_node("Unsqueeze", ["features", "time_axis"], ["head_features"], name="one_step")
    narrow = onnx.helper.make_node("Squeeze", ["head_logits", "time_axis"], ["logits"], name="that_step")
    _rename(first.graph, {"frames": "frame"})
    graph = onnx.helper.make_graph(
        [*first.graph.node, widen, *second.graph.node, narrow],
        "step",
        [*first.graph.input, *(port for port in second.graph.input if port.name != "head_features")],
        [
            onnx.helper.make_tensor_value_info("logits", onnx.TensorProto.FLOAT, ["batch", _classes(head)]),
            *(port for port in first.graph.output if port.name != "features"),
            *(port for port in second.graph.output if port.name != "head_logits"),
        ],
        [*first.graph.initializer, *second.graph.initializer, axis],
    )
    return onnx.helper.make_model(graph, opset_imports=first.opset_import, ir_version=first.ir_version)


def export_torchscript(plan: GraphPlan) -> torch.jit.ScriptModule:
    """Return the traced and frozen TorchScript module of a plan, called by position."""
    with _quiet(), torch.no_grad():
        traced: Any = torch.jit.trace(  # type: ignore[no-untyped-call]
            plan.module.eval(), tuple(plan.inputs.values()), check_trace=False
        )
        frozen: torch.jit.ScriptModule = torch.jit.freeze(traced.eval())
        return frozen


def onnx_bytes(graph: onnx.ModelProto, spec_text: str) -> bytes:
    """Return the file of a graph with its spec inside."""
    sealed = onnx.ModelProto()
    sealed.CopyFrom(graph)
    del sealed.metadata_props[:]
    sealed.metadata_props.add(key=SPEC_KEY, value=spec_text)
    return bytes(sealed.SerializeToString(deterministic=True))


def torchscript_bytes(module: torch.jit.ScriptModule, spec_text: str) -> bytes:
    """Return the file of a TorchScript module with its spec inside."""
    file = io.BytesIO()
    with _quiet():
        torch.jit.save(module, file, _extra_files={SPEC_KEY: spec_text})
    return _without_debugging(file)


def _without_debugging(file: io.BytesIO) -> bytes:
    """Return the archive without its tables of source lines, which name the paths of the machine that exported."""
    kept = io.BytesIO()
    with zipfile.ZipFile(file) as given, zipfile.ZipFile(kept, "w", zipfile.ZIP_STORED) as archive:
        for entry in given.infolist():
            if not entry.filename.endswith(".debug_pkl"):
                archive.writestr(zipfile.ZipInfo(entry.filename), given.read(entry))
    return kept.getvalue()


def _rename(graph: onnx.GraphProto, names: dict[str, str]) -> None:
    for node in graph.node:
        for side in (node.input, node.output):
            for place, name in enumerate(side):
                side[place] = names.get(name, name)
    for port in (*graph.input, *graph.output):
        port.name = names.get(port.name, port.name)


def _classes(head: onnx.ModelProto) -> int:
    logits = next(port for port in head.graph.output if port.name == "logits")
    return int(logits.type.tensor_type.shape.dim[-1].dim_value)


def _frames(network: Network) -> Tensor:
    size = network.config.size
    return torch.zeros((_STREAMS, size, size, 3), dtype=torch.uint8)


def _next(states: dict[str, Tensor]) -> tuple[str, ...]:
    return tuple(f"next_{name}" for name in states)


def _as_called(module: nn.Module, axes: tuple[dict[int, Any], ...]) -> tuple[Any, ...]:
    """Nest the axes as the exporter sees the call: the arrays of a `*states` parameter are one tuple."""
    if isinstance(module, Encoder) and len(axes) > 1:
        return axes[0], axes[1:]
    return axes


def _forget_origin(graph: onnx.ModelProto) -> None:
    """Drop the exporter's notes: source paths of the machine that exported, and a third of a small file."""
    graph.doc_string = ""
    for item in (
        graph.graph,
        *graph.graph.node,
        *graph.graph.value_info,
        *graph.graph.input,
        *graph.graph.output,
        *graph.graph.initializer,
    ):
        item.doc_string = ""
        del item.metadata_props[:]


@contextlib.contextmanager
def _quiet() -> Iterator[None]:
    """Keep the exporters' advice from the user, who can do nothing about it; parity is checked afterwards."""
    loggers = [logging.getLogger(name) for name in _LOUD]
    levels = [logger.level for logger in loggers]
    with warnings.catch_warnings(), contextlib.redirect_stdout(io.StringIO()):
        warnings.simplefilter("ignore")
        for logger in loggers:
            logger.setLevel(logging.CRITICAL)
        try:
            yield
        finally:
            for logger, level in zip(loggers, levels, strict=True):
                logger.setLevel(level)
