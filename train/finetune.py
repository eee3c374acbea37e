"""`--finetune N`: the backbone's last N blocks learn on short windows, before the head learns on long streams."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn import functional

from ..models import ConfigError
from .cache import Cache
from .config import TrainConfig
from .keep import write_whole
from .network import Network
from .prepared import PreparedViews, draw_window

WINDOW, WARM_UP, BATCH = 20, 5, 8
"""Frames of a window, those of them that are not judged, and windows in a batch."""
ENCODER_RATE = 1e-4
DROPOUT = 0.5
"""Of the head that learns along and is thrown away, so that the blocks do not lean on few features."""
TUNED = "encoder.ckpt"


def last_blocks(backbone: nn.Module, count: int) -> list[nn.Module]:
    """Return the last `count` blocks of a backbone: its layers in order, sequences taken apart.

    Layers without weights do not count. Raises ConfigError if there are fewer.
    """
    blocks = [block for block in _blocks(backbone) if any(True for _ in block.parameters())]
    if count > len(blocks):
        raise ConfigError(f"--finetune {count}: this backbone has {len(blocks)} blocks; want at most so many")
    return blocks[len(blocks) - count :]


def _blocks(module: nn.Module) -> list[nn.Module]:
    children = list(module.children())
    if isinstance(module, nn.Sequential) or (
        children and not list(module.parameters(recurse=False)) and _is_root(module)
    ):
        return [block for child in children for block in _blocks(child)]
    return [module]


def _is_root(module: nn.Module) -> bool:
    """Return whether a module is a whole network, not a block: it holds sequences of blocks."""
    return any(isinstance(child, nn.Sequential) and len(child) > 1 for child in module.children())


def finetune(
    network: Network,
    views: Sequence[PreparedViews],
    cache: Cache,
    config: TrainConfig,
    *,
    resume: bool,
    tell: Callable[[int, float, float], None],
) -> None:
    """Train the last blocks and a passing head together; the batch-norm statistics stay as they are.

    Every label is drawn equally often. After each epoch `encoder.ckpt` is written, from which `resume` goes
    on; chance depends on the seed and the epoch only. `tell`: epoch, loss, share of frames named.
    """
    device, labels = torch.device(config.device), network.config.labels
    network.to(device).eval()
    network.head.drop.p = DROPOUT
    for parameter in network.encoder.parameters():
        parameter.requires_grad_(False)
    tuned = [
        p for block in last_blocks(network.encoder.backbone, config.finetune) for p in block.parameters()
    ]
    for parameter in tuned:
        parameter.requires_grad_(True)
    groups = [
        {"params": tuned, "lr": ENCODER_RATE},
        {"params": list(network.head.parameters()), "lr": config.rate},
    ]
    optimiser = torch.optim.AdamW(groups, weight_decay=config.decay)
    by_label = {label: [v for v in views if v.label == label] for label in labels}
    steps = max(1, math.ceil(len(views) / BATCH))
    total = steps * config.finetune_epochs
    schedule = torch.optim.lr_scheduler.LambdaLR(
        optimiser,
        lambda step: min(1.0, (step + 1) / 20) * (0.02 + 0.98 * 0.5 * (1 + math.cos(math.pi * step / total))),
    )
    path, done = config.out / TUNED, 0
    if resume and path.exists():
        done = _restore(path, network, optimiser, schedule)
    for epoch in range(done, config.finetune_epochs):
        torch.manual_seed(config.seed * 7919 + epoch)
        rng = np.random.default_rng([config.seed, epoch, 11])
        network.head.train()
        loss_sum, right, judged = 0.0, 0, 0
        for _ in range(steps):
            frames, answers, weight = _batch(by_label, labels, cache, rng)
            with torch.autocast(device.type, enabled=device.type == "cuda"):
                features = network.encoder.forward_windows(frames.to(device))
                logits, _ = network.head(features, network.head.start(len(frames)))
            each = functional.cross_entropy(
                logits.float().transpose(1, 2),
                answers.to(device),
                reduction="none",
                label_smoothing=config.smoothing,
            )
            mask = weight.to(device)
            loss = (each * mask).sum() / mask.sum().clamp(min=1.0)
            optimiser.zero_grad()
            torch.autograd.backward(loss)
            nn.utils.clip_grad_norm_([p for group in groups for p in group["params"]], 1.0)  # type: ignore[attr-defined]
            optimiser.step()
            schedule.step()
            loss_sum += float(loss.detach())
            right += int(((logits.argmax(dim=-1) == answers.to(device)) & (mask > 0)).sum())
            judged += int((mask > 0).sum())
        _save(path, epoch + 1, network, optimiser, schedule)
        tell(epoch + 1, loss_sum / steps, right / max(1, judged))
    network.to("cpu").eval()
    for parameter in network.parameters():
        parameter.requires_grad_(True)


def _batch(
    by_label: dict[str, list[PreparedViews]], labels: Sequence[str], cache: Cache, rng: np.random.Generator
) -> tuple[Tensor, Tensor, Tensor]:
    present = [index for index, label in enumerate(labels) if by_label[label]]
    windows, answers, weights = [], [], []
    for _ in range(BATCH):
        label = present[int(rng.integers(len(present)))]
        choices = by_label[labels[label]]
        frames, real = draw_window(choices[int(rng.integers(len(choices)))], cache, WINDOW, rng)
        windows.append(frames)
        answers.append(np.full(WINDOW, label))
        place = np.arange(WINDOW)
        weights.append((place >= min(WARM_UP, real - 1)) & (place < real))
    weight = torch.from_numpy(np.stack(weights)).float()
    return torch.from_numpy(np.stack(windows)), torch.from_numpy(np.stack(answers)), weight


def _save(
    path: Path,
    epoch: int,
    network: Network,
    optimiser: torch.optim.Optimizer,
    schedule: torch.optim.lr_scheduler.LambdaLR,
) -> None:
    steps = {"optimiser": optimiser.state_dict(), "schedule": schedule.state_dict()}
    write_whole({"epoch": epoch, "weights": network.state_dict(), **steps}, path)


def _restore(
    path: Path,
    network: Network,
    optimiser: torch.optim.Optimizer,
    schedule: torch.optim.lr_scheduler.LambdaLR,
) -> int:
    saved = torch.load(path, map_location="cpu", weights_only=True)
    network.load_state_dict(saved["weights"])
    optimiser.load_state_dict(saved["optimiser"])
    schedule.load_state_dict(saved["schedule"])
    return int(saved["epoch"])
