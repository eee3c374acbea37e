"""What the same encoder names without a past: the marks that a recurrent head has to beat."""

from __future__ import annotations

import importlib.util
from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from ...realtime.backends import Backend
from ...realtime.smoother import probabilities
from ..clips import Clip

Rows = NDArray[np.float32]


def answer_without_memory(features: Sequence[Rows], backend: Backend) -> NDArray[np.float64]:
    """Return the mean probabilities [N, C] of clips (features [T, F] each), every frame from a state of zeros."""
    means = []
    for rows in features:
        logits, _ = backend.step(rows[:, None], backend.head_start(len(rows)))
        means.append(probabilities(logits[:, 0], backend.spec).mean(axis=0, dtype=np.float64))
    return np.stack(means)


def can_fit() -> bool:
    """Return whether PyTorch is here, which the fit of training's baseline needs."""
    return importlib.util.find_spec("torch") is not None


def answer_by_frame_layer(
    features: Sequence[Rows],
    other: Sequence[tuple[Clip, NDArray[np.float16]]],
    labels: Sequence[str],
    background: str | None,
) -> NDArray[np.float64]:
    """Return the mean probabilities [N, C] of a linear layer on single frames, fitted on other clips.

    The layer is the one that actrec-train starts from (`train/baseline.py`), without its augmented views.
    """
    from ..baseline import fit_frame_layer
    from ..gather import Sample
    from ..streams import Material

    samples = [Sample(clip, rows) for clip, rows in other]
    layer = fit_frame_layer(Material(samples, tuple(labels), background))
    weight, bias = layer.weight.detach().numpy(), layer.bias.detach().numpy()
    means = []
    for rows in features:
        logits = rows @ weight.T + bias
        powers = np.exp(logits - logits.max(axis=1, keepdims=True), dtype=np.float64)
        means.append((powers / powers.sum(axis=1, keepdims=True)).mean(axis=0))
    return np.stack(means)
