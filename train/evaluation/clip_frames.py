"""The pictures of a labelled clip, as the live path decodes them, and the same clip shown by another camera."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from functools import partial

import numpy as np
from numpy.typing import NDArray

from ...models import PrepareSpec, SourceError, prepare
from ...realtime.sources.files import read_images, read_video
from ...realtime.sources.reader import Faults, Picture
from ..clips import IMAGE_SUFFIXES, Clip
from ..decode import SEQUENCE_FPS

LONGEST_S = 60.0
"""Of a clip in memory."""
VFR = "vfr"
Camera = float | str
"""A rate in frames a second, or `vfr`."""


@dataclass(frozen=True, slots=True, eq=False)
class Shot:
    """A clip in memory: times in s from its start [T], prepared pictures uint8 [T, S, S, 3], and its length."""

    times: NDArray[np.float64]
    images: NDArray[np.uint8]
    length_s: float


def read_clip(clip: Clip, faults: Faults | None = None) -> Iterator[Picture]:
    """Yield every picture of a clip's span, timed from its start. Raises SourceError: unreadable, nothing in it."""
    found = False
    for picture in _read(clip, Faults() if faults is None else faults):
        if clip.end_s is not None and picture.media_time >= clip.end_s - 1e-6:
            break
        if picture.media_time >= clip.start_s - 1e-6:
            found = True
            yield Picture(picture.media_time - clip.start_s, picture.size_hw, picture.convert)
    if not found:
        raise SourceError(f"{clip}: no picture in this span; mend the span or take the clip out")


def clip_length(clip: Clip) -> float:
    """Return the length of a clip in s, decoding but not converting it. Raises SourceError."""
    return _length_s([picture.media_time for picture in read_clip(clip)])


def load_shot(clip: Clip, spec: PrepareSpec) -> Shot:
    """Return the first minute of a clip, prepared; `prepare` leaves a prepared picture as it is."""
    times, images = [], []
    for picture in read_clip(clip):
        if picture.media_time > LONGEST_S:
            break
        times.append(picture.media_time)
        images.append(prepare(picture.convert(), spec))
    return Shot(np.asarray(times), np.stack(images), _length_s(times))


def shown_by(shot: Shot, camera: Camera, seed: int = 0) -> Iterator[Picture]:
    """Yield what a camera of another rate would have sent: at each of its times the newest picture there is."""
    for time_s in camera_times(camera, shot.length_s, seed):
        index = max(0, int(np.searchsorted(shot.times, time_s + 1e-6, side="right")) - 1)
        image = shot.images[index]
        yield Picture(float(time_s), (image.shape[0], image.shape[1]), partial(_same, image))


def camera_times(camera: Camera, length_s: float, seed: int = 0) -> NDArray[np.float64]:
    """Return the times in s at which a camera sends a picture, from 0.

    `vfr`: a 30 fps camera with up to 8 ms of jitter that leaves out one picture in five, as webcams do in
    dim light and as phones record.
    """
    if camera != VFR:
        return np.arange(0.0, length_s - 1e-9, 1.0 / float(camera))
    rng = np.random.default_rng(seed)
    grid = np.arange(0.0, length_s - 1e-9, 1.0 / 30.0)
    kept = rng.random(len(grid)) >= 0.2
    kept[:1] = True
    jittered = grid + np.concatenate([[0.0], rng.uniform(-0.008, 0.008, max(0, len(grid) - 1))])
    return np.asarray(jittered[kept], np.float64)


def _read(clip: Clip, faults: Faults) -> Iterable[Picture]:
    if clip.path.is_dir():
        files = sorted(file for file in clip.path.iterdir() if file.suffix.lower() in IMAGE_SUFFIXES)
        if not files:
            raise SourceError(f"{clip.path}: no picture in it; take it out")
        return read_images(files, SEQUENCE_FPS, faults)
    return read_video(clip.path, faults)


def _length_s(times: Sequence[float]) -> float:
    step_s = float(np.median(np.diff(times))) if len(times) > 1 else 1.0 / SEQUENCE_FPS
    return times[-1] + step_s


def _same(image: NDArray[np.uint8]) -> NDArray[np.uint8]:
    return image
