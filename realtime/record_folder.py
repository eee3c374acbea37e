"""A folder of recorded clips that training reads: `<label>/NNN.mp4`, and a row for each in manifest.csv."""

from __future__ import annotations

import csv
import os
import re
from collections.abc import Mapping
from pathlib import Path

from ..models.errors import ConfigError

COLUMNS = ("path", "label", "group", "seconds", "source", "recorded")
_FORBIDDEN = re.compile(r'[<>:"/\\|?*]|^[. ]|[. ]$')


class RecordFolder:
    """Gives out numbers that nobody has, and never writes over anything. Raises ConfigError."""

    def __init__(self, folder: Path, label: str) -> None:
        if not label or len(label) > 100 or not label.isprintable() or _FORBIDDEN.search(label):
            raise ConfigError(
                f"--label {label!r}: becomes the name of a folder, wanted 1 to 100 letters, digits, spaces, - or _"
            )
        self._folder, self._label = folder, label
        self._manifest = folder / "manifest.csv"
        try:
            (folder / label).mkdir(parents=True, exist_ok=True)
            if not self._manifest.exists():
                with self._manifest.open("x", newline="", encoding="utf-8") as file:
                    csv.writer(file, lineterminator="\n").writerow(COLUMNS)
            self._columns = self._read_columns()
        except OSError as error:
            raise ConfigError(
                f"--out {folder}: cannot be written ({error.strerror}), wanted a folder for clips; choose another"
            ) from None

    def claim(self) -> Path:
        """Create the next empty clip file and return its path; two recorders never get the same. Raises OSError."""
        folder = self._folder / self._label
        numbers = [int(path.stem) for path in folder.iterdir() if path.stem.isdecimal()]
        number = max(numbers, default=0) + 1
        while True:
            path = folder / f"{number:03d}.mp4"
            try:
                path.open("x").close()
                return path
            except FileExistsError:
                number += 1

    def add(self, path: Path, about: Mapping[str, str]) -> None:
        """Write the clip's row, on the disk before this returns. Raises OSError."""
        row = {"path": path.relative_to(self._folder).as_posix(), "label": self._label, **about}
        ends_in_line = self._manifest.read_bytes()[-1:] in (b"\n", b"")
        with self._manifest.open("a", newline="", encoding="utf-8") as file:
            if not ends_in_line:
                file.write("\n")
            writer = csv.DictWriter(
                file, self._columns, restval="", extrasaction="ignore", lineterminator="\n"
            )
            writer.writerow(row)
            file.flush()
            os.fsync(file.fileno())

    def _read_columns(self) -> list[str]:
        with self._manifest.open(newline="", encoding="utf-8") as file:
            columns = next(csv.reader(file), [])
        if not {"path", "label", "group"} <= set(columns):
            raise ConfigError(
                f"{self._manifest}: columns {', '.join(columns) or 'none'}; wanted at least path, label and "
                "group; choose another --out"
            )
        return columns
