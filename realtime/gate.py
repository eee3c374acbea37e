"""The motion gate: a frame on which nothing moved need not be encoded again."""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from .picture import thumbnail

CELLS = 32
THRESHOLD = 6.0
"""Grey levels by which the mean of one cell must change; the noise of a cell's mean is far below."""
SETTLE_FRAMES = 8
"""Sampled frames without motion before the gate closes: motion encoders look back over a few frames."""


@dataclass(slots=True)
class MotionCounter:
    """Counts how often the picture of one stream has come to differ; shown each sampled frame once, in order.

    The comparison is with the picture at the last count, so a slow change counts too.
    """

    _reference: NDArray[np.float32] | None = None
    _count: int = -1

    def count(self, glance: NDArray[np.uint8]) -> int:
        """Return the count after a frame, as `Frame.glance` gives it; two frames with the same count are alike."""
        small = thumbnail(glance, CELLS)
        if self._reference is None or cv2.norm(small, self._reference, cv2.NORM_INF) > THRESHOLD:
            self._reference = small
            self._count += 1
        return self._count


@dataclass(slots=True)
class MotionGate:
    """Closes once `settle` frames of an unchanged picture have gone through it; one for each stream."""

    settle: int = SETTLE_FRAMES
    _count: int = -1
    _passed: int = 0

    def knows(self, count: int) -> bool:
        """Return whether the frame before had this count too."""
        return count == self._count

    def still(self, count: int) -> bool:
        """Return whether a frame with this count of motion may reuse the features of the one before."""
        if count != self._count:
            self._count, self._passed = count, 0
        self._passed += 1
        return self._passed > self.settle
