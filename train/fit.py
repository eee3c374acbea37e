"""Fitting the head on streams of cached features, with Lightning."""

from __future__ import annotations

import logging
import math
import warnings
from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import lightning.pytorch as pl
import torch
from lightning.pytorch.callbacks import EarlyStopping
from torch import Tensor, nn
from torch.nn import functional
from torch.optim.swa_utils import AveragedModel
from torch.utils.data import DataLoader

from .config import TrainConfig
from .gather import Sample
from .history import EpochReport
from .judge import judge
from .keep import RESUME, Keep, WholeFiles
from .measure import frame_confusion, scores
from .network import Head
from .streams import Chunk, Material, StreamPlan, StreamSet

SMALLEST_EPOCH = 20
LARGEST_EPOCH = 500
VAL_STEPS = 12
VAL_SEED = 12345


class _Averager:
    """An exponential mean that forgets the first steps quickly, to be fit to judge from the first epoch on."""

    def __init__(self, decay: float) -> None:
        self._decay = decay

    def __call__(self, average: Tensor, new: Tensor, count: Tensor | int) -> Tensor:
        """Return the new mean; count: steps so far."""
        decay = min(self._decay, (1 + int(count)) / (10 + int(count)))
        return average * decay + new * (1 - decay)


class HeadFit(pl.LightningModule):
    """Truncated back-propagation through time over `StreamSet` chunks; the state is carried between them."""

    def __init__(
        self,
        head: Head,
        config: TrainConfig,
        train: StreamSet,
        val: tuple[Sequence[Sample], list[Chunk]],
        labels: Sequence[str],
    ) -> None:
        super().__init__()
        self.head = head
        self.average = AveragedModel(head, avg_fn=_Averager(config.ema)) if config.ema else None
        if self.average is not None:
            self.average.requires_grad_(False)  # or DistributedDataParallel waits for its gradients
        self._options = config
        self._set = train
        self._val = val
        self._labels = tuple(labels)
        self._carried: Tensor | None = None
        self._matrix = torch.zeros(0)
        self._loss_sum, self._loss_steps = 0.0, 0
        self.report: EpochReport | None = None

    @property
    def judged(self) -> Head:
        """The head that is judged and saved: the averaged one, if there is one."""
        module: nn.Module = self.head if self.average is None else self.average.module
        assert isinstance(module, Head)
        return module

    def train_dataloader(self) -> DataLoader[Chunk]:
        """Return the chunks as they are: the set makes whole batches."""
        return DataLoader(self._set, batch_size=None)

    def configure_optimizers(self) -> Any:
        """AdamW, warm-up, then a cosine down to a hundredth."""
        options = self._options
        optimiser = torch.optim.AdamW(self.head.parameters(), lr=options.rate, weight_decay=options.decay)
        total = max(1, len(self._set) * options.epochs // options.accumulate)
        rising = max(1, round(total * options.warmup))

        def factor(step: int) -> float:
            if step < rising:
                return (step + 1) / rising
            return 0.01 + 0.99 * 0.5 * (
                1 + math.cos(math.pi * min(1.0, (step - rising) / max(1, total - rising)))
            )

        schedule = torch.optim.lr_scheduler.LambdaLR(optimiser, factor)
        return {"optimizer": optimiser, "lr_scheduler": {"scheduler": schedule, "interval": "step"}}

    def on_train_epoch_start(self) -> None:
        """Make all chance in this epoch depend on the seed and the epoch only."""
        self.head.train()  # Lightning leaves a module in the mode in which it came
        torch.manual_seed(self._options.seed * 100_003 + self.current_epoch * 1009 + self.global_rank)
        self._set.epoch, self._set.rank = self.current_epoch, self.global_rank
        self._carried = None
        self._matrix = torch.zeros((len(self._labels),) * 2, dtype=torch.int64, device=self.device)
        self._loss_sum, self._loss_steps = 0.0, 0

    def training_step(self, chunk: Chunk, index: int) -> Tensor:
        """Return the loss of one chunk."""
        del index
        if self._carried is None:
            self._carried = self.head.start(len(chunk.fresh))
        state = self._carried * (~chunk.fresh).float().view(-1, 1, 1)
        logits, state = self.head(chunk.features, state)
        self._carried = state.detach().float()
        each = functional.cross_entropy(
            logits.flatten(0, 1).float(), chunk.labels.flatten(),
            reduction="none", label_smoothing=self._options.smoothing,
        )  # fmt: skip
        weight = chunk.weight.flatten()
        loss = (each * weight).sum() / weight.sum().clamp(min=1.0)
        self._matrix += frame_confusion(logits.detach(), chunk.labels, chunk.weight, len(self._labels))
        self._loss_sum += float(loss.detach())
        self._loss_steps += 1
        return loss

    def transfer_batch_to_device(self, batch: Chunk, device: torch.device, dataloader_idx: int) -> Chunk:
        """Move a chunk."""
        del dataloader_idx
        return Chunk(*(part.to(device) for part in (batch.features, batch.labels, batch.weight, batch.fresh)))

    def optimizer_step(self, *args: Any, **kwargs: Any) -> None:
        """Step, then move the average."""
        super().optimizer_step(*args, **kwargs)
        if self.average is not None:
            self.average.update_parameters(self.head)

    def on_train_epoch_end(self) -> None:
        """Judge on the held-out material."""
        self.head.eval()
        judgement = judge(self.judged, *self._val, self._labels)
        gathered = self.all_gather(self._matrix)  # [C, C], or [ranks, C, C] with more than one
        assert isinstance(gathered, Tensor)
        matrix = gathered.reshape(-1, *self._matrix.shape).sum(dim=0).cpu().numpy()
        rate = float(self.trainer.optimizers[0].param_groups[0]["lr"])
        loss = self._loss_sum / max(1, self._loss_steps)
        epoch = self.current_epoch + 1
        self.report = EpochReport(epoch, self._options.epochs, rate, loss, scores(matrix), judgement)
        self.log(
            "val_score", judgement.score, sync_dist=False
        )  # the same on every rank, and each may stop by it


def make_stream_plan(config: TrainConfig) -> StreamPlan:
    """Return how the run joins streams."""
    return StreamPlan(
        fps=config.fps, streams=config.streams, chunk=config.chunk, longest_s=config.longest_s,
        background_share=config.background_share, restart=config.restart, loss=config.loss, late_s=config.late_s,
        balance=config.balance,
    )  # fmt: skip


def steps_in_epoch(material: Material, plan: StreamPlan) -> int:
    """Return how many chunks make an epoch: about as many frames as there are, within limits."""
    whole = math.ceil(material.frames / (plan.streams * plan.chunk))
    return min(LARGEST_EPOCH, max(SMALLEST_EPOCH, whole))


def validation_chunks(
    samples: Sequence[Sample], labels: Sequence[str], background: str | None, plan: StreamPlan
) -> list[Chunk]:
    """Return streams joined from held-out clips, always the same; every frame of them is judged after `late_s`."""
    held = Material(samples, labels, background)
    calm = replace(plan, streams=8, loss="late", balance=1.0, restart=0.1)
    return list(StreamSet(held, calm, steps=VAL_STEPS, seed=VAL_SEED))


def fit_head(
    module: HeadFit,
    config: TrainConfig,
    folder: Path,
    *,
    snapshot: Callable[[EpochReport], dict[str, Any]],
    tell: Callable[[EpochReport, bool], None],
    start_score: float,
    resume: bool,
) -> Keep:
    """Run the epochs and return the callback that knows the best one."""

    def report() -> EpochReport:
        assert module.report is not None
        return module.report

    keep = Keep(folder, report, snapshot, tell, start_score)
    callbacks: list[pl.Callback] = [keep]
    if config.patience:
        callbacks.insert(
            0, EarlyStopping("val_score", mode="max", patience=config.patience, check_on_train_epoch_end=True)
        )
    accelerator = "cpu" if config.device == "cpu" else "gpu"
    precision = config.precision
    if precision == "auto":
        precision = "16-mixed" if accelerator == "gpu" else "32-true"
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # Lightning's hints on loaders and loggers, which do not fit this set
        logging.getLogger("lightning.pytorch").setLevel(logging.ERROR)
        trainer = pl.Trainer(
            max_epochs=config.epochs, accelerator=accelerator, devices=config.devices, num_nodes=config.nodes,
            precision=precision, accumulate_grad_batches=config.accumulate,
            gradient_clip_val=1.0, callbacks=callbacks, plugins=[WholeFiles()], logger=False,
            enable_progress_bar=False, enable_model_summary=False, enable_checkpointing=True,
            use_distributed_sampler=False, default_root_dir=folder, num_sanity_val_steps=0,
        )  # fmt: skip
        path = folder / RESUME
        try:
            trainer.fit(module, ckpt_path=path if resume and path.exists() else None, weights_only=True)
        except SystemExit:  # what Lightning makes of Ctrl-C
            raise KeyboardInterrupt from None
    return keep
