"""A bundle made ready to run: one pass over frames, one step of the head, state in and state out."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal, cast

import numpy as np
from numpy.typing import NDArray

from ...models import Bundle, ConfigError, ModelSpec, Precision, encoder_file
from .graph import Graph, Signature, encoder_signature, head_signature, step_signature, zeros

Runtime = Literal["onnx", "torchscript", "openvino"]
State = dict[str, NDArray[Any]]
"""Named arrays, the batch axis in front; they belong to the caller, who slices and stacks them by stream."""

_SUFFIX = {"onnx": "onnx", "torchscript": "ts", "openvino": "onnx"}


@dataclass(frozen=True, slots=True)
class Backend:
    """The two graphs of a bundle in a runtime. It keeps no state: named arrays go in and come out."""

    spec: ModelSpec
    runtime: Runtime
    precision: Precision
    encoder_hash: str
    """SHA-256 of the encoder's file: backends that share it, and the runtime, give the same features."""
    device: str
    """`cpu` or `cuda`: where the encoder really runs."""
    encoder: Graph
    head: Graph

    def encode(
        self, frames: NDArray[np.uint8], state: Mapping[str, NDArray[Any]]
    ) -> tuple[NDArray[np.float32], State]:
        """Return features float32 [N, F] and the next state.

        frames: uint8 [N, S, S, 3] RGB as `prepare` gives them, one of each of N streams; `state` as
        `encoder_start` or the last call gave it.
        """
        outputs = self.encoder.run({"frames": frames, **state})
        features = cast(NDArray[np.float32], outputs["features"])
        return features, {spec.name: outputs[f"next_{spec.name}"] for spec in self.spec.encoder_state}

    def step(
        self, features: NDArray[np.float32], state: Mapping[str, NDArray[Any]]
    ) -> tuple[NDArray[np.float32], State]:
        """Return logits float32 [B, T, C] and the next state; features: [B, T, F], T = 1 live."""
        outputs = self.head.run({"features": features, **state})
        logits = cast(NDArray[np.float32], outputs["logits"])
        return logits, {spec.name: outputs[f"next_{spec.name}"] for spec in self.spec.head_state}

    def encoder_start(self, streams: int) -> State:
        """Return the encoder's state of `streams` new streams: zeros."""
        return zeros(self.spec.encoder_state, streams)

    def head_start(self, streams: int) -> State:
        """Return the head's state of `streams` new streams: zeros."""
        return zeros(self.spec.head_state, streams)


def open_backend(
    bundle: Bundle,
    *,
    runtime: Runtime = "onnx",
    precision: Precision | None = None,
    device: str = "auto",
    threads: int | None = None,
    lender: Backend | None = None,
) -> Backend:
    """Make a bundle ready to run.

    precision: of the encoder; the spec's choice if None (TorchScript has fp32 only). device: `auto`, `cpu`,
    `cuda` or `cuda:N`. threads: of the encoder; the head always takes one. lender: an open backend whose
    encoder is used, instead of a second copy, if it is the same file in the same runtime.
    Raises ModelError for a file that is not what the spec says, ConfigError for a runtime, precision or
    device that is not here.
    """
    if runtime not in _SUFFIX:
        raise ConfigError(f"runtime {runtime!r}: unknown; want onnx, torchscript or openvino")
    if not re.fullmatch(r"auto|cpu|cuda(:\d{1,3})?", device):
        raise ConfigError(f"--device {device}: unknown; want auto, cpu, cuda or cuda:N")
    if threads is not None and threads < 1:
        raise ConfigError(f"--threads {threads}: want at least 1")
    spec = bundle.spec
    if precision is None:
        precision = "fp32" if runtime == "torchscript" else spec.precision
    suffix = _SUFFIX[runtime]
    name = encoder_file(precision, suffix)
    encoder_hash = spec.files.get(name, "")
    if lender is not None and (lender.encoder_hash, lender.runtime) == (encoder_hash, runtime):
        encoder, where = lender.encoder, lender.device
    else:
        encoder = _open(
            bundle, name, spec.embedded_text("encoder"), encoder_signature(spec), runtime, device, threads
        )
        where = encoder.device
    # One step of the head is too small to be worth a GPU's round trip or a second thread. PyTorch has one
    # number of threads for everything, so there the encoder's stays.
    alone = None if runtime == "torchscript" else 1
    head = _open(
        bundle, f"head.{suffix}", spec.embedded_text("model"), head_signature(spec), runtime, "cpu", alone
    )
    return Backend(spec, runtime, precision, encoder_hash, where, encoder, head)


def open_step(bundle: Bundle, precision: Precision = "fp32", *, threads: int | None = None) -> Graph:
    """Open the fused graph that `actrec-export --step` wrote, on the CPU; the spec names its ports.

    Raises ModelError.
    """
    name = encoder_file(precision).replace("encoder", "step")
    spec = bundle.spec
    return _open(bundle, name, spec.embedded_text("model"), step_signature(spec), "onnx", "cpu", threads)


def _open(
    bundle: Bundle,
    name: str,
    text: str,
    signature: Signature,
    runtime: Runtime,
    device: str,
    threads: int | None,
) -> Graph:
    data = bundle.read(name)
    where = str(bundle.folder / name)
    if runtime == "torchscript":
        from .ts import TorchScriptGraph

        return TorchScriptGraph(data, where, text, signature, device, threads)
    if runtime == "openvino":
        from .ov import OpenVinoGraph

        return OpenVinoGraph(data, where, text, signature, device, threads)
    from .ort import OrtGraph

    return OrtGraph(data, where, text, signature, device, threads)
