"""Media time of a live stream, from timestamps that cannot be trusted and an arrival clock that can."""

from __future__ import annotations

from dataclasses import dataclass, field

GAP_S = 1.0
"""A hole in time from which on the past of a stream says nothing about its present."""
JUMP_S = 1.0
"""By how much a timestamp may differ from what the arrival clock says before it is not believed."""
LATE_S = 0.5
"""A picture that lies further back than this is late."""
CATCH_UP_S = 2.0
"""A backlog gets smaller; a stream that is as late as before after so long has wrong timestamps or a new delay."""
TRUST_AFTER = 25
"""Good timestamps in a row after which a stream that had bad ones is believed again; doubles each time."""
TRUST_LIMIT = 100_000
BASELINE_S = 30.0


@dataclass(frozen=True, slots=True)
class Tick:
    """When a picture was taken, as well as can be told."""

    media_time: float
    """Seconds since the first picture of the source; rises always."""
    lag_s: float
    """How much later than the quickest pictures of the last half minute it arrived; 0 or more."""
    gap: bool = False
    """True if more than `GAP_S` lie between this picture and the one before."""
    fault: str = ""
    """What was wrong with the timestamp, once for each spell of faults."""


@dataclass(slots=True)
class StreamClock:
    """Turns (timestamp, arrival) pairs into media time.

    Timestamps are kept as long as they agree with the arrival clock; they carry no network jitter. The
    offset between the two is the smallest seen in the last half minute, so a slow drift of the camera's
    clock is followed for months. Timestamps that repeat, run backwards or jump are replaced by arrival times.
    """

    start_s: float | None = None
    """Arrival time at media time 0."""
    media_time: float = 0.0
    _new: bool = False
    """True until the first picture of another connection."""
    _arrival_s: float = 0.0
    _stamp_s: float | None = None
    _shift_s: float = 0.0
    """media_time - stamp, while stamps are believed."""
    _good: int = TRUST_AFTER
    _trust_after: int = TRUST_AFTER
    _late_since: tuple[float, float] | None = None
    """(arrival, lag) of the picture with which the stream fell behind."""
    _lows: list[float] = field(default_factory=list)
    """Smallest (arrival - stamp) of the current and the last baseline period."""
    _low_since_s: float = 0.0

    def restart(self) -> None:
        """Begin a new connection: timestamps have a new origin, media time goes on by the arrival clock."""
        self._new = True
        self._stamp_s = None
        self._good = self._trust_after = TRUST_AFTER
        self._lows = []
        self._late_since = None

    def tick(self, stamp_s: float | None, arrival_s: float) -> Tick:
        """Return the time of a picture with timestamp `stamp_s` that arrived at monotonic `arrival_s`."""
        if self.start_s is None:
            self.start_s = arrival_s
            self._anchor(stamp_s, arrival_s, 0.0)
            return Tick(0.0, 0.0)
        if self._new:
            self._new = False
            gap = arrival_s - self._arrival_s > GAP_S
            self._anchor(stamp_s, arrival_s, max(self.media_time + 1e-3, arrival_s - self.start_s))
            return Tick(self.media_time, 0.0, gap)
        return self._follow(stamp_s, arrival_s)

    def _follow(self, stamp_s: float | None, arrival_s: float) -> Tick:
        passed_s = arrival_s - self._arrival_s
        if stamp_s is None or self._stamp_s is None:
            self._anchor(stamp_s, arrival_s, self.media_time + max(passed_s, 1e-3))
            return Tick(self.media_time, 0.0, passed_s > GAP_S)
        wrong = self._what_is_wrong(stamp_s, passed_s)
        trusted = self._good >= self._trust_after
        self._good += 1
        if not wrong and trusted:
            before, media_time = self.media_time, stamp_s + self._shift_s
            lag_s = self._lag(arrival_s - stamp_s, arrival_s)
            if not self._stays_late(lag_s, arrival_s):
                self.media_time, self._arrival_s, self._stamp_s = media_time, arrival_s, stamp_s
                return Tick(media_time, lag_s, media_time - before > GAP_S)
            wrong = f"timestamps stay {lag_s:.1f} s behind"
        if wrong:
            self._good = 0
        if wrong and trusted:
            self._trust_after = min(2 * self._trust_after, TRUST_LIMIT)
        self._anchor(stamp_s, arrival_s, self.media_time + max(passed_s, 1e-3))
        return Tick(self.media_time, 0.0, passed_s > GAP_S, wrong if trusted else "")

    def _what_is_wrong(self, stamp_s: float, passed_s: float) -> str:
        assert self._stamp_s is not None
        step_s = stamp_s - self._stamp_s
        if step_s <= 0:
            return "timestamp repeats" if step_s == 0 else f"timestamp ran back by {-step_s:.2f} s"
        if step_s > passed_s + JUMP_S:
            return f"timestamp jumped ahead by {step_s:.2f} s"
        return ""

    def _anchor(self, stamp_s: float | None, arrival_s: float, media_time: float) -> None:
        self.media_time, self._arrival_s, self._stamp_s = media_time, arrival_s, stamp_s
        self._late_since = None
        self._lows = []
        if stamp_s is not None:
            self._shift_s = media_time - stamp_s
            self._lag(arrival_s - stamp_s, arrival_s)

    def _lag(self, offset_s: float, arrival_s: float) -> float:
        if not self._lows:
            self._lows, self._low_since_s = [offset_s], arrival_s
        elif arrival_s - self._low_since_s > BASELINE_S:
            self._lows, self._low_since_s = [self._lows[-1], offset_s], arrival_s
        else:
            self._lows[-1] = min(self._lows[-1], offset_s)
        return offset_s - min(self._lows)

    def _stays_late(self, lag_s: float, arrival_s: float) -> bool:
        if lag_s <= LATE_S:
            self._late_since = None
            return False
        if self._late_since is None:
            self._late_since = (arrival_s, lag_s)
        since_s, lag_then_s = self._late_since
        return arrival_s - since_s > CATCH_UP_S and lag_s > 0.8 * lag_then_s
