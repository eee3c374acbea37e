"""Playing pictures through the live path (pipeline, recognizer, event machine) and noting all that was said."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from ...models import Bundle, Precision
from ...realtime.backends import Runtime
from ...realtime.frame import Frame
from ...realtime.pipeline import Pipeline
from ...realtime.recognizer import Recognition, Recognizer
from ...realtime.results import Event, Prediction, Step
from ...realtime.sources.reader import Faults, Picture, ReaderFeed
from .spans import Detection, Span

Read = Callable[[Faults], Iterable[Picture]]


class WatchedRecognizer(Recognizer):
    """The live recognizer; it also counts, by source, how often a stream was taken for broken."""

    def __init__(
        self,
        bundle: Bundle,
        *,
        device: str = "auto",
        threads: int | None = None,
        runtime: Runtime = "onnx",
        precision: Precision | None = None,
    ) -> None:
        super().__init__(bundle, device=device, threads=threads, runtime=runtime, precision=precision)
        self.breaks: Counter[str] = Counter()

    def update_batch(self, frames: Sequence[Frame]) -> list[Recognition]:
        """See `Recognizer.update_batch`."""
        results = super().update_batch(frames)
        self.breaks.update(result.frame.source for result in results if result.broken is not None)
        return results


@dataclass(frozen=True, slots=True, eq=False)
class Played:
    """What the live path said of one stream, step by step, and its events."""

    name: str
    times: NDArray[np.float64]
    """[T], s of media time."""
    probabilities: NDArray[np.float32]
    """[T, C], calibrated and smoothed, as every sink gets them."""
    detections: tuple[Detection, ...]
    breaks: int
    """How often the past was forgotten: a gap or a hard cut."""

    @property
    def length_s(self) -> float:
        """From the first step to one step behind the last."""
        if not len(self.times):
            return 0.0
        step_s = float(np.median(np.diff(self.times))) if len(self.times) > 1 else 0.0
        return float(self.times[-1] - self.times[0]) + step_s


def play(name: str, read: Read, recognizer: WatchedRecognizer, *, threshold: float | None = None) -> Played:
    """Run a stream without loss, as `actrec-live` runs a file. Raises SourceError if it cannot be read."""
    feed = ReaderFeed(name, read)
    pipeline = Pipeline([feed], [recognizer], threshold=threshold)
    model = recognizer.bundles[0].id
    predictions: list[Prediction] = []
    events: list[Event] = []
    for item in pipeline.steps():
        if isinstance(item, Step):
            predictions.append(item.predictions[model])
            events.extend(item.events)
        else:
            events.extend(item)
    recognizer.forget(name)
    if feed.error is not None:
        raise feed.error
    times = np.array([prediction.media_time for prediction in predictions], np.float64)
    shape = (0, len(recognizer.spec.labels))
    rows = np.stack([p.probabilities for p in predictions]) if predictions else np.zeros(shape, np.float32)
    return Played(name, times, rows, collect_detections(events), recognizer.breaks.pop(name, 0))


def collect_detections(events: Iterable[Event]) -> tuple[Detection, ...]:
    """Return the events that ended, in order of their ends: when each was said, and what it became."""
    said: dict[str, float] = {}
    done = []
    for event in events:
        if event.type == "new":
            # Of a file the wall time is the media time, so this is the moment of the announcement.
            said[event.id] = event.frame_time
        elif event.type == "end" and event.media_end is not None:
            span = Span(event.media_start, event.media_end, event.label)
            done.append(Detection(span, said[event.id], event.top_score))
    return tuple(done)
