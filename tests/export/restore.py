"""A shipped bundle turned back into the PyTorch network that it came from, so that the two can be compared.

Bundles ship as ONNX alone, in which each batch norm is folded into the convolution before it. Here the convolutions
take the folded weights and the batch norms are made neutral, which is the same network.
"""

from __future__ import annotations

import numpy as np
import onnx
import torch
from numpy.typing import NDArray
from torch import nn

from actrec.models import Bundle
from actrec.train.inputs import InputKind
from actrec.train.network import Network, NetworkConfig


def restore_network(bundle: Bundle) -> Network:
    """Return the network of a bundle whose backbone consists of convolutions and batch norms."""
    spec = bundle.spec
    encoder = onnx.load_from_string(bundle.read("encoder.onnx"))
    head = onnx.load_from_string(bundle.read("head.onnx"))
    found = {item.name: onnx.numpy_helper.to_array(item) for item in head.graph.initializer}
    compensates = any(node.op_type == "TopK" for node in encoder.graph.node)
    shown: InputKind = "rgb" if not spec.encoder_state else "compensated" if compensates else "motion"
    config = NetworkConfig(
        labels=spec.labels, background=spec.background, backbone=spec.backbone, size=spec.size, resize=spec.resize,
        fps=spec.fps, input=shown, cell=spec.cell, layers=spec.layers,
        hidden=spec.hidden, embedding=len(found["embed.1.weight"]),
    )  # fmt: skip
    network = Network(config, pretrained=False).eval()
    _fill_encoder(network.encoder, encoder)
    _fill_head(network, head, found)
    return network


@torch.no_grad()
def _fill_encoder(module: nn.Module, graph: onnx.ModelProto) -> None:
    weights = {item.name: onnx.numpy_helper.to_array(item) for item in graph.graph.initializer}
    for part in module.modules():
        if isinstance(part, nn.BatchNorm2d):
            assert part.running_mean is not None
            assert part.running_var is not None
            part.weight.fill_(1.0)
            part.bias.fill_(0.0)
            part.running_mean.fill_(0.0)
            part.running_var.fill_(1.0 - part.eps)
    convolutions = {name: part for name, part in module.named_modules() if isinstance(part, nn.Conv2d)}
    for node in graph.graph.node:
        if node.op_type == "Conv":
            part = convolutions.pop(node.input[1].removesuffix(".weight"))
            part.weight.copy_(torch.tensor(weights[node.input[1]]))
            part.bias = nn.Parameter(torch.tensor(weights[node.input[2]]))
    assert not convolutions, f"not in the graph: {sorted(convolutions)}"


@torch.no_grad()
def _fill_head(network: Network, graph: onnx.ModelProto, found: dict[str, NDArray[np.float32]]) -> None:
    made_by = {output: node for node in graph.graph.node for output in node.output}
    values = {name: torch.tensor(array) for name, array in found.items() if name in network.head.state_dict()}
    for node in graph.graph.node:
        bias = next((name for name in node.input if name.endswith(".bias")), None)
        if node.op_type == "Add" and bias is not None:
            product = made_by[next(name for name in node.input if name != bias)]
            values[bias.replace(".bias", ".weight")] = torch.tensor(found[product.input[1]].T.copy())
    recurrent = [node for node in graph.graph.node if node.op_type in ("GRU", "LSTM")]
    for layer, node in enumerate(recurrent):
        # ONNX orders the gates z, r, h and i, o, f, c; PyTorch r, z, n and i, f, g, o.
        order = (1, 0, 2) if node.op_type == "GRU" else (0, 2, 3, 1)
        both = np.split(found[node.input[3]].reshape(-1), 2)
        for name, part in zip(("bias_ih", "bias_hh"), both, strict=True):
            gates = np.split(part, len(order))
            values[f"rnn.{name}_l{layer}"] = torch.tensor(np.concatenate([gates[place] for place in order]))
    network.head.load_state_dict(values)
