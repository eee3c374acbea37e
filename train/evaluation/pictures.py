"""Pictures of an evaluation: precision and recall, and a stream with what was true above what was said."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from itertools import pairwise
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from ...models import ModelSpec
from .ranking import average_precision, precision_recall
from .spans import Span
from .stream_report import Judged

INK, SOFT, LINE = "#1f2933", "#8592a0", "#e4e7eb"
_ROW_S = 75.0
_MOST_ROWS = 8
_MOST_CURVES = 12


def colours(labels: Sequence[str], background: str | None) -> dict[str, str]:
    """Return a colour for each label; the background is a light grey."""
    from matplotlib import colormaps
    from matplotlib.colors import to_hex

    active = [label for label in labels if label != background]
    wheel = colormaps["tab10" if len(active) <= 10 else "turbo"]
    picked = {
        label: to_hex(wheel(number if len(active) <= 10 else (number + 0.5) / len(active)))
        for number, label in enumerate(active)
    }
    return picked | ({background: "#d8dde3"} if background else {})


def draw_precision_recall(
    scores: NDArray[np.floating], hot: NDArray[np.bool_], spec: ModelSpec, title: str, path: Path
) -> None:
    """Draw a curve for each label that occurs: the twelve with the lowest average precision, if there are more."""
    from matplotlib.figure import Figure

    paint = colours(spec.labels, spec.background)
    there = [i for i, label in enumerate(spec.labels) if label != spec.background and hot[:, i].any()]
    aps = {index: average_precision(scores[:, index], hot[:, index]) for index in there}
    shown = sorted(there, key=lambda index: aps[index])[:_MOST_CURVES]
    figure = Figure(figsize=(6.6, 4.2), dpi=150, layout="constrained")
    axes = figure.subplots()
    for index in sorted(shown):
        precision, recall = precision_recall(scores[:, index], hot[:, index])
        name = f"{spec.labels[index]}  {100 * aps[index]:.0f} %"
        axes.plot(recall, precision, lw=1.8, color=paint[spec.labels[index]], label=name)
    axes.set(xlim=(-0.02, 1.02), ylim=(-0.02, 1.02))
    axes.set_xlabel("recall", color=INK)
    axes.set_ylabel("precision", color=INK)
    axes.set_title(title, color=INK, fontsize=11, loc="left")
    axes.grid(color=LINE, lw=0.8)
    axes.tick_params(colors=INK, labelsize=8)
    for side in ("top", "right"):
        axes.spines[side].set_visible(False)
    if shown:
        axes.legend(
            frameon=False, fontsize=8, loc="center left", bbox_to_anchor=(1.0, 0.5), title="average precision"
        )
    figure.savefig(path)


def draw_timeline(judged: Judged, spec: ModelSpec, path: Path) -> None:
    """Draw a stream in rows of 75 s: what was true, the top label of each step, and the events that were said."""
    from matplotlib.figure import Figure
    from matplotlib.patches import Patch

    paint = colours(spec.labels, spec.background)
    length_s = judged.played.length_s
    rows = max(1, min(_MOST_ROWS, int(np.ceil(length_s / _ROW_S))))
    row_s = length_s / rows if length_s <= _MOST_ROWS * _ROW_S else _ROW_S
    figure = Figure(figsize=(12, 0.75 + 1.0 * rows), dpi=150, layout="constrained")
    lanes = (
        judged.truth,
        step_spans(judged, spec),
        tuple(found.span for found in judged.played.detections),
    )
    for number, axes in enumerate(figure.subplots(rows, 1, squeeze=False)[:, 0]):
        begin, end = number * row_s, (number + 1) * row_s
        for lane, spans in zip((2, 1, 0), lanes, strict=True):
            for span in spans:
                left, right = max(span.start_s, begin), min(max(span.end_s, span.start_s + 0.1), end)
                if right > left:
                    axes.broken_barh(
                        [(left, right - left)], (lane + 0.09, 0.82), color=paint[span.label], lw=0
                    )
        axes.set(xlim=(begin, end), ylim=(0, 3))
        axes.set_yticks((0.5, 1.5, 2.5), ("events", "top label", "true"), fontsize=8, color=INK)
        axes.tick_params(length=0, colors=INK, labelsize=8)
        for side in ("top", "right", "left", "bottom"):
            axes.spines[side].set_visible(False)
        axes.set_facecolor("#f5f7f9")
        if number == rows - 1:
            axes.set_xlabel("s", color=INK, fontsize=8)
    used = {span.label for lane in lanes for span in lane}
    handles = [Patch(color=paint[label], label=label) for label in spec.labels if label in used]
    figure.legend(handles=handles, frameon=False, fontsize=8, loc="outside right center")
    shown = f", the first {rows * row_s / 60:.0f} min" if rows * row_s < length_s - 1 else ""
    figure.suptitle(f"{judged.played.name}{shown}", fontsize=11, color=INK, x=0.01, ha="left")
    figure.savefig(path)


def step_spans(judged: Judged, spec: ModelSpec) -> tuple[Span, ...]:
    """Return the runs of one top label."""
    top = judged.played.probabilities.argmax(axis=1)
    times = judged.played.times
    edges = [0, *(np.flatnonzero(np.diff(top)) + 1), len(top)]
    step_s = 1.0 / spec.fps
    return tuple(
        Span(
            float(times[a]),
            float(times[b]) if b < len(top) else float(times[-1] + step_s),
            spec.labels[top[a]],
        )
        for a, b in pairwise(edges)
        if b > a
    )


def one_hot(truth: NDArray[np.int64], classes: int) -> NDArray[np.bool_]:
    """Return truth [N] as [N, C]."""
    return np.asarray(truth[:, None] == np.arange(classes))


Pictures = Mapping[str, str]
"""File name -> what it shows."""
