"""What every source looks like from the recognising side: a bounded hand-off of due frames, and a status."""

from __future__ import annotations

import threading
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal, Protocol

from ..frame import Frame

FeedState = Literal["opening", "running", "stalled", "reconnecting", "ended", "failed"]


@dataclass(frozen=True, slots=True)
class FeedStatus:
    """What is to be said about a source right now; counters count from the start of the run."""

    state: FeedState = "opening"
    detail: str = ""
    """One line for people, without passwords: `no frame for 2.1 s`, `connection refused, again in 4 s`."""
    size_hw: tuple[int, int] | None = None
    fps_in: float = 0.0
    """Frames a second that arrive, over the last seconds."""
    frames_in: int = 0
    sampled: int = 0
    dropped: int = 0
    """Due frames that nobody took in time: the newest wins."""
    reconnects: int = 0
    faults: int = 0
    """Stalls, corrupt packets, jumps of the clock, lost connections."""


class Feed(Protocol):
    """A started source. `poll` never blocks; a frame is handed out once."""

    name: str
    live: bool
    """True: newest wins. False: every due frame, in order, the reader waits."""

    @property
    def after(self) -> Feed | None:
        """The feed that has to end before this one begins: the clip before it in a folder."""

    def start(self, due: Callable[[float], bool], wake: threading.Event) -> None:
        """Begin to read in an own thread; `due(media_time)` says which frames are wanted, before they are
        converted; `wake` is set whenever `poll` may have news."""

    def poll(self) -> Frame | None:
        """Return the next due frame, or None if there is none yet."""

    @property
    def done(self) -> bool:
        """True once no frame will come any more and the last one was taken."""

    @property
    def error(self) -> Exception | None:
        """The SourceError that ended the source, if one did."""

    def status(self) -> FeedStatus:
        """Return the current status."""

    def halt(self) -> None:
        """Begin to stop, without waiting: many feeds end in the time of one."""

    def stop(self) -> None:
        """End the reading thread and release the device or connection; safe to call twice."""


class Handoff:
    """A bounded queue between a reading thread and the recogniser.

    `lossless=False`: holds `size` frames, a new one pushes the oldest out and is counted in `dropped`.
    `lossless=True`: `put` waits for room until `close`.
    """

    def __init__(self, size: int, *, lossless: bool) -> None:
        self._frames: deque[Frame] = deque()
        self._size = size
        self._lossless = lossless
        self._room = threading.Condition()
        self._closed = False
        self.dropped = 0

    def put(self, frame: Frame) -> bool:
        """Hand a frame over; False if the hand-off was closed meanwhile."""
        with self._room:
            while self._lossless and len(self._frames) >= self._size and not self._closed:
                self._room.wait()
            if self._closed:
                return False
            if len(self._frames) >= self._size:
                self._frames.popleft()
                self.dropped += 1
            self._frames.append(frame)
            return True

    def take(self) -> Frame | None:
        """Return the oldest frame that waits, or None."""
        with self._room:
            if not self._frames:
                return None
            frame = self._frames.popleft()
            self._room.notify()
            return frame

    def close(self) -> None:
        """Let every waiting `put` return; frames that wait can still be taken."""
        with self._room:
            self._closed = True
            self._room.notify_all()

    def __len__(self) -> int:
        with self._room:
            return len(self._frames)
