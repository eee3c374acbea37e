"""Writes text into pictures: with the TrueType face of OpenCV 5 where it is there, else Hershey strokes."""

from __future__ import annotations

import threading
from functools import lru_cache
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

Colour = tuple[int, int, int]
Canvas = NDArray[np.uint8]

REGULAR, STRONG = 420, 640
_HERSHEY_PX = 30.0
"""Font size in px at which a Hershey letter of scale 1 is as high as one of the TrueType face."""
_TRUE_TYPE = hasattr(cv2, "FontFace")
_faces = threading.local()


def _face() -> Any:
    # A face keeps a cache of glyphs while it draws, so every drawing thread has its own.
    face = getattr(_faces, "sans", None)
    if face is None:
        face = _faces.sans = cv2.FontFace("sans")  # type: ignore[attr-defined, unused-ignore]
    return face


def _stroke(px: int, weight: int) -> int:
    return max(1, round(px * weight / 11000))


@lru_cache(maxsize=4096)
def measure(text: str, px: int, weight: int = REGULAR) -> int:
    """Return the width in pixels of a line of text of font size `px`."""
    if not text:
        return 0
    if _TRUE_TYPE:
        return int(cv2.getTextSize((0, 0), text, (0, 0), _face(), px, weight)[2])  # type: ignore[call-overload, unused-ignore]
    (width, _), _ = cv2.getTextSize(text, cv2.FONT_HERSHEY_SIMPLEX, px / _HERSHEY_PX, _stroke(px, weight))
    return int(width)


@lru_cache(maxsize=1024)
def shorten(text: str, px: int, width: int, weight: int = REGULAR) -> str:
    """Return `text`, cut and ended with dots where it would be wider than `width` pixels."""
    if measure(text, px, weight) <= width:
        return text
    dots = "…" if _TRUE_TYPE else "..."
    for length in range(len(text) - 1, 0, -1):
        cut = text[:length].rstrip() + dots
        if measure(cut, px, weight) <= width:
            return cut
    return ""


def write(canvas: Canvas, text: str, x: int, y: int, px: int, colour: Colour, weight: int = REGULAR) -> int:
    """Write one line into `canvas` with its baseline starting at (x, y); return its width in pixels."""
    if not text:
        return 0
    if _TRUE_TYPE:
        cv2.putText(canvas, text, (x, y), colour, _face(), px, weight)  # type: ignore[call-overload, unused-ignore]
    else:
        scale, stroke = px / _HERSHEY_PX, _stroke(px, weight)
        cv2.putText(canvas, text, (x, y), cv2.FONT_HERSHEY_SIMPLEX, scale, colour, stroke, cv2.LINE_AA)
    return measure(text, px, weight)


def write_right(
    canvas: Canvas, text: str, x: int, y: int, px: int, colour: Colour, weight: int = REGULAR
) -> int:
    """Write one line that ends at x; return its width in pixels."""
    width = measure(text, px, weight)
    write(canvas, text, x - width, y, px, colour, weight)
    return width
