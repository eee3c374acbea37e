"""How well clips are named: confusion, precision, recall, F1, top-k and the honesty of the scores."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

BINS = 15


@dataclass(frozen=True, slots=True)
class LabelScore:
    """One label: shares in 0..1, and how many truly are and were said to be it."""

    precision: float
    recall: float
    f1: float
    truth: int
    said: int


def confusion(truth: NDArray[np.int64], said: NDArray[np.int64], classes: int) -> NDArray[np.int64]:
    """Return counts [C, C]: row truth, column answer."""
    counts = np.bincount(truth * classes + said, minlength=classes * classes)
    return counts.reshape(classes, classes).astype(np.int64)


def label_scores(matrix: NDArray[np.int64]) -> list[LabelScore]:
    """Return the figures of each label of a confusion matrix [C, C]; a share of nothing is 0."""
    hits, said, truth = np.diag(matrix), matrix.sum(axis=0), matrix.sum(axis=1)
    return [
        LabelScore(
            precision=_share(hit, all_said),
            recall=_share(hit, all_true),
            f1=_share(2 * hit, all_said + all_true),
            truth=int(all_true),
            said=int(all_said),
        )
        for hit, all_said, all_true in zip(hits, said, truth, strict=True)
    ]


def macro(matrix: NDArray[np.int64]) -> tuple[float, float, float]:
    """Return the plain means of precision, recall and F1 over the labels that truly occur."""
    there = [score for score in label_scores(matrix) if score.truth]
    if not there:
        return 0.0, 0.0, 0.0
    rows = np.array([(score.precision, score.recall, score.f1) for score in there])
    precision, recall, f1 = rows.mean(axis=0)
    return float(precision), float(recall), float(f1)


def accuracy(matrix: NDArray[np.int64]) -> float:
    """Return the share on the diagonal."""
    return _share(int(np.trace(matrix)), int(matrix.sum()))


def top_k(probabilities: NDArray[np.floating], truth: NDArray[np.int64], k: int) -> float:
    """Return the share of rows [N, C] whose true label is among the k most probable; ties go to the earlier."""
    if not len(truth):
        return 0.0
    order = np.argsort(-probabilities, axis=1, kind="stable")[:, :k]
    return float((order == truth[:, None]).any(axis=1).mean())


def calibration_error(
    probabilities: NDArray[np.floating], truth: NDArray[np.int64], bins: int = BINS
) -> float:
    """Return the expected calibration error of the top label, over bins of equal width.

    Source: Guo et al., On Calibration of Modern Neural Networks, ICML 2017: the mean over the bins of
    |accuracy - confidence|, weighted with their share of the rows.
    """
    if not len(truth):
        return 0.0
    confidence = probabilities.max(axis=1).astype(np.float64)
    right = probabilities.argmax(axis=1) == truth
    # A bin holds its upper edge, so that a confidence of 1 is in the last and 0 in the first.
    bin_of = np.clip(np.ceil(confidence * bins).astype(int) - 1, 0, bins - 1)
    error = 0.0
    for number in range(bins):
        inside = bin_of == number
        if inside.any():
            error += float(inside.mean() * abs(right[inside].mean() - confidence[inside].mean()))
    return error


def _share(part: int, whole: int) -> float:
    return float(part / whole) if whole else 0.0
