"""Prepared frames on disk, for an encoder that is still learning: made once, read again in every epoch."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from .cache import Cache
from .clips import Clip
from .gather import Job, decode_jobs
from .views import IDLE_KINDS, Shape, View, content_key, view_key


@dataclass(frozen=True, slots=True)
class PreparedViews:
    """The cache keys of a label's views of one clip."""

    label: str
    keys: tuple[str, ...]


def prepare_views(
    wanted: Sequence[tuple[Clip, Sequence[View]]],
    shape: Shape,
    cache: Cache,
    *,
    background: str | None,
    workers: int = 1,
    advance: Callable[[], None] = lambda: None,
) -> list[PreparedViews]:
    """Put the frames of every view into the cache and return where they are; clips that fail are left out."""
    jobs: list[tuple[int, Job]] = []
    keys: dict[int, dict[View, str]] = {}
    for index, (clip, views) in enumerate(wanted):
        try:
            content = content_key(clip.path)
        except OSError:
            continue
        keys[index] = {view: view_key(content, clip.start_s, clip.end_s, view, shape) for view in views}
        missing = tuple(view for view, key in keys[index].items() if cache.load(key) is None)
        if missing:
            jobs.append((index, Job(clip, content, missing, shape)))
        else:
            advance()
    for index, job, frames, problem, _ in decode_jobs(jobs, workers):
        if problem:
            del keys[index]
        else:
            for view, array in zip(job.views, frames, strict=True):
                cache.save(keys[index][view], array)
        advance()
    found = []
    for index, by_view in sorted(keys.items()):
        shown = tuple(key for view, key in by_view.items() if view.kind not in IDLE_KINDS)
        found.append(PreparedViews(wanted[index][0].label, shown))
        idle = tuple(key for view, key in by_view.items() if view.kind in IDLE_KINDS)
        if idle and background is not None:
            found.append(PreparedViews(background, idle))
    return [views for views in found if views.keys]


def draw_window(
    views: PreparedViews, cache: Cache, frames: int, rng: np.random.Generator
) -> tuple[NDArray[np.uint8], int]:
    """Return a window uint8 [frames, S, S, 3] of one of the views, and how many of its frames are real."""
    array = cache.load(views.keys[int(rng.integers(len(views.keys)))])
    if array is None:
        raise OSError("the cache was emptied while the run went on")
    first = int(rng.integers(max(1, len(array) - frames + 1)))
    window = array[first : first + frames]
    missing = frames - len(window)
    return (np.concatenate([window, np.repeat(window[-1:], missing, axis=0)]) if missing else window), len(
        window
    )
