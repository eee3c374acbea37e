"""Honest scores and quiet labels: the temperature and the thresholds, both from held-out material."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

import numpy as np
import torch
from numpy.typing import NDArray

from ..models import EventRule
from .evaluation.thresholds import choose_rules_for_scores
from .measure import probabilities
from .network import Head
from .streams import Chunk


@torch.inference_mode()
def stream_logits(
    head: Head, chunks: Iterable[Chunk]
) -> tuple[NDArray[np.float32], NDArray[np.int64], NDArray[np.bool_]]:
    """Return the logits [B, T, C] of whole streams, their labels [B, T], and which frames are judged [B, T]."""
    head.eval()
    device = head.frame.weight.device
    state: torch.Tensor | None = None
    logits, labels, judged = [], [], []
    for chunk in chunks:
        if state is None:
            state = head.start(len(chunk.fresh))
        state = state * (~chunk.fresh).to(device, torch.float32).view(-1, 1, 1)
        answer, state = head(chunk.features.to(device), state)
        logits.append(answer.float().cpu().numpy())
        labels.append(chunk.labels.numpy())
        judged.append(chunk.weight.numpy() > 0)
    return np.concatenate(logits, axis=1), np.concatenate(labels, axis=1), np.concatenate(judged, axis=1)


def fit_temperature(logits: NDArray[np.float32], labels: NDArray[np.int64]) -> float:
    """Return the temperature with the least negative log-likelihood; logits [N, C], labels [N].

    Between 0.25 and 4: with a handful of clips, all of them right, the likelihood alone would run to zero.
    """
    if not len(labels):
        return 1.0
    grid = np.exp(np.linspace(np.log(0.25), np.log(4.0), 81))
    losses = []
    for temperature in grid:
        right = probabilities(logits, float(temperature))[np.arange(len(labels)), labels]
        losses.append(float(-np.log(np.clip(right, 1e-6, 1.0)).mean()))
    return round(float(grid[int(np.argmin(losses))]), 4)


def fit_rules(
    logits: NDArray[np.float32],
    labels: NDArray[np.int64],
    names: Sequence[str],
    background: str | None,
    *,
    temperature: float,
    fps: float,
    smoothing_s: float,
    false_alarms: float,
) -> dict[str, EventRule]:
    """Return a rule for each label: the lowest threshold that keeps within its share of `false_alarms` an hour.

    logits [B, T, C] and labels [B, T] of held-out streams; see `choose_rules`.
    """
    scores = smooth(probabilities(logits, temperature), fps, smoothing_s)
    return choose_rules_for_scores(scores, labels, names, background, fps=fps, per_hour=false_alarms)


def smooth(scores: NDArray[np.float32], fps: float, smoothing_s: float) -> NDArray[np.float32]:
    """Return exponentially smoothed scores along axis 1, as in live use at an even rate."""
    if smoothing_s <= 0:
        return scores
    keep = float(np.exp(-1.0 / (fps * smoothing_s)))
    out = scores.copy()
    for step in range(1, scores.shape[1]):
        out[:, step] = keep * out[:, step - 1] + (1 - keep) * scores[:, step]
    return np.asarray(out, np.float32)
