"""Train and judge over all folds of a data set, with the trainer that users have: one command for each table row.

    python benchmarks/folds.py weizmann --data ../shared/data --out /tmp/folds
    python benchmarks/folds.py ut_interaction --data ../shared/data --out /tmp/folds --finetune 4
    python benchmarks/folds.py cctv_fights --data ../shared/data --out /tmp/folds

Weizmann: leave one actor out. UT-Interaction: leave two sequences out. CCTV fights: blocks of numbers, five numbers
beside a block on no side; every fourth hockey clip and UT-Interaction are trained on as well (not with `--alone`).
Another group of each fold chooses the epoch. Each fold's run stays under `--out`.
"""

from __future__ import annotations

import argparse
import re
import sys
from collections.abc import Iterator
from dataclasses import replace
from itertools import islice
from pathlib import Path

from ablation_tasks import BLOCKS, MARGIN
from rich.console import Console

from actrec.train.config import TrainConfig
from actrec.train.run import train
from actrec.train.show import Screen

sys.path.insert(0, str(Path(__file__).parent.parent / "recipes"))
from footage import Row, read_rows, write_rows
from sources import fight_rows

VAL_NUMBERS = 10
"""CCTV clips of so many numbers, farthest from the block that is left out, choose the epoch."""


def main() -> None:
    """Run the folds and print the row."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("set", choices=["weizmann", "ut_interaction", "cctv_fights"])
    parser.add_argument("--data", type=Path, required=True)
    parser.add_argument("--out", type=Path, required=True)
    parser.add_argument("--input", default="motion", choices=["motion", "compensated", "rgb"])
    parser.add_argument("--cell", default="gru", choices=["gru", "lstm"])
    parser.add_argument("--finetune", type=int, default=0, help="last blocks of the backbone that learn")
    parser.add_argument("--shift", type=int, default=0, help="last residual blocks that see the frame before")
    parser.add_argument("--first", type=int, default=99, help="only so many folds, from the first on")
    parser.add_argument("--passes", type=int, default=2, help="augmented views of each training clip")
    parser.add_argument("--swap", type=float, default=0.0, help="share of them with another background")
    parser.add_argument("--epochs", type=int, default=24)
    parser.add_argument("--no-from-frame", action="store_true", help="begin heads with random weights")
    parser.add_argument("--alone", action="store_true", help="no other set to train on")
    parser.add_argument("--seed", type=int, default=0)
    options = parser.parse_args()
    data = options.data.resolve()
    right = single = tested = 0.0
    name = f"{options.set}-{options.input}-{options.cell}-{options.finetune}" + "-alone" * options.alone
    name += f"-shift{options.shift}" if options.shift else ""
    name += f"-swap{options.swap:g}" if options.swap else ""
    name += "-random" * options.no_from_frame
    for number, rows in enumerate(islice(folds(options.set, data, alone=options.alone), options.first)):
        folder = options.out.resolve() / name / str(number)
        write_rows([replace(row, path=str(data / row.path)) for row in rows], folder / "clips.csv")
        config = TrainConfig(
            data=folder / "clips.csv", out=folder, background="off", input=options.input, cell=options.cell,
            hidden=128, embedding=128, passes=options.passes, epochs=options.epochs, finetune=options.finetune,
            shift=options.shift, swap=options.swap, from_frame=not options.no_from_frame, seed=options.seed,
            cache=options.out.resolve() / "cache",
        )  # fmt: skip
        metrics = train(config, Screen(Console(stderr=True)))
        count = sum(row.split == "test" for row in rows)
        right += metrics["test_clip_accuracy"] * count
        single += metrics["test_single_frame_clip_accuracy"] * count
        tested += count
        print(f"fold {number}: {metrics['test_clip_accuracy']:.3f} of {count} clips, "
              f"single frame {metrics['test_single_frame_clip_accuracy']:.3f}", flush=True)  # fmt: skip
    print(
        f"{name}: {right / tested:.3f} ({round(right)} of {tested:.0f} clips), single frame {single / tested:.3f}"
    )


def folds(name: str, data: Path, *, alone: bool) -> Iterator[list[Row]]:
    """Yield the rows of each fold with the side they stand on."""
    if name == "cctv_fights":
        yield from fight_folds(data, alone=alone)
        return
    rows = [row for row in read_rows(data) if row["set"] == name and row["label"] != "other"]
    groups = sorted({row["group"] for row in rows})
    together = 2 if name == "ut_interaction" else 1
    for first in range(0, len(groups), together):
        out = groups[first : first + together]
        val = groups[(first + together) % len(groups)]
        sides = {group: "test" if group in out else "val" if group == val else "train" for group in groups}
        yield [
            Row(row["path"], row["label"], name, row["group"], sides[row["group"]], row["kind"])
            for row in rows
        ]


def fight_folds(data: Path, *, alone: bool) -> Iterator[list[Row]]:
    """Yield the three blocks of surveillance clips; neighbours of a border stand on no side."""
    every = list(fight_rows(data))
    cctv = [
        Row(row["path"], {"fight": "fight", "nofight": "background"}[row["label"]], "cctv_fights", row["group"], "")
        for row in read_rows(data)
        if row["set"] == "cctv_fights"
    ]  # fmt: skip
    others = [] if alone else [replace(row, split="train") for row in every if row.set != "cctv_fights"]
    for block in BLOCKS:
        val = range(1, VAL_NUMBERS + 1) if block[0] > VAL_NUMBERS + MARGIN else range(101 - VAL_NUMBERS, 101)
        rows = []
        for row in cctv:
            side = side_of(int(re.findall(r"\d+", Path(row.path).stem)[0]), block, val)
            rows += [replace(row, split=side, group=f"{row.group}:{side}")] if side else []
        yield rows + others


def side_of(number: int, test: range, val: range) -> str:
    """Return the side of a clip by its number; an empty text where it is too near to another side."""
    if number in test:
        return "test"
    if number in val:
        return "val"
    near = any(side[0] - MARGIN <= number <= side[-1] + MARGIN for side in (test, val))
    return "" if near else "train"


if __name__ == "__main__":
    main()
