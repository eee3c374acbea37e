"""How quiet a stream is: false alarms where nothing happens, and labels that flicker."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import groupby, pairwise

from .spans import Detection, Span, join_touching, meets


@dataclass(frozen=True, slots=True)
class Alarms:
    """Events by what was true at the time, and the hours in which they could happen."""

    right: int
    """Share time with a true span of their label."""
    confused: int
    """Share time with true spans of other labels only."""
    on_background: int
    """Share no time with any true span: false alarms."""
    labelled_h: float
    background_h: float

    def __add__(self, other: Alarms) -> Alarms:
        return Alarms(
            self.right + other.right,
            self.confused + other.confused,
            self.on_background + other.on_background,
            self.labelled_h + other.labelled_h,
            self.background_h + other.background_h,
        )

    @property
    def per_hour(self) -> float:
        """False alarms in an hour of background; NaN if there was none."""
        return self.on_background / self.background_h if self.background_h > 0.0 else float("nan")


def count_alarms(
    detections: Sequence[Detection], truth: Sequence[Span], length_s: float, ignored: Sequence[Span] = ()
) -> Alarms:
    """Sort the events of a stream of `length_s` seconds; those that meet an ignored span are not counted."""
    right = confused = on_background = 0
    for found in detections:
        met = {span.label for span in truth if meets(found.span, span)}
        if found.span.label in met:
            right += 1
        elif any(meets(found.span, span) for span in ignored):
            continue
        elif met:
            confused += 1
        else:
            on_background += 1
    labelled_s = _covered_s(truth)
    covered_s = _covered_s([*truth, *ignored])
    return Alarms(right, confused, on_background, labelled_s / 3600, max(0.0, length_s - covered_s) / 3600)


def count_flips(truth: Sequence[str], said: Sequence[str]) -> int:
    """Return how often the top label changed without need, step by step.

    Within a stretch of one true label one change, to that label, is needed if the stretch did not begin with
    it; every other change is a flip. The change from one stretch to the next is free.
    """
    flips = 0
    for _, pairs in groupby(zip(truth, said, strict=True), key=lambda pair: pair[0]):
        stretch = list(pairs)
        wanted = stretch[0][0]
        answers = [answer for _, answer in stretch]
        changes = sum(before != after for before, after in pairwise(answers))
        needed = answers[0] != wanted and wanted in answers
        flips += changes - needed
    return flips


def _covered_s(spans: Sequence[Span]) -> float:
    return sum(s.end_s - s.start_s for s in join_touching(Span(s.start_s, s.end_s, "") for s in spans))
