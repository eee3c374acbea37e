"""A first look at every file: can it be read, how long is it, and what does it look like."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass, replace
from itertools import pairwise
from multiprocessing import get_context
from pathlib import Path

import av
import cv2
import numpy as np
from numpy.typing import NDArray

from ..models import SourceError
from .clips import IMAGE_SUFFIXES, Clip
from .decode import SEQUENCE_FPS

LOOKS = 3
"""Pictures of a file that are compared: the first, and those nearest to a third and two thirds of it."""
HASH_SIDE = 16
SHORTEST_GAP_S = 1.0


@dataclass(frozen=True, slots=True)
class Seen:
    """What a look at a file told."""

    path: Path
    duration_s: float
    """0: the file does not say."""
    looks: tuple[bytes, ...] = ()
    """Perceptual hashes of some of its pictures."""
    problem: str = ""
    """Why it cannot be read; empty if it can."""


def scan(
    paths: Sequence[Path], *, workers: int, advance: Callable[[], None] = lambda: None
) -> dict[Path, Seen]:
    """Look at every file, in worker processes if there are many; `advance` is called once for each."""
    result: dict[Path, Seen] = {}
    if workers == 0 or len(paths) < 64:
        for path in paths:
            result[path] = look(path)
            advance()
        return result
    with ProcessPoolExecutor(workers, mp_context=get_context("spawn")) as pool:
        for seen in pool.map(look, paths, chunksize=8):
            result[seen.path] = seen
            advance()
    return result


def look(path: Path) -> Seen:
    """Open a video, or a folder of pictures, and look at a few of its frames."""
    try:
        duration_s, images = _look_at_pictures(path) if path.is_dir() else _look_at_video(path)
    except (SourceError, OSError, av.FFmpegError) as error:
        reason = error.strerror or type(error).__name__ if not isinstance(error, SourceError) else str(error)
        return Seen(
            path, 0.0, problem=reason if str(path) in reason else f"{path}: cannot be read ({reason})"
        )
    return Seen(path, duration_s, tuple(hash_picture(image) for image in images))


def hash_picture(image: NDArray[np.uint8]) -> bytes:
    """Return the difference hash of a picture: 256 bits, each whether a spot is brighter than its left neighbour.

    Scaling, compression and brightness leave it nearly as it is. Source: N. Krawetz, "Kind of Like That" (2013).
    """
    grey = cv2.cvtColor(image, cv2.COLOR_RGB2GRAY)
    small = cv2.resize(grey, (HASH_SIDE + 1, HASH_SIDE), interpolation=cv2.INTER_AREA).astype(np.int16)
    return np.packbits(small[:, 1:] > small[:, :-1]).tobytes()


def distance(one: bytes, other: bytes) -> float:
    """Return the share of bits in which two hashes differ."""
    differing = np.frombuffer(one, np.uint8) ^ np.frombuffer(other, np.uint8)
    return int(np.unpackbits(differing).sum()) / (8 * len(one))


def unlabelled_gaps(clips: Sequence[Clip], seen: dict[Path, Seen], label: str) -> list[Clip]:
    """Return the stretches of untrimmed videos that no span covers, as clips of the background label."""
    spans: dict[Path, list[Clip]] = {}
    for clip in clips:
        spans.setdefault(clip.path, []).append(clip)
    gaps = []
    for path, marked in spans.items():
        if any(clip.end_s is None for clip in marked):
            continue
        end_s = seen[path].duration_s if path in seen else 0.0
        edges = [(0.0, 0.0), *sorted((c.start_s, c.end_s or 0.0) for c in marked), (end_s, end_s)]
        covered = 0.0
        for (_, stop), (start, _) in pairwise(edges):
            covered = max(covered, stop)
            if start - covered >= SHORTEST_GAP_S:
                gaps.append(replace(marked[0], label=label, start_s=covered, end_s=start))
    return gaps


def _look_at_video(path: Path) -> tuple[float, list[NDArray[np.uint8]]]:
    with av.open(str(path)) as container:
        if not container.streams.video:
            raise SourceError(f"{path}: no video in it; take it out")
        stream = container.streams.video[0]
        stream.codec_context.thread_count = 1
        duration_s = container.duration / av.time_base if container.duration else 0.0
        images = [_next_picture(container, path)]
        for part in range(1, LOOKS):
            try:
                container.seek(int(duration_s * part / LOOKS * av.time_base))
                images.append(_next_picture(container, path))
            except (av.FFmpegError, SourceError):
                break
    return duration_s, images


def _next_picture(container: av.container.InputContainer, path: Path) -> NDArray[np.uint8]:
    for frame in container.decode(video=0):
        return np.asarray(frame.to_ndarray(format="rgb24"), np.uint8)
    raise SourceError(f"{path}: no frame in it; take it out")


def _look_at_pictures(path: Path) -> tuple[float, list[NDArray[np.uint8]]]:
    files = sorted(file for file in path.iterdir() if file.suffix.lower() in IMAGE_SUFFIXES)
    images = []
    for part in range(LOOKS):
        file = files[len(files) * part // LOOKS]
        image = cv2.imread(str(file), cv2.IMREAD_COLOR_RGB)
        if image is None:
            raise SourceError(f"{file}: cannot be read as a picture; mend or remove it")
        images.append(np.asarray(image, np.uint8))
    return len(files) / SEQUENCE_FPS, images
