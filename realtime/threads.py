"""How many threads the encoder gets when the user does not say."""

from __future__ import annotations

import os


def usable_cores() -> int:
    """Return the number of processor cores that this process may use."""
    if hasattr(os, "sched_getaffinity"):
        return max(1, len(os.sched_getaffinity(0)))
    return max(1, os.cpu_count() or 1)


def encoder_threads(live_sources: int) -> int:
    """Return the encoder's threads: half of the cores, at most 4, so that decoding keeps the others.

    With many cameras decoding is most of the work, and one thread encodes faster than they deliver.
    """
    cores = usable_cores()
    return 1 if live_sources >= 2 * cores else max(1, min(4, cores // 2))
