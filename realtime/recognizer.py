"""The recognizer: frames of any number of streams in, predictions out; each stream owns its state."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from ..models import Bundle, ConfigError, Precision, encoder_file, load_bundle, prepare
from .backends import Backend, Runtime, open_backend
from .continuity import Continuity
from .frame import Frame
from .gate import SETTLE_FRAMES, MotionCounter, MotionGate
from .results import Prediction
from .sampler import Sampler
from .smoother import probabilities, smooth

State = Mapping[str, NDArray[np.generic]]
"""Named arrays of one stream, each [1, *shape]."""


@dataclass(slots=True)
class _HeadState:
    state: State
    smoothed: NDArray[np.float32] | None = None


@dataclass(slots=True)
class _Stream:
    """All that is remembered of one source."""

    sampler: Sampler
    encoder: State
    heads: list[_HeadState]
    continuity: Continuity = field(default_factory=Continuity)
    motion: MotionCounter = field(default_factory=MotionCounter)
    gate: MotionGate = field(default_factory=MotionGate)
    features: NDArray[np.float32] | None = None
    media_time: float = 0.0


@dataclass(frozen=True, slots=True)
class Recognition:
    """What one sampled frame gave: a prediction for each model, and why the past was forgotten, if it was."""

    frame: Frame
    predictions: Mapping[str, Prediction]
    broken: str | None


class Recognizer:
    """One encoder and the heads that share it; `update` takes a frame and returns what is known after it.

    models: names of shipped bundles, folders or loaded bundles; all must share encoder, size and fps (the
    commands give other models a recognizer of their own).
    device: `auto`, `cpu`, `cuda` or `cuda:N`. threads: of the encoder; None chooses for this machine.
    motion_gate: let a frame on which nothing moves reuse the features of the one before.
    Not thread-safe: call it from one thread. Raises ModelError, ConfigError.
    """

    def __init__(
        self,
        *models: str | Path | Bundle,
        device: str = "auto",
        threads: int | None = None,
        runtime: Runtime = "onnx",
        precision: Precision | None = None,
        motion_gate: bool = False,
    ) -> None:
        if not models:
            raise ConfigError("models: got none, want at least one; give a shipped name or a bundle folder")
        self.bundles = tuple(model if isinstance(model, Bundle) else load_bundle(model) for model in models)
        if len({bundle.id for bundle in self.bundles}) < len(self.bundles):
            raise ConfigError("models: the same bundle twice; name each once")
        first = self.bundles[0]
        for other in self.bundles[1:]:
            if group_key(other, runtime, precision) != group_key(first, runtime, precision):
                raise ConfigError(
                    f"models {first.id} and {other.id} do not share an encoder; use a recognizer for each"
                )
        self.spec = first.spec
        self._backends: list[Backend] = []
        for bundle in self.bundles:
            lender = self._backends[0] if self._backends else None
            self._backends.append(
                open_backend(
                    bundle,
                    runtime=runtime,
                    precision=precision,
                    device=device,
                    threads=threads,
                    lender=lender,
                )
            )
        self._gated = motion_gate
        self._streams: dict[str, _Stream] = {}
        self.encoded = 0
        """How many frames went through the encoder."""
        self.gated = 0
        """How many did not have to, because nothing moved."""

    @property
    def fps(self) -> float:
        """The sampling rate in frames a second."""
        return self.spec.fps

    @property
    def device(self) -> str:
        """Where the encoder runs: `cpu` or `cuda`."""
        return self._backends[0].device

    def update(self, frame: Frame) -> Prediction | None:
        """Take one frame; return the first model's prediction, or None if the frame was not due."""
        results = self.update_batch([frame])
        return results[0].predictions[self.bundles[0].id] if results else None

    def update_batch(self, frames: Sequence[Frame]) -> list[Recognition]:
        """Take at most one frame of each stream, in one encoder call; frames that are not due give nothing."""
        due: list[tuple[Frame, _Stream]] = []
        for frame in frames:
            stream = self._streams.get(frame.source)
            if stream is None:
                stream = self._streams[frame.source] = self._new_stream()
            if stream.sampler.due(frame.media_time):
                due.append((frame, stream))
        if len({frame.source for frame, _ in due}) < len(due):
            raise ValueError("update_batch: two due frames of one source in a batch")
        if not due:
            return []
        admitted = [self._admit(frame, stream) for frame, stream in due]
        self._encode([stream for _, stream in due], [image for image, _ in admitted])
        per_head = [
            self._classify(index, [stream for _, stream in due]) for index in range(len(self._backends))
        ]
        results = []
        for number, (frame, stream) in enumerate(due):
            step_s = frame.media_time - stream.media_time
            stream.media_time = frame.media_time
            predictions = {}
            for bundle, head, rows in zip(self.bundles, stream.heads, per_head, strict=True):
                head.smoothed = smooth(head.smoothed, rows[number], step_s, bundle.spec.smoothing_s)
                predictions[bundle.id] = _predict(frame, bundle, head.smoothed)
            results.append(Recognition(frame, predictions, admitted[number][1]))
        return results

    def forget(self, source: str) -> None:
        """Drop all state of a source."""
        self._streams.pop(source, None)

    def _new_stream(self) -> _Stream:
        stream = _Stream(Sampler(self.spec.fps), {}, [])
        self._reset(stream)
        return stream

    def _reset(self, stream: _Stream) -> None:
        stream.encoder = self._backends[0].encoder_start(1)
        # Each further state array of an encoder may carry the past one frame further.
        stream.gate = MotionGate(SETTLE_FRAMES + max(0, len(self.spec.encoder_state) - 1))
        stream.features = None
        self._reset_heads(stream)

    def _reset_heads(self, stream: _Stream) -> None:
        stream.heads = [_HeadState(backend.head_start(1)) for backend in self._backends]

    def _admit(self, frame: Frame, stream: _Stream) -> tuple[NDArray[np.uint8] | None, str | None]:
        """Return what the encoder sees (None: kept out by the gate), and why the past was forgotten, if it was."""
        if not self._gated:
            image = prepare(frame.image, self.spec)
            broken = stream.continuity.broken_by(frame, image)
            if broken is not None:
                self._reset(stream)
            return image, broken
        # The gate looks before the picture is converted: that costs more than all the rest of a still frame.
        count = stream.motion.count(frame.glance()) if frame.motion is None else frame.motion
        alike = stream.gate.knows(count)
        broken = stream.continuity.broken_by(frame, None if alike else frame.glance())
        if broken is not None and alike:
            # Time was lost, but the encoder knows this picture: only what the heads remember is of the past.
            self._reset_heads(stream)
        elif broken is not None:
            self._reset(stream)
        still = stream.gate.still(count)
        return None if still else prepare(frame.image, self.spec), broken

    def _encode(self, streams: Sequence[_Stream], prepared: Sequence[NDArray[np.uint8] | None]) -> None:
        moving = [
            (stream, image) for stream, image in zip(streams, prepared, strict=True) if image is not None
        ]
        self.encoded += len(moving)
        self.gated += len(streams) - len(moving)
        if not moving:
            return
        state = _join([stream.encoder for stream, _ in moving])
        features, next_state = self._backends[0].encode(np.stack([image for _, image in moving]), state)
        for row, (stream, _) in enumerate(moving):
            stream.features = features[row : row + 1]
            stream.encoder = _slice(next_state, row)

    def _classify(self, index: int, streams: Sequence[_Stream]) -> NDArray[np.float32]:
        rows = [stream.features for stream in streams]
        features = np.stack([row for row in rows if row is not None])
        state = _join([stream.heads[index].state for stream in streams])
        logits, next_state = self._backends[index].step(features, state)
        for row, stream in enumerate(streams):
            stream.heads[index].state = _slice(next_state, row)
        return probabilities(logits[:, -1], self.bundles[index].spec)


def group_key(bundle: Bundle, runtime: Runtime, precision: Precision | None) -> tuple[object, ...]:
    """Return what two bundles must have in common to share a pass over the frame."""
    spec = bundle.spec
    name = encoder_file(precision or spec.precision, "ts" if runtime == "torchscript" else "onnx")
    return spec.files.get(name), spec.size, spec.resize, spec.fps


def _join(states: Sequence[State]) -> State:
    if len(states) == 1:
        return states[0]
    return {name: np.concatenate([state[name] for state in states]) for name in states[0]}


def _slice(state: State, row: int) -> State:
    return {name: array[row : row + 1] for name, array in state.items()}


def _predict(frame: Frame, bundle: Bundle, smoothed: NDArray[np.float32]) -> Prediction:
    return Prediction(
        source=frame.source,
        index=frame.index,
        media_time=frame.media_time,
        wall_time=frame.wall_time,
        captured=frame.captured,
        labels=bundle.spec.labels,
        probabilities=smoothed,
        model=bundle.id,
        epoch=frame.epoch,
    )
