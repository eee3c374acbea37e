"""Which frames of a stream are judged while the head learns: the last of a chunk, those late after a change, all.

UT-Interaction, five folds of two unseen sequences each; the last epoch is judged, the same features for all three.
A run that is already in --out is not trained again.

    python benchmarks/loss_places.py --data ../shared/data --out /tmp/loss
"""

from __future__ import annotations

import argparse
import csv
import json
import statistics
from pathlib import Path

from rich.console import Console

from actrec.train.build import build
from actrec.train.config import LossPlace, TrainConfig
from actrec.train.dataset import read_dataset
from actrec.train.finish import METRICS, Features
from actrec.train.fit import make_stream_plan, validation_chunks
from actrec.train.judge import judge
from actrec.train.keep import LAST
from actrec.train.network import load_network
from actrec.train.run import gather_features, train
from actrec.train.show import Screen

PLACES: tuple[LossPlace, ...] = ("last", "late", "all")
SET, FOLD = "ut_interaction", 2


def main() -> None:
    """Run the folds and print the table."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--data", type=Path, required=True)
    parser.add_argument("--out", type=Path, required=True)
    parser.add_argument("--epochs", type=int, default=16)
    options = parser.parse_args()
    manifest = options.data / "manifest.csv"
    with manifest.open(newline="", encoding="utf-8") as file:
        rows = [row for row in csv.DictReader(file) if row["set"] == SET and row["label"] != "other"]
    labels, groups = (sorted({row[name] for row in rows}) for name in ("label", "group"))
    found: dict[str, list[tuple[float, ...]]] = {place: [] for place in PLACES}
    for first in range(0, len(groups), FOLD):
        features = None
        for place in PLACES:
            config = TrainConfig(
                data=manifest, where={"set": SET}, labels=tuple(labels), out=options.out / f"{place}-{first}",
                cache=options.out / "cache", test_groups=tuple(groups[first : first + FOLD]),
                val_groups=(groups[(first + FOLD) % len(groups)],), passes=1, hidden=128, embedding=128,
                epochs=options.epochs, patience=0, loss=place, from_frame=False, device="cpu", threads=1, workers=1,
            )  # fmt: skip
            if not (config.out / METRICS).exists():
                train(config, Screen(Console(quiet=True)))
            if features is None:
                features = read_features(config)
            found[place].append(judge_last(config, features))
            print(first, place, *(f"{figure:.3f}" for figure in found[place][-1]), flush=True)
    print("| loss on | clips named | by the mean over single frames | frames of joined streams: right | F1 |")
    print("|---|---|---|---|---|")
    for place, folds in found.items():
        means = [statistics.mean(figures) for figures in zip(*folds, strict=True)]
        print(f"| {place} | " + " | ".join(f"{mean:.3f}" for mean in means) + " |")


def read_features(config: TrainConfig) -> Features:
    """Return the features of a fold, which the run has left in the cache."""
    screen = Screen(Console(quiet=True))
    dataset = read_dataset(config, screen)
    return gather_features(config, dataset, build(config, dataset, screen, resume=False).encoder, screen)


def judge_last(config: TrainConfig, features: Features) -> tuple[float, ...]:
    """Judge the last epoch on the unseen sequences: the best one by validation is often the single frame itself."""
    network, _ = load_network(config.out / LAST)
    labels, background = network.config.labels, network.config.background
    chunks = validation_chunks(features.test, labels, background, make_stream_plan(config))
    last = judge(network.head, features.test, chunks, labels)
    single = json.loads((config.out / METRICS).read_text())["test_single_frame_clip_accuracy"]
    return last.clips.accuracy, single, last.frames.accuracy, last.frames.f1


if __name__ == "__main__":
    main()
