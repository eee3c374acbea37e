"""When the machine is too slow: sample every source less often, evenly, instead of dropping where it happens."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

from .sampler import Sampler

LEAST = 0.3
"""The sampling rate never falls below this share of the model's."""
LOOK_EVERY_S = 1.0
BUSY, IDLE = 0.9, 0.6
"""Share of the time that recognition may take before the rate falls, or rises again."""


@dataclass(slots=True)
class Adaptation:
    """Decides, once a second, which share of the model's sampling rate this machine bears.

    Written by the recognising thread, read by the capturing threads: one float, replaced as a whole.
    """

    enabled: bool
    share: float = 1.0
    _busy_s: float = 0.0
    _looked: float = field(default_factory=time.monotonic)
    _dropped: int = 0

    def worked(self, busy_s: float) -> None:
        """Note that a batch took so long."""
        self._busy_s += busy_s

    def look(self, dropped: int, now: float) -> None:
        """Decide anew if it is time to; dropped: frames dropped since the start of the run."""
        elapsed_s = now - self._looked
        if not self.enabled or elapsed_s < LOOK_EVERY_S:
            return
        load = self._busy_s / elapsed_s
        if load > BUSY and dropped > self._dropped:
            self.share = max(LEAST, self.share * 0.8)
        elif load < IDLE and self.share < 1.0:
            self.share = min(1.0, self.share * 1.1)
        self._busy_s, self._looked, self._dropped = 0.0, now, dropped


class DueForAny:
    """Says whether a frame is due for any of the recognizers, at the share of their rate that is borne."""

    def __init__(self, fps: Sequence[float], share: Callable[[], float]) -> None:
        self._fps = tuple(fps)
        self._share = share
        self._used = 1.0
        self._samplers = [Sampler(rate) for rate in self._fps]

    def __call__(self, media_time: float) -> bool:
        """Return whether the frame at `media_time` (s) is wanted; called on the feed's thread."""
        share = self._share()
        if share != self._used:
            self._used = share
            self._samplers = [Sampler(rate * share) for rate in self._fps]
        # Each sampler has to see the frame: no short cut at the first that wants it.
        wanted = [sampler.due(media_time) for sampler in self._samplers]
        return any(wanted)
