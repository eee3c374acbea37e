"""Which frames go into the next encoder call: live sources by freshness, files in strict turns."""

from __future__ import annotations

import threading
import time
from collections import deque
from collections.abc import Sequence
from dataclasses import dataclass

from .frame import Frame
from .sources.feed import Feed

GATHER_S = 0.008
"""How long a due frame of one live source waits for those of the others, to share an encoder call."""


@dataclass(frozen=True, slots=True)
class Ended:
    """No frame of this source will come any more."""

    source: str


class Scheduler:
    """Collects the due frames of all sources into batches, at most one frame of a source in each.

    Live frames that would be older than `max_staleness_s` by the time their label is known are dropped,
    the oldest first, and counted. A file never loses a frame, goes alone, and files take strict turns: what
    is said of a file does not depend on the machine, nor on what else runs. After `duration_s` of media
    time a file is over, after as much real time a live source.
    """

    def __init__(
        self,
        feeds: Sequence[Feed],
        wake: threading.Event,
        *,
        max_staleness_s: float,
        duration_s: float | None = None,
    ) -> None:
        self._live = [feed for feed in feeds if feed.live]
        self._files = deque(feed for feed in feeds if not feed.live and feed.after is None)
        self._next = {feed.after.name: feed for feed in feeds if feed.after is not None}
        self._wake = wake
        self._max_staleness_s = max_staleness_s
        self._duration_s = duration_s
        self._began: float | None = None
        self._step_s = 0.0
        self.stale: dict[str, int] = {feed.name: 0 for feed in feeds}
        """Frames dropped for their age, by source."""

    @property
    def done(self) -> bool:
        """True once no source will give a frame any more."""
        return not self._live and not self._files

    def took(self, step_s: float) -> None:
        """Note how long the last batch took, in s; frames are dropped early enough for the next."""
        self._step_s = step_s if self._step_s == 0.0 else 0.8 * self._step_s + 0.2 * step_s

    def turns(self, timeout_s: float) -> list[list[Frame] | Ended]:
        """Return the batches that are due and the sources that ended, waiting at most `timeout_s` for the first."""
        now = time.monotonic()
        self._began = now if self._began is None else self._began
        while True:
            self._wake.clear()
            turns: list[list[Frame] | Ended] = [*self._next_files()]
            live = self._next_live()
            if live:
                turns.append(live)
            turns.extend(self._ended_live())
            left_s = now + timeout_s - time.monotonic()
            if turns or self.done or left_s <= 0.0:
                return turns
            self._wake.wait(left_s)

    def _next_files(self) -> list[list[Frame] | Ended]:
        """Give each file its turn; a file whose next frame is not decoded yet holds up those behind it."""
        turns: list[list[Frame] | Ended] = []
        for _ in range(len(self._files)):
            feed = self._files[0]
            frame = feed.poll()
            if frame is not None and (self._duration_s is None or frame.media_time < self._duration_s):
                turns.append([frame])
                self._files.rotate(-1)
            elif frame is not None or feed.done:
                feed.stop()
                turns.append(Ended(feed.name))
                # The next clip of a folder takes the place of the one before it.
                self._files.popleft()
                if feed.name in self._next:
                    self._files.append(self._next.pop(feed.name))
            else:
                break
        return turns

    def _next_live(self) -> list[Frame]:
        found = {feed.name: frame for feed in self._live if (frame := self._fresh(feed)) is not None}
        if found and len(found) < len(self._live):
            time.sleep(GATHER_S)
            for feed in self._live:
                if feed.name not in found and (frame := self._fresh(feed)) is not None:
                    found[feed.name] = frame
        return list(found.values())

    def _ended_live(self) -> list[Ended]:
        assert self._began is not None
        late = self._duration_s is not None and time.monotonic() - self._began >= self._duration_s
        over = [feed for feed in self._live if late or feed.done]
        for feed in over:
            feed.stop()
            self._live.remove(feed)
        return [Ended(feed.name) for feed in over]

    def _fresh(self, feed: Feed) -> Frame | None:
        while (frame := feed.poll()) is not None:
            if time.monotonic() - frame.captured + self._step_s <= self._max_staleness_s:
                return frame
            self.stale[feed.name] += 1
        return None
