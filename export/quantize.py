"""Smaller encoders: int8 (static, per channel, in QDQ form) and fp16, through ONNX Runtime's own tools."""

from __future__ import annotations

import contextlib
import io
import logging
import tempfile
import warnings
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import onnx
from numpy.typing import NDArray

from .bias import Feeds, correct_bias
from .parity import Runner

CALIBRATION_FRAMES = 128
CALIBRATION_EACH = 8
"""Of a stream every eighth frame is calibrated on: neighbours look alike."""
KEEP = ((2, 0), (6, 0), (4, 6), (8, 12))
"""How many first and last layers to leave in float; tried in this order until labels and events hold."""
_TYPES = ("Conv", "Gemm", "MatMul", "Add", "Clip", "Relu", "GlobalAveragePool")


def calibration_feeds(runner: Runner, frames: NDArray[np.uint8]) -> list[Feeds]:
    """Return what the encoder is fed, its state included, at every eighth frame of a stream uint8 [T, S, S, 3]."""
    feeds = []
    state = runner.encoder_start(1)
    for number, frame in enumerate(frames):
        if number % CALIBRATION_EACH == CALIBRATION_EACH - 1:
            feeds.append({"frames": frame[None], **state})
        _, state = runner.encode(frame[None], state)
    return feeds


def to_int8(
    encoder: onnx.ModelProto, feeds: Sequence[Feeds], *, keep: tuple[int, int] = (0, 0)
) -> onnx.ModelProto:
    """Return the encoder with int8 weights (per channel) and uint8 activations, whose ranges come from `feeds`.

    Rounding the weights shifts means; the biases make up for it (`export/bias.py`). What forms the picture, before
    the first convolution, and what weighs the map after the last one stay exact. So do, as `keep` says, the
    first layers with weights, which see the faint differences of motion, and the last ones, whose errors nothing
    evens out.
    """
    from onnxruntime.quantization import (
        CalibrationDataReader,
        CalibrationMethod,
        QuantFormat,
        QuantType,
        quantize_static,
    )
    from onnxruntime.quantization.shape_inference import quant_pre_process

    class Reader(CalibrationDataReader):  # type: ignore[misc]
        def __init__(self) -> None:
            self._feeds = iter(feeds)

        def get_next(self) -> dict[str, NDArray[Any]] | None:
            return next(self._feeds, None)

    with tempfile.TemporaryDirectory() as name, _quiet():
        source, target = Path(name) / "fp32.onnx", Path(name) / "int8.onnx"
        plain = onnx.ModelProto()
        plain.CopyFrom(encoder)
        onnx.save(plain, str(source))
        quant_pre_process(str(source), str(source), skip_symbolic_shape=True)
        prepared = onnx.load(str(source))
        first, last = keep
        exact = _before_first_conv(prepared) + _after_last_conv(prepared)
        weighty = [
            node.name
            for node in prepared.graph.node
            if node.op_type in ("Conv", "Gemm", "MatMul") and node.name not in exact
        ]
        exact += weighty[:first] + weighty[len(weighty) - last :]
        onnx.save(correct_bias(prepared, feeds, exact), str(source))
        quantize_static(
            str(source), str(target), Reader(), quant_format=QuantFormat.QDQ, per_channel=True,
            activation_type=QuantType.QUInt8, weight_type=QuantType.QInt8, op_types_to_quantize=list(_TYPES),
            nodes_to_exclude=exact, calibrate_method=CalibrationMethod.MinMax,
        )  # fmt: skip
        quantized = onnx.load(str(target))
    return _same_ports(quantized, encoder)


def to_fp16(encoder: onnx.ModelProto) -> onnx.ModelProto:
    """Return the encoder with weights and arithmetic in float16 from the first convolution on.

    What forms the picture counts in whole numbers above 2048, which float16 cannot hold, and what weighs the last
    map by it adds up more than float16 can; both stay in float32, and so do state and features outside.
    """
    model = onnx.ModelProto()
    model.CopyFrom(encoder)
    graph = model.graph
    weights = {item.name: item for item in graph.initializer if item.data_type == onnx.TensorProto.FLOAT}
    floats = _float_values(model) | set(weights)
    exact = _around_the_backbone(model, floats)
    ports = {port.name for port in graph.output}
    halves = {out for node in graph.node if node.name not in exact for out in node.output} & floats
    nodes: list[onnx.NodeProto] = []
    called = {(name, True): f"{name}_half" if name in ports else name for name in halves}

    def call(name: str, *, half: bool) -> str:
        """Return what a value is called in a precision; the first who asks for the other one has it made."""
        if (name in halves) == half:
            return called.get((name, half), name)
        if (name, half) not in called:
            made = called[name, half] = f"{name}_{'half' if half else 'full'}"
            if name in weights:
                halved = onnx.numpy_helper.to_array(weights[name]).astype(np.float16)
                graph.initializer.append(onnx.numpy_helper.from_array(halved, made))
            else:
                kind = onnx.TensorProto.FLOAT16 if half else onnx.TensorProto.FLOAT
                nodes.append(_cast(call(name, half=not half), made, kind))
        return called[name, half]

    for node in graph.node:
        half = node.name not in exact
        for place, name in enumerate(node.input):
            if name in floats:
                node.input[place] = call(name, half=half)
        for place, name in enumerate(node.output):
            node.output[place] = called.get((name, True), name)
        for attribute in node.attribute:
            if (
                half
                and node.op_type == "Cast"
                and attribute.name == "to"
                and attribute.i == onnx.TensorProto.FLOAT
            ):
                attribute.i = onnx.TensorProto.FLOAT16
        nodes.append(node)
    nodes += [_cast(f"{name}_half", name, onnx.TensorProto.FLOAT) for name in ports if name in halves]
    kept = [item for item in graph.initializer if any(item.name in node.input for node in nodes)]
    del graph.node[:], graph.initializer[:], graph.value_info[:]
    graph.node.extend(nodes)
    graph.initializer.extend(kept)
    return model


def _cast(name: str, result: str, kind: int) -> onnx.NodeProto:
    return onnx.helper.make_node("Cast", [name], [result], name=f"cast_{result}", to=kind)


def _float_values(model: onnx.ModelProto) -> set[str]:
    """Return the names of all float32 inputs, outputs and values between nodes."""
    graph = onnx.shape_inference.infer_shapes(model).graph
    found = (*graph.input, *graph.output, *graph.value_info)
    return {port.name for port in found if port.type.tensor_type.elem_type == onnx.TensorProto.FLOAT}


def _around_the_backbone(model: onnx.ModelProto, floats: set[str]) -> set[str]:
    """Return the names of all nodes that form the picture, and of those that weigh the last map by it."""
    early, after = set(_before_first_conv(model)), set(_after_last_conv(model))
    weighing: set[str] = set()
    told = {out for node in model.graph.node if node.name in early for out in node.output} & floats
    for node in model.graph.node:
        if node.name in after and node.name not in early and told.intersection(node.input):
            weighing.add(node.name)
            told.update(node.output)
    return early | weighing


def _before_first_conv(model: onnx.ModelProto) -> list[str]:
    """Return the names of all nodes that are no descendants of a convolution: they form picture and state."""
    late: set[str] = set()
    early = []
    for node in model.graph.node:
        if node.op_type == "Conv" or late.intersection(node.input):
            late.update(node.output)
        else:
            early.append(node.name)
    return early


def _after_last_conv(model: onnx.ModelProto) -> list[str]:
    """Return the names of all nodes that lead to no convolution: what pools and weighs the last map."""
    needed: set[str] = set()
    free = []
    for node in reversed(model.graph.node):
        if node.op_type == "Conv" or needed.intersection(node.output):
            needed.update(node.input)
        else:
            free.append(node.name)
    return free


def _same_ports(model: onnx.ModelProto, original: onnx.ModelProto) -> onnx.ModelProto:
    """Restore the ports' declared shapes, which the tools may have renamed or inferred anew."""
    for mine, theirs in (
        (model.graph.input, original.graph.input),
        (model.graph.output, original.graph.output),
    ):
        wanted = {port.name: port for port in theirs}
        for port in mine:
            port.CopyFrom(wanted[port.name])
    del model.graph.value_info[:]
    return model


@contextlib.contextmanager
def _quiet() -> Iterator[None]:
    root = logging.getLogger()
    level = root.level
    with warnings.catch_warnings(), contextlib.redirect_stdout(io.StringIO()):
        warnings.simplefilter("ignore")
        root.setLevel(logging.ERROR)
        try:
            yield
        finally:
            root.setLevel(level)
