"""Reading clips as the live run does: every frame of a span with its time. No PyTorch in here, so that worker
processes start fast."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

import av
import cv2
import numpy as np
from numpy.typing import NDArray

from ..models import Resize, SourceError
from ..realtime.sources.colour import Rgb
from ..realtime.sources.files import read_images, read_video
from ..realtime.sources.reader import Faults
from .clips import IMAGE_SUFFIXES

SEQUENCE_FPS = 25.0
"""Rate of a folder of pictures, which has no times of its own."""
SEEK_FROM_S = 10.0
"""Spans that begin later are looked for by the container's index, not by decoding all that comes before."""


@dataclass(frozen=True, slots=True, eq=False)
class Recording:
    """The frames of a span: uint8 [H, W, 3] RGB, and their times in s from the start of the span."""

    images: list[NDArray[np.uint8]]
    times: NDArray[np.float64]


def read_span(
    path: Path, start_s: float = 0.0, end_s: float | None = None, *, size: int, resize: Resize = "squash"
) -> Recording:
    """Read the frames of a video, or of a folder of pictures, between two times.

    Pictures that are at least four times larger than `size` are halved on the way, as `prepare` would do
    itself, so that long clips fit into memory. Raises SourceError: missing, not a video, no frame in the span.
    """
    images: list[NDArray[np.uint8]] = []
    times: list[float] = []
    for time_s, image in _timed(path, start_s, end_s):
        images.append(image if resize == "crop" else halve(image, 4 * size))
        times.append(time_s - start_s)
    if not images:
        end = "its end" if end_s is None else f"{end_s:g} s"
        raise SourceError(
            f"{path}: no frame between {start_s:g} s and {end}; mend the span or take the clip out"
        )
    return Recording(images, np.asarray(times, np.float64))


Timed = tuple[float, NDArray[np.uint8]]


def _timed(path: Path, start_s: float, end_s: float | None) -> Iterator[Timed]:
    if path.is_dir():
        files = sorted(file for file in path.iterdir() if file.suffix.lower() in IMAGE_SUFFIXES)
        pictures = read_images(files, SEQUENCE_FPS, Faults())
    elif start_s > SEEK_FROM_S:
        yield from _within(_seek(path, start_s), start_s, end_s)
        return
    else:
        pictures = read_video(path)
    for picture in pictures:
        if end_s is not None and picture.media_time >= end_s - 1e-6:
            return
        if picture.media_time >= start_s - 1e-6:
            yield picture.media_time, picture.convert()


def _within(frames: Iterable[Timed], start_s: float, end_s: float | None) -> Iterator[Timed]:
    for time_s, image in frames:
        if end_s is not None and time_s >= end_s - 1e-6:
            return
        if time_s >= start_s - 1e-6:
            yield time_s, image


def _seek(path: Path, start_s: float) -> Iterator[Timed]:
    rgb = Rgb()
    try:
        with av.open(str(path)) as container:
            stream = container.streams.video[0]
            base = float(stream.time_base or 1 / 90000)
            first_s = (stream.start_time or 0) * base
            container.seek(int((first_s + start_s) / base), stream=stream)
            for frame in container.decode(stream):
                if frame.time is not None:
                    yield frame.time - first_s, rgb.convert(frame)
    except (av.FFmpegError, OSError, IndexError) as error:
        reason = getattr(error, "strerror", None) or type(error).__name__
        raise SourceError(
            f"{path}: cannot be read from {start_s:g} s on ({reason}); mend or remove it"
        ) from None


def halve(image: NDArray[np.uint8], limit: int) -> NDArray[np.uint8]:
    """Halve a picture, as `prepare` does, as often as its shorter side is at least `limit` pixels."""
    while min(image.shape[:2]) >= limit:
        half_hw = image.shape[0] // 2, image.shape[1] // 2
        even = image[: half_hw[0] * 2, : half_hw[1] * 2]
        image = np.asarray(cv2.resize(even, half_hw[::-1], interpolation=cv2.INTER_AREA), np.uint8)
    return image
