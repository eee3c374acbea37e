"""What the encoder should be shown, how deep it should be, and whether the recurrent head earns its place.

    python benchmarks/ablation.py --data ../shared/data --cache /tmp/ablation inputs depth heads

Three tasks, each divided by group: Weizmann, leave one actor out (10 actions, 9 folds); UT-Interaction, two
sequences out (6 actions, 5 folds); CCTV fights, a block of numbers out (3 folds). The backbone is frozen; `mean` is
a ridge classifier on single frames whose scores are averaged over the clip.
"""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from pathlib import Path
from time import process_time
from typing import Literal

import numpy as np
import torch
from ablation_probe import FPS, Arrays, Differences, Variant, columns_of, gather
from ablation_tasks import FIGHTS, TASKS, Task, read_task
from numpy.typing import NDArray
from torch import Tensor, nn

from actrec.train.backbones import LITE0
from actrec.train.encode import freeze
from actrec.train.inputs import MotionInput, RgbInput
from actrec.train.network import Head, Network, NetworkConfig
from actrec.train.views import View

WARM_UP = 3
"""Frames at the beginning of a clip that have no past yet and are not scored."""
SEED = 0
PENALTIES = (0.1, 0.3, 1.0, 3.0, 10.0)
"""Of the ridge classifier, for each frame; features have a spread of one."""
CHOSEN = Variant("absolute, 0.1, 0.2, 0.4 s (chosen)", MotionInput(FPS))
RGB = Variant("RGB", RgbInput())
SUCCESSIVE, DOUBLING, LONG = ((0, 1), (1, 2), (2, 3)), ((0, 1), (0, 2), (0, 4)), ((0, 1), (0, 3), (0, 6))
INPUTS = (
    RGB,
    CHOSEN,
    Variant("the same, compensated", MotionInput(FPS, compensate=True)),
    Variant("absolute, three successive", Differences(SUCCESSIVE)),
    Variant("absolute, 0.1, 0.3, 0.6 s", Differences(LONG)),
    Variant("signed, 0.1, 0.2, 0.4 s", Differences(DOUBLING, "signed")),
    Variant("noise floor, then x 3", Differences(DOUBLING, "floor x 3")),
    Variant("contrast gain per frame", Differences(DOUBLING, "contrast gain")),
    Variant("grey + two differences", Differences(DOUBLING, "with grey")),
)
SIZES_PX = (96, 128, 160, 192, 224)
SIZES = tuple(
    CHOSEN if size == CHOSEN.size else Variant(f"{size} px", MotionInput(FPS), size) for size in SIZES_PX
)
LETTERBOX = Variant("128 px, letterbox", MotionInput(FPS), resize="letterbox")
STAGES = {
    "5": ("5",), "6.1": ("6.1",), "6": ("6",), "5+6.1": ("5", "6.1"), "5+6": ("5", "6"), "whole": ("whole",)
}  # fmt: skip
"""Which depths are looked at, by what `efficientnet_lite0:` calls them."""
POOLINGS = {"even": ("even",), "by motion": ("motion",), "both": ("even", "motion")}
TAKEN, TAKEN_COLOUR = ("5+6.1", "both"), ("5+6.1", "even")
ALTERED = (View(), View("altered", 1))


def scored(array: NDArray[np.float32]) -> NDArray[np.float32]:
    """Return the frames that count."""
    return array[WARM_UP:] if len(array) > 2 * WARM_UP else array


def ridge_accuracy(task: Task, clips: list[Arrays]) -> float:
    """Return the share of left-out clips named by a linear classifier on single frames.

    Its penalty is chosen in each fold by the other folds' clips, none of which is left out.
    """
    right, tested = 0, 0
    for train, test in task.folds:
        inner = dict.fromkeys(PENALTIES, 0)
        for _, other in task.folds:
            held = other & train
            for penalty, named in ridge_named(task, clips, train & ~held, held).items():
                inner[penalty] += int(named.sum())
        best = max(PENALTIES, key=lambda penalty: (inner[penalty], penalty))
        right += int(ridge_named(task, clips, train, test)[best].sum())
        tested += int(test.sum())
    return right / tested


def ridge_named(
    task: Task, clips: list[Arrays], train: NDArray[np.bool_], test: NDArray[np.bool_]
) -> dict[float, NDArray[np.bool_]]:
    """Return for each penalty which of the clips are named after training on others."""
    if not test.any():
        return {penalty: np.zeros(0, bool) for penalty in PENALTIES}
    rows = [(scored(view), task.classes[i]) for i in np.flatnonzero(train) for view in clips[i]]
    frames = np.concatenate([view for view, _ in rows]).astype(np.float64)
    owner = np.concatenate([np.full(len(view), label) for view, label in rows])
    weight = np.concatenate([np.full(len(view), 1 / len(view)) for view, _ in rows])
    weight *= len(weight) / weight.sum()
    mean, spread = frames.mean(axis=0), frames.std(axis=0) + 1e-3
    frames = np.clip((frames - mean) / spread, -6, 6)
    target = np.eye(task.classes.max() + 1)[owner]
    weighted = frames * weight[:, None]
    values, vectors = np.linalg.eigh(weighted.T @ frames)
    turned = vectors.T @ (weighted.T @ (target - np.average(target, axis=0, weights=weight)))
    seen = [np.clip((scored(clips[i][0]) - mean) / spread, -6, 6).mean(axis=0) for i in np.flatnonzero(test)]
    found = {}
    for penalty in PENALTIES:
        layer = vectors @ (turned / (values[:, None] + penalty * len(frames)))
        found[penalty] = (np.stack(seen) @ layer).argmax(axis=1) == task.classes[test]
    return found


def head_accuracy(task: Task, clips: list[Arrays], cell: Literal["gru", "lstm"], epochs: int = 40) -> float:
    """Return the share of left-out clips named by the recurrent head, its probabilities averaged over the clip."""
    right, tested = 0, 0
    names = tuple(str(number) for number in range(int(task.classes.max()) + 1))
    for train, test in task.folds:
        torch.manual_seed(SEED)
        rng = np.random.default_rng(SEED)
        settings = NetworkConfig(labels=names, cell=cell, hidden=128, embedding=128, dropout=0.5)
        everything = np.concatenate([view for index in np.flatnonzero(train) for view in clips[index]])
        mean, spread = everything.mean(axis=0), everything.std(axis=0) + 1e-3
        head = Head(everything.shape[1], settings)
        chosen = np.flatnonzero(train)
        optimiser = torch.optim.AdamW(head.parameters(), lr=3e-3, weight_decay=0.05)
        steps = epochs * -(-len(chosen) // 16)
        schedule = torch.optim.lr_scheduler.OneCycleLR(optimiser, 3e-3, total_steps=steps)
        for _ in range(epochs):
            for batch in np.array_split(rng.permutation(chosen), -(-len(chosen) // 16)):
                arrays = []
                for index in batch:
                    view = clips[index][int(rng.integers(len(clips[index])))]
                    arrays.append(view[int(rng.integers(0, max(1, min(6, len(view) - 6)))) :])
                padded, mask = pad(arrays, mean, spread)
                truth = torch.from_numpy(task.classes[batch])[:, None].expand(mask.shape)[mask]
                logits, _ = head(padded, head.start(len(batch)))
                loss = nn.functional.cross_entropy(logits[mask], truth, label_smoothing=0.1)
                loss = loss + 0.5 * nn.functional.cross_entropy(head.frame(head.drop(padded))[mask], truth)
                optimiser.zero_grad()
                loss.backward()
                optimiser.step()
                schedule.step()
        head.eval()
        left = np.flatnonzero(test)
        with torch.no_grad():
            padded, mask = pad([clips[index][0] for index in left], mean, spread)
            said = head(padded, head.start(len(left)))[0].softmax(-1)
        for row, index in enumerate(left):
            right += int(said[row][mask[row]].mean(0).argmax() == task.classes[index])
            tested += 1
    return right / tested


def pad(arrays: Arrays, mean: NDArray[np.float32], spread: NDArray[np.float32]) -> tuple[Tensor, Tensor]:
    """Return arrays [T, F] as one batch [B, T, F], and which frames count [B, T]."""
    longest = max(len(array) for array in arrays)
    padded = torch.zeros(len(arrays), longest, arrays[0].shape[1])
    mask = torch.zeros(len(arrays), longest, dtype=torch.bool)
    for row, array in enumerate(arrays):
        padded[row, : len(array)] = torch.from_numpy(np.clip((array - mean) / spread, -8, 8))
        mask[row, min(WARM_UP, len(array) - 1) : len(array)] = True
    return padded, mask


Line = tuple[str, list[tuple[Variant, str, str]], str]
"""Title, what is seen, and the kind of classifier."""


class Bench:
    """The tasks and their cached features."""

    def __init__(self, data: Path, cache: Path) -> None:
        self._data, self._cache = data, cache
        self._tasks = {name: read_task(data, name) for name in (*TASKS, *FIGHTS)}

    def row(
        self,
        title: str,
        parts: Sequence[tuple[Variant, str, str]],
        kind: str = "mean",
        tasks: tuple[str, ...] = TASKS,
    ) -> None:
        """Print a line of a table; parts: what is seen, how deep, and how it is averaged, one beside the other."""
        figures = []
        for name in tasks:
            clips = self._features(name, parts, (View(),) if kind == "mean" else ALTERED)
            task = self._tasks[name]
            if kind == "mean":
                figures.append(ridge_accuracy(task, clips))
            else:
                figures.append(head_accuracy(task, clips, "gru" if kind == "gru" else "lstm"))
        print(f"| {title} | " + " | ".join(f"{figure:.3f}" for figure in figures) + " |", flush=True)

    def _features(
        self, name: str, parts: Sequence[tuple[Variant, str, str]], views: tuple[View, ...]
    ) -> list[Arrays]:
        seen = [
            (
                gather(self._data, self._cache, self._tasks[name], variant, views),
                columns_of(STAGES[depth], POOLINGS[pooling]),
            )
            for variant, depth, pooling in parts
        ]
        return [
            [
                np.concatenate([clips[clip][view][:, columns] for clips, columns in seen], axis=1)
                for view in range(len(views))
            ]
            for clip in range(len(self._tasks[name].paths))
        ]


def cost_ms(backbone: str, size: int, frames: int = 60) -> float:
    """Return the encoder's CPU time for one frame, in ms: the median on one thread."""
    network = Network(NetworkConfig(labels=("a", "b"), backbone=backbone, size=size))
    frozen = freeze(network.encoder.eval(), size=size, device="cpu", threads=1)
    state, spent = frozen.start(1), []
    rng = np.random.default_rng(SEED)
    for _ in range(frames):
        frame = rng.integers(0, 255, (1, size, size, 3), np.uint8)
        began = process_time()
        _, state = frozen.step(frame, state)
        spent.append(process_time() - began)
    return 1e3 * float(np.median(spent))


def main() -> None:
    """Print the tables that were asked for."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("tables", nargs="+", choices=[*LINES, "cost"])
    parser.add_argument("--data", type=Path, required=True)
    parser.add_argument("--cache", type=Path, required=True)
    options = parser.parse_args()
    torch.set_num_threads(1)
    bench = Bench(options.data, options.cache)
    for table in options.tables:
        if table == "cost":
            print("\n| encoder, fp32, one thread | CPU ms a frame |\n|---|---|")
            for depth in STAGES:
                backbone = LITE0 if depth == "whole" else f"{LITE0}:{depth}"
                for size in SIZES_PX:
                    print(f"| {depth}, {size} px | {cost_ms(backbone, size):.2f} |", flush=True)
            continue
        columns = FIGHTS if table == "fights" else TASKS
        print(f"\n| {table} | " + " | ".join(columns) + " |\n|---|---|---|---|", flush=True)
        for title, parts, kind in LINES[table]:
            bench.row(title, parts, kind, columns)


def lines(*variants: Variant, kinds: tuple[str, ...] = ("mean",)) -> list[Line]:
    """Return a line for each variant, seen as the product sees it, and kind of classifier."""
    return [
        (
            f"{each.name}, {kind}" if len(kinds) > 1 else each.name,
            [(each, *(TAKEN_COLOUR if each is RGB else TAKEN))],
            kind,
        )
        for each in variants
        for kind in kinds
    ]


LINES: dict[str, list[Line]] = {
    "inputs": lines(*INPUTS),
    "depth": [
        (f"{depth}, {pooling}", [(CHOSEN, depth, pooling)], "mean") for depth in STAGES for pooling in POOLINGS
    ],
    "sizes": lines(*SIZES, LETTERBOX),
    "heads": lines(RGB, CHOSEN, kinds=("mean", "gru", "lstm")),
    "fights": lines(RGB, CHOSEN, kinds=("mean", "gru")),
    "appearance": [
        ("motion", [(CHOSEN, *TAKEN)], "mean"),
        ("motion, colour beside it", [(CHOSEN, *TAKEN), (RGB, *TAKEN_COLOUR)], "mean"),
    ],
}  # fmt: skip


if __name__ == "__main__":
    main()
