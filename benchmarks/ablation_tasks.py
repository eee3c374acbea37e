"""Three tasks divided by group, for the ablation of the encoder and the head."""

from __future__ import annotations

import csv
import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

TASKS = ("weizmann", "ut_interaction", "cctv_fights")
BLOCKS = (range(1, 31), range(36, 66), range(71, 101))
MARGIN = 5
"""CCTV clips whose number is so near to the block that is left out are not trained on."""


@dataclass(frozen=True)
class Task:
    """A data set: clips, their classes, and the folds, each (trained on, tested on) as masks over the clips."""

    paths: list[str]
    classes: NDArray[np.int64]
    folds: list[tuple[NDArray[np.bool_], NDArray[np.bool_]]]


def read_task(data: Path, name: str) -> Task:
    """Return a task and its folds."""
    with (data / "manifest.csv").open(newline="", encoding="utf-8") as file:
        rows = [row for row in csv.DictReader(file) if row["set"] == name and row["label"] != "other"]
    labels = sorted({row["label"] for row in rows})
    classes = np.array([labels.index(row["label"]) for row in rows])
    return Task([row["path"] for row in rows], classes, list(_folds(name, rows)))


def _folds(name: str, rows: list[dict[str, str]]) -> Iterator[tuple[NDArray[np.bool_], NDArray[np.bool_]]]:
    if name == "cctv_fights":
        found = [re.search(r"(\d+)\.mp4", row["path"]) for row in rows]
        numbers = np.array([int(match[1]) for match in found if match])
        for block in BLOCKS:
            near = (numbers >= block[0] - MARGIN) & (numbers <= block[-1] + MARGIN)
            yield ~near, np.isin(numbers, list(block))
        return
    groups = np.array([row["group"] for row in rows])
    names = sorted(set(groups))
    together = 2 if name == "ut_interaction" else 1
    for first in range(0, len(names), together):
        out = np.isin(groups, names[first : first + together])
        yield ~out, out
