"""The shapes that the overlay is made of; all draw into the picture that they are given."""

from __future__ import annotations

from functools import lru_cache

import cv2
import numpy as np
from numpy.typing import NDArray

from .lettering import Canvas, Colour
from .palette import INK, SLATE


def fill(canvas: Canvas, colour: Colour) -> None:
    """Fill the whole canvas with a colour."""
    # Some ten times faster than to broadcast three numbers over the array.
    cv2.rectangle(canvas, (0, 0), (canvas.shape[1], canvas.shape[0]), colour, cv2.FILLED)


def place(canvas: Canvas, image: NDArray[np.uint8] | None) -> None:
    """Put a picture into `canvas`, as large as it fits with its aspect ratio; dark bars fill the rest."""
    if image is None:
        fill(canvas, SLATE)
        return
    height, width = canvas.shape[:2]
    rows, columns = image.shape[:2]
    if (rows, columns) == (height, width):
        canvas[:] = image
        return
    scale = min(height / rows, width / columns)
    fit_h, fit_w = max(1, min(height, round(rows * scale))), max(1, min(width, round(columns * scale)))
    y, x = (height - fit_h) // 2, (width - fit_w) // 2
    if (fit_h, fit_w) != (height, width):
        fill(canvas, INK)
    fewer = min(int(1 / scale), rows, columns)
    if fewer > 1:
        # Means over whole pixels are ten times as fast as over parts of them; the rest of the way is short.
        rows, columns = rows // fewer, columns // fewer
        whole = image[: rows * fewer, : columns * fewer]
        image = cv2.resize(whole, (columns, rows), interpolation=cv2.INTER_AREA).astype(np.uint8, copy=False)
    canvas[y : y + fit_h, x : x + fit_w] = cv2.resize(image, (fit_w, fit_h))


@lru_cache(maxsize=64)
def _ramp(height: int, width: int, from_top: bool) -> NDArray[np.uint8]:
    # The words are white: this is what makes them readable on snow. The half that holds them stays dark, the
    # rest fades out without a visible edge.
    steps = np.clip((np.linspace(0.0, 1.0, height) - 0.5) / 0.5, 0.0, 1.0)
    fade = 0.5 + 0.5 * np.cos(np.pi * (steps if from_top else steps[::-1]))
    rows = np.round(255 * (1 - 0.68 * fade)).astype(np.uint8)
    return np.ascontiguousarray(np.broadcast_to(rows[:, None, None], (height, width, 3)))


def shade(part: Canvas, *, from_top: bool) -> None:
    """Darken a part of the canvas for words in white, fading out away from its outer edge."""
    height, width = part.shape[:2]
    part[:] = cv2.multiply(part, _ramp(height, width, from_top), scale=1 / 255)


def bar(canvas: Canvas, x: int, y: int, width: int, height: int, share: float, colour: Colour) -> None:
    """Draw a round-ended bar over (x, y) - (x + width, y + height), filled to `share`."""
    radius = max(1, height // 2)
    middle = y + radius
    part = canvas[y : y + height + 1, max(0, x) : x + width]
    cv2.addWeighted(part, 0.78, np.full_like(part, 255), 0.22, 0, dst=part)
    length = round(share * width)
    if length >= 1:
        begin, end = (x + radius, middle), (x + max(radius, length - radius), middle)
        cv2.line(canvas, begin, end, colour, 2 * radius, cv2.LINE_AA)
