"""From a decoded frame of PyAV to RGB, or to a look at its brightness without converting it."""

from __future__ import annotations

import threading

import av
import numpy as np
from av.video.reformatter import VideoReformatter
from numpy.typing import NDArray


class Rgb:
    """Converts decoded frames to upright RGB arrays; one for each reader, as it keeps the scaler's tables."""

    def __init__(self) -> None:
        self._reformatter = VideoReformatter()
        self._lock = threading.Lock()

    def convert(self, frame: av.VideoFrame) -> NDArray[np.uint8]:
        """Return uint8 [H, W, 3] RGB, turned as the file's rotation mark says; from any thread."""
        with self._lock:
            # On its own, swscale starts a thread for each core and camera, which costs more than it brings.
            image = self._reformatter.reformat(frame, format="rgb24", threads=1).to_ndarray()
        turns = quarter_turns(frame)
        return np.ascontiguousarray(np.rot90(image, turns) if turns else image).astype(np.uint8, copy=False)


def has_luma(frame: av.VideoFrame) -> bool:
    """Return whether the first plane of a frame is its brightness, a byte a pixel, as cameras' codecs give it."""
    return (
        frame.format.name.startswith(("yuv4", "yuvj4", "nv", "gray")) and frame.format.components[0].bits == 8
    )


def luma(frame: av.VideoFrame) -> NDArray[np.uint8]:
    """Return a view uint8 [H, W] of the brightness of a frame that `has_luma`, not turned upright."""
    plane = frame.planes[0]
    # A plane is a buffer, which its type does not say.
    rows = np.frombuffer(plane, np.uint8).reshape(-1, plane.line_size)  # type: ignore[call-overload]
    return np.asarray(rows[: frame.height, : frame.width], dtype=np.uint8)


def quarter_turns(frame: av.VideoFrame) -> int:
    """Return by how many quarter turns to the left `frame` must be turned to stand upright."""
    return round(getattr(frame, "rotation", 0) / 90) % 4


def upright_size_hw(frame: av.VideoFrame) -> tuple[int, int]:
    """Return the size after the turn."""
    return (frame.width, frame.height) if quarter_turns(frame) % 2 else (frame.height, frame.width)
