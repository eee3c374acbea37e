"""`--init`: the encoder of a bundle or run is kept as it is, and only a head is trained on its features."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, get_args

import numpy as np
import torch
from numpy.typing import NDArray
from torch import nn

from ..models import Bundle, ModelError, Precision, load_bundle, names_shipped
from ..realtime.backends import Backend, open_backend
from ..realtime.command import say_taken
from .config import TrainConfig
from .encode import FrozenEncoder, freeze
from .inputs import InputKind, build_input
from .keep import BEST, LAST
from .network import Encoder, Network, NetworkConfig, load_network

PARITY = 2e-3
"""Largest difference of features, of which a common one is about 1, that rounding can explain."""


@dataclass(frozen=True, eq=False)
class Reused:
    """An encoder that is kept: what to build a network with, its weights, and how to run it."""

    settings: dict[str, Any]
    """Fields of NetworkConfig that the encoder fixes."""
    weights: dict[str, torch.Tensor]
    """State of the `Encoder` module."""
    encoder: FrozenEncoder
    bundle: Bundle | None = field(default=None)
    """Where it came from, if that was a bundle."""

    def build(self, config: NetworkConfig) -> Network:
        """Return a network with this encoder and a new head."""
        network = Network(config, pretrained=False)
        network.encoder.load_state_dict(self.weights)
        return network.eval()


def reuse_encoder(config: TrainConfig) -> Reused:
    """Load the encoder that `--init` names. Raises ModelError: no such model, or it cannot be rebuilt."""
    say_taken([config.init or ""], "--init")
    path = Path(config.init or "")
    for file in () if names_shipped(config.init or "") else (path, path / BEST, path / LAST):
        if file.suffix == ".ckpt" and file.is_file():
            return _from_run(file, config)
    return _from_bundle(load_bundle(config.init or ""), config)


def _from_run(file: Path, config: TrainConfig) -> Reused:
    network, _ = load_network(file)
    settings = _settings(network.config)
    encoder = freeze(
        network.encoder, size=network.config.size, device=config.device, threads=config.threads or 0
    )
    return Reused(settings, network.encoder.state_dict(), encoder)


def _settings(config: NetworkConfig) -> dict[str, Any]:
    head = {"labels", "background", "cell", "layers", "hidden", "embedding", "dropout", "bidirectional"}
    return {name: value for name, value in config.model_dump().items() if name not in head}


def _from_bundle(bundle: Bundle, config: TrainConfig) -> Reused:
    exact: Precision | None = "fp32" if "encoder.onnx" in bundle.spec.files else None
    network = _rebuild(bundle, open_backend(bundle, precision=exact, device="cpu", threads=config.threads))
    # The head learns from what the live run will show it: the encoder in the bundle's own precision.
    shown = BundleEncoder(open_backend(bundle, device="cpu", threads=config.threads))
    return Reused(_settings(network.config), network.encoder.state_dict(), shown, bundle)


class BundleEncoder:
    """A bundle's own encoder file, as the live run uses it."""

    def __init__(self, backend: Backend) -> None:
        self._backend = backend
        self.features = backend.spec.features
        self.key = backend.encoder_hash

    def start(self, streams: int) -> list[Any]:
        """Return zeros."""
        return list(self._backend.encoder_start(streams).values())

    def step(self, frames: NDArray[np.uint8], state: list[Any]) -> tuple[NDArray[np.float32], list[Any]]:
        """Run one frame of each stream."""
        names = [spec.name for spec in self._backend.spec.encoder_state]
        features, after = self._backend.encode(frames, dict(zip(names, state, strict=True)))
        return features, [after[name] for name in names]


def _rebuild(bundle: Bundle, backend: Backend) -> Network:
    """Return a network whose encoder computes what the bundle's does, proved on frames; the head is untrained.

    A bundle holds graphs, not modules: the weights are those of the named backbone as it comes, or, where the
    encoder was fine-tuned, those inside the graph, in which each batch norm has been folded into its convolution.
    """
    spec = bundle.spec
    for kind in get_args(InputKind):
        own = build_input(kind, spec.fps).state_specs(spec.size)
        rest = spec.encoder_state[len(own) :]  # what shifted blocks keep
        if spec.encoder_state[: len(own)] != own or any(state.dtype != "float32" for state in rest):
            continue
        config = NetworkConfig(
            labels=spec.labels, background=spec.background, backbone=spec.backbone, input=kind, shift=len(rest),
            size=spec.size, resize=spec.resize, fps=spec.fps,
        )  # fmt: skip
        network = Network(config).eval()
        if network.encoder.state_specs != spec.encoder_state:
            continue
        if _same(network.encoder, backend):
            return network
        _unfold(network.encoder, bundle)
        if _same(network.encoder, backend):
            return network
    raise ModelError(
        f"{bundle.folder}: its encoder cannot be rebuilt from the graph (backbone {spec.backbone}); "
        "give --init the run that it was exported from"
    )


@torch.inference_mode()
def _same(encoder: Encoder, backend: Backend) -> bool:
    rng = np.random.default_rng(0)
    state, theirs = encoder.start(2), backend.encoder_start(2)
    size = backend.spec.size
    for brightness in (256, 200, 160, 240, 256):  # a change of the exposure, which one kind of input undoes
        frames = rng.integers(0, brightness, (2, size, size, 3), np.uint8)
        features, *after = encoder(torch.from_numpy(frames), *state)
        state = tuple(after)
        wanted, theirs = backend.encode(frames, theirs)
        if float(np.abs(features.numpy() - wanted).max()) > PARITY * max(1.0, float(np.abs(wanted).max())):
            return False
    return True


def _unfold(encoder: Encoder, bundle: Bundle) -> None:
    """Load the initialisers of the graph by name; a folded bias goes into the batch norm after its convolution."""
    import onnx
    from onnx import numpy_helper

    graph = onnx.load_from_string(bundle.read("encoder.onnx")).graph
    arrays = {tensor.name: numpy_helper.to_array(tensor) for tensor in graph.initializer}
    modules = list(encoder.named_modules())
    with torch.no_grad():
        for index, (name, module) in enumerate(modules):
            for part, tensor in module.named_parameters(recurse=False):
                array = arrays.get(f"{name}.{part}")
                if array is not None and array.shape == tensor.shape:
                    tensor.copy_(torch.from_numpy(array.copy()))
            folded = arrays.get(f"{name}.weight_bias")
            if folded is not None and isinstance(module, nn.Conv2d):
                norm = next((m for _, m in modules[index + 1 :] if isinstance(m, nn.BatchNorm2d)), None)
                if norm is not None and norm.running_mean is not None and norm.running_var is not None:
                    norm.running_mean.zero_()
                    norm.running_var.fill_(1.0 - norm.eps)
                    norm.weight.fill_(1.0)
                    norm.bias.copy_(torch.from_numpy(folded.copy()))
