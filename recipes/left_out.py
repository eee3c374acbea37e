"""Where a label is really learnt: train `everyday` without a set, and judge it on that set's clips.

    python recipes/left_out.py --run runs/everyday weizmann generated cctv_fights hockey_fights home_falls

Needs the run folder of everyday.py. Only clips of the sides `train` and `val` are used: the test part stays unseen.
"""

from __future__ import annotations

import argparse
import csv
from collections import defaultdict
from pathlib import Path

import numpy as np
from everyday import LABELS, config
from footage import Row, write_rows
from rich.console import Console

from actrec.train.cache import Cache
from actrec.train.clips import Clip
from actrec.train.config import TrainConfig
from actrec.train.encode import freeze
from actrec.train.gather import gather
from actrec.train.keep import BEST
from actrec.train.measure import clip_labels, clip_logits
from actrec.train.network import load_network
from actrec.train.run import train
from actrec.train.show import Screen
from actrec.train.views import Shape, View

TOGETHER = {"weizmann": ("weizmann", "weizmann_moved", "falls_made")}
"""Clips that are made of a set go with it."""
EPOCHS = 8


def main() -> None:
    """Print a line for each set and label: how many clips are named when the set was not trained on."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("sets", nargs="+")
    parser.add_argument("--run", type=Path, required=True)
    options = parser.parse_args()
    with (options.run / "everyday.csv").open(newline="", encoding="utf-8") as file:
        rows = [Row(**line) for line in csv.DictReader(file)]
    rows = [row for row in rows if row.split != "test"]
    print("| set left out | label | clips | named | other sets that teach it |\n|---|---|---|---|---|")
    for name in options.sets:
        gone = TOGETHER.get(name, (name,))
        kept = [row for row in rows if row.set not in gone]
        taught: dict[str, set[str]] = defaultdict(set)
        for row in kept:
            if row.split == "train":
                taught[row.label].add(row.set)
        labels = tuple(label for label in LABELS if label in taught)
        out = options.run / f"without-{name}"
        write_rows(kept, out / "kept.csv")
        settings = config(out / "kept.csv", out).model_copy(
            update={"labels": labels, "epochs": EPOCHS, "cache": options.run.parent / "cache"}
        )
        train(settings, Screen(Console(stderr=True)))
        own = [row for row in rows if row.set == name and row.label in taught]
        for label, right in sorted(_named(out, settings, own).items()):
            others = ", ".join(sorted(taught[label]))
            print(f"| {name} | {label} | {len(right)} | {np.mean(right):.2f} | {others} |", flush=True)


def _named(out: Path, settings: TrainConfig, rows: list[Row]) -> dict[str, list[bool]]:
    network, _ = load_network(out / BEST)
    encoder = freeze(network.encoder, size=settings.size, device="cpu", threads=1)
    clips = [
        Clip(
            Path(row.path), row.label, None, float(row.start_s or 0), float(row.end_s) if row.end_s else None
        )
        for row in rows
    ]
    shape = Shape(settings.fps, settings.size, settings.resize)
    got = gather(
        [(clip, [View()]) for clip in clips], encoder, shape, Cache(settings.cache_folder), workers=0
    )
    said = clip_labels(clip_logits(network.head, got.samples))
    right: dict[str, list[bool]] = defaultdict(list)
    for sample, answer in zip(got.samples, said, strict=True):
        right[sample.clip.label].append(network.config.labels[int(answer)] == sample.clip.label)
    return right


if __name__ == "__main__":
    main()
