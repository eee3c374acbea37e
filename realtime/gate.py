"""The motion gate: a frame on which nothing moved need not be encoded again."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from .picture import thumbnail

CELLS = 32
THRESHOLD = 6.0
"""Grey levels by which the mean of one cell must change; the noise of a cell's mean is far below."""
SETTLE_FRAMES = 8
"""Sampled frames without motion before the gate closes: motion encoders look back over a few frames."""


@dataclass(slots=True)
class MotionGate:
    """Compares thumbnails of one stream; shown each sampled frame once, in order.

    The comparison is with the last frame that was let through, so a slow change opens the gate too.
    """

    _reference: NDArray[np.float32] | None = None
    _quiet: int = 0

    def still(self, glance: NDArray[np.uint8]) -> bool:
        """Return whether the frame (as `Frame.glance` gives it) may reuse the features of the one before."""
        small = thumbnail(glance, CELLS)
        moved = self._reference is None or float(np.abs(small - self._reference).max()) > THRESHOLD
        self._quiet = 0 if moved else self._quiet + 1
        if self._quiet >= SETTLE_FRAMES:
            return True
        self._reference = small
        return False
