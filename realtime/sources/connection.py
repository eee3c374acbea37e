"""What a live source is read from: one open device or stream, and a picture as it arrives."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from ...models.errors import SourceError


@dataclass(frozen=True, slots=True)
class Capture:
    """A picture as it arrived, not converted yet."""

    stamp_s: float | None
    """The source's own timestamp, any origin; None if it has none."""
    size_hw: tuple[int, int]
    convert: Callable[[], NDArray[np.uint8]]
    """Return uint8 [H, W, 3] RGB; to be called before the next read, unless there is `luma`."""
    arrived_s: float = field(default_factory=time.monotonic)
    """Monotonic time at which it was decoded."""
    fresh: bool = True
    """False for a picture out of a backlog, that is not to be recognised."""
    corrupt: bool = False
    codec: str = ""
    luma: Callable[[], NDArray[np.uint8]] | None = None
    """Return a view uint8 [H, W] of the brightness. Given where the picture may be converted at any later time."""


class Connection(Protocol):
    """An open device or stream, used by one thread; every call may block."""

    def read(self) -> Capture | None:
        """Return the next picture; None at the end; SourceError if the source is lost."""

    def close(self) -> None:
        """Release the device or stream."""


@dataclass(slots=True, eq=False)
class Session:
    """One attempt: from the try to open until the last read."""

    progress: float = field(default_factory=time.monotonic)
    """Monotonic time of the last sign of life."""
    pictures: int = 0
    first_picture: float = 0.0
    """Monotonic time of the first picture; 0 before it."""
    abandoned: bool = False
    ended: bool = False
    error: SourceError | None = None
    over: threading.Event = field(default_factory=threading.Event)
