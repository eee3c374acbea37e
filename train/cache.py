"""Arrays on disk, found again by what they were made from: no clip is decoded or encoded twice."""

from __future__ import annotations

import os
import tempfile
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..models import ConfigError


class Cache:
    """A folder of arrays by key. A file is whole or not there: it is written beside its place and renamed."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        try:
            folder.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise ConfigError(
                f"cache {folder}: {error.strerror}; give a folder that can be written: --cache"
            ) from None

    def load(self, key: str) -> NDArray[Any] | None:
        """Return the array of a key, or None if it is not there or not readable."""
        try:
            return np.asarray(np.load(self._path(key), allow_pickle=False))
        except (OSError, ValueError, EOFError):
            return None

    def save(self, key: str, array: NDArray[Any]) -> None:
        """Keep an array."""
        path = self._path(key)
        path.parent.mkdir(parents=True, exist_ok=True)
        handle, name = tempfile.mkstemp(dir=path.parent, suffix=".part")
        try:
            with os.fdopen(handle, "wb") as file:
                np.save(file, array)
            Path(name).replace(path)
        except BaseException:
            Path(name).unlink(missing_ok=True)
            raise

    def _path(self, key: str) -> Path:
        return self.folder / key[:2] / f"{key[2:]}.npy"
