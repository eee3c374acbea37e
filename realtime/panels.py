"""What the window says of itself, over the pictures: its keys, and short messages."""

from __future__ import annotations

from collections.abc import Sequence

import cv2

from .lettering import STRONG, Canvas, measure, shorten, write
from .palette import INK, SOFT, WHITE

KEYS = (
    ("q  Esc", "quit"),
    ("f", "full screen"),
    ("1 … 9", "one source"),
    ("0", "all sources"),
    ("s", "save a snapshot"),
    ("h  ?", "these keys"),
)
"""What the keys of the window do."""


def keys_panel(canvas: Canvas, keys: Sequence[tuple[str, str]]) -> None:
    """Draw a table of keys and what they do into the middle of `canvas`."""
    height, width = canvas.shape[:2]
    unit = round(min(max(min(height, 0.75 * width) / 28, 11), 34))
    step = round(unit * 1.8)
    left_w = max(measure(key, unit, STRONG) for key, _ in keys) + 2 * unit
    wide = min(width, left_w + max(measure(what, unit) for _, what in keys) + 4 * unit)
    high = min(height, step * len(keys) + 2 * unit)
    x, y = (width - wide) // 2, (height - high) // 2
    part = canvas[y : y + high, x : x + wide]
    part[:] = cv2.convertScaleAbs(part, alpha=0.25)
    for place, (key, what) in enumerate(keys):
        base = y + unit + place * step + round(unit * 1.2)
        write(canvas, key, x + 2 * unit, base, unit, WHITE, STRONG)
        write(canvas, what, x + 2 * unit + left_w, base, unit, SOFT)


def toast(canvas: Canvas, words: str) -> None:
    """Draw a short message into the middle of `canvas`."""
    height, width = canvas.shape[:2]
    unit = round(min(max(min(height, 0.75 * width) / 28, 11), 34))
    words = shorten(words, unit, width - 4 * unit)
    wide = measure(words, unit)
    x, y = (width - wide) // 2, height // 2
    cv2.line(canvas, (x, y), (x + wide, y), INK, round(unit * 2.2), cv2.LINE_AA)
    write(canvas, words, x, y + round(unit * 0.36), unit, WHITE)
