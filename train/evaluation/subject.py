"""What is judged: a shipped bundle, a folder, or a training run made into a bundle for the occasion."""

from __future__ import annotations

import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from ...models import SPEC_FILE, Bundle, ModelError, load_bundle, names_shipped
from ...realtime.command import need_extra, say_taken
from ..config import CONFIG_FILE

_EXPORT = "from actrec.export.cli import main; main()"
CHECKPOINTS = ("best.ckpt", "last.ckpt")


def is_run(model: str) -> bool:
    """Return whether this is a folder that actrec-train wrote."""
    if names_shipped(model):
        return False
    folder = Path(model)
    names = (CONFIG_FILE, *CHECKPOINTS)
    return folder.is_dir() and not (folder / SPEC_FILE).exists() and any((folder / n).exists() for n in names)


@contextmanager
def open_subject(model: str) -> Iterator[Bundle]:
    """Load a bundle; of a run, the one that actrec-export makes of it, so what is judged is what will be used.

    Raises ModelError: unknown, damaged, or a run that cannot be exported.
    """
    say_taken([model])
    if not is_run(model):
        yield load_bundle(model)
        return
    need_extra("train", "torch", "timm", "onnx")
    with tempfile.TemporaryDirectory(prefix="actrec-eval-") as scratch:
        folder = Path(scratch) / Path(model).resolve().name
        # As a command of its own: export stands to the right of train, and train imports nothing of it.
        done = subprocess.run(
            [sys.executable, "-c", _EXPORT, model, "--out", str(folder), "--format", "onnx"],
            stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True, errors="replace", check=False,
        )  # fmt: skip
        if done.returncode != 0:
            said = [line.strip() for line in done.stderr.splitlines() if line.strip()]
            reason = said[-1].removeprefix("error: ") if said else f"exit code {done.returncode}"
            raise ModelError(f"{model}: the run cannot be exported: {reason}")
        yield load_bundle(folder)
