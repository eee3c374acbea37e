"""One clock for a recording, over reconnects and jumps of the source's own clock."""

from __future__ import annotations

from dataclasses import dataclass

from ..frame import Frame


@dataclass(slots=True)
class MediaClock:
    """Turns frames into times in s that never run backwards.

    Within an epoch the source's own clock counts (it does not jitter with the network); from one epoch to
    the next, as much time passes as passed between the captures, or what the clock of a file says.
    """

    _last: Frame | None = None
    _last_time: float = 0.0
    _offset: float = 0.0

    def time(self, frame: Frame) -> float:
        """Return the time of the frame on the recording's clock."""
        last = self._last
        if last is not None and frame.epoch != last.epoch:
            is_file = frame.wall_time == frame.media_time
            passed = frame.media_time - last.media_time if is_file else frame.captured - last.captured
            self._offset = self._last_time + max(0.0, passed) - frame.media_time
        now = frame.media_time + self._offset
        self._last, self._last_time = frame, max(now, self._last_time)
        return self._last_time
