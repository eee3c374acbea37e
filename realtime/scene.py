"""What there is to see of one source: gathered step by step, handed out as a value to be drawn."""

from __future__ import annotations

import time
from collections import deque
from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from .results import Event, Prediction, Step
from .sources.feed import FeedStatus
from .timeline import Span, Timeline

OPENING, RUNNING = FeedStatus(), FeedStatus(state="running")
RATE_WINDOW_S = 3.0
SLOW_FOR_S = 3.0
"""How long a dropped frame keeps the picture saying that the machine is too slow."""


@dataclass(frozen=True, slots=True, eq=False)
class Scene:
    """One source at one moment, with everything that is drawn about it."""

    name: str
    image: NDArray[np.uint8] | None = None
    """uint8 [H, W, 3] RGB, or None before the first frame."""
    prediction: Prediction | None = None
    others: tuple[Prediction, ...] = ()
    """Of the further models."""
    active: tuple[Event, ...] = ()
    status: FeedStatus = OPENING
    fps_sampled: float = 0.0
    age_s: float | None = None
    """Seconds since the capture of the frame that the label is about."""
    too_slow: bool = False
    now: float = 0.0
    """The time in s, by the clock of `spans` and of the events' `start_time`."""
    spans: tuple[Span, ...] = ()


def worth_showing(scenes: Sequence[Scene]) -> list[Scene]:
    """Leave out what has ended or waits for its turn, as long as something is left.

    A folder is a row of sources, one for each clip, of which one is read at a time.
    """
    going = [
        scene
        for scene in scenes
        if scene.status.state != "ended" and not (scene.status.state == "opening" and scene.status.detail)
    ]
    return going or list(scenes[-1:])


@dataclass(slots=True)
class SourceView:
    """Follows one source; `scene` may be asked for at any time, all calls under one lock of the caller's."""

    name: str
    timeline: Timeline = field(default_factory=Timeline)
    _step: Step | None = None
    _active: tuple[Event, ...] = ()
    _status: FeedStatus = OPENING
    _arrivals: deque[float] = field(default_factory=lambda: deque(maxlen=512))
    _slow_until: float = 0.0

    def step(self, step: Step) -> None:
        """Take one recognised frame."""
        self._step, self._active = step, step.active
        self._arrivals.append(time.monotonic())
        if self._status.state == "opening":
            self._status = RUNNING
        prediction = next(iter(step.predictions.values()), None)
        if prediction is not None:
            self.timeline.add(prediction.wall_time, prediction.label, prediction.score)

    def events(self, events: tuple[Event, ...]) -> None:
        """Take events that no frame caused."""
        gone = {event.id for event in events if event.type == "end"}
        self._active = tuple(event for event in self._active if event.id not in gone)

    def status(self, status: FeedStatus) -> None:
        """Take the state of the source."""
        if status.dropped > self._status.dropped:
            self._slow_until = time.monotonic() + SLOW_FOR_S
        self._status = status

    def scene(self, *, aged: bool = True) -> Scene:
        """Return what is to be seen now; `aged=False` stops the clock at the last step, for a recording."""
        step = self._step
        if step is None:
            return Scene(self.name, status=self._status)
        frame, monotonic = step.frame, time.monotonic()
        # For a file the clock of the events is media time, which stands still while nothing is read.
        live = frame.wall_time != frame.media_time
        passed = monotonic - frame.captured if aged and live else 0.0
        arrivals = self._arrivals
        while arrivals and monotonic - arrivals[0] > RATE_WINDOW_S:
            arrivals.popleft()
        fresh = bool(arrivals) and monotonic - arrivals[-1] < 1.0
        span_s = (arrivals[-1] if fresh else monotonic) - arrivals[0] if len(arrivals) > 1 else 0.0
        predictions = tuple(step.predictions.values())
        now = frame.wall_time + passed
        return Scene(
            name=self.name,
            image=frame.image,
            prediction=predictions[0] if predictions else None,
            others=predictions[1:],
            active=self._active,
            status=self._status,
            fps_sampled=(len(arrivals) - 1) / span_s if span_s > 0 else 0.0,
            age_s=max(0.0, monotonic - frame.captured),
            too_slow=monotonic < self._slow_until,
            now=now,
            spans=self.timeline.spans(now),
        )
