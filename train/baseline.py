"""The single frame, as the mark to beat: a linear layer on the features of one frame, averaged over the clip."""

from __future__ import annotations

import numpy as np
import torch
from torch import nn
from torch.nn import functional

from .streams import Material

STEPS = 250
BATCH = 512


def fit_frame_layer(
    material: Material,
    *,
    smoothing: float = 0.1,
    balance: float = 1.0,
    rate: float = 3e-3,
    decay: float = 0.05,
    seed: int = 0,
) -> nn.Linear:
    """Train a linear layer [F] -> [C] on single frames, drawn from the labels as `StreamPlan.balance` says."""
    rng = np.random.default_rng([seed, 7])
    frames = [
        np.concatenate([v for clip in clips for v in clip]) if clips else None for clips in material.clips
    ]
    present = [label for label, array in enumerate(frames) if array is not None]
    sizes = np.array([len(array) for array in frames if array is not None], np.float64)
    shares = sizes ** (1.0 - balance)
    shares /= shares.sum()
    width = next(array.shape[1] for array in frames if array is not None)
    with torch.random.fork_rng():
        torch.manual_seed(seed)
        layer = nn.Linear(width, len(material.labels))
        drop = nn.Dropout(0.3)
        optimiser = torch.optim.AdamW(layer.parameters(), lr=rate, weight_decay=decay)
        schedule = torch.optim.lr_scheduler.OneCycleLR(optimiser, rate, total_steps=STEPS)
        for _ in range(STEPS):
            labels = np.asarray(present)[rng.choice(len(present), BATCH, p=shares)]
            batch = np.empty((BATCH, width), np.float32)
            for label in np.unique(labels):
                rows = labels == label
                array = frames[label]
                assert array is not None
                batch[rows] = array[rng.integers(len(array), size=int(rows.sum()))]
            logits = layer(drop(torch.from_numpy(batch)))
            loss = functional.cross_entropy(logits, torch.from_numpy(labels), label_smoothing=smoothing)
            optimiser.zero_grad()
            torch.autograd.backward(loss)
            optimiser.step()
            schedule.step()
    return layer
