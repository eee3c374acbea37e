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
FIGHTS = ("cctv_fights", "with hockey", "leaky")
"""CCTV fights by block of numbers; the same with hockey fights to train on; a random split, which is a warning."""
_SETS = {"with hockey": ("cctv_fights", "hockey_fights"), "leaky": ("cctv_fights",)}
BLOCKS = (range(1, 31), range(36, 66), range(71, 101))
HOCKEY_EACH = 4
"""Of a thousand hockey clips every fourth is trained on."""
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
    sets = _SETS.get(name, (name,))
    with (data / "manifest.csv").open(newline="", encoding="utf-8") as file:
        rows = [row for row in csv.DictReader(file) if row["set"] in sets and row["label"] != "other"]
    rows = [row for row in rows if row["set"] != "hockey_fights" or _number(row) % HOCKEY_EACH == 0]
    labels = sorted({row["label"] for row in rows})
    classes = np.array([labels.index(row["label"]) for row in rows])
    return Task([row["path"] for row in rows], classes, list(_folds(name, rows)))


def _number(row: dict[str, str]) -> int:
    found = re.search(r"(\d+)\.\w+$", row["path"])
    return int(found[1]) if found else 0


def _folds(name: str, rows: list[dict[str, str]]) -> Iterator[tuple[NDArray[np.bool_], NDArray[np.bool_]]]:
    if name in ("cctv_fights", "with hockey"):
        numbers = np.array([_number(row) for row in rows])
        cctv = np.array([row["set"] == "cctv_fights" for row in rows])
        for block in BLOCKS:
            near = cctv & (numbers >= block[0] - MARGIN) & (numbers <= block[-1] + MARGIN)
            yield ~near, cctv & np.isin(numbers, list(block))
        return
    if name == "leaky":
        part = np.random.default_rng(0).permutation(len(rows)) % 5
        yield from ((part != fold, part == fold) for fold in range(5))
        return
    groups = np.array([row["group"] for row in rows])
    names = sorted(set(groups))
    together = 2 if name == "ut_interaction" else 1
    for first in range(0, len(names), together):
        out = np.isin(groups, names[first : first + together])
        yield ~out, out
