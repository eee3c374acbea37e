"""Rebuild models/fights from the data folder: the encoder of everyday, a head for fight against anything else.

python recipes/fights.py --data ../shared/data --out runs/fights
"""

from __future__ import annotations

import argparse
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import numpy as np
from compose import compose_idle, empty_places, still_scenes
from footage import Row, write_rows
from rich.console import Console
from sources import fight_rows

from actrec.train.config import TrainConfig
from actrec.train.run import train
from actrec.train.show import Screen

ABOUT = (
    "Surveillance Camera Fight (MIT), every fourth clip of Hockey Fights, UT-Interaction (kick, punch and push "
    "against handshake, hug and waiting), and made scenes in which nothing happens"
)
SEED = 7


def main() -> None:
    """Read the options and run."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--data", type=Path, required=True, help="the data folder, with manifest.csv")
    parser.add_argument("--out", type=Path, required=True, help="the run folder")
    options = parser.parse_args()
    data, clips = options.data.resolve(), options.out.resolve() / "clips"
    listing = options.out.resolve() / "fights.csv"
    if not listing.exists():
        real = [replace(row, path=str(data / row.path)) for row in fight_rows(data)]
        write_rows([*real, *_idle(data, clips)], listing)
    train(config(listing, options.out), Screen(Console(stderr=True)))


def _idle(data: Path, clips: Path) -> Iterator[Row]:
    scenes = {
        split: [*list(still_scenes(data, split))[:30], *empty_places(data, split)]
        for split in ("train", "val")
    }
    yield from compose_idle(scenes, clips, np.random.default_rng(SEED), more_often={})


def config(listing: Path, out: Path) -> TrainConfig:
    """Return the training run."""
    return TrainConfig(
        data=listing, out=out, labels=("fight", "background"), background="background", about=ABOUT,
        input="compensated", passes=3, hidden=128, embedding=128, epochs=24, smoothing=0.2, from_frame=False,
        false_alarms=0.5, seed=SEED, cache=out.parent / "cache",
    )  # fmt: skip


if __name__ == "__main__":
    main()
