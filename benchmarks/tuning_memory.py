"""What a step of fine-tuning costs when glibc gives freed memory back, and when it keeps it, in turns.

python benchmarks/tuning_memory.py --blocks 4 --steps 5 --turns 3
"""

from __future__ import annotations

import argparse
import json
import resource
import statistics
import subprocess
import sys

import torch

from actrec.train.finetune import BATCH, WINDOW, last_blocks
from actrec.train.memory import keep_freed_memory
from actrec.train.network import Network, NetworkConfig

WAYS = ("given back", "kept")


def main() -> None:
    """Run both ways in processes of their own, as the choice holds for a whole process, and print the medians."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--blocks", type=int, default=4, help="last blocks of the backbone that learn")
    parser.add_argument("--steps", type=int, default=5)
    parser.add_argument("--turns", type=int, default=3)
    parser.add_argument("--way", choices=WAYS, help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.way:
        print(json.dumps(measure(options.way, options.blocks, options.steps)))
        return
    found: dict[str, list[dict[str, float]]] = {way: [] for way in WAYS}
    for _ in range(options.turns):
        for way in WAYS:
            told = [f"--blocks={options.blocks}", f"--steps={options.steps}", f"--way={way}"]
            done = subprocess.run(
                [sys.executable, __file__, *told], capture_output=True, text=True, check=True
            )
            found[way].append(json.loads(done.stdout))
    for way, runs in found.items():
        median = {name: statistics.median(run[name] for run in runs) for name in runs[0]}
        print(f"{way}: {median['user']:.2f} s of its own and {median['system']:.2f} s in the kernel a step, "
              f"{median['mb']:.0f} MB")  # fmt: skip


def measure(way: str, blocks: int, steps: int) -> dict[str, float]:
    """Return the processor seconds of a step, and the most memory, of one thread."""
    if way == "kept":
        keep_freed_memory()
    torch.set_num_threads(1)
    torch.manual_seed(0)
    network = Network(NetworkConfig(labels=("a", "b"))).eval()
    network.encoder.requires_grad_(False)
    for block in last_blocks(network.encoder.backbone, blocks):
        block.requires_grad_(True)
    frames = torch.randint(0, 255, (BATCH, WINDOW, 128, 128, 3), dtype=torch.uint8)

    def step() -> None:
        logits, _ = network.head(network.encoder.forward_windows(frames), network.head.start(BATCH))
        torch.autograd.backward(logits.sum())

    step()
    before = resource.getrusage(resource.RUSAGE_SELF)
    for _ in range(steps):
        step()
    after = resource.getrusage(resource.RUSAGE_SELF)
    return {
        "user": (after.ru_utime - before.ru_utime) / steps,
        "system": (after.ru_stime - before.ru_stime) / steps,
        "mb": after.ru_maxrss / 1024,
    }


if __name__ == "__main__":
    main()
