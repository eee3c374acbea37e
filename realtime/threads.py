"""How many threads the encoder gets when the user does not say, and threads that nobody can end."""

from __future__ import annotations

import os
import sys
import threading
from collections.abc import Callable


def usable_cores() -> int:
    """Return the number of processor cores that this process may use."""
    if hasattr(os, "sched_getaffinity"):
        return max(1, len(os.sched_getaffinity(0)))
    return max(1, os.cpu_count() or 1)


def encoder_threads(live_sources: int) -> int:
    """Return the encoder's threads: half of the cores, so that decoding keeps the others; never more than 4.

    With more cameras than cores the encoder is what falls behind, and gets all of them.
    """
    cores = usable_cores()
    return min(4, cores if live_sources > cores else max(1, cores // 2))


def lower_priority() -> None:
    """Let the calling thread give way to the other threads of this process; on Linux only."""
    if sys.platform == "linux":
        os.setpriority(os.PRIO_PROCESS, threading.get_native_id(), 10)


class MayHang(threading.Thread):
    """A thread that calls into drivers and networks, where it may block for ever."""

    def __init__(self, target: Callable[[], None], name: str) -> None:
        super().__init__(target=target, name=name, daemon=True)


def at_work() -> set[MayHang]:
    """Return those of these threads that have not ended."""
    return {thread for thread in threading.enumerate() if isinstance(thread, MayHang)}
