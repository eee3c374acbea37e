"""What a model makes of the drawn demo, against the demo's true labels.

    python benchmarks/demo.py --model weizmann --seeds 10 11 12 --seconds 75

A span counts as right if the mean probability over it, without its first 0.8 s, is highest for its label; an
idle span, if it is highest for the background label. Labels that the model does not have are left out.
"""

from __future__ import annotations

import argparse
import json
from collections import Counter, defaultdict
from pathlib import Path

import numpy as np
from rich.console import Console
from rich.table import Table

from actrec.models import load_bundle
from actrec.realtime.frame import Frame
from actrec.realtime.sampler import Sampler
from actrec.realtime.sources.demo import FPS, DemoSettings, Stage
from actrec.realtime.sources.script import IDLE_LABEL
from actrec.realtime.watch import build_recognizers

SETTLING_S = 0.8


def judge(model: str, seed: int, seconds: float) -> list[tuple[str, str]]:
    """Return (true label, label of the highest mean probability) of each span of one play."""
    (recognizer,) = build_recognizers([model])
    stage = Stage(DemoSettings(seed))
    sampler = Sampler(recognizer.fps)
    sums: dict[tuple[float, str], np.ndarray] = {}
    labels: tuple[str, ...] = ()
    for index in range(round(seconds * FPS)):
        time_s = index / FPS
        if not sampler.due(time_s):
            continue
        prediction = recognizer.update(Frame(stage.draw(index), "demo", index, time_s, time_s, 0.0))
        span = stage.play.at(time_s)
        if prediction is not None and time_s - span.start_s >= SETTLING_S:
            labels = prediction.labels
            key = (span.start_s, span.label)
            sums[key] = sums.get(key, np.zeros(len(labels))) + prediction.probabilities
    return [(true, labels[int(total.argmax())]) for (_, true), total in sorted(sums.items())]


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--model", default="weizmann")
    parser.add_argument("--seeds", type=int, nargs="+", default=[10, 11, 12])
    parser.add_argument("--seconds", type=float, default=75.0)
    parser.add_argument("--json", type=Path)
    choices = parser.parse_args()
    bundle = load_bundle(choices.model)
    said: dict[str, Counter[str]] = defaultdict(Counter)
    for seed in choices.seeds:
        for true, label in judge(choices.model, seed, choices.seconds):
            wanted = bundle.spec.background if true == IDLE_LABEL else true
            if wanted in bundle.spec.labels:
                said[str(wanted)][label] += 1
    table = Table("true label", "right", "spans", "taken for")
    for true, counts in sorted(said.items()):
        others = ", ".join(f"{label} {count}" for label, count in counts.most_common() if label != true)
        table.add_row(true, str(counts[true]), str(sum(counts.values())), others)
    right = sum(counts[true] for true, counts in said.items())
    table.add_section()
    table.add_row("all", str(right), str(sum(sum(counts.values()) for counts in said.values())), "")
    Console(width=110).print(table)
    if choices.json:
        choices.json.write_text(json.dumps(said, indent=2) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
