"""Long streams joined from labelled clips, with stretches in which nothing happens in between.

One picture fades into the next, time runs on and the size stays, so nothing tells the recogniser where a clip
ends: neither its own checks for a cut or a gap, nor a flash of motion.
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from itertools import pairwise
from typing import Literal, cast

import numpy as np
from numpy.typing import NDArray

from ...models import PrepareSpec
from ...realtime.sources.reader import Faults, Picture
from ..clips import Clip
from .clip_frames import Shot, load_shot
from .spans import Span, join_touching

FPS = 25.0
FADE_S = 0.4
AT_LEAST_S = 4.0
"""A shorter clip is shown again until it has lasted for this long."""
STREAM_S = 300.0
IDLE_CHANCE = 0.6
IDLE_S = (2.0, 8.0)
NOISE = 1.5
"""Standard deviation, in grey levels, of the noise on a still picture."""
_KEPT_SHOTS = 4

Material = Literal["clip", "empty", "still"]
"""The clip itself, the median of its pictures (who moves is gone), or one of its pictures held."""


@dataclass(frozen=True, slots=True)
class Segment:
    """What a stream shows from `start_s` to `end_s`, its fades included; `label` None: nothing happens."""

    clip: Clip
    material: Material
    start_s: float
    end_s: float
    label: str | None


def plan_streams(
    clips: Sequence[tuple[Clip, float]],
    background: str | None,
    *,
    seed: int = 0,
    at_least_s: float = 0.0,
    stream_s: float = STREAM_S,
) -> list[list[Segment]]:
    """Return streams of about `stream_s` seconds that show every clip (each with its length in s).

    at_least_s: begin again, in another order, until all streams together last so long. Clips of the label
    `background` fill the stretches without action; where there are none, these are made of the clip before:
    its empty scene, or one of its pictures, held.
    """
    rng = np.random.default_rng(seed)
    idle = [(clip, length_s) for clip, length_s in clips if clip.label == background]
    active = [(clip, length_s) for clip, length_s in clips if clip.label != background]
    shown = active or idle
    rng.shuffle(idle)
    streams: list[list[Segment]] = []
    while shown and (not streams or sum(segments[-1].end_s for segments in streams) < at_least_s):
        for index in rng.permutation(len(shown)):
            if not streams or streams[-1][-1].end_s >= stream_s:
                streams.append([])
            clip, length_s = shown[index]
            _show(streams[-1], clip, length_s, clip.label if active else None)
            if active and rng.random() < IDLE_CHANCE:
                _rest(streams[-1], clip, idle, rng)
    return streams


def true_spans(segments: Sequence[Segment]) -> tuple[Span, ...]:
    """Return what happens in a stream; one activity becomes the next in the middle of the fade."""
    spans = []
    for number, segment in enumerate(segments):
        start, end = segment.start_s, segment.end_s
        if number:
            start = (start + segments[number - 1].end_s) / 2
        if number + 1 < len(segments):
            end = (end + segments[number + 1].start_s) / 2
        if segment.label is not None:
            spans.append(Span(start, end, segment.label))
    return join_touching(spans)


class JoinedPictures:
    """The pictures of a planned stream, drawn when they are converted; holds a few clips at a time."""

    def __init__(self, segments: Sequence[Segment], spec: PrepareSpec, *, seed: int = 0) -> None:
        self._segments = list(segments)
        self._spec = spec
        self._seed = seed
        self._shots: OrderedDict[Clip, Shot] = OrderedDict()
        self._plates: Mapping[int, NDArray[np.uint8]] = {}

    def read(self, faults: Faults) -> Iterator[Picture]:
        """Yield the stream at 25 pictures a second."""
        del faults
        size_hw = self._spec.size, self._spec.size
        for index in range(int(self._segments[-1].end_s * FPS)):
            yield Picture(index / FPS, size_hw, partial(self.draw, index))

    def draw(self, index: int) -> NDArray[np.uint8]:
        """Return picture `index`, uint8 [S, S, 3] RGB, already prepared."""
        time_s = index / FPS
        shown = [number for number, s in enumerate(self._segments) if s.start_s <= time_s < s.end_s]
        image = self._picture(shown[0], time_s, index)
        for before, number in pairwise(shown):
            start, end = self._segments[number].start_s, self._segments[before].end_s
            share = np.float32((time_s - start) / max(end - start, 1e-6))
            mixed = image * (1 - share) + self._picture(number, time_s, index) * share
            image = np.rint(mixed).astype(np.uint8)
        return image

    def _picture(self, number: int, time_s: float, index: int) -> NDArray[np.uint8]:
        segment = self._segments[number]
        shot = self._shot(segment.clip)
        if segment.material == "clip":
            at = int(np.searchsorted(shot.times, time_s - segment.start_s + 1e-6, side="right")) - 1
            return cast(NDArray[np.uint8], shot.images[max(0, at)])
        rng = np.random.default_rng((self._seed, index, number))
        noise = rng.normal(0.0, NOISE, shot.images.shape[1:]).astype(np.float32)
        return np.asarray(np.clip(np.rint(self._plate(number, shot) + noise), 0, 255), np.uint8)

    def _plate(self, number: int, shot: Shot) -> NDArray[np.uint8]:
        if number not in self._plates:
            if self._segments[number].material == "empty":
                spread = np.linspace(0, len(shot.images) - 1, min(15, len(shot.images))).astype(int)
                plate = np.median(shot.images[spread], axis=0).astype(np.uint8)
            else:
                plate = shot.images[np.random.default_rng((self._seed, number)).integers(len(shot.images))]
            self._plates = {number: plate}
        return self._plates[number]

    def _shot(self, clip: Clip) -> Shot:
        if clip not in self._shots:
            self._shots[clip] = load_shot(clip, self._spec)
            if len(self._shots) > _KEPT_SHOTS:
                self._shots.popitem(last=False)
        return self._shots[clip]


def _rest(
    segments: list[Segment], clip: Clip, idle: list[tuple[Clip, float]], rng: np.random.Generator
) -> None:
    if idle:
        idle.append(idle.pop(0))
        _show(segments, *idle[-1], None)
    else:
        material: Material = "empty" if rng.random() < 0.5 else "still"
        _add(segments, clip, material, float(rng.uniform(*IDLE_S)), None)


def _show(segments: list[Segment], clip: Clip, length_s: float, label: str | None) -> None:
    shown_s = 0.0
    while shown_s < AT_LEAST_S:
        _add(segments, clip, "clip", length_s, label)
        shown_s += max(length_s - FADE_S, 0.25)


def _add(segments: list[Segment], clip: Clip, material: Material, length_s: float, label: str | None) -> None:
    start_s = 0.0
    if segments:
        before = segments[-1]
        fade_s = min(FADE_S, length_s / 4, (before.end_s - before.start_s) / 4)
        start_s = before.end_s - fade_s
    segments.append(Segment(clip, material, start_s, start_s + length_s, label))
