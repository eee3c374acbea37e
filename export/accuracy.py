"""What a precision is worth on the task: how many held-out clips the live path names rightly."""

from __future__ import annotations

import random
import tempfile
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from itertools import chain, zip_longest
from pathlib import Path

from rich.console import Console

from ..models import Bundle, ConfigError, Precision
from ..train.clips import Clip
from ..train.config import CONFIG_FILE, make_config, read_config
from ..train.dataset import read_dataset
from ..train.evaluation.answers import answer_clips
from ..train.evaluation.play import WatchedRecognizer
from ..train.show import Screen

MOST_CLIPS = 60
LONGEST_S = 10.0
"""Of a clip: what comes later is not played."""


@dataclass(frozen=True, slots=True)
class Named:
    """How many of some clips were named rightly."""

    right: int
    clips: int

    @property
    def share(self) -> float:
        """In 0..1."""
        return self.right / self.clips

    def __str__(self) -> str:
        return f"{self.right} of {self.clips} ({self.share:.1%})"


def divide_as_trained(run: Path, clips: list[Clip]) -> list[Clip]:
    """Return clips with the sides that the run drew, if neither its list nor its options name a validation side.

    The clips as they are, where that cannot be found out: there is no `run.yaml`, or its data are not here.
    """
    folder = run if run.is_dir() else run.parent
    if not (folder / CONFIG_FILE).is_file() or any(clip.split == "val" for clip in clips):
        return clips
    with tempfile.TemporaryDirectory(prefix="actrec-export-") as scratch:
        try:
            config = make_config({**read_config(folder / CONFIG_FILE), "out": scratch})
            return read_dataset(config, Screen(Console(quiet=True))).splits.all()
        except ConfigError:
            return clips


def held_out(clips: Sequence[Clip], labels: Sequence[str]) -> list[Clip]:
    """Return at most 60 of the validation clips, every label as often as it can be; the same ones each time."""
    by_label = [
        [clip for clip in clips if clip.split == "val" and clip.label == label] for label in sorted(labels)
    ]
    drawn = [random.Random(0).sample(some, len(some)) for some in by_label]
    taken = [clip for clip in chain.from_iterable(zip_longest(*drawn)) if clip is not None]
    return taken[:MOST_CLIPS]


def count_named(
    bundle: Bundle, precision: Precision, clips: Sequence[Clip], advance: Callable[[], None] = lambda: None
) -> Named | None:
    """Play clips through the live path on the CPU and count those whose mean of probabilities names them.

    None if not one of them can be read.
    """
    recognizer = WatchedRecognizer(bundle, device="cpu", precision=precision)
    answers = answer_clips([_shortened(clip) for clip in clips], recognizer, advance)
    if not answers.judged:
        return None
    said = answers.probabilities.argmax(axis=1)
    return Named(int((said == answers.truth(bundle.spec.labels)).sum()), len(said))


def _shortened(clip: Clip) -> Clip:
    end_s = clip.start_s + LONGEST_S
    return replace(clip, end_s=end_s if clip.end_s is None else min(clip.end_s, end_s))
