"""Keeping a run: files that are whole or not there, and the callback that writes them after every epoch."""

from __future__ import annotations

import os
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import lightning.pytorch as pl
import torch
from lightning.pytorch.callbacks import Checkpoint
from lightning.pytorch.plugins.io import TorchCheckpointIO

from .history import LOG_FILE, EpochReport, append_row, keep_rows

BEST, LAST, RESUME = "best.ckpt", "last.ckpt", "resume.ckpt"


def write_whole(saved: Any, path: Path) -> None:
    """Write with torch.save beside `path`, to the disk, and rename: a power cut leaves the old file or the new."""
    handle, name = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}-")
    try:
        with os.fdopen(handle, "wb") as file:
            torch.save(saved, file)
            file.flush()
            os.fsync(file.fileno())
        Path(name).chmod(0o644)
        Path(name).replace(path)
    except BaseException:
        Path(name).unlink(missing_ok=True)
        raise


class WholeFiles(TorchCheckpointIO):
    """Lightning's checkpoints, written whole."""

    def save_checkpoint(self, checkpoint: dict[str, Any], path: Any, storage_options: Any = None) -> None:
        """Write one checkpoint."""
        del storage_options
        write_whole(checkpoint, Path(path))


class Keep(Checkpoint):
    """After every epoch: the log, `last.ckpt`, `best.ckpt` when the score rose, and `resume.ckpt` for --resume."""

    def __init__(
        self,
        folder: Path,
        report: Callable[[], EpochReport],
        snapshot: Callable[[EpochReport], dict[str, Any]],
        tell: Callable[[EpochReport, bool], None],
        start_score: float,
    ) -> None:
        """report: the epoch that has just ended; snapshot: what goes into a checkpoint; tell: shows an epoch and
        whether it is the best so far; start_score: that of epoch 0, which is already kept."""
        self.folder = folder
        self.best_score, self.best_epoch = start_score, 0
        self._report, self._snapshot, self._tell = report, snapshot, tell

    def state_dict(self) -> dict[str, Any]:
        """Return what --resume needs."""
        return {"best_score": self.best_score, "best_epoch": self.best_epoch}

    def load_state_dict(self, state_dict: dict[str, Any]) -> None:
        """Take it back."""
        self.best_score, self.best_epoch = state_dict["best_score"], state_dict["best_epoch"]

    def on_train_start(self, trainer: pl.Trainer, pl_module: pl.LightningModule) -> None:
        """Drop what an interrupted run logged after its last whole epoch."""
        del pl_module
        if trainer.is_global_zero:
            keep_rows(self.folder / LOG_FILE, trainer.current_epoch)

    def on_train_epoch_end(self, trainer: pl.Trainer, pl_module: pl.LightningModule) -> None:
        """Write the files."""
        del pl_module
        report = self._report()
        better = report.val.score > self.best_score
        if better:
            self.best_score, self.best_epoch = report.val.score, report.epoch
        if trainer.is_global_zero:
            append_row(self.folder / LOG_FILE, report.row())
            saved = self._snapshot(report)
            write_whole(saved, self.folder / LAST)
            if better:
                write_whole(saved, self.folder / BEST)
            self._tell(report, better)
        trainer.save_checkpoint(self.folder / RESUME)
