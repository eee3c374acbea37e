"""Video files and sequences of images, decoded without loss."""

from __future__ import annotations

import logging
from collections.abc import Iterator, Sequence
from fractions import Fraction
from functools import partial
from pathlib import Path
from typing import Any

import av
import av.error
import cv2
import numpy as np
from numpy.typing import NDArray

from ...models.errors import SourceError
from .address import redact
from .colour import Rgb, upright_size_hw
from .reader import Faults, Picture
from .reasons import explain

log = logging.getLogger(__name__)

_VIDEO = (
    "mp4 m4v mov mkv webm avi mpg mpeg m2ts mts ts flv wmv 3gp ogv y4m h264 h265 264 265 hevc "
    "mjpg mjpeg asf vob gif"
)
_IMAGE = "jpg jpeg png bmp webp tif tiff ppm pgm"
VIDEO_SUFFIXES = frozenset(f".{kind}" for kind in _VIDEO.split())
IMAGE_SUFFIXES = frozenset(f".{kind}" for kind in _IMAGE.split())
MAX_CORRUPT = 500
"""Packets in a row that may fail to decode before a file is given up."""


def read_video(path: str | Path, faults: Faults | None = None) -> Iterator[Picture]:
    """Yield every picture of a video file, timed by PTS from 0.

    Corrupt packets are counted in `faults` and skipped. A missing, repeated or backward PTS is replaced by
    the time of the picture before plus the nominal frame duration. SourceError if nothing can be decoded.
    """
    faults = Faults() if faults is None else faults
    path = Path(path)
    if not path.exists():
        raise SourceError(f"{path}: no such file, wanted a video; check the path")
    if path.stat().st_size == 0:
        raise SourceError(f"{path}: the file is empty, wanted a video; copy it again")
    try:
        container = av.open(str(path))
    except (av.error.FFmpegError, OSError) as error:
        raise SourceError(
            f"{path}: not a video that can be read ({_reason(error)}), wanted MP4, MKV, AVI or the like; "
            "check the file with a player"
        ) from None
    return _pictures(container, str(path), faults)


def read_remote_video(uri: str, timeout_s: float, faults: Faults | None = None) -> Iterator[Picture]:
    """Yield every picture of a video file on a web server; see `read_video`."""
    faults = Faults() if faults is None else faults
    try:
        container = av.open(uri, timeout=timeout_s)
    except (av.error.FFmpegError, OSError) as error:
        raise SourceError(f"{redact(uri)}: {explain(error)}") from None
    return _pictures(container, redact(uri), faults)


def _pictures(container: av.container.InputContainer, shown: str, faults: Faults) -> Iterator[Picture]:
    with container:
        if not container.streams.video:
            raise SourceError(f"{shown}: holds no video track, wanted one; choose another file")
        decoded = False
        for picture in _decode(container, faults):
            decoded = True
            yield picture
        if not decoded:
            raise SourceError(
                f"{shown}: no picture could be decoded ({faults.count} corrupt packets), wanted at least one; "
                "copy or encode the file again"
            )
    if faults.count:
        log.warning("%s: %d corrupt packets skipped", shown, faults.count)


def _decode(container: av.container.InputContainer, faults: Faults) -> Iterator[Picture]:
    stream = container.streams.video[0]
    rate = stream.average_rate or stream.guessed_rate or Fraction(25)
    step_s = float(1 / rate) if rate > 0 else 0.04
    rgb = Rgb()
    origin_s: float | None = None
    last_s = 0.0
    for frame in _frames(container, stream, faults):
        time_s = None if frame.pts is None or frame.time_base is None else float(frame.pts * frame.time_base)
        if origin_s is None:
            origin_s = time_s if time_s is not None else 0.0
            media_time = 0.0
        elif time_s is None or time_s - origin_s <= last_s:
            media_time = last_s + step_s
            if time_s is not None:
                origin_s = time_s - media_time  # the clock was set back: go on from where it was
        else:
            media_time = time_s - origin_s
        last_s = media_time
        yield Picture(media_time, upright_size_hw(frame), lambda frame=frame: rgb.convert(frame))  # type: ignore[misc]


def _frames(
    container: av.container.InputContainer, stream: av.video.stream.VideoStream, faults: Faults
) -> Iterator[av.VideoFrame]:
    packets = container.demux(stream)
    in_a_row = 0
    while True:
        try:
            packet = next(packets)
        except StopIteration:
            return
        except (av.error.EOFError, av.error.InvalidDataError) as error:
            faults.count += not isinstance(error, av.error.EOFError)
            return
        try:
            frames = packet.decode()
        except av.error.EOFError:
            return
        except av.error.FFmpegError:
            faults.count += 1
            in_a_row += 1
            if in_a_row >= MAX_CORRUPT:
                return
            continue
        in_a_row = 0
        for frame in frames:
            if isinstance(frame, av.VideoFrame):
                faults.count += bool(frame.is_corrupt)
                yield frame


def read_images(paths: Sequence[Path], fps: float, faults: Faults) -> Iterator[Picture]:
    """Yield the images of `paths` as a video of `fps`; unreadable ones are counted and skipped."""
    shown = 0
    for number, path in enumerate(paths):
        image = cv2.imread(str(path), cv2.IMREAD_COLOR)
        if image is None:
            faults.count += 1
            log.warning("%s: not an image that can be read; skipped", path)
            continue
        shown += 1
        yield Picture(
            number / fps,
            (image.shape[0], image.shape[1]),
            partial(_to_rgb, image),
        )
    if not shown:
        raise SourceError(f"{paths[0]}: not an image that can be read, wanted JPEG or PNG; check the file")


def _to_rgb(image: NDArray[Any]) -> NDArray[np.uint8]:
    return np.asarray(cv2.cvtColor(image, cv2.COLOR_BGR2RGB), dtype=np.uint8)


def _reason(error: Exception) -> str:
    return str(getattr(error, "strerror", None) or error)
