"""Starts of actions, announced online: point-level average precision."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

OFFSETS_S = tuple(range(1, 11))


@dataclass(frozen=True, slots=True)
class Start:
    """A label begins at a time (s) of a stream; for an announced one, `score` says how sure that is."""

    stream: str
    time_s: float
    label: str
    score: float = 1.0


def announced_starts(
    stream: str,
    times: NDArray[np.float64],
    probabilities: NDArray[np.float32],
    labels: Sequence[str],
    background: str | None,
    hold_s: float = 0.4,
) -> list[Start]:
    """Return a start for each time that another label than before became the top one and stayed for `hold_s`.

    times [T], probabilities [T, C]. It is announced at the end of that time, with the label's mean
    probability over it as its score: no threshold, so that the list can be ranked. The background starts
    nothing, but ends what was. Source: the rule of Shou et al., Online Detection of Action Start in Untrimmed,
    Streaming Videos, ECCV 2018 (another class than at the step before, not the background), with the hold
    that an event needs too.
    """
    starts: list[Start] = []
    top = probabilities.argmax(axis=1) if len(probabilities) else np.empty(0, np.int64)
    announced = -1
    since = 0
    for step, label in enumerate(top):
        if step and label != top[step - 1]:
            since = step
        if label == announced or times[step] - times[since] < hold_s - 1e-6:
            continue
        announced = int(label)
        if labels[announced] != background:
            score = float(probabilities[since : step + 1, announced].mean())
            starts.append(Start(stream, float(times[step]), labels[announced], score))
    return starts


def point_ap(
    found: Sequence[Start], truth: Sequence[Start], offset_s: float
) -> tuple[float, dict[str, float]]:
    """Return the mean over labels of their point-level average precision, and each one's.

    Starts are served best score first; one is right if an unserved true start of its label and stream lies
    within `offset_s` of it (the nearest is taken). Average precision is the mean, over the true starts, of the
    precision at each right one. Source: p-AP of Shou et al., ECCV 2018. Labels that never start are left out.
    """
    each = {}
    for label in sorted({start.label for start in truth}):
        free = [start for start in truth if start.label == label]
        total, hits, gained = len(free), 0, 0.0
        ranked = sorted((start for start in found if start.label == label), key=lambda start: -start.score)
        for rank, start in enumerate(ranked, 1):
            near = [
                (abs(true.time_s - start.time_s), number)
                for number, true in enumerate(free)
                if true.stream == start.stream and abs(true.time_s - start.time_s) <= offset_s + 1e-9
            ]
            if near:
                free.pop(min(near)[1])
                hits += 1
                gained += hits / rank
        each[label] = gained / total
    return (sum(each.values()) / len(each) if each else float("nan")), each
