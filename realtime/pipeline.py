"""The way of a frame in one place: feeds -> scheduler -> recognizers -> events, as a stream of steps."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace

from ..models import ConfigError
from .adapt import Adaptation, DueForAny
from .events import EventMachine
from .frame import Frame
from .recognizer import Recognizer
from .results import Event, Prediction, Step
from .scheduler import Ended, Scheduler
from .sources.feed import Feed, FeedStatus

TICK_S = 0.1
"""How long `steps` waits for a frame before it gives an empty tuple, so that its caller can look around."""


class Pipeline:
    """Runs recognizers over feeds and yields what happens.

    The threads are those of the feeds; everything else happens in the thread that iterates `steps`. The
    pipeline starts the feeds and stops them when the iteration ends, however it ends.
    """

    def __init__(
        self,
        feeds: Sequence[Feed],
        recognizers: Sequence[Recognizer],
        *,
        threshold: float | None = None,
        max_staleness_s: float = 0.5,
        duration_s: float | None = None,
        adapt: bool = False,
    ) -> None:
        if len({feed.name for feed in feeds}) < len(feeds):
            raise ConfigError("sources: two with the same name; name them NAME=URI")
        self._feeds = {feed.name: feed for feed in feeds}
        self._recognizers = list(recognizers)
        bundles = [bundle for recognizer in recognizers for bundle in recognizer.bundles]
        self._specs = {
            bundle.id: bundle.spec if threshold is None else bundle.spec.with_threshold(threshold)
            for bundle in bundles
        }
        self._wake = threading.Event()
        self._stop = threading.Event()
        self._scheduler = Scheduler(feeds, self._wake, max_staleness_s=max_staleness_s, duration_s=duration_s)
        self._adaptation = Adaptation(adapt)
        self._machines: dict[tuple[str, str], EventMachine] = {}
        self._said_lost: set[str] = set()
        self._looked = 0.0

    def stop(self) -> None:
        """End the iteration of `steps` soon and cleanly; may be called from any thread or a signal handler."""
        self._stop.set()
        self._wake.set()

    def statuses(self) -> Mapping[str, FeedStatus]:
        """Return the state of all sources by name, drops for age included."""
        stale = self._scheduler.stale
        return {
            name: replace(status, dropped=status.dropped + stale[name])
            for name, status in ((name, feed.status()) for name, feed in self._feeds.items())
        }

    def steps(self) -> Iterator[Step | tuple[Event, ...]]:
        """Yield a Step for each recognised frame, and tuples of events that no frame caused (often empty)."""
        try:
            for feed in self._feeds.values():
                feed.start(self._due(), self._wake)
            while not self._stop.is_set() and not self._scheduler.done:
                for turn in self._scheduler.turns(TICK_S):
                    if self._stop.is_set():
                        break
                    if isinstance(turn, Ended):
                        yield self._finish_source(turn.source)
                        continue
                    began = time.monotonic()
                    steps = self._recognise(turn)
                    took_s = time.monotonic() - began
                    self._scheduler.took(took_s, len(turn))
                    self._adaptation.worked(took_s)
                    yield from steps
                yield self._look_around()
            yield tuple(event for name in self._feeds for event in self._finish_source(name))
        finally:
            for feed in self._feeds.values():
                feed.halt()
            for feed in self._feeds.values():
                feed.stop()

    @property
    def rate_share(self) -> float:
        """The share of the models' sampling rate that this machine bears; 1.0 unless `adapt` had to lower it."""
        return self._adaptation.share

    def _due(self) -> DueForAny:
        rates = sorted({recognizer.fps for recognizer in self._recognizers})
        return DueForAny(rates, lambda: self._adaptation.share)

    def _recognise(self, batch: Sequence[Frame]) -> list[Step]:
        predictions: dict[str, dict[str, Prediction]] = {frame.source: {} for frame in batch}
        events: dict[str, list[Event]] = {frame.source: [] for frame in batch}
        for recognizer in self._recognizers:
            for result in recognizer.update_batch(batch):
                source = result.frame.source
                predictions[source].update(result.predictions)
                for model, prediction in result.predictions.items():
                    if result.broken is not None:
                        events[source].extend(self._finish((source, model)))
                    machine = self._machine(source, model)
                    events[source].extend(machine.update(prediction, time.monotonic()))
        return [
            Step(frame, predictions[frame.source], tuple(events[frame.source]), self._active(frame.source))
            for frame in batch
            if predictions[frame.source]
        ]

    def _machine(self, source: str, model: str) -> EventMachine:
        machine = self._machines.get((source, model))
        if machine is None:
            machine = self._machines[source, model] = EventMachine(
                self._specs[model], live=self._feeds[source].live
            )
        return machine

    def _active(self, source: str) -> tuple[Event, ...]:
        return tuple(
            event
            for (name, _), machine in self._machines.items()
            if name == source
            for event in machine.active
        )

    def _finish(self, key: tuple[str, str]) -> tuple[Event, ...]:
        machine = self._machines.get(key)
        return machine.finish(time.monotonic()) if machine is not None else ()

    def _look_around(self) -> tuple[Event, ...]:
        """Adapt the rate and end the events of lost sources, not more often than each tick."""
        now = time.monotonic()
        if now - self._looked < TICK_S:
            return ()
        self._looked = now
        self._adapt()
        return self._lost_sources()

    def _adapt(self) -> None:
        if self._adaptation.enabled:
            dropped = sum(status.dropped for status in self.statuses().values())
            self._adaptation.look(dropped, time.monotonic())

    def _finish_source(self, name: str) -> tuple[Event, ...]:
        return tuple(event for key in self._machines if key[0] == name for event in self._finish(key))

    def _lost_sources(self) -> tuple[Event, ...]:
        """End the events of live sources that give no frames now, once for each loss."""
        said: list[Event] = []
        for name, feed in self._feeds.items():
            if not feed.live or feed.status().state not in ("stalled", "reconnecting", "failed"):
                self._said_lost.discard(name)
            elif name not in self._said_lost:
                self._said_lost.add(name)
                said.extend(self._finish_source(name))
        return tuple(said)
