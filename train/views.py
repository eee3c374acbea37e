"""Views of a clip: the clip as it is, augmented, or turned into material in which nothing happens."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from ..models import Resize, prepare
from ..realtime.sampler import Sampler
from ..realtime.sources.colour import Rgb
from ..realtime.sources.files import read_video
from .augment import Grain, Recipe, alter, draw_recipe, pick_frames
from .background import empty_scene, spread_looks, swap_background
from .code_key import code_key
from .decode import Recording, read_span

Kind = Literal["plain", "altered", "still", "empty", "shaken", "shuffled"]
IDLE_KINDS: tuple[Kind, ...] = ("still", "empty", "shaken", "shuffled")
_IDLE_CHANCE = (0.4, 0.3, 0.15, 0.15)
IDLE_S = 4.0
MAKERS = (prepare, Sampler, Rgb, read_video, read_span, alter, swap_background)
"""Their modules, and this one, are part of every cache key: change the code, and views are made anew."""


@dataclass(frozen=True, slots=True)
class Shape:
    """The rate and size at which views are made; satisfies PrepareSpec."""

    fps: float
    size: int
    resize: Resize


@dataclass(frozen=True, slots=True)
class View:
    """One way to see a clip; the same kind and seed always give the same frames."""

    kind: Kind = "plain"
    seed: int = 0
    flip: bool = True
    swap: float = 0.0
    """Chance of another background."""


def training_views(passes: int, *, flip: bool, seed: int, swap: float = 0.0) -> list[View]:
    """Return the plain view and `passes` altered ones."""
    return [View(), *(View("altered", seed + number, flip, swap) for number in range(passes))]


def idle_view(rng: np.random.Generator) -> View:
    """Draw a view in which nothing happens."""
    return View(IDLE_KINDS[int(rng.choice(len(IDLE_KINDS), p=_IDLE_CHANCE))], int(rng.integers(1 << 31)))


def content_key(path: Path) -> str:
    """Return a hash of a video's bytes, or of those of a folder of pictures."""
    digest = hashlib.sha256()
    files = sorted(file for file in path.iterdir() if file.is_file()) if path.is_dir() else [path]
    for file in files:
        with file.open("rb") as stream:
            while block := stream.read(1 << 20):
                digest.update(block)
    return digest.hexdigest()


def view_key(content: str, start_s: float, end_s: float | None, view: View, shape: Shape) -> str:
    """Return the cache key of a view's frames: what they are made from, and the code that makes them."""
    parts = [code_key(*MAKERS, view_frames), content, start_s, end_s, asdict(view), asdict(shape)]
    return hashlib.sha256(json.dumps(parts).encode()).hexdigest()


def make_views(
    path: Path, start_s: float, end_s: float | None, views: Sequence[View], shape: Shape
) -> list[NDArray[np.uint8]]:
    """Decode a span once and return each view's frames, uint8 [T, S, S, 3] RGB. Raises SourceError."""
    recording = read_span(path, start_s, end_s, size=shape.size, resize=shape.resize)
    return [view_frames(recording, view, shape) for view in views]


def view_frames(recording: Recording, view: View, shape: Shape) -> NDArray[np.uint8]:
    """Return one view's frames, uint8 [T, S, S, 3] RGB."""
    rng = np.random.default_rng(view.seed)
    if view.kind in ("plain", "altered"):
        recipe = Recipe() if view.kind == "plain" else draw_recipe(rng, flip=view.flip, swap=view.swap)
        picked = pick_frames(recording.times, shape.fps, recipe, rng)
        images = alter(recording, picked, recipe, shape.size, rng)
        return np.stack([prepare(image, shape) for image in images])
    return _idle(recording, view.kind, shape, rng)


def _idle(recording: Recording, kind: Kind, shape: Shape, rng: np.random.Generator) -> NDArray[np.uint8]:
    count = max(8, round(IDLE_S * shape.fps))
    images = recording.images
    if kind == "shuffled":
        picked = [int(rng.integers(len(images))) for _ in range(count)]
        return np.stack([prepare(images[index], shape) for index in picked])
    if kind == "empty" and len(images) >= 5:
        still = empty_scene([prepare(image, shape) for image in spread_looks(images)])
    else:
        still = prepare(images[int(rng.integers(len(images)))], shape)
    level = float(rng.choice([0.0, 1.0, 2.5, 5.0]))
    drift = np.cumsum(rng.normal(0.0, 0.004, count)) if rng.random() < 0.5 else np.zeros(count)
    if rng.random() < 0.3:
        drift[int(rng.integers(3, count)) :] += rng.uniform(-0.4, 0.4)  # somebody switches the light
    grain = Grain(still.shape[:2], level, rng) if level else None
    frames = []
    for step in range(count):
        image = still
        if kind == "shaken":
            image = np.roll(image, tuple(int(n) for n in rng.integers(-2, 3, 2)), axis=(0, 1))
        image = np.clip(image * np.float32(1.0 + drift[step]), 0, 255).astype(np.uint8)
        frames.append(image if grain is None else grain.add(image))
    return np.stack(frames)
