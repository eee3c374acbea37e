"""Lists in CSV: a manifest of labelled spans, alone or in a folder of classes, and Kinetics."""

from __future__ import annotations

import csv
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import replace
from pathlib import Path

from ..models import ConfigError
from . import lists
from .clips import SPLIT_NAMES, Clip, Split

MANIFEST = "manifest.csv"
"""In a folder of classes: what its clips say beyond their folder, as actrec-record writes it."""
Tell = Callable[[str], None]


def read_csv(data: Path, videos: Path | None, where: Mapping[str, str]) -> list[Clip]:
    """Read a manifest or a Kinetics CSV. Raises ConfigError naming the line."""
    try:
        with data.open(newline="", encoding="utf-8-sig") as file:
            rows = list(csv.DictReader(file))
    except (OSError, UnicodeDecodeError, csv.Error) as error:
        raise ConfigError(
            f"data {data}: cannot be read as CSV ({error}); want a header and one clip a line"
        ) from None
    columns = set(rows[0]) if rows else set()
    for column in where:
        if rows and column not in columns:
            raise ConfigError(
                f"--where {column}: no such column; {data} has {', '.join(sorted(map(str, columns)))}"
            )
    kept = [
        (line, row)
        for line, row in enumerate(rows, 2)
        if all(row[name] == value for name, value in where.items())
    ]
    root = videos or data.parent
    if lists.is_kinetics(columns):
        return lists.read_kinetics([row for _, row in kept], root)
    if rows and not {"path", "label"} <= columns:
        raise ConfigError(
            f"data {data}: columns {', '.join(map(str, rows[0]))}; want at least path and label"
        )
    return [_clip(row, root, f"{data}, line {line}") for line, row in kept]


def join_folders(manifest: Path, listed: Sequence[Clip], found: Sequence[Clip], tell: Tell) -> list[Clip]:
    """Return what a folder of classes and the manifest in it say together; where they differ, `tell` says so.

    listed: the manifest's clips, which rule; found: those that lie in the folders. A clip that no row names is
    taken as its folder says, if the rows are named after their folders too; else it is left out. Raises
    ConfigError: a row gives a whole clip another label than its folder, which is a label as well.
    """
    in_folder = {clip.path: clip for clip in found}
    labels = {clip.label for clip in listed}
    kept = [clip for clip in listed if clip.path.exists()]
    whole = [clip for clip in kept if clip.path in in_folder and not clip.start_s and clip.end_s is None]
    for clip in whole:
        folder_label = in_folder[clip.path].label
        if clip.label != folder_label and folder_label in labels:
            raise ConfigError(
                f"{manifest}: says {clip.label!r} of {clip.path}, which lies in the folder of {folder_label!r}; "
                f"move the clip or mend the row (or give --data {manifest} to go by the rows alone)"
            )
    if gone := {clip.path for clip in listed} - {clip.path for clip in kept}:
        tell(f"{manifest}: {_count(gone)} in it not there any more, left out: {_some(gone)}")
    kept = [replace(clip, split=clip.split or _split_of(in_folder.get(clip.path))) for clip in kept]
    more = [clip for clip in found if clip.path not in {clip.path for clip in listed}]
    if not more:
        return kept
    by_folder = all(clip.label == in_folder[clip.path].label for clip in whole) and bool(whole or not kept)
    what = "labelled by folder, without a group" if by_folder else "left out"
    paths = {clip.path for clip in more}
    tell(f"{manifest}: {_count(paths)} beside it not listed, {what}: {_some(paths)}")
    return [*kept, *more] if by_folder else kept


def _split_of(clip: Clip | None) -> Split | None:
    return None if clip is None else clip.split


def _count(paths: Collection[Path]) -> str:
    return "1 clip" if len(paths) == 1 else f"{len(paths)} clips"


def _some(paths: Collection[Path]) -> str:
    names = [f"{path.parent.name}/{path.name}" for path in sorted(paths)[:3]]
    return ", ".join(names) + (" ..." if len(paths) > 3 else "")


def _clip(row: Mapping[str, str | None], root: Path, place: str) -> Clip:
    path, label = (row["path"] or "").strip(), (row["label"] or "").strip()
    if not path or not label:
        raise ConfigError(f"{place}: path or label is empty")
    start, end = _seconds(row.get("start_s"), place), _seconds(row.get("end_s"), place)
    if end is not None and end <= (start or 0.0):
        raise ConfigError(f"{place}: the span ends at {end:g} s, before its start at {start or 0:g} s")
    split = (row.get("split") or "").strip().lower()
    if split and split not in SPLIT_NAMES:
        raise ConfigError(f"{place}: split {split!r}; want train, val or test")
    group = (row.get("group") or "").strip() or None
    return Clip(root / path, label, group, start or 0.0, end, SPLIT_NAMES[split] if split else None)


def _seconds(text: str | None, place: str) -> float | None:
    if not text or not text.strip():
        return None
    try:
        value = float(text)
    except ValueError:
        value = -1.0
    if not 0.0 <= value < float("inf"):
        raise ConfigError(f"{place}: time {text!r}; want seconds, 0 or more")
    return value
