"""Saves what is shown as a JPEG."""

from __future__ import annotations

import time
from pathlib import Path

from ..lettering import Canvas
from ..ring import encode_jpeg


def save_snapshot(folder: Path, picture: Canvas) -> str:
    """Write `folder/actrec-<date>-<time>.jpg`; return what to tell the user, be it that it failed."""
    name = time.strftime("actrec-%Y%m%d-%H%M%S.jpg")
    try:
        (folder / name).write_bytes(encode_jpeg(picture))
    except OSError as error:
        return f"cannot save {name}: {error.strerror}"
    return f"saved {name}"
