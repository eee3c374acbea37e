"""Reading clips: every frame of a span with its time. No PyTorch in here, so worker processes start fast."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import cast

import av
import cv2
import numpy as np
from numpy.typing import NDArray

from ..models import Resize, SourceError
from .clips import IMAGE_SUFFIXES

SEQUENCE_FPS = 25.0
"""Rate of a folder of pictures, which has no times of its own."""


@dataclass(frozen=True, slots=True, eq=False)
class Recording:
    """The frames of a span: uint8 [H, W, 3] RGB, and their times in s from the start of the span."""

    images: list[NDArray[np.uint8]]
    times: NDArray[np.float64]


def read_span(
    path: Path, start_s: float = 0.0, end_s: float | None = None, *, size: int, resize: Resize = "squash"
) -> Recording:
    """Read the frames of a video, or of a folder of pictures, between two times.

    Pictures that are more than four times larger than `size` are halved on the way, as `prepare` would do
    itself, so that long clips fit into memory. Raises SourceError: missing, not a video, no frame in the span.
    """
    reader = _read_pictures if path.is_dir() else _read_video
    images, times = reader(path, start_s, end_s, size if resize != "crop" else 0)
    if not images:
        end = "its end" if end_s is None else f"{end_s:g} s"
        raise SourceError(
            f"{path}: no frame between {start_s:g} s and {end}; mend the span or take the clip out"
        )
    return Recording(images, np.asarray(times, np.float64) - start_s)


def _read_video(
    path: Path, start_s: float, end_s: float | None, size: int
) -> tuple[list[NDArray[np.uint8]], list[float]]:
    images: list[NDArray[np.uint8]] = []
    times: list[float] = []
    try:
        with av.open(str(path)) as container:
            if not container.streams.video:
                raise SourceError(f"{path}: no video in it; take it out")
            stream = container.streams.video[0]
            stream.codec_context.thread_count = 1  # many files are decoded side by side
            rate = float(stream.average_rate or SEQUENCE_FPS)
            base = float(stream.time_base or 1 / 90000)
            first = stream.start_time * base if stream.start_time is not None else None
            if start_s > 2.0 and first is not None:
                container.seek(int((first + start_s) / base), stream=stream)
            try:
                for count, frame in enumerate(container.decode(stream)):
                    time = frame.time if frame.time is not None else count / rate
                    if first is None:
                        first = time
                    time -= first
                    if end_s is not None and time >= end_s - 1e-6:
                        break
                    if time >= start_s - 1e-6:
                        image = frame.to_ndarray(format="rgb24")
                        images.append(_halve(cast(NDArray[np.uint8], image), size))
                        times.append(time)
            except av.FFmpegError:
                if len(images) < 2:  # a damaged tail is common and costs the tail only
                    raise
    except (av.FFmpegError, OSError) as error:
        if isinstance(error, SourceError):
            raise
        reason = error.strerror or type(error).__name__
        raise SourceError(f"{path}: cannot be read as video ({reason}); mend or remove it") from None
    return images, times


def _read_pictures(
    path: Path, start_s: float, end_s: float | None, size: int
) -> tuple[list[NDArray[np.uint8]], list[float]]:
    images: list[NDArray[np.uint8]] = []
    times: list[float] = []
    files = sorted(file for file in path.iterdir() if file.suffix.lower() in IMAGE_SUFFIXES)
    for count, file in enumerate(files):
        time = count / SEQUENCE_FPS
        if time >= start_s - 1e-6 and (end_s is None or time < end_s - 1e-6):
            image = cv2.imread(str(file), cv2.IMREAD_COLOR_RGB)
            if image is None:
                raise SourceError(f"{file}: cannot be read as a picture; mend or remove it")
            images.append(_halve(cast(NDArray[np.uint8], image), size))
            times.append(time)
    return images, times


def _halve(image: NDArray[np.uint8], size: int) -> NDArray[np.uint8]:
    while size and min(image.shape[:2]) >= 4 * size:
        half_hw = image.shape[0] // 2, image.shape[1] // 2
        even = image[: half_hw[0] * 2, : half_hw[1] * 2]
        image = cast(NDArray[np.uint8], cv2.resize(even, half_hw[::-1], interpolation=cv2.INTER_AREA))
    return image
