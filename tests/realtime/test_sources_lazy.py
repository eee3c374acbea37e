"""Claims about what of a live source is converted: as little as possible."""

from __future__ import annotations

import threading
import time
from typing import Any

import numpy as np

from actrec.realtime.gate import SETTLE_FRAMES
from actrec.realtime.picture import GLANCE_SIDE
from actrec.realtime.sources import SourceOptions
from actrec.realtime.sources.connection import Capture
from actrec.realtime.sources.live import LiveFeed


def test_only_due_frames_are_converted() -> None:
    """Counted on a connection of 100 pictures: a conversion costs more than a decode."""
    converted = []

    class Pictures:
        shown = 0

        def read(self) -> Capture | None:
            self.shown += 1
            time.sleep(0.002)
            number = self.shown

            def convert() -> Any:
                converted.append(number)
                return np.zeros((4, 4, 3), np.uint8)

            return None if number > 100 else Capture(0.02 * number, (4, 4), convert)

        def close(self) -> None:
            pass

    feed = LiveFeed("p", Pictures, SourceOptions())
    feed.start(lambda media_time: round(media_time / 0.02) % 10 == 0, threading.Event())
    while not feed._done:
        time.sleep(0.01)
    feed.stop()
    assert len(converted) == 10
    assert feed.status().frames_in == 100
    assert feed.status().sampled == 10


def test_with_a_gate_a_still_picture_is_converted_only_when_somebody_asks() -> None:
    """A room in which a box appears after 40 pictures; `seen` are the ones that were converted unasked."""
    converted: list[int] = []
    room = np.full((90, 160), 80, np.uint8)
    busy = room.copy()
    busy[20:70, 60:100] = 200

    class Pictures:
        shown = 0

        def read(self) -> Capture | None:
            number, self.shown = self.shown, self.shown + 1
            luma = room if number < 40 else busy
            time.sleep(0.002)

            def convert() -> Any:
                converted.append(number)
                return np.repeat(luma[:, :, None], 3, axis=2)

            return None if number >= 80 else Capture(0.1 * number, (90, 160), convert, luma=lambda: luma)

        def close(self) -> None:
            pass

    feed = LiveFeed("p", Pictures, SourceOptions(lazy=True, max_staleness_s=60.0))
    taken = []
    feed.start(lambda _: True, threading.Event())
    while not feed.done:
        if (frame := feed.poll()) is not None:
            taken.append(frame)
        time.sleep(0.0005)
    feed.stop()
    unasked = list(converted)
    assert unasked == [*range(SETTLE_FRAMES), *range(40, 40 + SETTLE_FRAMES)]
    still = next(frame for frame in taken if frame.index == 30)
    assert still.glance().shape == (GLANCE_SIDE, GLANCE_SIDE)
    assert still.image is still.image, "converted twice"
    assert converted == [*unasked, 30]
