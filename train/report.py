"""Pictures of a run: the curves of training and the confusion matrices."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

_INK, _SOFT, _BLUE, _ORANGE = "#1f2933", "#9aa5b1", "#2563eb", "#ea580c"


def draw_curves(rows: Sequence[dict[str, float]], best_epoch: int, path: Path) -> None:
    """Draw loss and F1 over the epochs, training beside validation, the best epoch marked."""
    from matplotlib.figure import Figure

    figure = Figure(figsize=(9, 3.6), dpi=150, layout="constrained")
    left, right = figure.subplots(1, 2)
    start, fitted = [[row for row in rows if (row["epoch"] > 0) == later] for later in (False, True)]
    epochs = [row["epoch"] for row in fitted]
    for axes, name, title in ((left, "loss", "Loss"), (right, "f1", "Macro F1, frames of streams")):
        axes.plot(epochs, [row[f"train_{name}"] for row in fitted], color=_SOFT, lw=2, label="training")
        axes.plot(epochs, [row[f"val_{name}"] for row in fitted], color=_BLUE, lw=2, label="validation")
        if start:
            axes.axhline(
                start[0][f"val_{name}"], color=_BLUE, lw=1, ls="--", label="validation, single frame"
            )
        _plain(axes, title)
    named = [row["val_clip_accuracy"] for row in fitted]
    right.plot(epochs, named, color=_ORANGE, lw=2, label="validation, clips named")
    right.set_ylim(-0.02, 1.02)
    for axes in (left, right):
        if best_epoch:
            axes.axvline(best_epoch, color=_INK, lw=1, ls=":", label="best epoch")
        axes.legend(frameon=False, fontsize=8)
    figure.savefig(path)


def draw_confusion(matrix: NDArray[np.int64], labels: Sequence[str], title: str, path: Path) -> None:
    """Draw a confusion matrix: rows are the truth, each cell the share of its row, the count in small."""
    from matplotlib.figure import Figure

    there = np.flatnonzero(matrix.sum(axis=0) + matrix.sum(axis=1))
    matrix, names = matrix[np.ix_(there, there)], [labels[int(i)] for i in there]
    count = max(2, len(names))
    shares = matrix / np.maximum(1, matrix.sum(axis=1, keepdims=True))
    side = min(14.0, 2.4 + 0.52 * count)
    figure = Figure(figsize=(side + 0.6, side), dpi=150, layout="constrained")
    axes = figure.subplots()
    axes.imshow(shares, cmap="Blues", vmin=0, vmax=1)
    ticks = range(len(names))
    size = 9 if count <= 20 else 5
    axes.set_xticks(ticks, names, rotation=45, ha="right", rotation_mode="anchor", fontsize=size)
    axes.set_yticks(ticks, names, fontsize=size)
    axes.set_xlabel("said", color=_INK)
    axes.set_ylabel("true", color=_INK)
    axes.set_title(title, color=_INK, fontsize=11, loc="left")
    axes.tick_params(length=0, colors=_INK)
    axes.set_xticks(np.arange(-0.5, len(names)), minor=True)
    axes.set_yticks(np.arange(-0.5, len(names)), minor=True)
    axes.grid(which="minor", color="white", lw=1.5)
    axes.tick_params(which="minor", length=0)
    for spine in axes.spines.values():
        spine.set_visible(False)
    if count <= 25:
        for row, column in zip(*np.nonzero(matrix), strict=True):
            dark = shares[row, column] > 0.5
            axes.text(
                column, row, str(matrix[row, column]), ha="center", va="center", fontsize=7.5,
                color="white" if dark else _INK,
            )  # fmt: skip
    figure.savefig(path)


def _plain(axes: object, title: str) -> None:
    from matplotlib.axes import Axes

    assert isinstance(axes, Axes)
    axes.set_title(title, fontsize=11, color=_INK, loc="left")
    axes.set_xlabel("epoch", color=_INK, fontsize=9)
    axes.tick_params(colors=_INK, labelsize=8)
    axes.grid(color="#e4e7eb", lw=0.8)
    axes.set_axisbelow(True)
    for side in ("top", "right"):
        axes.spines[side].set_visible(False)
