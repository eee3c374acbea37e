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
    wanted = {node.output[0]: _channel_means(model, node.output[0], batches) for node in rounded}
    for node in rounded:
        weights = initializers[node.input[1]]
        weights.CopyFrom(numpy_helper.from_array(on_int8_grid(numpy_helper.to_array(weights)), weights.name))
    for node in rounded:
        shift = wanted[node.output[0]] - _channel_means(result, node.output[0], batches)
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


def _channel_means(model: onnx.ModelProto, name: str, batches: Sequence[Feeds]) -> NDArray[np.float32]:
    """Return the mean [C] of an inner map [N, C, h, w] over all batches; only what leads to it is run."""
    options = onnxruntime.SessionOptions()
    options.log_severity_level = 3
    options.add_session_config_entry("session.intra_op.allow_spinning", "0")
    part = _leading_to(model, name)
    session = onnxruntime.InferenceSession(
        part.SerializeToString(), options, providers=["CPUExecutionProvider"]
    )
    taken = [node.name for node in session.get_inputs()]
    means = [session.run([name], {each: b[each] for each in taken})[0].mean(axis=(0, 2, 3)) for b in batches]
    counts = [len(next(iter(batch.values()))) for batch in batches]
    return np.average(np.stack(means), axis=0, weights=counts).astype(np.float32)


def _leading_to(model: onnx.ModelProto, name: str) -> onnx.ModelProto:
    part = onnx.ModelProto()
    part.CopyFrom(model)
    needed, nodes = {name}, []
    for node in reversed(model.graph.node):
        if needed.intersection(node.output):
            needed.update(node.input)
            nodes.append(node)
    graph = part.graph
    initializers = [tensor for tensor in model.graph.initializer if tensor.name in needed]
    inputs = [port for port in model.graph.input if port.name in needed]
    for field, items in (
        (graph.node, nodes[::-1]), (graph.initializer, initializers), (graph.input, inputs),
        (graph.output, [onnx.helper.make_tensor_value_info(name, onnx.TensorProto.FLOAT, None)]),
    ):  # fmt: skip
        del field[:]
        field.extend(items)
    return part
