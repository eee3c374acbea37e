"""Writes one MP4 with true times, readable even if the process is killed."""

from __future__ import annotations

import contextlib
import os
from collections.abc import Mapping
from fractions import Fraction
from pathlib import Path
from typing import cast

import av
import av.error
import numpy as np
from av.container import OutputContainer
from av.video.stream import VideoStream
from numpy.typing import NDArray

from ..shapes import place

CODECS = ("libx264", "libopenh264", "h264_videotoolbox", "mpeg4")
CLOCK = 90_000
"""Ticks a second of the written times."""
MARK = "actrec"
"""Comment in every file that was written here: only such a file may be replaced."""
KEY_FRAME_S = 2.0
"""A killed process loses at most the fragment that is being filled: the frames since the last key frame."""


def available_codec() -> str:
    """Return the first encoder of `CODECS` that this build of FFmpeg has."""
    return next((name for name in CODECS if name in av.codecs_available), "mpeg4")


def may_replace(path: Path) -> bool:
    """Return whether nothing is lost if a video is written to `path`: it is not there, empty, or one of ours."""
    if not path.is_file() or path.stat().st_size == 0:
        return True
    try:
        with av.open(str(path)) as container:
            return bool(container.metadata.get("comment") == MARK)
    except (OSError, av.error.FFmpegError):
        return False


def even_size(image: NDArray[np.uint8]) -> tuple[int, int]:
    """Return the picture's (height, width), made even as H.264 wants it."""
    height, width = image.shape[:2]
    return max(2, height - height % 2), max(2, width - width % 2)


def fitted(image: NDArray[np.uint8], size_hw: tuple[int, int]) -> NDArray[np.uint8]:
    """Return the picture in `size_hw`: without its odd last row or column, or fitted in with dark bars."""
    if even_size(image) == size_hw and min(image.shape[:2]) > 1:
        return np.ascontiguousarray(image[: size_hw[0], : size_hw[1]])
    canvas = np.empty((*size_hw, 3), np.uint8)
    place(canvas, image)
    return canvas


class Mp4Writer:
    """An open MP4 file of H.264 pictures, each with its own time.

    All pictures have `size_hw`, both even. Every failure is an OSError with the file's name, a full disk too.
    """

    def __init__(
        self, path: Path, size_hw: tuple[int, int], *, fps: float = 10.0, crf: int = 23, title: str = ""
    ) -> None:
        self.path = path
        self._first: float | None = None
        self._last_tick = -1
        self._key_time = -1.0
        self._whole_bytes = 0
        self._container: OutputContainer | None = None
        try:
            # A list of fragments while it is written, an ordinary seekable file once it is closed.
            flags = "hybrid_fragmented" if av.library_versions["libavformat"] >= (61, 7) else "empty_moov"
            options = {"movflags": f"{flags}+frag_keyframe+default_base_moof", "flush_packets": "1"}
            self._container = av.open(str(path), "w", format="mp4", container_options=options)
            self._container.metadata["comment"] = MARK
            if title:
                self._container.metadata["title"] = title
            self._stream = self._add_stream(self._container, size_hw, fps, crf)
        except (OSError, av.error.FFmpegError) as error:
            self._give_up()
            raise _as_os_error(error, path) from error

    def write(self, image: NDArray[np.uint8], time_s: float) -> None:
        """Add a picture, uint8 [H, W, 3] RGB, at `time_s`; the first one's time is the file's zero.

        A time that does not grow is moved to the next tick.
        """
        if self._container is None:
            return
        if self._first is None:
            self._first = time_s
        tick = max(round((time_s - self._first) * CLOCK), self._last_tick + 1)
        self._last_tick = tick
        try:
            picture = av.VideoFrame.from_ndarray(image, format="rgb24")
            picture.pts, picture.time_base = tick, Fraction(1, CLOCK)
            if time_s - self._key_time >= KEY_FRAME_S or time_s < self._key_time:
                picture.pict_type = av.video.frame.PictureType.I
                self._key_time = time_s
            packets = self._stream.encode(picture)
            for packet in packets:
                self._container.mux(packet)
            if packets and packets[-1].is_keyframe:
                self._whole_bytes = self.path.stat().st_size
        except (OSError, av.error.FFmpegError) as error:
            self._give_up()
            raise _as_os_error(error, self.path) from error

    def close(self) -> None:
        """Write what is left and finish the file; safe to call twice."""
        if self._container is None:
            return
        try:
            if self._last_tick >= 0:
                for packet in self._stream.encode(None):
                    self._container.mux(packet)
            self._container.close()
            self._container = None
        except (OSError, av.error.FFmpegError) as error:
            self._give_up()
            raise _as_os_error(error, self.path) from error

    @staticmethod
    def _add_stream(
        container: OutputContainer, size_hw: tuple[int, int], fps: float, crf: int
    ) -> VideoStream:
        codec = available_codec()
        options: Mapping[str, str] = {}
        if codec == "libx264":
            # Without B-frames and look-ahead a picture is in the file as soon as it was written.
            options = {"preset": "veryfast", "tune": "zerolatency", "crf": str(crf)}
        rate = Fraction(max(1.0, fps)).limit_denominator(1000)
        stream = cast(VideoStream, container.add_stream(codec, rate=rate, options=dict(options)))
        stream.height, stream.width = size_hw
        stream.pix_fmt = "yuv420p"
        stream.codec_context.time_base = Fraction(1, CLOCK)
        stream.codec_context.gop_size = 1 << 15
        stream.codec_context.thread_count = 1
        if codec != "libx264":
            stream.bit_rate = 2_000_000
        return stream

    def _give_up(self) -> None:
        container, self._container = self._container, None
        if container is not None:
            # The first error is the one to tell. The fragment that did not fit would upset readers.
            with contextlib.suppress(OSError, av.error.FFmpegError):
                container.close()
            with contextlib.suppress(OSError):
                if self._whole_bytes:
                    os.truncate(self.path, self._whole_bytes)


def _as_os_error(error: Exception, path: Path) -> OSError:
    number = getattr(error, "errno", None)
    words = getattr(error, "strerror", None) or str(error)
    return OSError(number, words, str(path)) if number else OSError(f"{path}: {words}")
