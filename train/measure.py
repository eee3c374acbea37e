"""What a head says of clips and streams, and how good that is."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from .gather import Sample
from .network import Head


@dataclass(frozen=True, slots=True)
class Scores:
    """Figures of one confusion matrix; precision, recall and F1 are means over the labels that occur."""

    accuracy: float
    precision: float
    recall: float
    f1: float


@torch.inference_mode()
def clip_logits(head: Head, samples: Sequence[Sample]) -> list[NDArray[np.float32]]:
    """Return the logits [T, C] of each clip's plain view, from a fresh state."""
    if not samples:
        return []
    device = head.frame.weight.device
    lengths = [len(sample.plain) for sample in samples]
    batch = torch.zeros((len(samples), max(lengths), samples[0].plain.shape[1]), device=device)
    for row, sample in enumerate(samples):
        batch[row, : lengths[row]] = torch.from_numpy(sample.plain).float()
    logits, _ = head(batch, head.start(len(samples)))
    return [rows[:length].float().cpu().numpy() for rows, length in zip(logits, lengths, strict=True)]


def clip_labels(logits: Sequence[NDArray[np.float32]]) -> NDArray[np.int64]:
    """Return each clip's label: the greatest mean probability over its frames."""
    return np.array([int(probabilities(frames).mean(axis=0).argmax()) for frames in logits], np.int64)


def probabilities(logits: NDArray[np.float32], temperature: float = 1.0) -> NDArray[np.float32]:
    """Return the softmax over the last axis."""
    scaled = logits / temperature
    powers = np.exp(scaled - scaled.max(axis=-1, keepdims=True))
    return np.asarray(powers / powers.sum(axis=-1, keepdims=True), np.float32)


def confusion(truth: NDArray[np.int64], said: NDArray[np.int64], classes: int) -> NDArray[np.int64]:
    """Return counts [C, C]: row truth, column answer."""
    return np.bincount(truth * classes + said, minlength=classes * classes).reshape(classes, classes)


def scores(matrix: NDArray[np.int64]) -> Scores:
    """Return the figures of a confusion matrix."""
    hits = np.diag(matrix).astype(np.float64)
    said, truth = matrix.sum(axis=0), matrix.sum(axis=1)
    there = (said + truth) > 0
    precision = np.divide(hits, said, out=np.zeros_like(hits), where=said > 0)
    recall = np.divide(hits, truth, out=np.zeros_like(hits), where=truth > 0)
    both = precision + recall
    f1 = np.divide(2 * precision * recall, both, out=np.zeros_like(hits), where=both > 0)
    total = max(1, int(matrix.sum()))
    return Scores(
        float(hits.sum() / total),
        *(float(x[there].mean()) if there.any() else 0.0 for x in (precision, recall, f1)),
    )


def frame_confusion(logits: Tensor, labels: Tensor, weight: Tensor, classes: int) -> Tensor:
    """Return counts [C, C] over the frames whose weight is not zero; stays on the device."""
    judged = weight > 0
    index = labels[judged] * classes + logits.argmax(dim=-1)[judged]
    return torch.bincount(index, minlength=classes * classes).reshape(classes, classes)
