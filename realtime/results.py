"""What leaves the recogniser: predictions, one for each head step, and events with a start and an end."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from .frame import Frame

EVENT_SCHEMA = "actrec.event/1"
PREDICTION_SCHEMA = "actrec.prediction/1"
EventType = Literal["new", "update", "end"]


@dataclass(frozen=True, slots=True, eq=False)
class Prediction:
    """The smoothed probabilities of one head step of one source under one model."""

    source: str
    index: int
    """Number of the frame in its source."""
    media_time: float
    wall_time: float
    captured: float
    """Of the frame, see `Frame`."""
    labels: tuple[str, ...]
    probabilities: NDArray[np.float32]
    """float32 [C], smoothed; sums to 1 unless the model is multi-label."""
    model: str
    """`name@hash8`."""
    epoch: int = 0

    @property
    def label(self) -> str:
        """The most probable label, the background included."""
        return self.labels[int(self.probabilities.argmax())]

    @property
    def score(self) -> float:
        """Its probability."""
        return float(self.probabilities.max())

    def top(self, count: int = 3) -> list[tuple[str, float]]:
        """Return the `count` most probable labels, the first first; ties go to the earlier label."""
        order = np.argsort(-self.probabilities, kind="stable")[:count]
        return [(self.labels[i], float(self.probabilities[i])) for i in order]

    def to_dict(self) -> dict[str, Any]:
        """Return the JSON line of `--predictions`; scores have four decimals, times milliseconds."""
        return {
            "schema": PREDICTION_SCHEMA,
            "source": self.source,
            "index": self.index,
            "media_time": round(self.media_time, 3),
            "label": self.label,
            "score": round(self.score, 4),
            "top": [[label, round(score, 4)] for label, score in self.top()],
            "model": self.model,
        }


@dataclass(frozen=True, slots=True)
class Event:
    """Something happened, is happening, or has ended. All lines of one happening share `id`; times in s."""

    type: EventType
    id: str
    source: str
    label: str
    score: float
    top_score: float
    start_time: float
    end_time: float | None
    frame_time: float
    """Wall time of the frame that caused this line (media time for files)."""
    media_start: float
    media_end: float | None
    latency_ms: float | None
    """From the capture of that frame to this line; None for files."""
    model: str

    def to_dict(self) -> dict[str, Any]:
        """Return the JSON line of `--events`."""
        return {
            "schema": EVENT_SCHEMA,
            "type": self.type,
            "id": self.id,
            "source": self.source,
            "label": self.label,
            "score": round(self.score, 4),
            "top_score": round(self.top_score, 4),
            "start_time": round(self.start_time, 3),
            "end_time": None if self.end_time is None else round(self.end_time, 3),
            "frame_time": round(self.frame_time, 3),
            "media_start": round(self.media_start, 3),
            "media_end": None if self.media_end is None else round(self.media_end, 3),
            "latency_ms": None if self.latency_ms is None else round(self.latency_ms, 1),
            "model": self.model,
        }


@dataclass(frozen=True, slots=True, eq=False)
class Step:
    """One recognised frame, as the pipeline hands it to the sinks: the picture and all that is known of it."""

    frame: Frame
    predictions: Mapping[str, Prediction]
    """By model id; the first is the one that is drawn."""
    events: tuple[Event, ...]
    """What this frame caused, in order."""
    active: tuple[Event, ...]
    """What is happening now, on this source: the latest line of each open event."""
