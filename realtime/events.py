"""From probabilities to events: hysteresis, minimum duration, minimum gap; `new`, `update`, then one `end`."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass, replace

from ..models import EventRule, ModelSpec
from .results import Event, EventType, Prediction

UPDATE_EVERY_S = 1.0
"""How often an event that goes on says so, in seconds of media time."""


@dataclass(frozen=True, slots=True)
class _Moment:
    media: float
    wall: float

    def shifted(self, seconds: float) -> _Moment:
        return _Moment(self.media + seconds, self.wall + seconds)


@dataclass(slots=True)
class _Track:
    """What the machine remembers of one label of one source."""

    start: _Moment
    top: float
    score: float
    last_above: _Moment
    """The last moment at or above the leave threshold: where the event ends, if it ends."""
    event: Event | None = None
    said_at: float = 0.0


class EventMachine:
    """Turns the predictions of one source under one model into events.

    A label's event begins at the first step at or above `enter`, once the label has stayed at or above
    `leave` for `min_duration_s`; it ends at the last step at or above `leave`, once it has been below for
    `min_gap_s`. The background label never makes an event. For each `new` there is exactly one `end`, at the
    latest from `finish`.
    """

    def __init__(self, spec: ModelSpec, *, live: bool) -> None:
        self._rules: dict[int, EventRule] = {
            index: spec.rule_for(label) for index, label in enumerate(spec.labels) if label != spec.background
        }
        self._live = live
        self._tracks: dict[int, _Track] = {}
        self._last: Prediction | None = None

    @property
    def active(self) -> tuple[Event, ...]:
        """The latest line of each event that is open, the oldest first."""
        return tuple(track.event for track in self._tracks.values() if track.event is not None)

    def update(self, prediction: Prediction, now: float | None = None) -> tuple[Event, ...]:
        """Take one step; return what it caused. `now` is the monotonic time for `latency_ms` of live sources."""
        self._last = prediction
        moment = self._moment()
        said: list[Event] = []
        for index, rule in self._rules.items():
            score = float(prediction.probabilities[index])
            track = self._tracks.get(index)
            if track is None:
                if score < rule.enter:
                    continue
                track = self._tracks[index] = _Track(moment, score, score, moment)
            track.score = score
            event = self._stay(index, track, now) if score >= rule.leave else self._fade(index, track, now)
            if event is not None:
                said.append(event)
        return tuple(said)

    def finish(self, now: float | None = None) -> tuple[Event, ...]:
        """End every open event, because the source is lost, jumps, or the run is over; start afresh."""
        said: list[Event] = []
        for index, track in list(self._tracks.items()):
            if track.event is not None:
                said.append(self._end(track, self._rules[index], now))
        self._tracks.clear()
        return tuple(said)

    def _stay(self, index: int, track: _Track, now: float | None) -> Event | None:
        rule, media_time = self._rules[index], self._prediction().media_time
        track.top = max(track.top, track.score)
        track.last_above = self._moment()
        if track.event is None:
            if media_time - track.start.media < rule.min_duration_s - 1e-6:
                return None
            track.said_at = media_time
            return self._begin(index, track, rule, now)
        if media_time - track.said_at < UPDATE_EVERY_S - 1e-6:
            return None
        track.said_at = media_time
        return self._say("update", track, track.event, now)

    def _fade(self, index: int, track: _Track, now: float | None) -> Event | None:
        rule, media_time = self._rules[index], self._prediction().media_time
        if track.event is None:
            del self._tracks[index]
            return None
        if media_time - track.last_above.media < rule.min_gap_s - 1e-6:
            return None
        del self._tracks[index]
        return self._end(track, rule, now)

    def _begin(self, index: int, track: _Track, rule: EventRule, now: float | None) -> Event:
        prediction = self._prediction()
        label = prediction.labels[index]
        start = track.start.shifted(-rule.pad_s)
        key = f"{prediction.source}\n{prediction.model}\n{label}\n{start.wall:.3f}"
        event = Event(
            type="new",
            id=f"{start.wall:.3f}-{hashlib.sha256(key.encode()).hexdigest()[:6]}",
            source=prediction.source,
            label=label,
            score=track.score,
            top_score=track.top,
            start_time=start.wall,
            end_time=None,
            frame_time=prediction.wall_time,
            media_start=start.media,
            media_end=None,
            latency_ms=None,
            model=prediction.model,
        )
        return self._say("new", track, event, now)

    def _end(self, track: _Track, rule: EventRule, now: float | None) -> Event:
        assert track.event is not None
        end = track.last_above.shifted(rule.pad_s)
        return self._say("end", track, replace(track.event, end_time=end.wall, media_end=end.media), now)

    def _say(self, kind: EventType, track: _Track, event: Event, now: float | None) -> Event:
        prediction = self._prediction()
        latency_ms = (now - prediction.captured) * 1000.0 if self._live and now is not None else None
        track.event = replace(
            event,
            type=kind,
            score=track.score,
            top_score=track.top,
            frame_time=prediction.wall_time,
            latency_ms=latency_ms,
        )
        return track.event

    def _prediction(self) -> Prediction:
        assert self._last is not None
        return self._last

    def _moment(self) -> _Moment:
        prediction = self._prediction()
        return _Moment(prediction.media_time, prediction.wall_time)
