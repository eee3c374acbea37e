"""How far a figure from few clips can be trusted: intervals of 95 %."""

from __future__ import annotations

import math
from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

Z95 = 1.959963984540054
DRAWS = 2000

Interval = tuple[float, float]


def wilson(hits: int, total: int) -> Interval:
    """Return the interval of a share of independent trials.

    Source: Wilson, Probable inference, the law of succession, and statistical inference, JASA 1927.
    """
    if total == 0:
        return 0.0, 1.0
    share, z2 = hits / total, Z95 * Z95
    middle = (share + z2 / (2 * total)) / (1 + z2 / total)
    half = Z95 / (1 + z2 / total) * math.sqrt(share * (1 - share) / total + z2 / (4 * total * total))
    return max(0.0, middle - half), min(1.0, middle + half)


def rate_ceiling(alarms: int, hours: float) -> float:
    """Return the rate an hour that is exceeded with 2.5 % chance only, given so many alarms in so many hours.

    Source: the exact Poisson limit (Garwood 1936), by its normal approximation of Wilson and Hilferty 1931;
    0 alarms give 3.7 / hours.
    """
    if hours <= 0.0:
        return math.inf
    count = alarms + 1
    limit = count * (1 - 1 / (9 * count) + Z95 / (3 * math.sqrt(count))) ** 3
    return limit / hours


def bootstrap(
    per_group: NDArray[np.int64], figure: Callable[[NDArray[np.int64]], float], *, seed: int = 0
) -> Interval | None:
    """Return the interval of a figure of a confusion matrix when whole groups are drawn again, with repeats.

    per_group: [G, C, C], one matrix of each group. Clips of one actor or recording are alike, so drawing
    single clips would promise too much. None with fewer than three groups: that says nothing.
    Source: the percentile bootstrap over clusters (Davison and Hinkley 1997, chapter 3.8).
    """
    groups = len(per_group)
    if groups < 3:
        return None
    rng = np.random.default_rng(seed)
    figures = [
        figure(per_group[rng.integers(groups, size=groups)].sum(axis=0).astype(np.int64))
        for _ in range(DRAWS)
    ]
    low, high = np.quantile(figures, [0.025, 0.975])
    return float(low), float(high)
