"""When the past must be forgotten: another epoch, a gap in time, or a hard cut to another scene."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from .frame import Frame
from .picture import thumbnail

MAX_GAP_S = 1.0
"""A stream that is silent for longer starts anew."""
_SIDE = 16
_CUT_DIFFERENCE = 25.0
_CUT_CORRELATION = 0.4


@dataclass(slots=True)
class Continuity:
    """Watches one stream for breaks; shown each sampled frame once, in order."""

    _epoch: int = 0
    _media_time: float | None = None
    _small: NDArray[np.float32] | None = None

    def broken_by(self, frame: Frame, seen: NDArray[np.uint8] | None) -> str | None:
        """Return why this frame does not continue the stream, or None if it does.

        seen: its picture, as the encoder sees it (uint8 [S, S, 3]) or as `Frame.glance` gives it; None if it looks
        like the one before. The first frame breaks nothing.
        """
        small = self._small if seen is None else thumbnail(seen, _SIDE)
        reason = None
        if self._media_time is not None and self._small is not None:
            step_s = frame.media_time - self._media_time
            if frame.epoch != self._epoch:
                reason = "reconnect"
            elif step_s <= 0.0 or step_s > MAX_GAP_S:
                reason = "gap"
            elif small is not None and _is_cut(self._small, small):
                reason = "cut"
        self._epoch, self._media_time, self._small = frame.epoch, frame.media_time, small
        return reason


def _is_cut(before: NDArray[np.float32], after: NDArray[np.float32]) -> bool:
    # A jump of the exposure changes the brightness but not the picture: the correlation stays high.
    if float(np.abs(after - before).mean()) < _CUT_DIFFERENCE:
        return False
    first, second = before - before.mean(), after - after.mean()
    scale = float(np.sqrt((first * first).sum() * (second * second).sum()))
    return scale <= 0.0 or float((first * second).sum()) / scale < _CUT_CORRELATION
