"""What a frame costs, stage by stage, and what the encoder costs in each runtime."""

from __future__ import annotations

import json
import threading
import time
import tracemalloc
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from itertools import cycle
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..models import Bundle, ConfigError, ModelError, Precision, prepare
from .backends import Backend, Runtime, open_backend
from .events import EventMachine
from .frame import Frame
from .meter import TURN, Meter, Timing, take_turns
from .overlay import annotate
from .pipeline import Pipeline
from .recognizer import Recognizer
from .results import Step
from .sampler import Sampler
from .scene import SourceView
from .smoother import probabilities, smooth
from .sources import SourceOptions, open_feeds, parse_source

SCHEMA = "actrec.bench/1"
KEPT = 24
"""Frames of the source that are kept in memory and used again and again."""


@dataclass(frozen=True)
class EncoderTiming:
    """The encoder in one runtime: ms per frame (median and 95th percentile of a call, by its frames)."""

    runtime: Runtime
    precision: Precision
    threads: int
    batch: int
    p50: float
    p95: float
    cpu: float


def read_frames(source: str, fps: float, count: int) -> list[Frame]:
    """Return the first sampled frames of a file or of the demo. Raises SourceError, ConfigError for a camera."""
    feed = open_feeds([parse_source(source)], SourceOptions(live_demo=False))[0]
    if feed.live:
        raise ConfigError(f"--source {source}: a camera sets its own pace; give a file or demo")
    wake, sampler = threading.Event(), Sampler(fps)
    frames: list[Frame] = []
    feed.start(sampler.due, wake)
    try:
        while len(frames) < count and not feed.done:
            frame = feed.poll()
            if frame is None:
                wake.wait(0.05)
                wake.clear()
            else:
                frames.append(frame)
    finally:
        feed.stop()
    if feed.error is not None:
        raise feed.error
    if not frames:
        raise ConfigError(f"--source {source}: no frame in it; give a video file or demo")
    return frames


def time_decode(source: str, fps: float, count: int) -> Timing:
    """Return what the source costs for each sampled frame, the frames between two of them included."""
    cpu, began = time.process_time(), time.perf_counter()
    frames = len(read_frames(source, fps, count))
    each = (time.perf_counter() - began) / frames * 1e3
    return Timing("decode", each, each, each, (time.process_time() - cpu) / frames * 1e3, frames)


def time_end_to_end(source: str, bundle: Bundle, runtime: Runtime, threads: int, count: int) -> Timing:
    """Return what a step of the whole loop costs, from the file to the events, as `actrec-live` runs it."""
    recognizer = Recognizer(bundle, device="cpu", threads=threads, runtime=runtime)
    feeds = open_feeds([parse_source(source)], SourceOptions(live_demo=False))
    pipeline = Pipeline(feeds, [recognizer])
    walls: list[float] = []
    cpu, last = 0.0, time.perf_counter()
    for item in pipeline.steps():
        if isinstance(item, Step):
            now = time.perf_counter()
            walls.append(now - last)
            last = now
            if len(walls) == TURN:
                cpu = time.process_time()
            if len(walls) >= count + TURN:
                pipeline.stop()
    kept = walls[TURN:] or walls
    p50, p95, p99 = (float(value) * 1e3 for value in np.percentile(kept, (50, 95, 99)))
    return Timing("end to end", p50, p95, p99, (time.process_time() - cpu) / len(kept) * 1e3, len(kept))


class Stages:
    """The stages of one frame, each alone, on the same frames."""

    def __init__(self, bundle: Bundle, frames: Sequence[Frame], runtime: Runtime, threads: int) -> None:
        self._spec = bundle.spec
        self._backend: Backend = open_backend(bundle, runtime=runtime, device="cpu", threads=threads)
        self._frames = cycle(frames)
        self._image = frames[0].image
        self.frame_hw = self._image.shape[:2]
        self._prepared = cycle([prepare(frame.image, self._spec)[None] for frame in frames])
        self._encoder_state, self._head_state = self._backend.encoder_start(1), self._backend.head_start(1)
        self._features = np.zeros((1, self._spec.features), np.float32)
        self._logits = np.zeros((1, 1, len(self._spec.labels)), np.float32)
        self._smoothed: NDArray[np.float32] | None = None
        self._recognizer = Recognizer(bundle, device="cpu", threads=threads, runtime=runtime)
        self._clock = 0.0
        self._machine = EventMachine(self._spec, live=False)
        self._view = SourceView("bench")
        prediction = self._recognise()
        self._prediction = prediction
        self._step = Step(frames[0], {bundle.id: prediction}, (), ())
        self._view.step(self._step)

    def meters(self) -> list[Meter]:
        """Return a meter for each stage, in the order of a frame's way."""
        return [
            Meter("prepare", lambda: prepare(next(self._frames).image, self._spec)),
            Meter("encoder", self._encode),
            Meter("head", self._classify),
            Meter("smoothing + events", self._smooth),
            Meter("overlay", lambda: annotate(self._view.scene())),
            Meter("JSON", lambda: json.dumps(self._prediction.to_dict(), ensure_ascii=False)),
            Meter("recogniser (prepare to smoothing)", self._recognise),
        ]

    def copied_share(self, calls: int = 8) -> float:
        """Return the most memory that a step of the recogniser takes at once, over that of a full frame."""
        self._recognise()
        tracemalloc.start()
        try:
            most = 0
            for _ in range(calls):
                before = tracemalloc.get_traced_memory()[0]
                tracemalloc.reset_peak()
                self._recognise()
                most = max(most, tracemalloc.get_traced_memory()[1] - before)
        finally:
            tracemalloc.stop()
        return most / self._image.nbytes

    def _encode(self) -> None:
        self._features, self._encoder_state = self._backend.encode(next(self._prepared), self._encoder_state)

    def _classify(self) -> None:
        self._logits, self._head_state = self._backend.step(self._features[:, None], self._head_state)

    def _smooth(self) -> None:
        current = probabilities(self._logits[0, -1], self._spec)
        self._smoothed = smooth(self._smoothed, current, 1.0 / self._spec.fps, self._spec.smoothing_s)
        self._machine.update(self._prediction)

    def _recognise(self) -> Any:
        self._clock += 1.0 / self._spec.fps
        image = next(self._frames).image
        prediction = self._recognizer.update(Frame(image, "bench", 0, self._clock, self._clock, 0.0))
        assert prediction is not None
        return prediction


def time_encoders(
    bundle: Bundle,
    runtimes: Sequence[tuple[Runtime, Precision]],
    threads: Sequence[int],
    batches: Sequence[int],
    turns: int,
    advance: Callable[[], None] = lambda: None,
) -> list[EncoderTiming]:
    """Time the encoder on noise in each runtime, all in turns of one call."""
    meters: list[tuple[Runtime, Precision, int, int, Meter]] = []
    rng = np.random.default_rng(0)
    side = bundle.spec.size
    for runtime, precision in runtimes:
        for count in threads:
            backend = open_backend(bundle, runtime=runtime, precision=precision, device="cpu", threads=count)
            for batch in batches:
                frames = rng.integers(0, 256, (batch, side, side, 3), np.uint8)
                call = _encoder_call(backend, frames, count)
                name = f"{runtime} {precision} {count} {batch}"
                meters.append((runtime, precision, count, batch, Meter(name, call)))
    timings = take_turns([meter for *_, meter in meters], turns, 1, advance)
    return [
        EncoderTiming(runtime, precision, count, batch, t.p50 / batch, t.p95 / batch, t.cpu / batch)
        for (runtime, precision, count, batch, _), t in zip(meters, timings, strict=True)
    ]


def _encoder_call(backend: Backend, frames: NDArray[np.uint8], threads: int) -> Callable[[], object]:
    state = backend.encoder_start(len(frames))
    if backend.runtime != "torchscript":
        return lambda: backend.encode(frames, state)
    import torch

    def call() -> object:
        torch.set_num_threads(threads)  # one number for the whole process, which the other turns change
        return backend.encode(frames, state)

    return call


def usable_runtimes(bundle: Bundle) -> list[tuple[Runtime, Precision]]:
    """Return the runtimes and precisions that this bundle and this machine can run, the default first."""
    wanted: list[tuple[Runtime, Precision]] = [
        (r, p) for r in ("onnx", "openvino") for p in ("fp32", "int8", "fp16")
    ]
    wanted.append(("torchscript", "fp32"))
    found = []
    for runtime, precision in wanted:
        try:
            open_backend(bundle, runtime=runtime, precision=precision, device="cpu", threads=1)
        except (ConfigError, ModelError):
            continue
        found.append((runtime, precision))
    return found
