"""What every sink looks like from the pipeline."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Protocol

from ..results import Event, Step
from ..sources.feed import FeedStatus


class Sink(Protocol):
    """Takes what the pipeline gives, on the recognising thread: whatever is slow belongs into an own thread.

    A sink that fails (a full disk, a closed pipe) raises OSError; the pipeline reports it once, closes that
    sink and goes on recognising. `close` writes out everything that was taken.
    """

    def step(self, step: Step) -> None:
        """Take one recognised frame with its predictions and the events that it caused."""

    def events(self, events: tuple[Event, ...]) -> None:
        """Take events that no frame caused: those that end because a source was lost or the run is over."""

    def statuses(self, statuses: Mapping[str, FeedStatus]) -> None:
        """Take the state of all sources, by name, a few times a second."""

    def close(self) -> None:
        """Finish; safe to call twice."""
