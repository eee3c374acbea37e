"""Frames to verify and calibrate on: those of the task, through the same sampling and `prepare` as anywhere."""

from __future__ import annotations

import random
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..models import ConfigError, ModelSpec, SourceError
from ..train.clips import Clip, Split, read_clips
from ..train.config import CONFIG_FILE, read_config
from ..train.views import Shape, View, make_views


def task_clips(run: Path, data: Path | None) -> list[Clip]:
    """Return the clips of `data`, or else of what the run was trained on; none if that is not here any more.

    Those that the run held out say so in their `split`, as far as its list or its options name them.
    """
    if data is not None:
        return read_clips(data)
    folder = run if run.is_dir() else run.parent
    if not (folder / CONFIG_FILE).is_file():
        return []
    values: dict[str, Any] = read_config(folder / CONFIG_FILE)
    videos = values.get("videos")
    try:
        clips = read_clips(
            Path(values.get("data") or ""),
            videos=Path(videos) if videos else None,
            where=values.get("where") or {},
        )
    except ConfigError:
        return []
    labels = set(values.get("labels") or ())
    held: dict[str | None, Split] = dict.fromkeys(values.get("val_groups") or (), "val")
    held |= dict.fromkeys(values.get("test_groups") or (), "test")
    return [
        replace(clip, split=held.get(clip.group, clip.split))
        for clip in clips
        if not labels or clip.label in labels
    ]


def read_stream(clips: list[Clip], spec: ModelSpec, count: int, *, seed: int = 0) -> NDArray[np.uint8]:
    """Return `count` frames uint8 [T, S, S, 3], one clip after the other in an order drawn by `seed`.

    Fewer if the clips hold fewer. Clips that cannot be read are passed over; raises ConfigError if none can.
    """
    order = random.Random(seed).sample(clips, len(clips))
    shape = Shape(spec.fps, spec.size, spec.resize)
    parts: list[NDArray[np.uint8]] = []
    total = 0
    for clip in order:
        try:
            frames = make_views(clip.path, clip.start_s, clip.end_s, (View(),), shape)[0]
        except SourceError:
            continue
        parts.append(frames)
        total += len(frames)
        if total >= count:
            break
    if not parts:
        raise ConfigError(f"data: none of {len(clips)} clips can be read; give --data with clips of the task")
    return np.concatenate(parts)[:count]


def drawn_stream(size: int, count: int) -> NDArray[np.uint8]:
    """Return `count` frames uint8 [T, S, S, 3] of squares that move over a gradient, for want of video."""
    ramp = np.linspace(40, 200, size)
    ground = np.stack([np.add.outer(ramp, ramp[::way]) / 2 for way in (1, -1, 1)], axis=2).astype(np.uint8)
    side = max(2, size // 5)
    frames = np.repeat(ground[None], count, axis=0)
    for step in range(count):
        for number, colour in enumerate(((230, 60, 40), (30, 90, 220), (240, 240, 90))):
            top = round((size - side) * (0.5 + 0.5 * np.sin(0.11 * step * (number + 1) + number)))
            left = round((size - side) * (0.5 + 0.5 * np.cos(0.07 * step * (number + 2))))
            frames[step, top : top + side, left : left + side] = colour
    return frames
