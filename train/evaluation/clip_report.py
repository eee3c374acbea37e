"""What an evaluation on clips found, as one value."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from ..clips import Clip
from ..splits import group_of
from .answers import Answer, Answers
from .classify import LabelScore, accuracy, calibration_error, confusion, label_scores, macro, top_k
from .intervals import Interval, bootstrap, wilson


@dataclass(frozen=True, slots=True)
class Figures:
    """The figures of one way to name clips; shares in 0..1."""

    clips: int
    top1: float
    top5: float
    macro_precision: float
    macro_recall: float
    macro_f1: float
    ece: float


@dataclass(frozen=True, slots=True)
class Part:
    """The clips of one group or one source."""

    clips: int
    hits: int
    interval: Interval

    @property
    def top1(self) -> float:
        """The share that is named rightly."""
        return self.hits / self.clips if self.clips else 0.0


@dataclass(frozen=True, slots=True)
class Mistake:
    """A clip that is named wrongly."""

    clip: str
    truth: str
    said: str
    score: float
    """The mean probability of what was said."""
    true_score: float


@dataclass(frozen=True, slots=True, eq=False)
class ClipReport:
    """Clips, each played as a stream of its own; the answer is the greatest mean probability."""

    labels: tuple[str, ...]
    figures: Figures
    top1_interval: Interval
    """Wilson's, clips taken for independent."""
    top1_by_group: Interval | None
    """Bootstrap over groups, the honest one; None with fewer than three."""
    f1_by_group: Interval | None
    event_top1: float
    """Share of the clips whose best event has the right label; no event is a miss."""
    no_event: int
    each: Mapping[str, LabelScore]
    matrix: NDArray[np.int64]
    groups: Mapping[str, Part]
    sources: Mapping[str, Part]
    beside: Mapping[str, Figures]
    """The single-frame marks, by what they are."""
    mistakes: Sequence[Mistake]
    """The surest first."""
    unreadable: Sequence[str]
    probabilities: NDArray[np.float64]
    truth: NDArray[np.int64]


def figures(probabilities: NDArray[np.float64], truth: NDArray[np.int64]) -> Figures:
    """Return the figures of mean probabilities [N, C] against true labels [N]."""
    matrix = confusion(truth, probabilities.argmax(axis=1), probabilities.shape[1])
    return Figures(
        len(truth),
        accuracy(matrix),
        top_k(probabilities, truth, 5),
        *macro(matrix),
        calibration_error(probabilities, truth),
    )


def report_clips(
    answers: Answers,
    labels: tuple[str, ...],
    source_of: Callable[[Clip], str | None],
    beside: Mapping[str, NDArray[np.float64]],
) -> ClipReport:
    """Sum up; beside: the mean probabilities [N, C] of other ways to name the same clips."""
    truth, probabilities = answers.truth(labels), answers.probabilities
    said = probabilities.argmax(axis=1)
    matrix = confusion(truth, said, len(labels))
    groups = [group_of(answer.clip) for answer in answers.judged]
    names = sorted(set(groups))
    where = np.array(groups)
    per_group = np.stack([confusion(truth[where == n], said[where == n], len(labels)) for n in names])
    return ClipReport(
        labels=labels,
        figures=figures(probabilities, truth),
        top1_interval=wilson(int(np.trace(matrix)), len(truth)),
        top1_by_group=bootstrap(per_group, accuracy),
        f1_by_group=bootstrap(per_group, lambda drawn: macro(drawn)[2]),
        event_top1=float(np.mean([answer.event == answer.clip.label for answer in answers.judged])),
        no_event=sum(answer.event is None for answer in answers.judged),
        each={label: s for label, s in zip(labels, label_scores(matrix), strict=True) if s.truth or s.said},
        matrix=matrix,
        groups=_parts(answers.judged, said, labels, lambda clip: clip.group),
        sources=_parts(answers.judged, said, labels, source_of),
        beside={name: figures(other, truth) for name, other in beside.items()},
        mistakes=_mistakes(answers.judged, labels),
        unreadable=[reason for _, reason in answers.unreadable],
        probabilities=probabilities,
        truth=truth,
    )


def _mistakes(judged: Sequence[Answer], labels: Sequence[str]) -> list[Mistake]:
    wrong = []
    for answer in judged:
        top, truth = int(answer.probabilities.argmax()), labels.index(answer.clip.label)
        if top != truth:
            scores = float(answer.probabilities[top]), float(answer.probabilities[truth])
            wrong.append(Mistake(str(answer.clip), labels[truth], labels[top], *scores))
    return sorted(wrong, key=lambda mistake: -mistake.score)


def _parts(
    judged: Sequence[Answer],
    said: NDArray[np.int64],
    labels: Sequence[str],
    part_of: Callable[[Clip], str | None],
) -> dict[str, Part]:
    clips: Counter[str] = Counter()
    hits: defaultdict[str, int] = defaultdict(int)
    for answer, index in zip(judged, said, strict=True):
        part = part_of(answer.clip)
        if part is not None:
            clips[part] += 1
            hits[part] += labels[index] == answer.clip.label
    return {name: Part(count, hits[name], wilson(hits[name], count)) for name, count in sorted(clips.items())}
