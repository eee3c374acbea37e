"""The end of a run: calibrate the best epoch, judge it once more, draw, and write down what it is worth."""

from __future__ import annotations

import json
from collections import Counter
from dataclasses import dataclass

from ..models import EventRule
from .calibrate import fit_rules, fit_temperature, stream_logits
from .clips import Clip
from .config import TrainConfig
from .gather import Sample
from .history import LOG_FILE, read_rows
from .judge import judge
from .keep import BEST, write_whole
from .network import Head, load_network
from .report import draw_confusion, draw_curves
from .show import Screen
from .streams import Chunk

SMOOTHING_S = 0.3
CURVES, CONFUSION, CONFUSION_FRAMES = "curves.png", "confusion.png", "confusion-frames.png"
CONFUSION_TEST, METRICS = "confusion-test.png", "metrics.json"


@dataclass(frozen=True, slots=True, eq=False)
class Features:
    """The three parts of the data, as features."""

    train: list[Sample]
    val: list[Sample]
    test: list[Sample]
    unreadable: list[tuple[Clip, str]]


def finish(
    config: TrainConfig, features: Features, chunks: list[Chunk], single: Head, best_epoch: int
) -> dict[str, float]:
    """Complete `best.ckpt` and the run folder; returns the metrics. `single` is the head of the single frame."""
    folder = config.out
    network, saved = load_network(folder / BEST)
    labels, background = network.config.labels, network.config.background
    logits, truth, judged = stream_logits(network.head, chunks)
    temperature = fit_temperature(logits[judged], truth[judged])
    rules: dict[str, EventRule] = fit_rules(
        logits, truth, labels, background, temperature=temperature, fps=config.fps, smoothing_s=SMOOTHING_S,
        false_alarms=config.false_alarms,
    )  # fmt: skip
    metrics: dict[str, float] = {}
    for side, samples in (("val", features.val), ("test", features.test)):
        if not samples:
            continue
        own, frame = (judge(head, samples, chunks, labels) for head in (network.head, single))
        metrics |= {
            f"{side}_clip_accuracy": own.clips.accuracy,
            f"{side}_clip_f1": own.clips.f1,
            f"{side}_single_frame_clip_accuracy": frame.clips.accuracy,
        }
        if side == "val":
            metrics |= {"val_frame_f1": own.frames.f1, "val_single_frame_frame_f1": frame.frames.f1}
            draw_confusion(own.clip_matrix, labels, "Validation clips", folder / CONFUSION)
            draw_confusion(
                own.frame_matrix, labels, "Validation streams, by frame", folder / CONFUSION_FRAMES
            )
        else:
            draw_confusion(own.clip_matrix, labels, "Test clips", folder / CONFUSION_TEST)
    metrics = {name: round(value, 4) for name, value in metrics.items()}
    draw_curves(read_rows(folder / LOG_FILE), best_epoch, folder / CURVES)
    saved |= {
        "metrics": metrics,
        "temperature": temperature,
        "smoothing_s": SMOOTHING_S,
        "horizon_s": config.chunk / config.fps,
        "rules": {name: rule.model_dump() for name, rule in rules.items()},
        "training_data": describe(config, features),
        "card": describe_run(config, features, metrics, best_epoch),
    }
    write_whole(saved, folder / BEST)
    (folder / METRICS).write_text(json.dumps(metrics, indent=2) + "\n", encoding="utf-8")
    return metrics


def describe(config: TrainConfig, features: Features) -> str:
    """Return the training data in words, for the spec and the card."""
    counts = Counter(sample.clip.label for sample in features.train)
    most = ", ".join(f"{label} {count}" for label, count in sorted(counts.items())[:30])
    held = f"{len(features.val)} for validation, {len(features.test)} for test"
    text = f"{len(features.train)} clips ({most}); {held}"
    if config.test_groups:
        text += f"; never seen: {', '.join(config.test_groups)}"
    return f"{config.about.rstrip('. ')}. {text}" if config.about else text


def describe_run(config: TrainConfig, features: Features, metrics: dict[str, float], best_epoch: int) -> str:
    """Return the part of a model card that the run knows, in Markdown."""
    names = {
        "val_clip_accuracy": "validation clips named",
        "val_single_frame_clip_accuracy": "validation clips named by the mean over single frames",
        "val_frame_f1": "macro F1 over the frames of joined validation streams",
        "test_clip_accuracy": "test clips named",
        "test_single_frame_clip_accuracy": "test clips named by the mean over single frames",
    }
    lines = [f"| {text} | {metrics[name]:.3f} |" for name, text in names.items() if name in metrics]
    return "\n".join(
        [
            f"Training data: {describe(config, features)}.",
            "",
            f"A {config.cell.upper()} of {config.hidden} on {config.backbone} ({config.input} input, "
            f"{config.size} px, {config.fps:g} fps), epoch {best_epoch}, seed {config.seed}.",
            "",
            "| measured | |",
            "|---|---|",
            *lines,
            "",
        ]
    )


def tell_metrics(metrics: dict[str, float], screen: Screen) -> None:
    """Print the result beside the single frame's."""
    for side, name in (("val", "validation"), ("test", "test")):
        if f"{side}_clip_accuracy" in metrics:
            own, frame = metrics[f"{side}_clip_accuracy"], metrics[f"{side}_single_frame_clip_accuracy"]
            single = f"by the mean over single frames {100 * frame:.1f} %"
            screen.say(f"{name} clips named: [bold]{100 * own:.1f} %[/], {single}")
