"""Cutting a person out of a static background, and putting the person into another scene."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import cv2
import numpy as np
from footage import Images
from numpy.typing import NDArray

CHANGED = 22.0
"""Grey levels by which a person differs from the wall."""
LARGEST_SHARE, SMALLEST_SHARE = 0.12, 0.008
"""Of the picture; a mask outside is a wrong background, not a person."""


@dataclass(frozen=True, slots=True, eq=False)
class Cutout:
    """A person in motion: colours uint8 [T, H, W, 3] and opacity float32 [T, H, W] in 0..1."""

    colours: Images
    opacity: NDArray[np.float32]

    def box(self) -> tuple[int, int, int, int]:
        """Return top, bottom, left, right of all that is ever covered."""
        seen = self.opacity.max(axis=0) > 0.5
        rows, columns = np.flatnonzero(seen.any(axis=1)), np.flatnonzero(seen.any(axis=0))
        return int(rows[0]), int(rows[-1]) + 1, int(columns[0]), int(columns[-1]) + 1


def empty_scene(clips: Sequence[Images]) -> NDArray[np.float32]:
    """Return the background float32 [H, W, 3] that people move through in these clips: the median over time."""
    frames = np.concatenate([clip[:: max(1, len(clip) // 12)] for clip in clips])
    median: NDArray[np.float32] = np.median(frames, axis=0).astype(np.float32)
    return median


def cut_out(clip: Images, scenes: Sequence[NDArray[np.float32]]) -> Cutout | None:
    """Cut the person out of the scene that fits best; None where the mask is not that of a person."""
    scene = min(scenes, key=lambda each: float(np.abs(_matched(clip[0], each) - clip[0]).mean()))
    masks = np.stack([_mask(frame, _matched(frame, scene)) for frame in clip])
    shares = masks.mean(axis=(1, 2))
    if float(np.median(shares)) < SMALLEST_SHARE or shares.max() > LARGEST_SHARE:
        return None
    return Cutout(clip, np.stack([cv2.GaussianBlur(m.astype(np.float32), (0, 0), 0.8) for m in masks]))


def _matched(frame: NDArray[np.uint8], scene: NDArray[np.float32]) -> NDArray[np.float32]:
    gain = np.median((frame.astype(np.float32) + 1) / (scene + 1), axis=(0, 1))
    matched: NDArray[np.float32] = scene * gain
    return matched


def _mask(frame: NDArray[np.uint8], scene: NDArray[np.float32]) -> NDArray[np.uint8]:
    change = cv2.GaussianBlur(np.abs(frame - scene).max(axis=2), (0, 0), 1.0)
    mask = (change > CHANGED).astype(np.uint8)
    mask = cv2.morphologyEx(mask, cv2.MORPH_CLOSE, np.ones((5, 5), np.uint8))
    mask = cv2.morphologyEx(mask, cv2.MORPH_OPEN, np.ones((3, 3), np.uint8))
    _, parts, stats, _ = cv2.connectedComponentsWithStats(mask)
    if len(stats) < 2:
        return mask
    largest: NDArray[np.uint8] = (parts == 1 + int(np.argmax(stats[1:, cv2.CC_STAT_AREA]))).astype(np.uint8)
    return largest


def place(
    cutout: Cutout,
    scene: NDArray[np.uint8],
    rng: np.random.Generator,
    *,
    tilt_deg: NDArray[np.float64] | None = None,
) -> Images:
    """Return the person, of another size, side and colour, in front of a still scene uint8 [H, W, 3].

    tilt_deg [T] turns the person around the feet, frame by frame: the way of a fall.
    """
    height, width = scene.shape[:2]
    top, bottom, left, right = cutout.box()
    room = 0.95 if tilt_deg is None else 0.6
    largest = min(room * height / (bottom - top), room * width / (right - left))
    scale = largest * rng.uniform(0.45, 1.0)
    flip = rng.random() < 0.5
    colour = rng.uniform(0.5, 1.4, 3) * rng.uniform(0.7, 1.3)
    feet_y = rng.uniform(min(0.98 * height, (bottom - top) * scale + 1), 0.99 * height)
    spread = (right - left) * scale / 2
    middle_x = rng.uniform(spread, width - spread) if width > 2 * spread else width / 2
    across = -scale if flip else scale
    out = np.empty((len(cutout.colours), height, width, 3), np.uint8)
    ground = scene.astype(np.float32)
    for step in range(len(out)):
        matrix = np.array(
            [[across, 0, middle_x - across * (left + right) / 2], [0, scale, feet_y - scale * bottom]]
        )
        if tilt_deg is not None:
            turn = cv2.getRotationMatrix2D((middle_x, feet_y), float(tilt_deg[step]), 1.0)
            matrix = turn @ np.vstack([matrix, [0, 0, 1]])
        person = cv2.warpAffine(cutout.colours[step], matrix, (width, height)).astype(np.float32)
        alpha = cv2.warpAffine(cutout.opacity[step], matrix, (width, height))[..., None]
        out[step] = np.clip(ground * (1 - alpha) + person * colour * alpha, 0, 255)
    return out
