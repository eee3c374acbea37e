"""Which old clips have to go, by age and by their size together."""

from __future__ import annotations

import re
import time
from collections.abc import Container
from dataclasses import dataclass
from pathlib import Path

_OURS = re.compile(r".+_-?\d+\.\d{3}-[0-9a-f]{6}\.(mp4|jpg|part)")
"""What `clips` writes ends in the event's id; nothing else in the folder is ever touched."""


@dataclass(frozen=True, slots=True)
class Retention:
    """How long clips are kept, in days, and how many bytes they may take together; None is for ever."""

    max_age_days: float | None = 30.0
    max_bytes: int | None = 10 << 30

    def clean(
        self,
        folder: Path,
        keep: Container[Path] = (),
        pattern: re.Pattern[str] = _OURS,
        *,
        deep: bool = True,
    ) -> list[Path]:
        """Delete what is too old, then the oldest until the rest fits; return what was deleted.

        Only files whose name is all `pattern` count, those of folders inside too if `deep`; `keep` names
        those that are still written. Raises OSError if a file cannot be deleted.
        """
        files = []
        for path in folder.rglob("*") if deep else folder.glob("*"):
            if path not in keep and pattern.fullmatch(path.name) and path.is_file() and not path.is_symlink():
                stat = path.stat()
                files.append((stat.st_mtime, path, stat.st_size))
        files.sort(reverse=True)
        oldest = -1.0 if self.max_age_days is None else time.time() - self.max_age_days * 86400
        deleted, total = [], 0
        for changed, path, size in files:
            total += size
            if changed < oldest or (self.max_bytes is not None and total > self.max_bytes):
                path.unlink(missing_ok=True)
                deleted.append(path)
        return deleted
