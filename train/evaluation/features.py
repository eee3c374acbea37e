"""The encoder's features of a clip, for what is judged on the head alone."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from ...models import prepare
from ...realtime.backends import Backend
from ...realtime.sampler import Sampler
from ..clips import Clip
from .clip_frames import read_clip

WARM_UP = 4
"""Frames until the encoder's own state is full."""


def clip_features(clip: Clip, backend: Backend) -> NDArray[np.float32]:
    """Return the features [T, F] of a clip from a fresh state, sampled as live. Raises SourceError."""
    sampler = Sampler(backend.spec.fps)
    state = backend.encoder_start(1)
    rows = []
    for picture in read_clip(clip):
        if sampler.due(picture.media_time):
            image = prepare(picture.convert(), backend.spec)
            features, state = backend.encode(image[None], state)
            rows.append(features[0])
    return np.stack(rows)


def settled(features: NDArray[np.float32]) -> NDArray[np.float32]:
    """Return the features without the encoder's warm-up, so that a clip can be repeated without a mark."""
    return features[min(WARM_UP, len(features) - 1) :]
