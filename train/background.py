"""Another wall behind the people of a static camera, so that an encoder cannot learn the scene by heart."""

from __future__ import annotations

from collections.abc import Sequence

import cv2
import numpy as np
from numpy.typing import NDArray

LOOKS = 15
"""Pictures whose median is the empty scene."""
STILL_LEVEL, STILL_SHARE = 12, 0.6
"""A camera is static if so large a share of each picture is within so many grey levels of the empty scene."""
PERSON_LEVEL = 18
_OCTAVES = (3, 7, 17, 41)


def empty_scene(images: Sequence[NDArray[np.uint8]]) -> NDArray[np.uint8]:
    """Return the median over pictures spread over a clip: what does not move, uint8 [H, W, 3]."""
    return np.asarray(np.median(np.stack(spread_looks(images)), axis=0), np.uint8)


def spread_looks(images: Sequence[NDArray[np.uint8]]) -> list[NDArray[np.uint8]]:
    """Return at most `LOOKS` pictures, spread evenly over a clip."""
    spread = np.linspace(0, len(images) - 1, min(LOOKS, len(images))).astype(int)
    return [images[index] for index in spread]


def is_static(images: Sequence[NDArray[np.uint8]], scene: NDArray[np.uint8]) -> bool:
    """Return whether the camera of a clip stands still, as its first, middle and last picture show."""
    looks = [images[index] for index in (0, len(images) // 2, -1)]
    shares = [np.mean(cv2.absdiff(image, scene).max(axis=2) < STILL_LEVEL) for image in looks]
    return len(images) >= 5 and min(shares) >= STILL_SHARE


def swap_background(images: Sequence[NDArray[np.uint8]], rng: np.random.Generator) -> list[NDArray[np.uint8]]:
    """Return the pictures with what does not move replaced by a wall that is drawn, or by this scene turned over.

    Those of a moving camera come back as they are. What stands still for most of a clip counts as scene: of
    somebody who waves only the arms are kept, which is what a motion encoder sees of them anyway.
    """
    scene = empty_scene(images)
    if not is_static(images, scene):
        return list(images)
    behind = _wall(scene.shape[:2], rng) if rng.random() < 0.5 else _turned(scene, rng)
    return [_compose(image, behind, moving_share(image, scene)) for image in images]


def moving_share(image: NDArray[np.uint8], scene: NDArray[np.uint8]) -> NDArray[np.float32]:
    """Return how much each pixel belongs to what moves, 0 to 1 [H, W]: differs from the scene, or lies within."""
    differs = cv2.absdiff(image, scene).max(axis=2)
    mask = (cv2.medianBlur(differs, 5) > PERSON_LEVEL).astype(np.uint8)
    reach = max(3, round(image.shape[0] / 24) | 1)
    closed = cv2.morphologyEx(mask, cv2.MORPH_CLOSE, np.ones((2 * reach + 1,) * 2, np.uint8))
    grown = cv2.dilate(closed, np.ones((3, 3), np.uint8))
    return np.asarray(cv2.GaussianBlur(grown.astype(np.float32), (0, 0), 1.0), np.float32)


def _compose(
    image: NDArray[np.uint8], behind: NDArray[np.uint8], share: NDArray[np.float32]
) -> NDArray[np.uint8]:
    mixed = behind + (image.astype(np.float32) - behind) * share[..., None]
    return np.asarray(mixed + 0.5, np.uint8)


def _wall(size_hw: tuple[int, ...], rng: np.random.Generator) -> NDArray[np.uint8]:
    """Draw a smooth colour with coarse and fine stains on it."""
    height, width = size_hw[:2]
    wall = np.full((height, width, 3), rng.uniform(40, 200, 3), np.float32)
    for cells in _OCTAVES:
        grid = rng.normal(0.0, rng.uniform(4.0, 24.0), (cells, cells, 3)).astype(np.float32)
        wall += cv2.resize(grid, (width, height), interpolation=cv2.INTER_CUBIC)
    return np.clip(wall, 0, 255).astype(np.uint8)


def _turned(scene: NDArray[np.uint8], rng: np.random.Generator) -> NDArray[np.uint8]:
    """Return the scene mirrored or upside down, with its colours swapped, lighter or darker."""
    turned = cv2.flip(scene, int(rng.integers(-1, 2)))[..., rng.permutation(3)]
    return np.asarray(np.clip(turned * rng.uniform(0.5, 1.4), 0, 255), np.uint8)
