"""Labelled clips: what a folder of classes, a manifest or an official list says there is to learn from."""

from __future__ import annotations

import csv
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Literal

from ..models import ConfigError

VIDEO_SUFFIXES = frozenset(
    [
        ".mp4",
        ".mkv",
        ".webm",
        ".avi",
        ".mov",
        ".m4v",
        ".mpg",
        ".mpeg",
        ".ts",
        ".wmv",
        ".flv",
        ".3gp",
        ".gif",
        ".ogv",
    ]
)
IMAGE_SUFFIXES = frozenset([".jpg", ".jpeg", ".png", ".bmp", ".webp", ".ppm", ".tif", ".tiff"])
Split = Literal["train", "val", "test"]
_SPLITS: Mapping[str, Split] = {
    "train": "train", "training": "train", "val": "val", "valid": "val", "validation": "val", "test": "test",
    "testing": "test",
}  # fmt: skip


@dataclass(frozen=True, slots=True)
class Clip:
    """One labelled span of one video; times in s from the video's first frame."""

    path: Path
    """A video, or a folder that holds the frames of one as pictures."""
    label: str
    group: str | None = None
    """What must never stand on both sides of a split: an actor, a recording, a game. None: not known."""
    start_s: float = 0.0
    end_s: float | None = None
    """None: to the end."""
    split: Split | None = None
    """Fixed by the data set; None: the run divides by group."""

    def __str__(self) -> str:
        if self.end_s is None and not self.start_s:
            return str(self.path)
        return f"{self.path} [{self.start_s:g} s to {'end' if self.end_s is None else f'{self.end_s:g} s'}]"


def read_clips(
    data: Path, *, videos: Path | None = None, where: Mapping[str, str] | None = None
) -> list[Clip]:
    """Read what `data` lists: a folder of classes, a manifest, UCF101/HMDB51 lists or a Kinetics CSV.

    videos: where the listed files lie (default: beside the list); where: keep the rows of a manifest whose
    column has this value. Order is that of the list, or sorted by path. Raises ConfigError: nothing there,
    or something that is none of these.
    """
    from . import lists

    if not data.exists():
        raise ConfigError(
            f"data {data}: no such file or folder; give a folder with one folder of clips for each class"
        )
    if data.is_dir() and where:
        raise ConfigError(f"--where {dict(where)}: only a manifest has columns; {data} is a folder")
    if data.is_dir():
        clips = lists.read_hmdb(data, videos) if lists.is_hmdb(data) else list(_folder_clips(data))
    elif data.suffix == ".txt":
        clips = lists.read_ucf(data, videos)
    elif data.suffix == ".csv":
        clips = _csv_clips(data, videos, where or {})
    else:
        raise ConfigError(
            f"data {data}: want a folder of classes, a manifest (.csv) or an official list (.txt)"
        )
    if not clips:
        hint = f"no row with {dict(where)}" if where else "no clips in it"
        raise ConfigError(f"data {data}: {hint}; want one folder of clips for each class, or a list of clips")
    return clips


def keep_labels(clips: list[Clip], labels: tuple[str, ...]) -> list[Clip]:
    """Return the clips of these labels (all, if none are named). Raises ConfigError for a label without clips."""
    if not labels:
        return clips
    missing = [label for label in labels if label not in {clip.label for clip in clips}]
    if missing:
        have = ", ".join(sorted({clip.label for clip in clips})[:20])
        raise ConfigError(f"label {missing[0]!r}: no clip has it; the data has {have}")
    return [clip for clip in clips if clip.label in labels]


def is_sequence(folder: Path) -> bool:
    """Return whether a folder holds the frames of one video: pictures, and no folders."""
    entries = list(folder.iterdir())
    return any(e.suffix.lower() in IMAGE_SUFFIXES for e in entries) and not any(e.is_dir() for e in entries)


def _folder_clips(data: Path) -> Iterator[Clip]:
    folders = _visible_folders(data)
    splits = {folder: _SPLITS[folder.name.lower()] for folder in folders if folder.name.lower() in _SPLITS}
    if splits and len(splits) == len(folders):
        for folder, split in splits.items():
            for clip in _class_clips(folder):
                yield replace(clip, split=split)
    else:
        yield from _class_clips(data)


def _class_clips(data: Path) -> Iterator[Clip]:
    for folder in _visible_folders(data):
        yield from _clips_below(folder, folder.name)


def _clips_below(folder: Path, label: str) -> Iterator[Clip]:
    for entry in sorted(folder.iterdir()):
        if entry.name.startswith("."):
            continue
        if entry.is_dir():
            if is_sequence(entry):
                yield Clip(entry, label)
            else:
                yield from _clips_below(entry, label)
        elif entry.suffix.lower() in VIDEO_SUFFIXES:
            yield Clip(entry, label)


def _visible_folders(data: Path) -> list[Path]:
    return sorted(entry for entry in data.iterdir() if entry.is_dir() and not entry.name.startswith("."))


def _csv_clips(data: Path, videos: Path | None, where: Mapping[str, str]) -> list[Clip]:
    from . import lists

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
    return [_manifest_clip(row, root, f"{data}, line {line}") for line, row in kept]


def _manifest_clip(row: Mapping[str, str | None], root: Path, place: str) -> Clip:
    path, label = (row["path"] or "").strip(), (row["label"] or "").strip()
    if not path or not label:
        raise ConfigError(f"{place}: path or label is empty")
    start, end = _seconds(row.get("start_s"), place), _seconds(row.get("end_s"), place)
    if end is not None and end <= (start or 0.0):
        raise ConfigError(f"{place}: the span ends at {end:g} s, before its start at {start or 0:g} s")
    split = (row.get("split") or "").strip().lower()
    if split and split not in _SPLITS:
        raise ConfigError(f"{place}: split {split!r}; want train, val or test")
    group = (row.get("group") or "").strip() or None
    return Clip(root / path, label, group, start or 0.0, end, _SPLITS[split] if split else None)


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
