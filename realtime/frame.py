"""A frame on its way: the picture, where it comes from, and when."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from .picture import LazyPicture, glance


@dataclass(frozen=True, slots=True, eq=False)
class Frame:
    """One frame of one source. Nobody writes into its picture; who draws, draws on a copy."""

    picture: NDArray[np.uint8] | LazyPicture
    """uint8 [H, W, 3] RGB, or what becomes that when somebody asks for `image`."""
    source: str
    """The source's name, unique in a run."""
    index: int
    """Number of the frame in its source, counting every decoded frame from 0, over reconnects."""
    media_time: float
    """Seconds by the source's own clock (PTS), from 0 at the first frame; never runs backwards in an epoch."""
    wall_time: float
    """Unix time at capture, in seconds; for files the same as `media_time`."""
    captured: float
    """`time.monotonic()` at capture; the age of everything said about this frame counts from here."""
    epoch: int = 0
    """Grows at each gap, reconnect or change of size: state from another epoch must not be used."""

    motion: int | None = None
    """Grows with each frame that differs from those before (`MotionCounter`); None where nobody looked."""

    @property
    def image(self) -> NDArray[np.uint8]:
        """uint8 [H, W, 3] RGB; converted now if nobody has asked before."""
        return self.picture if isinstance(self.picture, np.ndarray) else self.picture.rgb()

    def glance(self) -> NDArray[np.uint8]:
        """Return the picture small, uint8 [128, 128] or [128, 128, 3], without converting it."""
        return glance(self.picture) if isinstance(self.picture, np.ndarray) else self.picture.glance()
