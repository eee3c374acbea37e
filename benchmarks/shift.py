"""Whether temporal shift pays: Weizmann, an actor left out, the last blocks fine-tuned with it and without it.

    python benchmarks/shift.py --data ../shared/data --actors 3

The frozen stages run once; the last four blocks (three of which can be shifted) and a head learn on windows, much
as with `actrec-train --finetune 4`, for every seed and actor. `mean` is the linear layer on single frames, `GRU`
the whole head, both averaged over the clip.
"""

from __future__ import annotations

import argparse
from pathlib import Path
from time import monotonic

import numpy as np
import torch
from ablation_tasks import Task, read_task
from numpy.typing import NDArray
from torch import Tensor, nn
from torch.nn import functional

from actrec.train.network import Encoder, Network, NetworkConfig, pool
from actrec.train.shift import layers_of, run_windows
from actrec.train.views import Shape, View, make_views

BATCH, WINDOW, WARM_UP = 8, 12, 3
"""Windows in a batch, frames of a window, and those of them that are not judged."""
LEARNING = 5
"""Layers at the end that learn: four blocks, and the constant scale behind them."""
FPS = 10.0
VIEWS = (View(), View("altered", 1))
Seen = tuple[Tensor, Tensor | None]
"""Maps before the blocks that learn [T, C, h, w], and where to look."""


def look(encoder: Encoder, frames: NDArray[np.uint8]) -> Seen:
    """Run the stages that stay frozen over a clip."""
    state = encoder.start(1)[: len(encoder.input.state_specs(frames.shape[1]))]
    pictures, energies = [], []
    for frame in torch.from_numpy(frames):
        picture, *rest = encoder.input(frame[None], *state)
        if encoder.input.has_energy:
            energies.append(rest.pop(0))
        state = tuple(rest)
        pictures.append(encoder.normalise(picture))
    maps = torch.cat(pictures)
    for layer in list(layers_of(encoder.backbone))[:-LEARNING]:
        maps = layer(maps)
    return maps, torch.cat(energies) if energies else None


def run_fold(
    seen: list[list[Seen]], task: Task, fold: int, options: argparse.Namespace, shift: int, seed: int
) -> tuple[NDArray[np.int64], int]:
    """Fine-tune on the other actors; return the clips that each way of judging names, and how many there were."""
    torch.manual_seed(seed)
    rng = np.random.default_rng(seed)
    labels = tuple(map(str, range(int(task.classes.max()) + 1)))
    network = Network(
        NetworkConfig(
            labels=labels,
            backbone="efficientnet_lite0:6",
            input=options.input,
            shift=shift,
            hidden=128,
            embedding=128,
            dropout=0.5,
            size=options.size,
        )
    ).eval()
    layers = list(layers_of(network.encoder.backbone))
    first = len(layers) - LEARNING
    tail = nn.Sequential(*layers[first:])
    places = [place - first for place in network.encoder.shifted]

    def features(windows: list[Seen]) -> Tensor:
        maps = torch.cat([maps for maps, _ in windows])
        energy = (
            torch.cat([each for _, each in windows if each is not None])
            if windows[0][1] is not None
            else None
        )
        (found,) = run_windows(tail, places, maps, len(maps) // len(windows))
        return pool(found, energy).unflatten(0, (len(windows), -1))

    train, test = task.folds[fold]
    chosen = np.flatnonzero(train)
    groups = [
        {"params": list(tail.parameters()), "lr": options.rate},
        {"params": list(network.head.parameters()), "lr": 5e-3},
    ]
    optimiser = torch.optim.AdamW(groups, weight_decay=0.05)
    schedule = torch.optim.lr_scheduler.OneCycleLR(
        optimiser, [group["lr"] for group in groups], total_steps=options.steps, pct_start=0.2
    )
    network.head.train()
    for _ in range(options.steps):
        picked = rng.choice(chosen, BATCH)
        windows = [cut(seen[index][int(rng.integers(len(VIEWS)))], rng) for index in picked]
        given = features(windows)
        logits, _ = network.head(given, network.head.start(BATCH))
        alone = network.head.frame(network.head.drop(given))
        truth = torch.from_numpy(task.classes[picked])[:, None].expand(-1, WINDOW - WARM_UP)
        loss = sum(
            functional.cross_entropy(each[:, WARM_UP:].transpose(1, 2), truth, label_smoothing=0.1)
            for each in (logits, alone)
        )
        optimiser.zero_grad()
        torch.autograd.backward(loss)
        optimiser.step()
        schedule.step()
    network.head.eval()
    named, total = np.zeros(2, int), 0
    with torch.inference_mode():
        for index in np.flatnonzero(test):
            given = features([seen[index][0]])
            logits, _ = network.head(given, network.head.start(1))
            ways = (network.head.frame(given), logits)
            named += [int(way[0].softmax(-1).mean(0).argmax()) == task.classes[index] for way in ways]
            total += 1
    return named, total


def cut(seen: Seen, rng: np.random.Generator) -> Seen:
    """Return a window of a clip, its last frame repeated if it is too short."""
    maps, energy = seen
    start = int(rng.integers(max(1, len(maps) - WINDOW + 1)))
    rows = (start + torch.arange(WINDOW)).clamp(max=len(maps) - 1)
    return maps[rows].float(), None if energy is None else energy[rows]


def main() -> None:
    """Print a line for each number of shifted blocks."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--data", type=Path, required=True)
    parser.add_argument("--input", default="rgb", choices=["motion", "rgb"])
    parser.add_argument("--size", type=int, default=128)
    parser.add_argument("--actors", type=int, default=9, help="so many folds")
    parser.add_argument("--steps", type=int, default=80)
    parser.add_argument("--rate", type=float, default=3e-4)
    parser.add_argument("--seeds", type=int, default=1)
    parser.add_argument("--shift", type=int, nargs="+", default=[0, 3])
    options = parser.parse_args()
    torch.set_num_threads(1)
    task = read_task(options.data, "weizmann")
    encoder = Network(NetworkConfig(labels=("a", "b"), input=options.input, size=options.size)).encoder.eval()
    with torch.inference_mode():
        seen = []
        for path in task.paths:
            views = make_views(options.data / path, 0.0, None, VIEWS, Shape(FPS, options.size, "squash"))
            seen.append([look(encoder, view) for view in views])
    for shift in options.shift:
        named, total, began = np.zeros(2, int), 0, monotonic()
        for fold in range(options.actors):
            for seed in range(options.seeds):
                right, count = run_fold(seen, task, fold, options, shift, seed)
                named, total = named + right, total + count
                print(f"  shift {shift}, actor {fold}, seed {seed}: {right} of {count}", flush=True)
        mean, gru = named / total
        print(f"{options.input}, shift {shift}: mean {mean:.3f}, GRU {gru:.3f} of {total} clips, "
              f"{monotonic() - began:.0f} s", flush=True)  # fmt: skip


if __name__ == "__main__":
    main()
