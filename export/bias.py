"""Bias correction: what rounding the weights shifts in the mean of each channel is taken from its bias.

Most of a motion picture is the same everywhere (nothing moves), so a rounded weight errs in the same direction in
all of a channel's cells, and the pooling cannot even it out. Nagel et al., Data-Free Quantization Through Weight
Equalization and Bias Correction, ICCV 2019, section 4.2, with means measured on calibration frames.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from typing import Any

import numpy as np
import onnx
import onnxruntime
from numpy.typing import NDArray
from onnx import numpy_helper

Feeds = dict[str, NDArray[Any]]
BATCH = 16


def correct_bias(model: onnx.ModelProto, feeds: Sequence[Feeds], exact: Collection[str]) -> onnx.ModelProto:
    """Return the model with weights on the int8 grid, per channel, and biases that undo the shift of the means.

    model: float32, batch norms folded. feeds: inputs of single calls, joined into batches of 16 here. exact: names
    of the convolutions that are left as they are. Layer by layer, each measured behind the corrected ones.
    """
    result = onnx.ModelProto()
    result.CopyFrom(model)
    batches = [
        {name: np.concatenate([feed[name] for feed in feeds[first : first + BATCH]]) for name in feeds[0]}
        for first in range(0, len(feeds), BATCH)
    ]
    initializers = {tensor.name: tensor for tensor in result.graph.initializer}
    rounded = [node for node in result.graph.node if node.op_type == "Conv" and node.name not in exact]
    for node in rounded:
        weights = initializers[node.input[1]]
        weights.CopyFrom(numpy_helper.from_array(on_int8_grid(numpy_helper.to_array(weights)), weights.name))
    before, after = _Walk(model, batches), _Walk(result, batches)
    for node in rounded:
        shift = before.mean_of(node.output[0]) - after.mean_of(node.output[0])
        if len(node.input) < 3:
            node.input.append(f"{node.input[1]}_bias")
            result.graph.initializer.append(numpy_helper.from_array(np.zeros_like(shift), node.input[2]))
            initializers[node.input[2]] = result.graph.initializer[-1]
        bias = initializers[node.input[2]]
        bias.CopyFrom(numpy_helper.from_array(numpy_helper.to_array(bias) + shift, bias.name))
    return result


def on_int8_grid(weights: NDArray[np.float32]) -> NDArray[np.float32]:
    """Return weights [O, ...] rounded to 127 steps of each output channel's largest magnitude."""
    scale = np.abs(weights).max(axis=tuple(range(1, weights.ndim)), keepdims=True) / 127.0
    scale[scale == 0.0] = 1.0
    grid: NDArray[np.float32] = (np.round(weights / scale) * scale).astype(np.float32)
    return grid


class _Walk:
    """A way through a graph from layer to layer: each part of it is run once, whatever its end is asked for."""

    def __init__(self, model: onnx.ModelProto, batches: Sequence[Feeds]) -> None:
        self._model = model
        self._values = [dict(batch) for batch in batches]
        self._place = 0

    def mean_of(self, name: str) -> NDArray[np.float32]:
        """Return the mean [C] of an inner map [N, C, h, w] over all batches.

        All before the node that makes it is run and kept; the node itself is run again when it is walked past, for
        its weights may have changed by then. Maps are asked for in the order of the graph.
        """
        nodes = self._model.graph.node
        end = next(place for place, node in enumerate(nodes) if name in node.output)
        self._run(nodes[self._place : end], self._needed_from(end))
        self._place = end
        maps = self._made_by([nodes[end]], [name])
        means = [made[name].mean(axis=(0, 2, 3)) for made in maps]
        return np.average(np.stack(means), axis=0, weights=[len(made[name]) for made in maps]).astype(
            np.float32
        )

    def _needed_from(self, place: int) -> set[str]:
        return {name for node in self._model.graph.node[place:] for name in node.input}

    def _run(self, nodes: Sequence[onnx.NodeProto], needed: set[str]) -> None:
        """Add to the values what `nodes` make, and drop all that nobody behind them needs."""
        wanted = [name for node in nodes for name in node.output if name in needed]
        if wanted:
            for values, made in zip(self._values, self._made_by(nodes, wanted), strict=True):
                values.update(made)
        for values in self._values:
            for name in values.keys() - needed:
                del values[name]

    def _made_by(self, nodes: Sequence[onnx.NodeProto], wanted: Sequence[str]) -> list[Feeds]:
        """Run some nodes on what the walk holds; return the wanted values of each batch."""
        used = {name for node in nodes for name in node.input}
        given = sorted(used & self._values[0].keys())
        graph = onnx.helper.make_graph(
            nodes,
            "part",
            [_port(name, self._values[0][name]) for name in given],
            [onnx.helper.make_empty_tensor_value_info(name) for name in wanted],
            [tensor for tensor in self._model.graph.initializer if tensor.name in used],
        )
        part = onnx.helper.make_model(
            graph, opset_imports=self._model.opset_import, ir_version=self._model.ir_version
        )
        options = onnxruntime.SessionOptions()
        options.log_severity_level = 3
        options.add_session_config_entry("session.intra_op.allow_spinning", "0")
        session = onnxruntime.InferenceSession(
            part.SerializeToString(), options, providers=["CPUExecutionProvider"]
        )
        return [
            dict(zip(wanted, session.run(list(wanted), {name: values[name] for name in given}), strict=True))
            for values in self._values
        ]


def _port(name: str, value: NDArray[Any]) -> onnx.ValueInfoProto:
    """Return an input of the type and rank of a value; the last batch may be smaller than the first."""
    kind = onnx.helper.np_dtype_to_tensor_dtype(value.dtype)
    return onnx.helper.make_tensor_value_info(name, kind, [None] * value.ndim)
