"""Sampling by time, not by count: the head sees the rate that it was trained at, whatever the camera sends."""

from __future__ import annotations

import math
from dataclasses import dataclass

TOLERANCE = 0.5
"""How far before its grid point, in sampling intervals, a frame may be taken: jitter must not cost one."""


@dataclass(slots=True)
class Sampler:
    """Picks a frame for each point of a grid of `fps` points a second, anchored at the first frame.

    It is the first frame past the middle between the point and the one before: a live stream cannot wait to
    see whether the next one is nearer.

    The choice depends only on the times of the frames that were taken before, so a sampler that is shown
    just those frames again, elsewhere, takes them all. A source slower than `fps` gives every frame.
    """

    fps: float
    _origin: float | None = None
    _taken: int = -1

    def due(self, media_time: float) -> bool:
        """Return whether the frame at `media_time` (s) is to be taken, and note it if so."""
        if self._origin is None or media_time < self._origin:
            self._origin, self._taken = media_time, -1
        slot = math.floor((media_time - self._origin) * self.fps + TOLERANCE + 1e-6)
        if slot <= self._taken:
            return False
        self._taken = slot
        return True

    def reset(self) -> None:
        """Start a new grid at the next frame."""
        self._origin, self._taken = None, -1
