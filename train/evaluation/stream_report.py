"""What an evaluation on streams found, as one value."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from ...models import ModelSpec
from .classify import calibration_error
from .play import Played
from .quiet import Alarms, count_alarms, count_flips
from .ranking import frame_map
from .reels import Reel
from .spans import Detection, Span, Tally, detection_delays, meets, tally_events
from .starts import OFFSETS_S, Start, announced_starts, point_ap

TIOUS = (0.3, 0.5)


@dataclass(frozen=True, slots=True, eq=False)
class Judged:
    """A stream after it was played: what was said, what was true within its length, and which steps count."""

    played: Played
    truth: tuple[Span, ...]
    ignored: tuple[Span, ...]
    kind: str
    hot: NDArray[np.bool_]
    """[T, C]: what is true at each step; a row without a True is background."""
    counts: NDArray[np.bool_]
    """[T]: False within an ignored span."""


@dataclass(frozen=True, slots=True)
class StreamLabel:
    """One label on the streams."""

    spans: int
    ap: float
    calibrated_ap: float
    events: Mapping[float, Tally]
    median_delay_s: float
    found: int


@dataclass(frozen=True, slots=True)
class StreamReport:
    """Streams played through the live path; shares in 0..1, times in s."""

    streams: int
    kinds: Mapping[str, int]
    hours: float
    frames: int
    breaks: int
    frame_accuracy: float
    frame_ece: float
    frame_map: float
    calibrated_map: float
    start_ap: Mapping[int, float]
    """By offset in s."""
    events: Mapping[float, Tally]
    """By tIoU."""
    median_delay_s: float
    p90_delay_s: float
    found: int
    spans: int
    flips_per_min: float
    true_changes_per_min: float
    alarms: Alarms
    each: Mapping[str, StreamLabel]


def judge_stream(reel: Reel, played: Played, labels: Sequence[str]) -> Judged:
    """Lay what was true beside what was said, step by step."""
    length_s = played.length_s
    truth = tuple(replace(s, end_s=min(s.end_s, length_s)) for s in reel.truth if s.start_s < length_s)
    ignored = tuple(replace(s, end_s=min(s.end_s, length_s)) for s in reel.ignored if s.start_s < length_s)
    hot = np.zeros((len(played.times), len(labels)), np.bool_)
    for span in truth:
        hot[_inside(played, span), labels.index(span.label)] = True
    counts = np.ones(len(played.times), np.bool_)
    for span in ignored:
        counts[_inside(played, span)] = False
    return Judged(played, truth, ignored, reel.kind, hot, counts | hot.any(axis=1))


def report_streams(judged: Sequence[Judged], spec: ModelSpec) -> StreamReport:
    """Sum up over all streams; frames, spans and starts of all of them are ranked together."""
    labels = spec.labels
    active = [index for index, label in enumerate(labels) if label != spec.background]
    scores = np.concatenate([j.played.probabilities[j.counts] for j in judged])
    hot = np.concatenate([j.hot[j.counts] for j in judged])
    plain, each_ap = frame_map(scores, hot, active)
    calibrated, each_calibrated = frame_map(scores, hot, active, calibrated=True)
    starts, found_starts = _starts(judged, spec)
    tallies = {tiou: _tally(judged, tiou) for tiou in TIOUS}
    delays = _delays(judged)
    known = np.array([d for values in delays.values() for d in values if d is not None])
    alarms = Alarms(0, 0, 0, 0.0, 0.0)
    for j in judged:
        alarms += count_alarms(j.played.detections, j.truth, j.played.length_s, j.ignored)
    minutes = sum(j.played.length_s for j in judged) / 60
    right = _right(scores, hot, spec)
    return StreamReport(
        streams=len(judged),
        kinds={kind: sum(j.kind == kind for j in judged) for kind in sorted({j.kind for j in judged})},
        hours=minutes / 60,
        frames=len(scores),
        breaks=sum(j.played.breaks for j in judged),
        frame_accuracy=float(right[0].mean()) if len(right[0]) else float("nan"),
        frame_ece=calibration_error(right[1], right[2]),
        frame_map=plain,
        calibrated_map=calibrated,
        start_ap={offset: point_ap(found_starts, starts, offset)[0] for offset in OFFSETS_S},
        events={tiou: sum(tally.values(), Tally()) for tiou, tally in tallies.items()},
        median_delay_s=_quantile(known, 0.5),
        p90_delay_s=_quantile(known, 0.9),
        found=len(known),
        spans=sum(len(values) for values in delays.values()),
        flips_per_min=sum(_flips(j, spec) for j in judged) / minutes if minutes else float("nan"),
        true_changes_per_min=_true_changes(judged) / minutes if minutes else float("nan"),
        alarms=alarms,
        each={
            labels[index]: StreamLabel(
                spans=len(delays.get(labels[index], [])),
                ap=each_ap.get(index, float("nan")),
                calibrated_ap=each_calibrated.get(index, float("nan")),
                events={tiou: tally.get(labels[index], Tally()) for tiou, tally in tallies.items()},
                median_delay_s=_quantile(
                    np.array([d for d in delays.get(labels[index], []) if d is not None]), 0.5
                ),
                found=sum(d is not None for d in delays.get(labels[index], [])),
            )
            for index in active
        },
    )


def _inside(played: Played, span: Span) -> NDArray[np.bool_]:
    return np.asarray((played.times >= span.start_s - 1e-6) & (played.times < span.end_s - 1e-6))


def _starts(judged: Sequence[Judged], spec: ModelSpec) -> tuple[list[Start], list[Start]]:
    true, found = [], []
    for j in judged:
        true += [Start(j.played.name, span.start_s, span.label) for span in j.truth]
        said = announced_starts(
            j.played.name,
            j.played.times,
            j.played.probabilities,
            spec.labels,
            spec.background,
            spec.rule.min_duration_s,
        )
        found += [s for s in said if not any(span.start_s <= s.time_s <= span.end_s for span in j.ignored)]
    return true, found


def _tally(judged: Sequence[Judged], tiou: float) -> dict[str, Tally]:
    total: dict[str, Tally] = {}
    for j in judged:
        for label, tally in tally_events(_counted(j), j.truth, tiou).items():
            total[label] = total.get(label, Tally()) + tally
    return total


def _counted(j: Judged) -> list[Detection]:
    """Return the events, without those that belong to an ignored span."""
    return [
        found
        for found in j.played.detections
        if not any(meets(found.span, span) for span in j.ignored)
        or any(meets(found.span, span) and found.span.label == span.label for span in j.truth)
    ]


def _delays(judged: Sequence[Judged]) -> dict[str, list[float | None]]:
    delays: dict[str, list[float | None]] = {}
    for j in judged:
        for span, delay in zip(j.truth, detection_delays(j.played.detections, j.truth), strict=True):
            delays.setdefault(span.label, []).append(delay)
    return delays


def _right(
    scores: NDArray[np.float32], hot: NDArray[np.bool_], spec: ModelSpec
) -> tuple[NDArray[np.bool_], NDArray[np.float32], NDArray[np.int64]]:
    """Return which frames are named rightly, their scores, and a true label for each.

    Without a background label a frame on which nothing happens has no right answer and is left out; where
    two things are true at once, either is right.
    """
    truth = hot.copy()
    if spec.background is not None:
        truth[~hot.any(axis=1), spec.labels.index(spec.background)] = True
    judged = truth.any(axis=1)
    scores, truth = scores[judged], truth[judged]
    said = scores.argmax(axis=1)
    right = truth[np.arange(len(said)), said]
    return right, scores, np.where(right, said, truth.argmax(axis=1)).astype(np.int64)


def _flips(j: Judged, spec: ModelSpec) -> int:
    nothing = spec.background or ""
    true = [spec.labels[row.argmax()] if row.any() else nothing for row in j.hot]
    said = [spec.labels[index] for index in j.played.probabilities.argmax(axis=1)]
    return count_flips(true, said)


def _true_changes(judged: Sequence[Judged]) -> int:
    return sum(int((j.hot[1:] != j.hot[:-1]).any(axis=1).sum()) for j in judged)


def _quantile(values: NDArray[np.float64], share: float) -> float:
    return float(np.quantile(values, share)) if len(values) else float("nan")
