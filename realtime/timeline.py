"""The labels of the last minute: kept as spans, drawn as a strip."""

from __future__ import annotations

from collections import deque
from collections.abc import Mapping
from dataclasses import dataclass, field

import cv2

from .lettering import Canvas, Colour
from .palette import QUIET, WHITE

MINUTE_S = 60.0
GAP_S = 1.5
"""Steps further apart than this leave a hole in the strip."""
MAX_SPANS = 600


@dataclass(frozen=True, slots=True)
class Span:
    """One label from `start` to `end`, in s; `score` is the highest of its steps."""

    start: float
    end: float
    label: str
    score: float


@dataclass(slots=True)
class Timeline:
    """The spans of the last `length_s` seconds, bounded in number too."""

    length_s: float = MINUTE_S
    _spans: deque[Span] = field(default_factory=lambda: deque(maxlen=MAX_SPANS))

    def add(self, now: float, label: str, score: float) -> None:
        """Note the label of the step at `now` (s); a clock that runs backwards starts the strip anew."""
        spans = self._spans
        if spans and now < spans[-1].end:
            spans.clear()
        last = spans[-1] if spans else None
        joined = last is not None and now - last.end <= GAP_S
        if last is not None and joined and last.label == label:
            spans[-1] = Span(last.start, now, label, max(last.score, score))
        else:
            spans.append(Span(last.end if last is not None and joined else now, now, label, score))
        while spans and spans[0].end < now - self.length_s:
            spans.popleft()

    def spans(self, now: float) -> tuple[Span, ...]:
        """Return the spans that reach into the last `length_s` seconds before `now`, the oldest first."""
        return tuple(span for span in self._spans if span.end >= now - self.length_s)


def draw_strip(
    canvas: Canvas,
    box_xywh: tuple[int, int, int, int],
    spans: tuple[Span, ...],
    now: float,
    colours: Mapping[str, Colour],
    length_s: float = MINUTE_S,
) -> None:
    """Draw the strip into `canvas`, the newest at the right; a mark every 15 s; quiet labels stay thin."""
    x, y, width, height = box_xywh
    if width < 8 or height < 2:
        return
    track = canvas[y : y + height, x : x + width]
    cv2.addWeighted(track, 0.82, track * 0 + 255, 0.18, 0, dst=track)
    begin = now - length_s
    thin = max(1, height // 3)
    for span in spans:
        left = x + round((max(span.start, begin) - begin) / length_s * width)
        right = x + round((min(span.end, now) - begin) / length_s * width)
        colour = colours.get(span.label, QUIET)
        top = y + (height - thin) // 2 if colour == QUIET else y
        bottom = top + thin if colour == QUIET else y + height
        last = min(max(right, left + 1), x + width) - 1
        cv2.rectangle(canvas, (max(left, x), top), (last, bottom - 1), colour, cv2.FILLED)
    for quarter in (1, 2, 3):
        mark = x + round(width * quarter / 4)
        canvas[y + height : y + height + max(1, height // 3), mark : mark + max(1, height // 8)] = WHITE
