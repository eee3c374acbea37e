"""From a folder or list to three parts: what is read, what is unreadable, and who stands on which side."""

from __future__ import annotations

import os
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

from rich.markup import escape

from ..models import ConfigError
from .clips import Clip, keep_labels, read_clips
from .config import TrainConfig
from .groups import find_groups
from .scan import scan, unlabelled_gaps
from .show import Screen
from .splits import Splits, split_clips

BACKGROUND = "background"
UNREADABLE = "unreadable.txt"
_TOLD = {
    "names": "groups: from the file names",
    "scenes": "groups: clips that look alike (perceptual hashes)",
    "recordings": "[yellow]groups: the clips of a label share one scene, so they are divided by clip; "
    "figures measured on them flatter. Give groups in a manifest to know better.[/]",
}


@dataclass(frozen=True, slots=True)
class Dataset:
    """The clips of a run, divided, and their labels; `background` is one of `labels` or None."""

    splits: Splits
    labels: tuple[str, ...]
    background: str | None
    unreadable: tuple[str, ...] = ()
    """A line for each file that was left out, with the reason."""


def read_dataset(config: TrainConfig, screen: Screen) -> Dataset:
    """Read, scan, group and divide the clips of a run. Raises ConfigError."""

    def tell(line: str) -> None:
        screen.say(f"[yellow]{escape(line)}[/]")

    clips = read_clips(config.data, videos=config.videos, where=config.where, tell=tell)
    clips = keep_labels(clips, config.labels)
    labels, background = choose_labels(clips, config)
    files = sorted({clip.path for clip in clips})
    with screen.stage("scanning the files", len(files)) as advance:
        seen = scan(files, workers=count_workers(config), advance=advance)
    problems = tuple(look.problem for look in seen.values() if look.problem)
    if problems:
        tell_unreadable(problems, config, screen)
    clips = [clip for clip in clips if not seen[clip.path].problem]
    if not clips:
        raise ConfigError(f"data {config.data}: not one clip can be read; the first: {problems[0]}")
    clips, kind = find_groups(clips, seen)
    if kind in _TOLD:
        screen.say(_TOLD[kind])
    splits = split_clips(
        clips, val_groups=config.val_groups, test_groups=config.test_groups, val_share=config.val_share,
        test_share=config.test_share, seed=config.seed,
    )  # fmt: skip
    if unjudged := sorted({clip.label for clip in clips} - {clip.label for clip in splits.val}):
        tell(
            f"not validated, since all their clips are of one group or fixed to train: {', '.join(unjudged)}"
        )
    if background is not None:
        parts = [
            [*part, *unlabelled_gaps(part, seen, background)]
            for part in (splits.train, splits.val, splits.test)
        ]
        splits = Splits(*parts)
    counts = f"{len(splits.train)} to train, {len(splits.val)} to validate, {len(splits.test)} to test"
    screen.say(
        f"{len(clips)} clips, {len(labels)} labels: {counts}; background label: {background or 'none'}"
    )
    return Dataset(splits, labels, background, problems)


def choose_labels(clips: Sequence[Clip], config: TrainConfig) -> tuple[tuple[str, ...], str | None]:
    """Return the labels, in their order, and the one for nothing. Raises ConfigError for one without clips."""
    labels = list(config.labels) or sorted(Counter(clip.label for clip in clips))
    if config.background == "off":
        return tuple(labels), None
    name = BACKGROUND if config.background == "auto" else config.background
    if name not in labels:
        if config.background != "auto":
            raise ConfigError(
                f"--background {name}: no clip has it; want auto, off or one of {', '.join(labels)}"
            )
        labels.append(name)
    return tuple(labels), name


def count_workers(config: TrainConfig) -> int:
    """Return how many processes decode: all CPUs but one, if the run does not say."""
    return max(1, (os.cpu_count() or 2) - 1) if config.workers is None else config.workers


def tell_unreadable(problems: Sequence[str], config: TrainConfig, screen: Screen) -> None:
    """Say what cannot be read, and write all of it into the run folder."""
    if screen.console.quiet:  # the first process has said it
        return
    config.out.mkdir(parents=True, exist_ok=True)
    path = config.out / UNREADABLE
    with path.open("a", encoding="utf-8") as file:
        file.writelines(f"{problem}\n" for problem in problems)
    screen.say(f"[yellow]{len(problems)} unreadable[/], left out and listed in {path}:")
    for problem in problems[:5]:
        screen.say("  " + problem.replace("[", r"\["))
