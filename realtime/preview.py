"""What `actrec-record` shows while it counts down and records."""

from __future__ import annotations

import math
from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np

from .frame import Frame
from .lettering import STRONG, measure, shorten, write
from .overlay import MIN_HEIGHT
from .palette import BAD, WHITE
from .shapes import bar, place, shade

if TYPE_CHECKING:
    from .record import RecordView


def draw_preview(frame: Frame, view: RecordView) -> Frame:
    """Return the frame with the countdown or the progress drawn on a copy of its picture."""
    height, width = frame.image.shape[:2]
    scale = max(1.0, 1.5 * MIN_HEIGHT / height)
    canvas = np.empty((round(height * scale), round(width * scale), 3), np.uint8)
    place(canvas, frame.image)
    height, width = canvas.shape[:2]
    unit = max(12, round(min(height, 0.75 * width) / 26))
    shade(canvas[-5 * unit :], from_top=False)
    count = f"{view.clip} of {view.clips}"
    base = height - 2 * unit
    words = shorten(view.label, round(1.6 * unit), width - 4 * unit - measure(count, unit), STRONG)
    x = unit + write(canvas, words, unit, base, round(1.6 * unit), WHITE, STRONG)
    write(canvas, count, x + unit, base, unit, WHITE)
    if view.recording:
        write(canvas, "recording", width - unit - measure("recording", unit, STRONG), base, unit, BAD, STRONG)
        bar(canvas, unit, height - unit - unit // 3, width - 2 * unit, max(4, unit // 3), view.share, BAD)
    elif view.left_s > 0:
        number = str(math.ceil(view.left_s))
        big = min(height // 2, width // 2)
        left = (width - measure(number, big, STRONG)) // 2
        write(canvas, number, left + big // 40, height // 2 + big // 3 + big // 40, big, (20, 20, 20), STRONG)
        write(canvas, number, left, height // 2 + big // 3, big, WHITE, STRONG)
    return replace(frame, picture=canvas)
