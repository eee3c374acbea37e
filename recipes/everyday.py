"""Rebuild models/everyday from the data folder: make the clips, train the head.

python recipes/everyday.py --data ../shared/data --out runs/everyday
"""

from __future__ import annotations

import argparse
from dataclasses import replace
from pathlib import Path

from compose import compose
from footage import write_rows
from rich.console import Console
from sources import everyday_rows

from actrec.train.config import TrainConfig
from actrec.train.run import train
from actrec.train.show import Screen

LABELS = (
    "walking", "running", "jumping", "jumping_jack", "waving", "bending", "push_up", "sitting", "standing",
    "falling_or_lying", "handshake", "hugging", "fighting", "clapping", "background",
)  # fmt: skip
ABOUT = (
    "Weizmann actions (also cut out and moved into other scenes), UT-Interaction, Surveillance Camera Fight, "
    "Hockey Fights, push-up videos, GMDCSA24 falls, a yoga set, UCF101 (people doing something else); clapping and "
    "most of sitting, standing and walking from video generators (synthetic), most falls composed"
)
SEED = 7


def main() -> None:
    """Read the options and run."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--data", type=Path, required=True, help="the data folder, with manifest.csv")
    parser.add_argument("--out", type=Path, required=True, help="the run folder")
    parser.add_argument(
        "--only-clips", action="store_true", help="make the clips and the manifest, do not train"
    )
    options = parser.parse_args()
    data, clips = options.data.resolve(), options.out.resolve() / "clips"
    listing = options.out.resolve() / "everyday.csv"
    if not listing.exists():
        real = [replace(row, path=str(data / row.path)) for row in everyday_rows(data)]
        write_rows([*real, *compose(data, clips, SEED)], listing)
    if not options.only_clips:
        train(config(listing, options.out), Screen(Console(stderr=True)))


def config(listing: Path, out: Path) -> TrainConfig:
    """Return the training run."""
    return TrainConfig(
        data=listing, out=out, labels=LABELS, background="background", about=ABOUT, input="compensated", passes=3,
        hidden=128, embedding=128, epochs=24, balance=0.5, false_alarms=0.5, seed=SEED,
        cache=out.parent / "cache",
    )  # fmt: skip


if __name__ == "__main__":
    main()
