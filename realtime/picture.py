"""A decoded picture that is converted to RGB only if somebody asks, and a small view that costs next to nothing."""

from __future__ import annotations

import threading
from collections.abc import Callable

import cv2
import numpy as np
from numpy.typing import NDArray

GLANCE_SIDE = 128


class LazyPicture:
    """Becomes RGB when somebody asks for it: once, in whichever thread asks first.

    convert: gives uint8 [H, W, 3] RGB. luma: gives a view uint8 [H, W] of the brightness as it was decoded.
    The conversion of a picture costs as much as its decoding, and nobody needs it while nothing moves.
    """

    def __init__(
        self, convert: Callable[[], NDArray[np.uint8]], luma: Callable[[], NDArray[np.uint8]]
    ) -> None:
        self._convert: Callable[[], NDArray[np.uint8]] | None = convert
        self._luma: Callable[[], NDArray[np.uint8]] | None = luma
        self._lock = threading.Lock()
        self._rgb: NDArray[np.uint8] | None = None
        self._glance: NDArray[np.uint8] | None = None

    def rgb(self) -> NDArray[np.uint8]:
        """Return uint8 [H, W, 3] RGB."""
        with self._lock:
            if self._convert is not None:
                self._look()
                self._rgb, self._convert = self._convert(), None
            assert self._rgb is not None
            return self._rgb

    def glance(self) -> NDArray[np.uint8]:
        """Return the brightness, uint8 [128, 128]."""
        with self._lock:
            return self._look()

    def _look(self) -> NDArray[np.uint8]:
        if self._luma is not None:
            # What was decoded is let go of with the functions that hold it.
            self._glance, self._luma = glance(self._luma()), None
        assert self._glance is not None
        return self._glance


def glance(image: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """Return an image, uint8 [H, W] or [H, W, 3], squashed to [128, 128] or [128, 128, 3]."""
    small = cv2.resize(image, (GLANCE_SIDE, GLANCE_SIDE), interpolation=cv2.INTER_LINEAR)
    return np.asarray(small, dtype=np.uint8)


def thumbnail(image: NDArray[np.uint8], side: int) -> NDArray[np.float32]:
    """Return the mean grey level of each of side x side cells, float32, of an image uint8 [H, W] or [H, W, 3]."""
    small = cv2.resize(image, (side, side), interpolation=cv2.INTER_AREA).astype(np.float32)
    grey: NDArray[np.float32] = small.mean(axis=2) if small.ndim == 3 else small
    return grey
