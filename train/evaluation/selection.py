"""Which clips are judged: chosen by the same words as in training, and never without saying what they are."""

from __future__ import annotations

import csv
import tempfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path

from ...models import ConfigError, ModelSpec
from ...realtime.command import stderr
from ..clips import Clip, Split, read_clips
from ..config import TrainConfig
from ..manifest import MANIFEST
from ..splits import group_of


@dataclass(frozen=True, slots=True)
class Wanted:
    """What a user asked for; see `actrec-eval --help`."""

    data: Path
    videos: Path | None = None
    where: Mapping[str, str] = field(default_factory=dict)
    rename: Mapping[str, str] = field(default_factory=dict)
    labels: tuple[str, ...] = ()
    groups: tuple[str, ...] = ()
    split: Split | None = None


@dataclass(frozen=True, slots=True)
class Selection:
    """The clips that are judged, and what lies beside them."""

    judged: list[Clip]
    others: list[Clip]
    """Clips of groups that are not judged: what a single-frame baseline may learn from."""
    ignored: list[Clip]
    """Clips of labels that were not chosen."""
    sources: Mapping[Path, str]
    """From the manifest's column `set`, if it has one."""
    described: str
    """How the judged clips were chosen, in words."""


def select_clips(wanted: Wanted, spec: ModelSpec) -> Selection:
    """Choose by label, group and split. Raises ConfigError: no clip left, a group or label that is unknown."""
    clips = [
        replace(clip, label=wanted.rename.get(clip.label, clip.label))
        for clip in read_clips(wanted.data, videos=wanted.videos, where=wanted.where, tell=_tell)
    ]
    return _select(clips, wanted, spec, _sources(wanted))


def select_of_run(config: TrainConfig, split: Split | None, spec: ModelSpec) -> Selection:
    """Choose what a run kept apart: its test clips, or those of validation if it has none."""
    wanted = Wanted(config.data, config.videos, config.where, labels=config.labels, split=split)
    # What was divided by looks is divided by looks again; the run folder itself is left as it is.
    from ..dataset import read_dataset
    from ..show import Screen

    with tempfile.TemporaryDirectory(prefix="actrec-eval-") as scratch:
        sides = read_dataset(config.model_copy(update={"out": Path(scratch)}), Screen(stderr)).splits
    wanted = replace(wanted, split=split or ("test" if sides.test else "val"))
    return _select(sides.all(), wanted, spec, _sources(wanted))


def _select(clips: list[Clip], wanted: Wanted, spec: ModelSpec, sources: Mapping[Path, str]) -> Selection:
    have = sorted({clip.label for clip in clips})
    for label in wanted.labels:
        if label not in have:
            raise ConfigError(f"label {label!r}: no clip has it; the data has {_some(have)}")
    kept = [clip for clip in clips if not wanted.labels or clip.label in wanted.labels]
    for label in sorted({clip.label for clip in kept} - set(spec.labels)):
        raise ConfigError(
            f"label {label!r}: {spec.name} does not know it, it knows {_some(spec.labels)}; "
            f"choose with --labels, or say --rename {label}=LABEL"
        )
    known = {clip.group for clip in kept if clip.group is not None}
    for group in wanted.groups:
        if group not in known:
            raise ConfigError(f"group {group!r}: no clip has it; the groups are {_some(sorted(known))}")
    split = wanted.split
    if split is None and not wanted.groups and any(clip.split == "test" for clip in kept):
        split = "test"
    judged = [
        clip
        for clip in kept
        if (not wanted.groups or clip.group in wanted.groups) and (split is None or clip.split == split)
    ]
    if not judged:
        raise ConfigError(
            f"data {wanted.data}: no clip for split {split!r}; want train, val or test clips in it"
        )
    held = {group_of(clip) for clip in judged}
    others = [clip for clip in kept if group_of(clip) not in held]
    if any(clip.split == "train" for clip in others):
        others = [clip for clip in others if clip.split == "train"]
    ignored = [clip for clip in clips if wanted.labels and clip.label not in wanted.labels]
    return Selection(judged, others, ignored, sources, _describe(wanted, split))


def _describe(wanted: Wanted, split: Split | None) -> str:
    parts = [f"{column}={value}" for column, value in wanted.where.items()]
    if wanted.groups:
        parts.append("groups " + ", ".join(wanted.groups))
    if split:
        parts.append(f"split {split}")
    if not wanted.groups and not split:
        parts.append("every clip, those of training too if they are in it")
    return "; ".join(parts)


def _sources(wanted: Wanted) -> dict[Path, str]:
    manifest = wanted.data / MANIFEST if wanted.data.is_dir() else wanted.data
    if manifest.suffix != ".csv" or not manifest.is_file():
        return {}
    with manifest.open(newline="", encoding="utf-8-sig") as file:
        rows: Sequence[dict[str, str]] = list(csv.DictReader(file))
    root = wanted.videos or manifest.parent
    return {root / row["path"]: row["set"] for row in rows if row.get("set") and row.get("path")}


def _tell(line: str) -> None:
    stderr.print(line, style="yellow", markup=False, highlight=False)


def _some(names: Sequence[str]) -> str:
    shown = ", ".join(names[:20]) or "none"
    return shown if len(names) <= 20 else f"{shown} and {len(names) - 20} more"
