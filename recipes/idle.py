"""Scenes in which nothing happens: night noise, flicker, exposure, a moving tree, somebody who sits."""

from __future__ import annotations

from collections.abc import Callable

import cv2
import numpy as np
from footage import Images
from numpy.typing import NDArray

Scene = NDArray[np.uint8]


def night(scene: Scene, frames: int, rng: np.random.Generator) -> Images:
    """A dark room and a sensor at its highest gain: grain that is also coarse, as codecs leave it."""
    dark = scene.astype(np.float32) * rng.uniform(0.15, 0.5)
    level, coarse = rng.uniform(3, 14), rng.uniform(0, 5)
    height, width = scene.shape[:2]
    out = np.empty((frames, height, width, 3), np.uint8)
    for step in range(frames):
        grain = rng.standard_normal((height, width, 3), np.float32) * level
        blocks = rng.standard_normal((height // 8 + 1, width // 8 + 1, 1), np.float32) * coarse
        grain += cv2.resize(blocks, (width, height))[..., None]
        out[step] = np.clip(dark + grain, 0, 255)
    return out


def flicker(scene: Scene, frames: int, rng: np.random.Generator) -> Images:
    """Mains light against the shutter: bands that wander, and a brightness that beats."""
    rows = np.arange(scene.shape[0])[:, None, None] / scene.shape[0]
    depth, bands, pace = rng.uniform(0.03, 0.2), rng.choice([0.0, 0.5, 1.5, 3.0]), rng.uniform(0.3, 4.5)
    beat = [
        1 + depth * np.sin(2 * np.pi * (bands * rows + pace * step / 10 + 0.3 * rng.random()))
        for step in range(frames)
    ]
    return np.stack([np.clip(scene * each + rng.normal(0, 1, scene.shape), 0, 255) for each in beat]).astype(
        np.uint8
    )


def exposure(scene: Scene, frames: int, rng: np.random.Generator) -> Images:
    """Automatic exposure: jumps that are caught up within a second, and slow drifts."""
    gain, goal = 1.0, 1.0
    out = []
    for _ in range(frames):
        if rng.random() < 0.04:
            gain = float(np.clip(gain * rng.uniform(0.4, 2.0), 0.3, 1.8))
        gain += (goal - gain) * 0.2 + rng.normal(0, 0.005)
        out.append(np.clip(scene * gain + rng.normal(0, 1.5, scene.shape), 0, 255).astype(np.uint8))
    return np.stack(out)


def tree(scene: Scene, frames: int, rng: np.random.Generator) -> Images:
    """Leaves in the wind: parts of the picture that sway and flutter, in gusts."""
    height, width = scene.shape[:2]
    rows, columns = np.mgrid[:height, :width].astype(np.float32)
    shade = np.zeros((height, width), np.float32)
    for _ in range(int(rng.integers(1, 4))):
        centre = rng.uniform(0, 1, 2) * (height, width)
        spread = rng.uniform(0.08, 0.3, 2) * (height, width)
        shade += np.exp(-(((rows - centre[0]) / spread[0]) ** 2) - ((columns - centre[1]) / spread[1]) ** 2)
    shade = np.minimum(shade, 1.0)
    reach, pace = rng.uniform(1.5, 8.0), rng.uniform(0.3, 1.5)
    field = [
        cv2.GaussianBlur(rng.uniform(-1, 1, (height, width)).astype(np.float32), (0, 0), 9) * 20
        for _ in range(4)
    ]
    leaves = cv2.GaussianBlur(
        rng.uniform(-1, 1, (height, width)).astype(np.float32), (0, 0), 2
    ) * rng.uniform(100, 400)
    green = np.clip(scene.astype(np.float32) + (shade * leaves)[..., None], 0, 255)
    out = []
    for step in range(frames):
        gust = reach * (0.3 + 0.7 * np.sin(step / 10 * 2 * np.pi * pace / 5) ** 2)
        phase = [np.sin(step / 10 * 2 * np.pi * pace * rate) for rate in (1.0, 1.37, 0.61, 2.3)]
        move_x = gust * shade * (phase[0] * 0.6 + field[0] * phase[1] + field[1] * phase[3])
        move_y = gust * shade * (field[2] * phase[2] + field[3] * phase[3]) * 0.5
        moved = cv2.remap(
            green,
            np.float32(columns + move_x),
            np.float32(rows + move_y),
            cv2.INTER_LINEAR,
            borderMode=cv2.BORDER_REFLECT,
        )
        out.append(np.clip(moved + rng.normal(0, 1.0, scene.shape), 0, 255).astype(np.uint8))
    return np.stack(out)


def still(scene: Scene, frames: int, rng: np.random.Generator) -> Images:
    """The scene itself under light sensor noise."""
    level = rng.uniform(0.5, 3.0)
    return np.stack(
        [np.clip(scene + rng.normal(0, level, scene.shape), 0, 255).astype(np.uint8) for _ in range(frames)]
    )


def breathing(scene: Scene, frames: int, rng: np.random.Generator) -> Images:
    """A photograph of somebody, its middle moving as little as a person who sits still does."""
    height, width = scene.shape[:2]
    rows, columns = np.mgrid[:height, :width].astype(np.float32)
    centre = rng.uniform(0.35, 0.65, 2) * (height, width)
    shade = np.exp(
        -(((rows - centre[0]) / (0.3 * height)) ** 2) - ((columns - centre[1]) / (0.2 * width)) ** 2
    )
    shade = shade.astype(np.float32)
    drift = np.cumsum(rng.normal(0, 0.12, (frames, 2)), axis=0)
    out = []
    for step in range(frames):
        breath = 0.7 * np.sin(step / 10 * 2 * np.pi * 0.27)
        drift[step] = np.clip(drift[step], -3, 3)
        moved = cv2.remap(
            scene, np.float32(columns + shade * drift[step, 1]),
            np.float32(rows + shade * (drift[step, 0] + breath)), cv2.INTER_LINEAR, borderMode=cv2.BORDER_REFLECT,
        )  # fmt: skip
        out.append(np.clip(moved + rng.normal(0, 1.2, scene.shape), 0, 255).astype(np.uint8))
    return np.stack(out)


KINDS: dict[str, Callable[[Scene, int, np.random.Generator], Images]] = {
    "still": still, "night": night, "flicker": flicker, "exposure": exposure, "tree": tree, "breathing": breathing,
}  # fmt: skip
