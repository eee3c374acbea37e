"""How fast a training run is, in clips/s, and where its time goes: decode, augment, encode, fit the head.

A cold run finds nothing in the cache, a warm one everything. One process decodes and encodes (--workers 0), so that
the shares add up. Then what was slowest as it was and as it is, in turns: an encoder whose graph computes its
paddings, and noise that is drawn for every frame.

python benchmarks/training_speed.py --data ../shared/data --clips 24
"""

from __future__ import annotations

import argparse
import csv
import statistics
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from unittest import mock

import cv2
import numpy as np
import torch
from rich.console import Console

from actrec.train import encode, fit, gather, run
from actrec.train.augment import Grain
from actrec.train.config import TrainConfig
from actrec.train.judge import Judgement
from actrec.train.network import Network, NetworkConfig
from actrec.train.show import Screen

SETS = ("weizmann", "cctv_fights", "ut_interaction")
EPOCHS = 3


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--data", type=Path, default=Path("../shared/data"))
    parser.add_argument("--clips", type=int, default=24)
    parser.add_argument("--turns", type=int, default=5)
    options = parser.parse_args()
    cv2.setNumThreads(1)
    with tempfile.TemporaryDirectory() as scratch:
        folder = Path(scratch)
        manifest = choose_clips(options.data, options.clips, folder / "manifest.csv")
        for name in ("cold cache", "warm cache"):
            time_run(name, manifest, folder)
    compare(options.turns)


def choose_clips(data: Path, count: int, manifest: Path) -> Path:
    """Write a manifest of the first clips of some labels of each set, each clip its own group."""
    with (data / "manifest.csv").open(newline="", encoding="utf-8") as file:
        rows = [row for row in csv.DictReader(file) if row["set"] in SETS and row["label"] != "other"]
    by_label: dict[tuple[str, str], list[dict[str, str]]] = {}
    for row in rows:
        by_label.setdefault((row["set"], row["label"]), []).append(row)
    chosen: list[dict[str, str]] = []
    for place in SETS:
        labels = [key for key in by_label if key[0] == place][:2]
        for label in labels:
            chosen += by_label[label][: count // (2 * len(SETS))]
    with manifest.open("w", newline="", encoding="utf-8") as file:
        writer = csv.DictWriter(file, ["path", "label", "start_s", "end_s", "group"], extrasaction="ignore")
        writer.writeheader()
        for number, row in enumerate(chosen):
            label = f"{row['set']} {row['label']}"
            writer.writerow(
                row
                | {
                    "path": str((data / row["path"]).resolve()),
                    "label": label,
                    "group": str(number),
                }
            )
    return manifest


def time_run(name: str, manifest: Path, folder: Path) -> None:
    """Train on the clips and print the clips a second of each part and its share of the time."""
    config = TrainConfig(
        data=manifest, out=folder / name, cache=folder / "cache", device="cpu", threads=1, workers=0,
        epochs=EPOCHS, patience=0,
    )  # fmt: skip
    kept: list[gather.Gathered] = []
    whole = gather.gather

    def watch(*arguments: object, **more: object) -> gather.Gathered:
        kept.append(whole(*arguments, **more))  # type: ignore[arg-type]
        return kept[-1]

    judged: list[float] = []
    look = fit.judge

    def judge(*arguments: object) -> Judgement:
        began = time.perf_counter()
        judgement = look(*arguments)  # type: ignore[arg-type]
        judged.append(time.perf_counter() - began)
        return judgement

    screen = Screen(Console(quiet=True))
    with mock.patch.object(run, "gather", watch), mock.patch.object(fit, "judge", judge):
        run.train(config, screen)
    got, seconds = kept[0], screen.seconds
    clips = len(got.samples)
    fit_s = seconds["fitting the head"]
    parts = {"decode": got.decode_s, "augment": got.alter_s, "encode": got.encode_s}
    parts["read the cache, files"] = seconds["decoding and encoding"] - sum(parts.values())
    parts["head: draw streams, forward, backward"] = fit_s - sum(judged)
    parts["head: validation"] = sum(judged)
    parts["all else (scan, build, baseline, report)"] = sum(seconds.values()) - sum(parts.values())
    total = sum(parts.values())
    print(f"\n{name}: {clips} clips, {got.frames} frames of their views, {total:.1f} s")
    print(f"  features {clips / seconds['decoding and encoding']:.1f} clips/s", end=", ")
    print(f"epochs {EPOCHS * clips / fit_s:.1f} clips/s, the whole run {clips / total:.2f} clips/s")
    for part, spent in parts.items():
        print(f"  {part:<42}{spent:7.1f} s {100 * spent / total:5.0f} %")


def compare(turns: int) -> None:
    """Print the medians of the old and the new way, run in turns."""
    torch.set_num_threads(1)
    encoder = Network(NetworkConfig(labels=("a", "b"))).eval().encoder
    rng = np.random.default_rng(0)
    frames = list(rng.integers(0, 256, (4, 10, 128, 128, 3), np.uint8))
    graphs = [encode._trace(encoder, 128), encode._trace(encode.fix_padding(encoder, 128), 128)]
    old, new = (encode.GraphEncoder(graph, "", 1) for graph in graphs)
    image = rng.integers(0, 256, (240, 320, 3), np.uint8)

    def sheet() -> None:
        grain = Grain(image.shape[:2], 4.0, rng)
        for _ in range(25):
            grain.add(image)

    def each() -> None:
        for _ in range(25):
            noise = rng.standard_normal(image.shape, np.float32) * 4.0
            np.clip(image + noise + 0.5, 0, 255).astype(np.uint8)

    pairs: dict[str, tuple[Callable[[], object], Callable[[], object], int]] = {
        "encode a frame of 128 px": (
            lambda: encode.encode_clips(old, frames), lambda: encode.encode_clips(new, frames), 40,
        ),
        "noise on a frame of 320 x 240": (each, sheet, 25),
    }  # fmt: skip
    print()
    for name, (before, after, count) in pairs.items():
        times: tuple[list[float], list[float]] = ([], [])
        for _ in range(turns):
            for way, kept in zip((before, after), times, strict=True):
                began = time.perf_counter()
                way()
                kept.append((time.perf_counter() - began) / count * 1e3)
        one, other = (statistics.median(kept) for kept in times)
        print(f"{name}: {one:.2f} ms before, {other:.2f} ms after: {other / one:.2f} of the time")


if __name__ == "__main__":
    main()
