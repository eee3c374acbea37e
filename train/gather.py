"""From clips to features: decode in worker processes, encode beside them, and keep the result."""

from __future__ import annotations

import hashlib
import multiprocessing
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Future, ProcessPoolExecutor
from dataclasses import dataclass, field
from itertools import pairwise
from time import monotonic

import numpy as np
from numpy.typing import NDArray

from ..models import ConfigError, SourceError
from .cache import Cache
from .clips import Clip
from .decode import read_span
from .encode import FrozenEncoder, encode_clips
from .views import IDLE_KINDS, Shape, View, content_key, view_frames, view_key

LONGEST_PIECE_S = 20.0
"""Longer spans are decoded in pieces, so that memory stays bounded."""


@dataclass(frozen=True, slots=True, eq=False)
class Sample:
    """A clip (or a piece of one) with the features of its views, float16 [T, F] each."""

    clip: Clip
    plain: NDArray[np.float16]
    altered: tuple[NDArray[np.float16], ...] = ()
    idle: tuple[NDArray[np.float16], ...] = ()


@dataclass(slots=True)
class Gathered:
    """What came out of gathering, and what did not."""

    samples: list[Sample] = field(default_factory=list)
    unreadable: list[tuple[Clip, str]] = field(default_factory=list)
    frames: int = 0
    cached: int = 0
    decode_s: float = 0.0
    """Time of all workers together, as is that of altering."""
    alter_s: float = 0.0
    encode_s: float = 0.0


@dataclass(frozen=True, slots=True)
class Job:
    """Views of one clip that are to be made."""

    clip: Clip
    content: str
    views: tuple[View, ...]
    shape: Shape


def gather(
    wanted: Sequence[tuple[Clip, Sequence[View]]],
    encoder: FrozenEncoder,
    shape: Shape,
    cache: Cache,
    *,
    workers: int = 1,
    advance: Callable[[], None] = lambda: None,
) -> Gathered:
    """Return the features of every view of every clip, in the order of `wanted`.

    A clip that cannot be read is listed in `unreadable` with the reason, and the others go on. `advance` is
    called once for each clip.
    """
    result = Gathered()
    found: dict[int, dict[View, NDArray[np.float16]]] = {}
    missing: list[tuple[int, Job]] = []
    for index, (clip, views) in enumerate(wanted):
        try:
            content = content_key(clip.path)
        except OSError as error:
            result.unreadable.append((clip, f"{clip.path}: {error.strerror}"))
            advance()
            continue
        have = {
            view: array
            for view in views
            if (array := cache.load(_key(encoder, content, clip, view, shape))) is not None
        }
        found[index] = have
        left = tuple(view for view in views if view not in have)
        if left:
            missing.append((index, Job(clip, content, left, shape)))
        else:
            result.cached += 1
            advance()
    for index, job, frames, problem, (decode_s, alter_s) in decode_jobs(missing, workers):
        result.decode_s += decode_s
        result.alter_s += alter_s
        if problem:
            result.unreadable.append((job.clip, problem))
            del found[index]
        else:
            began = monotonic()
            for view, features in zip(job.views, encode_clips(encoder, frames), strict=True):
                cache.save(_key(encoder, job.content, job.clip, view, shape), features)
                found[index][view] = features
            result.encode_s += monotonic() - began
        advance()
    for index, arrays in sorted(found.items()):
        clip, views = wanted[index]
        result.samples.append(_sample(clip, [(view, arrays[view]) for view in views]))
        result.frames += sum(len(array) for array in arrays.values())
    return result


def pieces(clips: Sequence[Clip], longest_s: float = LONGEST_PIECE_S) -> list[Clip]:
    """Cut spans that are known to be long into pieces of at most `longest_s` seconds."""
    cut = []
    for clip in clips:
        if clip.end_s is None or clip.end_s - clip.start_s <= longest_s:
            cut.append(clip)
            continue
        count = int(np.ceil((clip.end_s - clip.start_s) / longest_s))
        edges = np.linspace(clip.start_s, clip.end_s, count + 1)
        cut += [
            Clip(clip.path, clip.label, clip.group, float(start), float(end), clip.split)
            for start, end in pairwise(edges)
        ]
    return cut


def _sample(clip: Clip, arrays: list[tuple[View, NDArray[np.float16]]]) -> Sample:
    plain = next((array for view, array in arrays if view.kind == "plain"), np.empty((0, 0), np.float16))
    altered = tuple(array for view, array in arrays if view.kind == "altered")
    return Sample(clip, plain, altered, tuple(array for view, array in arrays if view.kind in IDLE_KINDS))


def _key(encoder: FrozenEncoder, content: str, clip: Clip, view: View, shape: Shape) -> str:
    frames = view_key(content, clip.start_s, clip.end_s, view, shape)
    return hashlib.sha256(f"features {encoder.key} {frames}".encode()).hexdigest()


Seconds = tuple[float, float]
"""Spent on decoding, and on making views of what was decoded."""
Decoded = tuple[int, Job, list[NDArray[np.uint8]], str, Seconds]


def decode_jobs(jobs: list[tuple[int, Job]], workers: int) -> Iterator[Decoded]:
    """Yield (index, job, frames of its views, why it failed or nothing, seconds it took), in worker processes."""
    if workers == 0 or len(jobs) < 4:
        for index, job in jobs:
            yield (index, job, *_make(job))
        return
    # Spawned, not forked: a fork would copy the threads' locks of PyTorch and ONNX Runtime in whatever state.
    context = multiprocessing.get_context("spawn")
    with ProcessPoolExecutor(workers, mp_context=context, initializer=_one_thread) as pool:
        ahead: list[tuple[int, Job, Future[tuple[list[NDArray[np.uint8]], str, Seconds]]]] = []
        queue = iter(jobs)
        try:
            for index, job in queue:
                ahead.append((index, job, pool.submit(_make, job)))
                if len(ahead) < 2 * workers + 2:
                    continue
                index, job, future = ahead.pop(0)
                yield (index, job, *future.result())
            for index, job, future in ahead:
                yield (index, job, *future.result())
        finally:
            pool.shutdown(cancel_futures=True)


def _make(job: Job) -> tuple[list[NDArray[np.uint8]], str, Seconds]:
    began, clip, shape = monotonic(), job.clip, job.shape
    try:
        recording = read_span(clip.path, clip.start_s, clip.end_s, size=shape.size, resize=shape.resize)
    except SourceError as error:
        return [], str(error), (monotonic() - began, 0.0)
    decoded = monotonic()
    frames = [view_frames(recording, view, shape) for view in job.views]
    return frames, "", (decoded - began, monotonic() - decoded)


def _one_thread() -> None:
    import cv2

    cv2.setNumThreads(1)


def check_readable(gathered: Gathered) -> None:
    """Raise ConfigError if so much could not be read that there is nothing to train on."""
    if not gathered.samples:
        reason = gathered.unreadable[0][1] if gathered.unreadable else "no clips"
        raise ConfigError(f"data: not one clip could be read; the first: {reason}")
