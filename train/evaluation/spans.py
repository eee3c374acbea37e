"""Spans of time with a label, and how the events of a stream fit those that truly happened."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Span:
    """From `start_s` to `end_s`, in s of media time, something with a label happened."""

    start_s: float
    end_s: float
    label: str


@dataclass(frozen=True, slots=True)
class Detection:
    """An event as a viewer got it: its span, the moment at which it was announced, and its best score."""

    span: Span
    said_s: float
    score: float


@dataclass(frozen=True, slots=True)
class Tally:
    """Counts of events: found and true, true but not found, found but not true."""

    hits: int = 0
    missed: int = 0
    false: int = 0

    def __add__(self, other: Tally) -> Tally:
        return Tally(self.hits + other.hits, self.missed + other.missed, self.false + other.false)

    @property
    def precision(self) -> float:
        """Share of the events said that are true."""
        return self.hits / (self.hits + self.false) if self.hits + self.false else 0.0

    @property
    def recall(self) -> float:
        """Share of the true events that were said."""
        return self.hits / (self.hits + self.missed) if self.hits + self.missed else 0.0

    @property
    def f1(self) -> float:
        """Their harmonic mean."""
        return 2 * self.hits / max(1, 2 * self.hits + self.missed + self.false)


def overlap_s(one: Span, other: Span) -> float:
    """Return the time two spans share, in s."""
    return max(0.0, min(one.end_s, other.end_s) - max(one.start_s, other.start_s))


def meets(one: Span, other: Span) -> bool:
    """Return whether two spans share time; a span without length, an event of one step, can lie inside another."""
    return one.start_s <= other.end_s and one.end_s >= other.start_s


def tiou(one: Span, other: Span) -> float:
    """Return the temporal intersection over union, whatever the labels."""
    both = overlap_s(one, other)
    union = (one.end_s - one.start_s) + (other.end_s - other.start_s) - both
    return both / union if union > 0.0 else 0.0


def join_touching(spans: Iterable[Span], gap_s: float = 1e-6) -> tuple[Span, ...]:
    """Return spans in order of time, those of one label that touch or overlap made one."""
    joined: list[Span] = []
    last: dict[str, int] = {}
    for span in sorted(spans, key=lambda span: (span.start_s, span.end_s)):
        before = last.get(span.label)
        if before is not None and span.start_s <= joined[before].end_s + gap_s:
            kept = joined[before]
            joined[before] = Span(kept.start_s, max(kept.end_s, span.end_s), span.label)
        else:
            last[span.label] = len(joined)
            joined.append(span)
    return tuple(joined)


def tally_events(
    detections: Sequence[Detection], truth: Sequence[Span], least_tiou: float
) -> dict[str, Tally]:
    """Return each label's counts: an event is a hit if its tIoU with a true span of its label is at least this.

    Detections are served best score first, each takes the free true span that it fits best, and a second
    detection of one span is false. Source: the matching of THUMOS14 and ActivityNet (Caba Heilbron et al.,
    CVPR 2015); F1 at an overlap as in Lea et al., Temporal Convolutional Networks, CVPR 2017.
    """
    free = dict(enumerate(truth))
    hits: dict[str, int] = {}
    false: dict[str, int] = {}
    for found in sorted(detections, key=lambda found: -found.score):
        label = found.span.label
        fits = [(tiou(found.span, span), -number) for number, span in free.items() if span.label == label]
        best = max(fits, default=(0.0, 0))
        if fits and best[0] >= least_tiou:
            del free[-best[1]]
            hits[label] = hits.get(label, 0) + 1
        else:
            false[label] = false.get(label, 0) + 1
    labels = sorted({span.label for span in truth} | set(false))
    return {
        label: Tally(
            hits.get(label, 0),
            sum(span.label == label for span in free.values()),
            false.get(label, 0),
        )
        for label in labels
    }


def detection_delays(detections: Sequence[Detection], truth: Sequence[Span]) -> list[float | None]:
    """Return, for each true span, how long after its start an event of its label was announced, in s.

    The first event that shares time with the span counts; 0 if it was already running, None if there is none.
    """
    delays: list[float | None] = []
    for span in truth:
        said = [
            max(0.0, found.said_s - span.start_s)
            for found in detections
            if found.span.label == span.label and meets(found.span, span)
        ]
        delays.append(min(said, default=None))
    return delays
