"""Draws what is known about a source over its picture: pure functions, a scene in, a new picture out."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from functools import lru_cache

import cv2
import numpy as np

from .lettering import STRONG, Canvas, Colour, measure, shorten, write, write_right
from .palette import BAD, GOOD, INK, QUIET, SOFT, WARN, WHITE, label_colours
from .scene import Scene
from .shapes import bar, fill, place, shade
from .timeline import draw_strip

STATE_COLOURS: Mapping[str, Colour] = {
    "opening": WARN,
    "running": GOOD,
    "stalled": WARN,
    "reconnecting": WARN,
    "ended": QUIET,
    "failed": BAD,
}
MIN_HEIGHT = 360
"""Smaller pictures are enlarged before they are drawn upon, so that the words stay readable."""
MAX_CHIPS = 4
MAX_OTHERS = 3
"""Further models whose label is shown, each in a line of its own."""


def annotate(
    scene: Scene, size_hw: tuple[int, int] | None = None, quiet: frozenset[str] = frozenset()
) -> Canvas:
    """Return the scene as a picture: uint8 [H, W, 3] RGB, of `size_hw` or of the frame's own size.

    The frame keeps its aspect ratio; bars fill the rest. `quiet` names the background labels.
    """
    height, width = size_hw or natural_size(scene)
    canvas = np.empty((height, width, 3), np.uint8)
    draw(canvas, scene, quiet)
    return canvas


def natural_size(scene: Scene) -> tuple[int, int]:
    """Return (height, width) to draw a scene in: its frame's, enlarged to be readable, even for codecs."""
    if scene.image is None:
        return MIN_HEIGHT, MIN_HEIGHT * 16 // 9
    height, width = scene.image.shape[:2]
    scale = max(1.0, MIN_HEIGHT / height)
    return max(2, round(height * scale / 2) * 2), max(2, round(width * scale / 2) * 2)


def draw(canvas: Canvas, scene: Scene, quiet: frozenset[str] = frozenset()) -> None:
    """Fill `canvas`, uint8 [H, W, 3], with the scene; it may be a part of a larger picture."""
    height, width = canvas.shape[:2]
    place(canvas, scene.image)
    if height < 48 or width < 64:
        return
    unit = round(min(max(min(height, 0.75 * width) / 30, 11), 40))
    state = scene.status.state
    if scene.image is None or state in ("stalled", "reconnecting", "failed"):
        canvas[:] = cv2.convertScaleAbs(canvas, alpha=0.45)
        _notice(canvas, scene, unit)
    shade(canvas[: round(unit * (6.0 if scene.too_slow else 4.4))], from_top=True)
    _head(canvas, scene, unit, quiet)
    if scene.prediction is not None:
        further = min(len(scene.others), MAX_OTHERS)
        shade(canvas[-round(unit * (9.5 + 2.4 * further)) :], from_top=False)
        _foot(canvas, scene, unit, quiet)


def grid(scenes: Sequence[Scene], size_hw: tuple[int, int], quiet: frozenset[str] = frozenset()) -> Canvas:
    """Return many scenes as one picture of `size_hw`, each in its cell."""
    canvas = np.empty((*size_hw, 3), np.uint8)
    fill(canvas, INK)
    for scene, box in zip(scenes, cells(len(scenes), size_hw), strict=True):
        x, y, width, height = _within(box, scene)
        draw(canvas[y : y + height, x : x + width], scene, quiet)
    return canvas


def _within(box_xywh: tuple[int, int, int, int], scene: Scene) -> tuple[int, int, int, int]:
    """Return the part of a cell that the scene's picture fills, so that words stand on it and not beside it."""
    x, y, width, height = box_xywh
    rows, columns = scene.image.shape[:2] if scene.image is not None else (9, 16)
    fit_w = max(1, min(width, round(height * columns / rows)))
    fit_h = max(1, min(height, round(width * rows / columns)))
    return x + (width - fit_w) // 2, y + (height - fit_h) // 2, fit_w, fit_h


@lru_cache(maxsize=64)
def cells(count: int, size_hw: tuple[int, int], gap: int = 3) -> tuple[tuple[int, int, int, int], ...]:
    """Return (x, y, width, height) of `count` cells that show 16:9 pictures as large as `size_hw` allows."""
    height, width = size_hw
    if count == 0:
        return ()

    def shown(columns: int) -> tuple[float, int]:
        rows = math.ceil(count / columns)
        return round(min(width / columns / 16, height / rows / 9), 6), columns

    columns = max(range(1, count + 1), key=shown)
    rows = math.ceil(count / columns)
    lines_x = [round((width + gap) * column / columns) for column in range(columns + 1)]
    lines_y = [round((height + gap) * row / rows) for row in range(rows + 1)]
    boxes = []
    for position in range(count):
        row, column = divmod(position, columns)
        x, y = lines_x[column], lines_y[row]
        boxes.append((x, y, max(1, lines_x[column + 1] - gap - x), max(1, lines_y[row + 1] - gap - y)))
    return tuple(boxes)


def _head(canvas: Canvas, scene: Scene, unit: int, quiet: frozenset[str]) -> None:
    width = canvas.shape[1]
    margin, small = unit, max(10, round(unit * 0.85))
    base = margin + round(unit * 0.75)
    radius = max(3, round(unit * 0.3))
    cv2.circle(
        canvas,
        (margin + radius, base - round(unit * 0.32)),
        radius,
        STATE_COLOURS[scene.status.state],
        -1,
        cv2.LINE_AA,
    )
    facts = _facts(scene)
    while facts and measure("  ".join(facts), small) > width * 0.55:
        facts = facts[1:]
    right = write_right(canvas, "   ".join(facts), width - margin, base, small, SOFT)
    x = margin + 3 * radius
    name = shorten(scene.name, unit, max(unit, width - margin - right - x - unit), STRONG)
    write(canvas, name, x, base, unit, WHITE, STRONG)
    line = base + round(unit * 1.45)
    if scene.too_slow:
        write(
            canvas,
            shorten("too slow: frames are dropped", small, width - 2 * margin, STRONG),
            x,
            line,
            small,
            WARN,
            STRONG,
        )
    _chips(canvas, scene, unit, quiet)


def _facts(scene: Scene) -> list[str]:
    status = scene.status
    facts: list[str] = []
    if status.state != "running":
        facts.append(status.state)
    if status.reconnects:
        facts.append(f"{status.reconnects} reconnects" if status.reconnects > 1 else "1 reconnect")
    if scene.image is not None and status.state in ("running", "stalled"):
        if status.fps_in:
            facts.append(f"{status.fps_in:.0f} fps in")
        facts.append(f"{scene.fps_sampled:.0f} fps seen")
        if scene.age_s is not None:
            facts.append(f"{1000 * scene.age_s:.0f} ms" if scene.age_s < 1 else f"{scene.age_s:.1f} s")
    return facts


def _chips(canvas: Canvas, scene: Scene, unit: int, quiet: frozenset[str]) -> None:
    height, width = canvas.shape[:2]
    small = max(10, round(unit * 0.85))
    tall, y = round(unit * 1.55), round(unit * 2.5)
    labels = scene.prediction.labels if scene.prediction is not None else ()
    for event in scene.active[:MAX_CHIPS]:
        if y + tall > height - 7 * unit:
            break
        colour = label_colours(labels, quiet).get(event.label) or label_colours((event.label,))[event.label]
        lasted = max(0.0, scene.now - event.start_time)
        clock = f"{lasted:.1f} s" if lasted < 60 else f"{int(lasted // 60)}:{int(lasted % 60):02d} min"
        label = shorten(event.label, small, width // 2, STRONG)
        text_w = measure(label, small, STRONG) + round(unit * 0.5) + measure(clock, small)
        middle, radius = y + tall // 2, tall // 2
        right = (width - unit - radius, middle)
        left = (right[0] - text_w + radius - unit // 4, middle)
        cv2.line(canvas, left, right, colour, 2 * radius, cv2.LINE_AA)
        base = middle + round(small * 0.36)
        x = (left[0] + right[0] - text_w) // 2
        x += write(canvas, label, x, base, small, INK, STRONG) + round(unit * 0.5)
        write(canvas, clock, x, base, small, INK)
        y += tall + round(unit * 0.4)


def _foot(canvas: Canvas, scene: Scene, unit: int, quiet: frozenset[str]) -> None:
    prediction = scene.prediction
    if prediction is None:
        return
    height, width = canvas.shape[:2]
    colours = label_colours(prediction.labels, quiet)
    margin, big = unit, round(unit * 1.7)
    inner = width - 2 * margin
    strip_h = max(4, round(unit * 0.4))
    strip_y = height - margin - strip_h
    bar_h = max(4, round(unit * 0.34))
    bar_y = strip_y - round(unit * 0.9) - bar_h
    base = bar_y - round(unit * 0.75)
    roomy = inner > 28 * unit and len(prediction.labels) > 1
    left_w = round(inner * 0.46) if roomy else inner
    percent = f"{100 * prediction.score:.0f} %"
    label_w = left_w - measure(percent, unit) - unit
    write(canvas, shorten(prediction.label, big, label_w, STRONG), margin, base, big, WHITE, STRONG)
    write_right(canvas, percent, margin + left_w, base, unit, WHITE)
    bar(canvas, margin, bar_y, left_w, bar_h, prediction.score, colours[prediction.label])
    small = max(10, round(unit * 0.85))
    for rank, other in enumerate(scene.others[:MAX_OTHERS]):
        words = f"{other.model.partition('@')[0]}: {other.label} {100 * other.score:.0f} %"
        line = base - round(1.25 * big + rank * 1.3 * unit)
        write(canvas, shorten(words, small, left_w), margin, line, small, SOFT)
    if roomy:
        _top(canvas, prediction.top(3), unit, width - margin, bar_y + bar_h, colours, round(inner * 0.42))
    draw_strip(canvas, (margin, strip_y, inner, strip_h), scene.spans, scene.now, colours)


def _top(
    canvas: Canvas,
    top: list[tuple[str, float]],
    unit: int,
    right: int,
    bottom: int,
    colours: Mapping[str, Colour],
    width: int,
) -> None:
    small, step = max(10, round(unit * 0.85)), round(unit * 1.2)
    bar_w, bar_h = round(width * 0.42), max(3, round(unit * 0.22))
    number_w = measure("100 %", small)
    for rank, (label, score) in enumerate(top):
        base = bottom - (len(top) - 1 - rank) * step
        tone = WHITE if rank == 0 else SOFT
        write_right(canvas, f"{100 * score:.0f} %", right, base, small, tone)
        x = right - number_w - round(unit * 0.6) - bar_w
        bar(canvas, x, base - round(small * 0.45), bar_w, bar_h, score, colours[label])
        room = width - number_w - bar_w - round(unit * 1.2)
        write_right(canvas, shorten(label, small, room), x - round(unit * 0.6), base, small, tone)


def _notice(canvas: Canvas, scene: Scene, unit: int) -> None:
    height, width = canvas.shape[:2]
    words = "no picture yet" if scene.status.state == "running" else scene.status.state
    big = round(unit * 1.5)
    colour = STATE_COLOURS[scene.status.state] if scene.status.state != "running" else SOFT
    write(canvas, words, (width - measure(words, big, STRONG)) // 2, height // 2, big, colour, STRONG)
    detail = shorten(scene.status.detail, unit, width - 2 * unit)
    write(canvas, detail, (width - measure(detail, unit)) // 2, height // 2 + round(unit * 1.7), unit, WHITE)
