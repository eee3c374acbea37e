"""What a run tells a person in the terminal: each event as a line, and at the end what it was like."""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Mapping

from .command import stderr
from .results import Event, Step
from .sources.feed import FeedStatus

SAY_SLOW_EVERY_S = 10.0


class EventReport:
    """A sink that prints a line when something begins and when it ends."""

    def step(self, step: Step) -> None:
        """Print the events that the frame caused."""
        self.events(step.events)

    def events(self, events: tuple[Event, ...]) -> None:
        """Print the events."""
        for event in events:
            if event.type == "new":
                stderr.print(
                    f"{_clock(event.media_start)}  {_name(event)}  [bold]{event.label}[/]  {event.score:.2f}"
                )
            elif event.type == "end" and event.media_end is not None:
                lasted_s = event.media_end - event.media_start
                stderr.print(
                    f"[dim]{_clock(event.media_end)}  {_name(event)}  {event.label} ended after {lasted_s:.1f} s, "
                    f"best score {event.top_score:.2f}[/]"
                )

    def statuses(self, statuses: Mapping[str, FeedStatus]) -> None:
        """Nothing to do."""

    def close(self) -> None:
        """Nothing to do."""


class RunReport:
    """A sink that counts, says when a source changes its state, and sums up at the end."""

    def __init__(self) -> None:
        self._began = time.monotonic()
        self._steps = 0
        self._events: Counter[str] = Counter()
        self._statuses: dict[str, FeedStatus] = {}
        self._done = False
        self._dropped = 0
        self._said_slow = -SAY_SLOW_EVERY_S

    def step(self, step: Step) -> None:
        """Count."""
        self._steps += 1
        self.events(step.events)

    def events(self, events: tuple[Event, ...]) -> None:
        """Count."""
        self._events.update(event.label for event in events if event.type == "new")

    def statuses(self, statuses: Mapping[str, FeedStatus]) -> None:
        """Say what changed for the worse, or for the better again."""
        for name, status in statuses.items():
            before = self._statuses.get(name)
            bad = status.state in ("stalled", "reconnecting")
            was_bad = before is not None and before.state in ("stalled", "reconnecting")
            if bad and (before is None or before.state != status.state):
                stderr.print(f"[yellow]{_safe(name)}: {status.state}, {_safe(status.detail)}[/]")
            elif was_bad and status.state == "running":
                stderr.print(f"[green]{_safe(name)}: running again[/]")
        self._say_slow(sum(status.dropped for status in statuses.values()))
        self._statuses = dict(statuses)

    def _say_slow(self, dropped: int) -> None:
        now = time.monotonic()
        if dropped > self._dropped and now - self._said_slow >= SAY_SLOW_EVERY_S:
            stderr.print(
                f"[yellow]too slow: {dropped - self._dropped} frames dropped; take fewer sources, "
                "--precision int8, --motion-gate or --adapt[/]"
            )
            self._dropped, self._said_slow = dropped, now

    def close(self) -> None:
        """Sum up, once."""
        if self._done:
            return
        self._done = True
        lasted_s = time.monotonic() - self._began
        total = FeedStatus(
            frames_in=sum(status.frames_in for status in self._statuses.values()),
            dropped=sum(status.dropped for status in self._statuses.values()),
            reconnects=sum(status.reconnects for status in self._statuses.values()),
        )
        events = ", ".join(f"{count} {label}" for label, count in self._events.most_common()) or "no events"
        stderr.print(
            f"[dim]{lasted_s:.1f} s: {total.frames_in} frames, {self._steps} recognised, {total.dropped} dropped, "
            f"{total.reconnects} reconnects; {events}[/]"
        )


def _clock(seconds: float) -> str:
    minutes, rest = divmod(max(seconds, 0.0), 60.0)
    return f"{int(minutes):3d}:{rest:04.1f}"


def _name(event: Event) -> str:
    return _safe(event.source)


def _safe(text: str) -> str:
    return text.replace("[", r"\[")
