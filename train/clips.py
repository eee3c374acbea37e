"""Labelled clips: what a folder of classes, a manifest or an official list says there is to learn from."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
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
SPLIT_NAMES: Mapping[str, Split] = {
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


def _to_nobody(line: str) -> None:
    del line


def read_clips(
    data: Path,
    *,
    videos: Path | None = None,
    where: Mapping[str, str] | None = None,
    tell: Callable[[str], None] = _to_nobody,
) -> list[Clip]:
    """Read what `data` lists: a folder of classes, a manifest, UCF101/HMDB51 lists or a Kinetics CSV.

    A `manifest.csv` in a folder of classes is used with it: its labels, spans, groups and splits. videos: where
    the listed files lie (default: beside the list); where: keep the rows of a manifest whose column has this
    value; tell: gets a line for what a manifest and its folders do not agree on. Order is that of the list, or
    sorted by path. Raises ConfigError: nothing there, or something that is none of these.
    """
    from . import lists
    from .manifest import MANIFEST, join_folders, read_csv

    if not data.exists():
        raise ConfigError(
            f"data {data}: no such file or folder; give a folder with one folder of clips for each class"
        )
    manifest = data / MANIFEST
    if data.is_dir() and where and not manifest.is_file():
        raise ConfigError(
            f"--where {dict(where)}: only a manifest has columns; {data} is a folder without {MANIFEST}"
        )
    if data.is_dir() and lists.is_hmdb(data):
        clips = lists.read_hmdb(data, videos)
    elif data.is_dir() and manifest.is_file():
        listed = read_csv(manifest, videos, where or {})
        found = [] if where or videos else list(_folder_clips(data))
        clips = join_folders(manifest, listed, found, tell)
    elif data.is_dir():
        clips = list(_folder_clips(data))
    elif data.suffix == ".txt":
        clips = lists.read_ucf(data, videos)
    elif data.suffix == ".csv":
        clips = read_csv(data, videos, where or {})
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
    splits = {
        folder: SPLIT_NAMES[folder.name.lower()] for folder in folders if folder.name.lower() in SPLIT_NAMES
    }
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
