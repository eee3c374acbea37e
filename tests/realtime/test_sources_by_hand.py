"""Live sources with connections made by hand: what is freed, and how long is waited."""

from __future__ import annotations

import gc
import threading
import time
import weakref
from itertools import pairwise
from typing import Any

import numpy as np

from actrec.models.errors import SourceError
from actrec.realtime.sources import SourceOptions
from actrec.realtime.sources.connection import Capture
from actrec.realtime.sources.live import LiveFeed

QUICK = SourceOptions(stall_timeout_s=1.0, open_timeout_s=2.0, retry_max_s=2.0)


def test_a_lost_connection_is_freed_without_the_garbage_collector(watch: Any) -> None:
    opened: list[weakref.ref[Any]] = []

    class Fleeting:
        def __init__(self) -> None:
            self.left = 3
            opened.append(weakref.ref(self))

        def read(self) -> Capture:
            self.left -= 1
            if self.left < 0:
                raise SourceError("gone")
            return Capture(None, (2, 2), lambda: np.zeros((2, 2, 3), np.uint8))

        def close(self) -> None:
            pass

    gc.collect()
    gc.disable()
    try:
        watch([LiveFeed("fleeting", Fleeting, SourceOptions(retry_max_s=0.05))]).run(
            10, lambda: len(opened) >= 8
        )
        assert sum(connection() is not None for connection in opened) <= 2
    finally:
        gc.enable()


def test_pauses_grow_up_to_a_limit_and_differ() -> None:
    tries: list[float] = []

    class Once:
        def __init__(self) -> None:
            tries.append(time.monotonic())
            if len(tries) > 1:
                raise SourceError("refused")

        def read(self) -> Capture | None:
            if len(tries) == 1 and not hasattr(self, "gone"):
                self.gone = True
                return Capture(None, (2, 2), lambda: np.zeros((2, 2, 3), np.uint8))
            raise SourceError("gone")

        def close(self) -> None:
            pass

    feed = LiveFeed(
        "c", Once, SourceOptions(retry_max_s=0.6), jitter=iter([0.5, 0.0, 1.0, 0.5, 0.5, 0.5]).__next__
    )
    feed.start(lambda _: True, threading.Event())
    while len(tries) < 6:
        time.sleep(0.01)
    feed.stop()
    pauses = [b - a for a, b in pairwise(tries)]
    wanted = [0.25, 0.4 * 0.8, 0.6 * 1.2, 0.6, 0.6]
    assert all(-0.02 < pause - want < 0.4 for pause, want in zip(pauses, wanted, strict=True)), pauses
