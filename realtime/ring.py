"""The last seconds of a source as JPEGs: a window that slides with time and never outgrows its bytes."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterator
from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from .frame import Frame

JPEG_QUALITY = 90


@dataclass(frozen=True, slots=True, eq=False)
class Kept:
    """A frame in the ring."""

    time_s: float
    """On the clock that the ring's owner uses."""
    wall_time: float
    jpeg: bytes

    def image(self) -> NDArray[np.uint8]:
        """Return the picture, uint8 [H, W, 3] RGB."""
        bgr = cv2.imdecode(np.frombuffer(self.jpeg, np.uint8), cv2.IMREAD_COLOR)
        if bgr is None:
            raise ValueError("a kept picture is not a JPEG any more")
        return cv2.cvtColor(bgr, cv2.COLOR_BGR2RGB).astype(np.uint8, copy=False)


class Ring:
    """Keeps the frames of the last `seconds`, at most `max_bytes` of them, the newest always."""

    def __init__(self, seconds: float, max_bytes: int = 64 << 20) -> None:
        self._seconds, self._max_bytes = seconds, max_bytes
        self._kept: deque[Kept] = deque()
        self._bytes = 0

    def add(self, frame: Frame, time_s: float | None = None) -> Kept:
        """Take a frame; `time_s` is its time on the ring's clock, by default its media time.

        A time that runs backwards empties the ring: what was before is of another time.
        """
        kept = Kept(frame.media_time if time_s is None else time_s, frame.wall_time, encode_jpeg(frame.image))
        if self._kept and kept.time_s < self._kept[-1].time_s:
            self.clear()
        self._kept.append(kept)
        self._bytes += len(kept.jpeg)
        while len(self._kept) > 1 and (
            self._bytes > self._max_bytes or kept.time_s - self._kept[0].time_s > self._seconds
        ):
            self._bytes -= len(self._kept.popleft().jpeg)
        return kept

    def clear(self) -> None:
        """Forget everything."""
        self._kept.clear()
        self._bytes = 0

    @property
    def bytes(self) -> int:
        """What the pictures take."""
        return self._bytes

    def __len__(self) -> int:
        return len(self._kept)

    def __iter__(self) -> Iterator[Kept]:
        """From the oldest to the newest."""
        return iter(tuple(self._kept))


def encode_jpeg(image: NDArray[np.uint8], quality: int = JPEG_QUALITY) -> bytes:
    """Return the picture, uint8 [H, W, 3] RGB, as JPEG."""
    done, data = cv2.imencode(
        ".jpg", cv2.cvtColor(image, cv2.COLOR_RGB2BGR), [cv2.IMWRITE_JPEG_QUALITY, quality]
    )
    if not done:
        raise ValueError(f"picture of shape {image.shape} cannot be written as JPEG")
    return data.tobytes()
