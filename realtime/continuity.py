"""When the past must be forgotten: another epoch, a gap in time, or a hard cut to another scene."""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from .frame import Frame

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
    _thumbnail: NDArray[np.float32] | None = None

    def broken_by(self, frame: Frame, prepared: NDArray[np.uint8]) -> str | None:
        """Return why this frame does not continue the stream, or None if it does.

        prepared: the same frame as the encoder sees it, uint8 [S, S, 3]. The first frame breaks nothing.
        """
        thumbnail = _thumbnail(prepared)
        reason = None
        if self._media_time is not None and self._thumbnail is not None:
            step_s = frame.media_time - self._media_time
            if frame.epoch != self._epoch:
                reason = "reconnect"
            elif step_s <= 0.0 or step_s > MAX_GAP_S:
                reason = "gap"
            elif _is_cut(self._thumbnail, thumbnail):
                reason = "cut"
        self._epoch, self._media_time, self._thumbnail = frame.epoch, frame.media_time, thumbnail
        return reason


def _thumbnail(prepared: NDArray[np.uint8]) -> NDArray[np.float32]:
    small = cv2.resize(prepared, (_SIDE, _SIDE), interpolation=cv2.INTER_AREA)
    grey: NDArray[np.float32] = small.astype(np.float32).mean(axis=2)
    return grey


def _is_cut(before: NDArray[np.float32], after: NDArray[np.float32]) -> bool:
    # A jump of the exposure changes the brightness but not the picture: the correlation stays high.
    if float(np.abs(after - before).mean()) < _CUT_DIFFERENCE:
        return False
    first, second = before - before.mean(), after - after.mean()
    scale = float(np.sqrt((first * first).sum() * (second * second).sum()))
    return scale <= 0.0 or float((first * second).sum()) / scale < _CUT_CORRELATION
