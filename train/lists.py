"""The official lists of public data sets: UCF101, HMDB51 and Kinetics."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from pathlib import Path

from ..models import ConfigError
from .clips import Clip, Split

_UCF_NAME = re.compile(r"v_(?P<label>\w+?)_(?P<group>g\d+)_c\d+")
_HMDB_FILE = re.compile(r"(?P<label>.+)_test_split(?P<number>[123])\.txt")
# <film>_<action>_<body>_<camera>_<people>_<view>_<quality>_<cut>: the film is the group.
_HMDB_TAIL = r"_[fhlu]_(?:cm|nm)_np\d+_(?:ba|fr|le|ri)_(?:bad|goo|med)_\d+"
_KINETICS = {"label", "youtube_id", "time_start", "time_end"}


def group_in_name(path: Path, label: str) -> str | None:
    """Return the group that a UCF101 or HMDB51 file name tells (`Archery/g08`, the film), or None."""
    ucf = _UCF_NAME.fullmatch(path.stem)
    if ucf:
        return f"{ucf['label']}/{ucf['group']}"
    hmdb = re.fullmatch(rf"(?P<film>.+)_{re.escape(label)}{_HMDB_TAIL}", path.stem)
    return hmdb["film"] if hmdb else None


def read_ucf(data: Path, videos: Path | None) -> list[Clip]:
    """Read `trainlistNN.txt` and, if it lies beside it, its `testlistNN.txt`; `Class/file.avi [number]` a line.

    videos: the folder of the classes (default: beside the list, or the folder above).
    """
    if not re.fullmatch(r"(train|test)list\d+\.txt", data.name):
        raise ConfigError(
            f"data {data}: not a UCF101 list; want trainlist01.txt (its testlist01.txt beside it)"
        )
    train = data.with_name(data.name.replace("testlist", "trainlist"))
    test = data.with_name(data.name.replace("trainlist", "testlist"))
    clips: list[Clip] = []
    lists: tuple[tuple[Path, Split], ...] = ((train, "train"), (test, "test"))
    for path, split in lists:
        if path.exists():
            lines = path.read_text(encoding="utf-8").splitlines()
            names = [line.split()[0] for line in lines if line.strip()]
            root = videos or _root_of(names, data.parent)
            for name in map(Path, names):
                label = name.parent.name
                clips.append(Clip(root / name, label, group_in_name(name, label), split=split))
    return clips


def is_hmdb(folder: Path) -> bool:
    """Return whether a folder holds the `<action>_test_split1.txt` files of HMDB51."""
    return any(_HMDB_FILE.fullmatch(path.name) for path in folder.glob("*_test_split1.txt"))


def read_hmdb(folder: Path, videos: Path | None, number: int = 1) -> list[Clip]:
    """Read the lists of one HMDB51 split: 1 is for training, 2 for testing, 0 is left out, as it says.

    videos: the folder of the classes (default: the folder above the lists).
    """
    sides: dict[str, Split] = {"1": "train", "2": "test"}
    root = videos or folder.parent
    clips: list[Clip] = []
    for path in sorted(folder.glob(f"*_test_split{number}.txt")):
        match = _HMDB_FILE.fullmatch(path.name)
        if match is None:
            continue
        label = match["label"]
        for line in path.read_text(encoding="utf-8").splitlines():
            name, _, side = line.strip().rpartition(" ")
            if side in sides:
                file = Path(name.strip())
                clips.append(Clip(root / label / file, label, group_in_name(file, label), split=sides[side]))
    return clips


def is_kinetics(columns: Iterable[str]) -> bool:
    """Return whether these are the columns of a Kinetics CSV."""
    return set(columns) >= _KINETICS


def read_kinetics(rows: Iterable[Mapping[str, str]], root: Path) -> list[Clip]:
    """Read the rows of a Kinetics CSV: `<root>/[<label>/]<id>_<start>_<end>.mp4`, trimmed, or `<id>.mp4`, whole.

    The video's id is the group. A file that is nowhere is still listed, so that the scan reports it.
    """
    splits: dict[str, Split] = {"train": "train", "val": "val", "validate": "val", "test": "test"}
    clips = []
    for row in rows:
        label, video = row["label"].strip(), row["youtube_id"].strip()
        start, end = float(row["time_start"]), float(row["time_end"])
        trimmed = f"{video}_{int(start):06d}_{int(end):06d}"
        split = splits.get((row.get("split") or "").strip())
        whole = _first(root, label, video)
        cut = _first(root, label, trimmed)
        if cut is None and whole is not None:
            clips.append(Clip(whole, label, video, start, end, split))
        else:
            clips.append(Clip(cut or root / label / f"{trimmed}.mp4", label, video, split=split))
    return clips


def _first(root: Path, label: str, stem: str) -> Path | None:
    for folder in (root / label, root / label.replace(" ", "_"), root):
        for suffix in (".mp4", ".mkv", ".webm"):
            if (folder / f"{stem}{suffix}").exists():
                return folder / f"{stem}{suffix}"
    return None


def _root_of(names: list[str], folder: Path) -> Path:
    for root in (folder, folder.parent, folder / "UCF-101", folder.parent / "UCF-101"):
        if names and (root / names[0]).exists():
            return root
    return folder
