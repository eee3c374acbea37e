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

LEAST_AGE_S = 0.12
"""A frame this young is taken even where its label will be late: a slow answer is better than none."""


@dataclass(frozen=True, slots=True)
class Ended:
    """No frame of this source will come any more."""

    source: str


class Scheduler:
    """Collects the due frames of all sources into batches, at most one frame of a source in each.

    Live frames that would be older than `max_staleness_s` by the time their label is known are dropped,
    the oldest first, and counted. A batch is no larger than a third of that time allows on this machine; the
    sources that did not fit in go first in the next.
    A file never loses a frame, goes alone, and files take strict turns: what is said of a file does not
    depend on the machine, nor on what else runs. After `duration_s` of media time a file is over, after as
    much real time a live source.
    """

    def __init__(
        self,
        feeds: Sequence[Feed],
        wake: threading.Event,
        *,
        max_staleness_s: float,
        duration_s: float | None = None,
    ) -> None:
        self._live = deque(feed for feed in feeds if feed.live)
        self._files = deque(feed for feed in feeds if not feed.live and feed.after is None)
        self._next = {feed.after.name: feed for feed in feeds if feed.after is not None}
        self._wake = wake
        self._max_staleness_s = max_staleness_s
        self._duration_s = duration_s
        self._began: float | None = None
        self._frame_s = 0.0
        self._batch_s = 0.0
        self.stale: dict[str, int] = {feed.name: 0 for feed in feeds}
        """Frames dropped for their age, by source."""

    @property
    def done(self) -> bool:
        """True once no source will give a frame any more."""
        return not self._live and not self._files

    def took(self, batch_s: float, frames: int) -> None:
        """Note how long a batch took, in s; the next are chosen so that labels stay fresh on this machine."""
        first = self._batch_s == 0.0
        self._batch_s = batch_s if first else 0.8 * self._batch_s + 0.2 * batch_s
        self._frame_s = batch_s / frames if first else 0.8 * self._frame_s + 0.2 * batch_s / frames

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
        room = (
            max(1, int(self._max_staleness_s / 3.0 / self._frame_s))
            if self._frame_s > 0.0
            else len(self._live)
        )
        found: dict[str, Frame] = {}
        self._gather(found, room)
        if found and len(found) < min(room, len(self._live)):
            time.sleep(GATHER_S)
            self._gather(found, room)
        return list(found.values())

    def _gather(self, found: dict[str, Frame], room: int) -> None:
        for _ in range(len(self._live)):
            if len(found) >= room:
                break
            feed = self._live[0]
            self._live.rotate(-1)
            if feed.name not in found and (frame := self._fresh(feed)) is not None:
                found[feed.name] = frame

    def _ended_live(self) -> list[Ended]:
        assert self._began is not None
        late = self._duration_s is not None and time.monotonic() - self._began >= self._duration_s
        over = [feed for feed in self._live if late or feed.done]
        for feed in over:
            feed.halt()
        for feed in over:
            feed.stop()
            self._live.remove(feed)
        return [Ended(feed.name) for feed in over]

    def _fresh(self, feed: Feed) -> Frame | None:
        """Take the oldest frame that is fresh enough; one past half of its time gives way to a newer one."""
        # However slow the machine is, what has only just come is taken.
        limit_s = max(self._max_staleness_s - self._batch_s, LEAST_AGE_S)
        newest: Frame | None = None
        while (frame := feed.poll()) is not None:
            if newest is not None:
                self.stale[feed.name] += 1
            newest = frame
            if time.monotonic() - frame.captured <= limit_s / 2.0:
                break
        if newest is not None and time.monotonic() - newest.captured > limit_s:
            self.stale[feed.name] += 1
            return None
        return newest
