"""Faults of a source that goes on: when one begins, what to show of it, and how often to log it."""

from __future__ import annotations

import logging
from dataclasses import dataclass

log = logging.getLogger(__name__)

SPELL_S = 1.0
"""Faults of one kind that follow each other more closely are one spell."""
SHOWN_S = 3.0
"""How long a fault stays in the status of its source."""
QUIET_S = 60.0
"""Between two log lines on the same fault: a camera with a bad cable says so once a minute, not at each picture."""


@dataclass(slots=True)
class Spells:
    """The faults of one source, in the order of their arrival."""

    source: str
    _what: str = ""
    _seen_s: float = float("-inf")
    _logged_s: float = float("-inf")

    def begins(self, what: str, now: float) -> bool:
        """Note a fault at monotonic `now` and return whether a spell begins: the past is then to be forgotten."""
        same = what == self._what
        began = not same or now > self._seen_s + SPELL_S
        fresh = not same or now > self._logged_s + QUIET_S
        log.log(logging.WARNING if fresh else logging.DEBUG, "%s: %s", self.source, what)
        self._what, self._seen_s = what, now
        self._logged_s = now if fresh else self._logged_s
        return began

    def shown(self, now: float) -> str:
        """Return the fault that the status shows, empty for none."""
        return self._what if now < self._seen_s + SHOWN_S else ""
