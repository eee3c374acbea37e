"""What a server sends at once when a stream is opened: pictures that are old already."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterator
from dataclasses import replace

from .connection import Capture

KEEP_S = 0.2
"""The end of a backlog that is young enough to be recognised."""
LIMIT_S = 3.0
"""A server that goes on sending faster than real time for so long is not catching up; it is taken as it is."""


def skip_backlog(captures: Iterator[Capture], step_s: float) -> Iterator[Capture]:
    """Yield all captures, those of a backlog at the beginning with `fresh=False`.

    The backlog is over with the first picture that had to be waited for; until then the last few are held, as
    only the next one tells how old they are. A first picture without a timestamp, as RTSP sends it, gets the one
    that fits the second; step_s: the nominal time between two.
    """
    held: deque[Capture] = deque()
    began_s: float | None = None
    for capture in captures:
        began_s = capture.arrived_s if began_s is None else began_s
        if held:
            if len(held) == 1 and held[0].stamp_s is None and capture.stamp_s is not None:
                held[0] = replace(held[0], stamp_s=capture.stamp_s - step_s)
            waited_s, took_s = capture.arrived_s - held[-1].arrived_s, _step(held[-1], capture, step_s)
            if waited_s >= 0.4 * took_s or capture.arrived_s - began_s > LIMIT_S:
                yield from held
                yield capture
                break
        held.append(capture)
        while _step(held[0], held[-1], (len(held) - 1) * step_s) > KEEP_S:
            yield replace(held.popleft(), fresh=False)
    else:
        yield from held
        return
    yield from captures


def _step(first: Capture, second: Capture, nominal_s: float) -> float:
    if first.stamp_s is None or second.stamp_s is None:
        return nominal_s
    return max(0.0, second.stamp_s - first.stamp_s)
