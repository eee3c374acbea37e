"""Altering a clip as a whole: one draw of parameters for all its frames, in space, light and time.

NumPy and OpenCV only: the worker processes that decode also augment, and start in a tenth of a second so.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import cast

import cv2
import numpy as np
from numpy.typing import NDArray

from ..realtime.sampler import Sampler
from .background import swap_background
from .decode import Recording, halve

NOISE_MARGIN = 64
"""Pixels by which the sheet that sensor noise is cut from is larger than the picture."""
CAMERA_FPS = (10.0, 12.5, 15.0, 20.0, 25.0, 30.0)


@dataclass(frozen=True, slots=True)
class Recipe:
    """How one view of a clip differs from the clip."""

    flip: bool = False
    angle_deg: float = 0.0
    scale: float = 1.0
    aspect: float = 1.0
    shift_yx: tuple[float, float] = (0.0, 0.0)
    """As shares of the picture's height and width."""
    gain: float = 1.0
    gamma: float = 1.0
    blur_px: float = 0.0
    """Standard deviation, for a picture of 240 lines."""
    noise: float = 0.0
    """Standard deviation of the sensor noise, in grey levels."""
    jpeg: int | None = None
    """JPEG quality, or None."""
    speed: float = 1.0
    camera_fps: float | None = None
    """Rate of the camera that is played; None is that of the clip."""
    phase: float = 0.0
    """Where the camera's grid begins, in its own intervals."""
    drop: float = 0.0
    """Share of the camera's frames that are lost."""
    swap: bool = False
    """Another background, if the camera is static."""

    @property
    def plain(self) -> bool:
        """Return whether this view is the clip itself."""
        return self == Recipe()


def draw_recipe(rng: np.random.Generator, *, flip: bool = True, swap: float = 0.0) -> Recipe:
    """Draw the parameters of a view; flip: mirror half of the views; swap: share of them before another wall."""
    return Recipe(
        flip=bool(flip and rng.random() < 0.5),
        angle_deg=float(rng.uniform(-6, 6)),
        scale=float(np.exp(rng.uniform(np.log(0.8), np.log(1.3)))),
        aspect=float(np.exp(rng.uniform(-0.12, 0.12))),
        shift_yx=(float(rng.uniform(-0.08, 0.08)), float(rng.uniform(-0.08, 0.08))),
        gain=float(np.exp(rng.uniform(np.log(0.65), np.log(1.4)))),
        gamma=float(np.exp(rng.uniform(-0.25, 0.25))),
        blur_px=float(rng.uniform(0.4, 1.5)) if rng.random() < 0.3 else 0.0,
        noise=float(rng.uniform(1.0, 6.0)) if rng.random() < 0.5 else 0.0,
        jpeg=int(rng.integers(25, 80)) if rng.random() < 0.3 else None,
        speed=float(np.exp(rng.uniform(np.log(0.8), np.log(1.25)))),
        camera_fps=float(rng.choice(CAMERA_FPS)) if rng.random() < 0.7 else None,
        phase=float(rng.random()),
        drop=float(rng.uniform(0.0, 0.15)) if rng.random() < 0.3 else 0.0,
        swap=bool(swap and rng.random() < swap),
    )


def pick_frames(
    times: NDArray[np.float64], fps: float, recipe: Recipe, rng: np.random.Generator
) -> list[int]:
    """Return the indices of the frames that a live run at `fps` would take from this camera.

    times: s, rising. The camera shows the newest frame at each tick of its own rate, some ticks are lost, and
    what remains goes through the same `Sampler` as in live use: the steps are as uneven as they are there.
    """
    shown = np.arange(len(times))
    at = times / recipe.speed
    if recipe.camera_fps is not None:
        ticks = (
            np.arange(recipe.phase, (at[-1] - at[0]) * recipe.camera_fps + 1e-6) / recipe.camera_fps + at[0]
        )
        shown = np.searchsorted(at, ticks + 1e-6, side="right") - 1
        shown, first = np.unique(shown, return_index=True)
        at_shown = ticks[first]
    else:
        at_shown = at
    if recipe.drop and len(shown) > 2:
        kept = rng.random(len(shown)) >= recipe.drop
        kept[0] = True
        shown, at_shown = shown[kept], at_shown[kept]
    sampler = Sampler(fps)
    picked = [int(index) for index, time in zip(shown, at_shown, strict=True) if sampler.due(float(time))]
    return picked or [0]


def alter(
    recording: Recording, picked: list[int], recipe: Recipe, size: int, rng: np.random.Generator
) -> list[NDArray[np.uint8]]:
    """Return the picked frames, each changed by the same recipe (sensor noise is new in every frame).

    Pictures three times as large as the `size` that they are prepared to, or more, are halved before: a sixth of
    the time for a camera of 480 lines, and nothing that is seen at `size` is lost.
    """
    if recipe.plain:
        return [recording.images[index] for index in picked]
    images = [halve(recording.images[index], 3 * size) for index in picked]
    if recipe.swap:
        images = swap_background(images, rng)
    first = images[0]
    matrix = _matrix(first.shape[:2], recipe)
    levels = _levels(recipe)
    blur = recipe.blur_px * first.shape[0] / 240
    grain = Grain(first.shape[:2], recipe.noise, rng) if recipe.noise else None
    altered = []
    for image in images:
        changed = _u8(cv2.warpAffine(image, matrix, image.shape[1::-1], borderMode=cv2.BORDER_REPLICATE))
        changed = _u8(cv2.LUT(changed, levels))
        if blur > 0.2:
            changed = _u8(cv2.GaussianBlur(changed, (0, 0), blur))
        if grain is not None:
            changed = grain.add(changed)
        if recipe.jpeg is not None:
            _, data = cv2.imencode(".jpg", changed, [cv2.IMWRITE_JPEG_QUALITY, recipe.jpeg])
            changed = _u8(cv2.imdecode(data, cv2.IMREAD_UNCHANGED))
        altered.append(changed)
    return altered


class Grain:
    """Sensor noise for the frames of a clip: each is given another place of one sheet of Gaussian noise.

    Drawing a sheet for every frame was 40 % of the time of augmentation.
    """

    def __init__(self, size_hw: tuple[int, ...], level: float, rng: np.random.Generator) -> None:
        """level: standard deviation in grey levels."""
        height, width = size_hw[:2]
        sheet = rng.standard_normal((height + NOISE_MARGIN, width + NOISE_MARGIN, 3), np.float32) * level
        self._sheet, self._rng = np.rint(sheet).astype(np.int16), rng

    def add(self, image: NDArray[np.uint8]) -> NDArray[np.uint8]:
        """Return the picture with noise that is new for it."""
        top, left = (int(n) for n in self._rng.integers(0, NOISE_MARGIN + 1, 2))
        noise = self._sheet[top : top + image.shape[0], left : left + image.shape[1]]
        return _u8(cv2.add(image, noise, dtype=cv2.CV_8U))


def _matrix(size_hw: tuple[int, ...], recipe: Recipe) -> NDArray[np.float64]:
    height, width = size_hw[:2]
    matrix = cv2.getRotationMatrix2D((width / 2, height / 2), recipe.angle_deg, recipe.scale).astype(
        np.float64
    )
    across = recipe.aspect * (-1.0 if recipe.flip else 1.0)
    matrix[0] *= across
    matrix[0, 2] += width / 2 * (1 - across) + recipe.shift_yx[1] * width
    matrix[1, 2] += recipe.shift_yx[0] * height
    return matrix


def _levels(recipe: Recipe) -> NDArray[np.uint8]:
    grey = (np.arange(256) / 255.0) ** recipe.gamma * recipe.gain
    return np.clip(grey * 255.0 + 0.5, 0, 255).astype(np.uint8)


def _u8(image: object) -> NDArray[np.uint8]:
    return cast(NDArray[np.uint8], image)
