"""The log of a run: one line of figures an epoch, as a value and as CSV."""

from __future__ import annotations

import csv
from dataclasses import dataclass
from pathlib import Path

from .judge import Judgement
from .measure import Scores

LOG_FILE = "log.csv"
_FIGURES = ("accuracy", "precision", "recall", "f1")


@dataclass(frozen=True, slots=True, eq=False)
class EpochReport:
    """What one epoch came to. Epoch 0 is the start, before any training of the recurrent part."""

    epoch: int
    epochs: int
    rate: float
    train_loss: float
    train: Scores
    val: Judgement

    def row(self) -> dict[str, float]:
        """Return the line of the CSV log."""
        figures: dict[str, float] = {"epoch": self.epoch, "rate": self.rate, "train_loss": self.train_loss}
        figures |= {f"train_{name}": getattr(self.train, name) for name in _FIGURES}
        figures["val_loss"] = self.val.loss
        figures |= {f"val_{name}": getattr(self.val.frames, name) for name in _FIGURES}
        return figures | {"val_clip_accuracy": self.val.clips.accuracy, "val_score": self.val.score}


def append_row(path: Path, row: dict[str, float]) -> None:
    """Add a line; a new file gets a header."""
    new = not path.exists() or not path.stat().st_size
    with path.open("a", newline="", encoding="utf-8") as file:
        writer = csv.DictWriter(file, list(row))
        if new:
            writer.writeheader()
        writer.writerow({name: f"{value:.6g}" for name, value in row.items()})


def read_rows(path: Path) -> list[dict[str, float]]:
    """Return the lines of a log; none if there is no log. A line that was cut off by a crash is left out."""
    if not path.exists():
        return []
    rows = []
    with path.open(newline="", encoding="utf-8") as file:
        for row in csv.DictReader(file):
            if None not in row.values() and None not in row:
                rows.append({name: float(value) for name, value in row.items()})
    return rows


def keep_rows(path: Path, epochs: int) -> None:
    """Drop the lines after `epochs`: a run that goes on from there writes them anew."""
    rows = [row for row in read_rows(path) if row["epoch"] <= epochs]
    path.unlink(missing_ok=True)
    for row in rows:
        append_row(path, row)
