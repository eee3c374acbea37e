"""The per-frame figures of online action detection: mean average precision, plain and calibrated."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray


def average_precision(
    scores: NDArray[np.floating], positive: NDArray[np.bool_], *, calibrated: bool = False
) -> float:
    """Return the mean, over the positives, of the precision at their rank; NaN without a positive.

    Equal scores share one rank, so the order of the frames does not matter. calibrated: false positives
    count divided by w = negatives / positives, as if both were equally many.
    Sources: De Geest et al., Online Action Detection, ECCV 2016 (both figures).
    """
    total = int(positive.sum())
    if total == 0:
        return float("nan")
    weight = (len(positive) - total) / total if calibrated else 1.0
    order = np.argsort(-scores, kind="stable")
    ranked, hit = scores[order], positive[order]
    last_of_tie = np.append(ranked[1:] != ranked[:-1], True)
    true, false = np.cumsum(hit)[last_of_tie], np.cumsum(~hit)[last_of_tie]
    # w = 0 (no negatives at all) leaves nothing that could be a false positive.
    found = true + (false / weight if weight > 0 else 0.0)
    precision = true / np.maximum(found, 1e-12)
    gained = np.diff(np.concatenate([[0], true]))
    return float((precision * gained).sum() / total)


def frame_map(
    scores: NDArray[np.floating],
    truth: NDArray[np.bool_],
    classes: Sequence[int],
    *,
    calibrated: bool = False,
) -> tuple[float, dict[int, float]]:
    """Return the mean over `classes` of their average precision over all frames, and each one's.

    scores [N, C]; truth [N, C], a row without a True is a frame on which nothing happens. The background is
    left out of `classes`, its frames stay in as negatives (THUMOS14 and TVSeries convention). Classes
    without a frame are left out.
    """
    each = {
        index: average_precision(scores[:, index], truth[:, index], calibrated=calibrated)
        for index in classes
        if truth[:, index].any()
    }
    return (float(np.mean(list(each.values()))) if each else float("nan")), each


def precision_recall(
    scores: NDArray[np.floating], positive: NDArray[np.bool_]
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Return precision and recall at every threshold, from the highest score down."""
    order = np.argsort(-scores, kind="stable")
    ranked, hit = scores[order], positive[order]
    last_of_tie = np.append(ranked[1:] != ranked[:-1], True)
    true = np.cumsum(hit)[last_of_tie].astype(np.float64)
    said = np.flatnonzero(last_of_tie) + 1.0
    return true / said, true / max(1, int(positive.sum()))
