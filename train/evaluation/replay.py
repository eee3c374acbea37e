"""Events anew from the scores of a stream, under other rules, fast enough to try many."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from ...models import EventRule
from .spans import Detection, Span

_EPSILON = 1e-6


def replay_events(
    times: NDArray[np.float64], scores: NDArray[np.float32], label: str, rule: EventRule
) -> list[Detection]:
    """Return the events that `EventMachine` makes of one label's smoothed scores [T] at times [T], in s.

    It works on stretches at or above `leave` instead of steps; a test holds the two together.
    """
    above = scores >= rule.leave
    edges = np.flatnonzero(np.diff(np.concatenate([[False], above, [False]]).astype(np.int8)))
    events: list[Detection] = []
    for begin, end in zip(edges[::2], edges[1::2], strict=True):
        stretch = scores[begin:end]
        if events and times[begin - 1] - _end(events[-1], rule) < rule.min_gap_s - _EPSILON:
            # Not away for long enough: the event before goes on, whatever its score.
            before = events[-1]
            span = Span(before.span.start_s, float(times[end - 1]) + rule.pad_s, label)
            events[-1] = Detection(span, before.said_s, max(before.score, float(stretch.max())))
            continue
        entered = np.flatnonzero(stretch >= rule.enter)
        if not len(entered):
            continue
        start = begin + int(entered[0])
        stayed = np.flatnonzero(times[start:end] - times[start] >= rule.min_duration_s - _EPSILON)
        if len(stayed):
            span = Span(float(times[start]) - rule.pad_s, float(times[end - 1]) + rule.pad_s, label)
            said = float(times[start + int(stayed[0])])
            events.append(Detection(span, said, float(scores[start:end].max())))
    return events


def _end(event: Detection, rule: EventRule) -> float:
    return event.span.end_s - rule.pad_s
