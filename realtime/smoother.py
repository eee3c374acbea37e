"""Logits to probabilities, and probabilities over time."""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import NDArray

from ..models import ModelSpec


def probabilities(logits: NDArray[np.float32], spec: ModelSpec) -> NDArray[np.float32]:
    """Return calibrated probabilities float32 [..., C] of logits [..., C]: softmax, or sigmoids if multi-label."""
    scaled = logits.astype(np.float64) / spec.temperature
    if spec.multi_label:
        result = 1.0 / (1.0 + np.exp(-np.clip(scaled, -60.0, 60.0)))
    else:
        powers = np.exp(scaled - scaled.max(axis=-1, keepdims=True))
        result = powers / powers.sum(axis=-1, keepdims=True)
    return result.astype(np.float32)


def smooth(
    previous: NDArray[np.float32] | None, current: NDArray[np.float32], step_s: float, constant_s: float
) -> NDArray[np.float32]:
    """Return the exponential mean: `previous` decays with time constant `constant_s` over a step of `step_s`.

    By time, not by count: two steps of 50 ms smooth as much as one of 100 ms.
    """
    if previous is None or constant_s <= 0.0:
        return current
    keep = math.exp(-max(step_s, 0.0) / constant_s)
    smoothed: NDArray[np.float32] = previous * np.float32(keep) + current * np.float32(1.0 - keep)
    return smoothed
