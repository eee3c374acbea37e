"""A frozen encoder, run as fast as the CPU or GPU allows: many clips in lockstep, each with its own state."""

from __future__ import annotations

import hashlib
import io
import warnings
from collections.abc import Sequence
from typing import Any, Protocol

import numpy as np
import torch
from numpy.typing import NDArray

from .network import Encoder
from .padding import fix_padding

SIDE_BY_SIDE = 16


class FrozenEncoder(Protocol):
    """Turns prepared frames into features. `key` is part of every cache key: other weights, other key."""

    key: str
    features: int

    def start(self, streams: int) -> list[Any]:
        """Return the state of new streams."""

    def step(self, frames: NDArray[np.uint8], state: list[Any]) -> tuple[NDArray[np.float32], list[Any]]:
        """Map frames uint8 [N, S, S, 3] and state to features float32 [N, F] and the next state."""


def encode_clips(encoder: FrozenEncoder, clips: Sequence[NDArray[np.uint8]]) -> list[NDArray[np.float16]]:
    """Return the features float16 [T, F] of clips uint8 [T, S, S, 3], each from a fresh state, in their order."""
    order = sorted(range(len(clips)), key=lambda index: -len(clips[index]))
    results: list[NDArray[np.float16]] = [np.empty(0, np.float16)] * len(clips)
    for first in range(0, len(order), SIDE_BY_SIDE):
        batch = order[first : first + SIDE_BY_SIDE]
        out = [np.empty((len(clips[index]), encoder.features), np.float16) for index in batch]
        state = encoder.start(len(batch))
        for step in range(len(clips[batch[0]])):
            alive = sum(len(clips[index]) > step for index in batch)  # the batch is sorted, longest first
            state = [array[:alive] for array in state]
            frames = np.stack([clips[index][step] for index in batch[:alive]])
            features, state = encoder.step(frames, state)
            for row, feature in enumerate(features):
                out[row][step] = feature
        for index, array in zip(batch, out, strict=True):
            results[index] = array
    return results


class TorchEncoder:
    """The encoder in PyTorch, for a GPU."""

    def __init__(self, encoder: Encoder, device: str) -> None:
        self._encoder = encoder.to(device).eval()
        self._device = device
        self.features = encoder.features
        self.key = weights_key(encoder)

    def start(self, streams: int) -> list[Any]:
        """Return zeros."""
        return list(self._encoder.start(streams))

    @torch.inference_mode()
    def step(self, frames: NDArray[np.uint8], state: list[Any]) -> tuple[NDArray[np.float32], list[Any]]:
        """Run one frame of each stream."""
        features, *state = self._encoder(torch.from_numpy(frames).to(self._device), *state)
        return features.float().cpu().numpy(), list(state)


class GraphEncoder:
    """An encoder graph in ONNX Runtime: on a CPU three times as fast as PyTorch (parity: tests/train)."""

    def __init__(self, graph: bytes, key: str, threads: int = 0) -> None:
        import onnxruntime as ort

        options = ort.SessionOptions()
        options.intra_op_num_threads = threads
        options.log_severity_level = 3
        # Threads that spin while they wait would take the cores from the processes that decode.
        options.add_session_config_entry("session.intra_op.allow_spinning", "0")
        self._session = ort.InferenceSession(graph, options, providers=["CPUExecutionProvider"])
        self._states = [node for node in self._session.get_inputs() if node.name != "frames"]
        self._outputs = ["features", *(f"next_{node.name}" for node in self._states)]
        self.features = int(self._session.get_outputs()[0].shape[-1])
        self.key = key

    def start(self, streams: int) -> list[Any]:
        """Return zeros."""
        kinds = {"tensor(uint8)": np.uint8, "tensor(float)": np.float32}
        return [np.zeros((streams, *node.shape[1:]), kinds[node.type]) for node in self._states]

    def step(self, frames: NDArray[np.uint8], state: list[Any]) -> tuple[NDArray[np.float32], list[Any]]:
        """Run one frame of each stream."""
        given = {node.name: array for node, array in zip(self._states, state, strict=True)}
        features, *state = self._session.run(self._outputs, {"frames": frames, **given})
        return features, state


def freeze(encoder: Encoder, *, size: int, device: str, threads: int = 0) -> FrozenEncoder:
    """Return the fastest way to run an encoder whose weights stay as they are.

    On the CPU it is written as a graph in memory for ONNX Runtime (half a second with the tracing exporter,
    12 s with the other, and this graph is never kept); an encoder that cannot be traced runs in PyTorch.
    """
    if device != "cpu":
        return TorchEncoder(encoder, device)
    try:
        graph = _trace(fix_padding(encoder.eval(), size), size)
    except Exception:
        return TorchEncoder(encoder, device)
    return GraphEncoder(graph, hashlib.sha256(graph).hexdigest(), threads)


def weights_key(encoder: Encoder) -> str:
    """Return a hash over an encoder's layers, weights and statistics, and what its input answers to a probe."""
    digest = hashlib.sha256(f"{encoder}{encoder.shifted or ''}".encode())
    own = len(encoder.state_specs) - len(encoder.shifted)
    state = tuple(torch.full_like(array, 60) for array in encoder.start(1)[:own])
    size = encoder.state_specs[0].shape[-1] if own else 32
    ramp = torch.arange(size * size * 3, device=encoder.gain.device).remainder(251).to(torch.uint8)
    with torch.inference_mode():
        for tensor in encoder.input(ramp.view(1, size, size, 3), *state):
            digest.update(tensor.cpu().numpy().tobytes())
    for name, tensor in [*encoder.state_dict().items(), ("gain", encoder.gain), ("offset", encoder.offset)]:
        digest.update(name.encode())
        digest.update(tensor.detach().cpu().contiguous().numpy().tobytes())
    return digest.hexdigest()


def _trace(encoder: Encoder, size: int) -> bytes:
    names = [spec.name for spec in encoder.state_specs]
    inputs, outputs = ["frames", *names], ["features", *(f"next_{name}" for name in names)]
    example = (torch.zeros((2, size, size, 3), dtype=torch.uint8), *encoder.start(2))
    graph = io.BytesIO()
    with warnings.catch_warnings(), torch.inference_mode():
        warnings.simplefilter("ignore")
        torch.onnx.export(
            encoder, example, graph, dynamo=False,  # type: ignore[arg-type]
            input_names=inputs, output_names=outputs,
            dynamic_axes={name: {0: "streams"} for name in (*inputs, *outputs)},
        )  # fmt: skip
    return graph.getvalue()
