"""Judging a head: on held-out clips from a fresh state, and on streams joined from them."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from torch.nn import functional

from .gather import Sample
from .measure import Scores, clip_labels, clip_logits, confusion, frame_confusion, scores
from .network import Head
from .streams import Chunk


@dataclass(frozen=True, slots=True, eq=False)
class Judgement:
    """How a head does: loss and figures over the judged frames of the streams, and the share of clips it names."""

    loss: float
    frames: Scores
    frame_matrix: NDArray[np.int64]
    clips: Scores
    clip_matrix: NDArray[np.int64]

    @property
    def score(self) -> float:
        """The figure that the best epoch is chosen by; the loss, a thousandth of it, settles ties."""
        return (self.frames.f1 + self.clips.f1) / 2 - self.loss / 1000


@torch.inference_mode()
def judge(head: Head, samples: Sequence[Sample], chunks: Iterable[Chunk], labels: Sequence[str]) -> Judgement:
    """Judge a head on clips (`samples`) and on streams (`chunks`), in eval mode; puts the mode back."""
    was_training = head.training
    head.eval()
    classes, device = len(labels), head.frame.weight.device
    matrix = torch.zeros((classes, classes), dtype=torch.int64, device=device)
    total, weights = 0.0, 0.0
    state: torch.Tensor | None = None
    for chunk in chunks:
        if state is None:
            state = head.start(len(chunk.fresh))
        state = state * (~chunk.fresh).to(device, torch.float32).view(-1, 1, 1)
        answer, weight = chunk.labels.to(device), chunk.weight.to(device)
        logits, state = head(chunk.features.to(device), state)
        loss = functional.cross_entropy(logits.flatten(0, 1), answer.flatten(), reduction="none")
        total += float((loss * weight.flatten()).sum())
        weights += float(weight.sum())
        matrix += frame_confusion(logits, answer, weight, classes)
    truth = np.array([labels.index(sample.clip.label) for sample in samples if len(sample.plain)], np.int64)
    said = clip_labels(clip_logits(head, [sample for sample in samples if len(sample.plain)]))
    head.train(was_training)
    frame_matrix = matrix.cpu().numpy()
    clip_matrix = confusion(truth, said, classes)
    return Judgement(
        total / max(weights, 1.0), scores(frame_matrix), frame_matrix, scores(clip_matrix), clip_matrix
    )
