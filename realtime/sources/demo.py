"""The demo: a figure that the project draws itself, for machines without a camera and tests without a clip."""

from __future__ import annotations

import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from ...models.errors import SourceError
from .connection import Capture
from .feed import Feed
from .figure import Clothes, draw_limbs, draw_shadow, limbs_of
from .live import LiveFeed
from .motion import ACTIONS
from .options import SourceOptions
from .reader import Faults, Picture, ReaderFeed
from .scenery import FEET, grain, paint_scene
from .script import Play, Span, place, pose_at

FPS = 25
SIZE_HW = (360, 640)
FIGURE_HEIGHT = 0.49
"""Of a standing figure, as a part of the picture's height."""
_BODY_M = 1.78


@dataclass(frozen=True, slots=True)
class DemoSettings:
    """What may stand behind `demo:`."""

    seed: int = 0
    seconds: float | None = None
    """Length; None: endless when live, a minute when not."""
    actions: tuple[str, ...] = tuple(ACTIONS)


class Stage:
    """Draws the play of one seed; the picture at a time depends on nothing but settings and time."""

    def __init__(self, settings: DemoSettings, size_hw: tuple[int, int] = SIZE_HW) -> None:
        self.play = Play(settings.seed, settings.actions)
        self.size_hw = size_hw
        self._seed = settings.seed
        self._backgrounds: dict[int, NDArray[np.uint8]] = {}
        self._more, self._less = grain(size_hw, settings.seed)
        self._pixels_per_m = FIGURE_HEIGHT * size_hw[0] / _BODY_M

    def draw(self, index: int) -> NDArray[np.uint8]:
        """Return picture `index`, uint8 [H, W, 3] RGB."""
        time_s = index / FPS
        span = self.play.at(time_s)
        image = self._background(span.scene).copy()
        self._draw_figure(image, span, time_s)
        return self._add_grain(image, index)

    def _draw_figure(self, image: NDArray[np.uint8], span: Span, time_s: float) -> None:
        height, width = self.size_hw
        pose = pose_at(span, time_s)
        foot_x = width / 2 + place(span, time_s)[0] * self._pixels_per_m
        left = max(0, int(foot_x - 1.4 * self._pixels_per_m))
        right = min(width, int(foot_x + 1.4 * self._pixels_per_m))
        if left >= right:
            return
        patch = image[:, left:right].astype(np.float32)
        foot_xy = (foot_x - left, FEET * height)
        spread_m = 0.5 * (abs(pose.thigh_l_out) + abs(pose.thigh_l_fore) + abs(pose.thigh_r_fore))
        draw_shadow(patch, foot_xy, self._pixels_per_m, pose.lift_m, spread_m)
        draw_limbs(patch, limbs_of(pose, clothes(self._seed, span.scene)), foot_xy, self._pixels_per_m)
        image[:, left:right] = patch.astype(np.uint8)

    def _background(self, scene: int) -> NDArray[np.uint8]:
        if scene not in self._backgrounds:
            self._backgrounds = {scene: paint_scene(scene, self.size_hw, self._seed)}
        return self._backgrounds[scene]

    def _add_grain(self, image: NDArray[np.uint8], index: int) -> NDArray[np.uint8]:
        import cv2

        height, width = self.size_hw
        top, left = (index * 37) % (height // 4), (index * 101) % (width // 4)
        window = np.s_[top : top + height, left : left + width]
        image = np.asarray(cv2.add(image, self._more[window]), dtype=np.uint8)
        return np.asarray(cv2.subtract(image, self._less[window]), dtype=np.uint8)


def demo_script(seed: int = 0, duration_s: float = 60.0) -> list[Span]:
    """Return the true labels and times of `demo:seed=...`, spans in order, without holes."""
    return Play(seed).spans(duration_s)


def clothes(seed: int, scene: int) -> Clothes:
    """Return what the figure wears in a scene."""
    rng = np.random.default_rng((seed, scene, 7))
    shirts = ((58, 92, 152), (152, 52, 52), (62, 118, 82), (46, 48, 58), (196, 164, 88), (120, 82, 140))
    legs = ((48, 50, 60), (58, 74, 110), (92, 80, 66), (38, 40, 44))
    skins = ((226, 176, 142), (198, 142, 106), (148, 98, 70), (240, 196, 166))
    hairs = ((58, 40, 30), (30, 26, 26), (112, 78, 46), (150, 140, 130))
    pick = [choices[int(rng.integers(len(choices)))] for choices in (skins, hairs, shirts, legs)]
    return Clothes(skin=pick[0], hair=pick[1], shirt=pick[2], trousers=pick[3])


def read_demo(settings: DemoSettings, faults: Faults | None = None) -> Iterator[Picture]:
    """Yield the pictures one after another, drawn only when they are converted."""
    del faults  # nothing can be corrupt here
    stage = Stage(settings)
    for index in range(round((settings.seconds or 60.0) * FPS)):
        yield Picture(index / FPS, stage.size_hw, lambda index=index: stage.draw(index))  # type: ignore[misc]


class DemoConnection:
    """The demo as a camera: a picture each 40 ms, late ones left out; see `Connection`."""

    def __init__(self, settings: DemoSettings) -> None:
        self._stage = Stage(settings)
        self._seconds = settings.seconds
        self._began = time.monotonic()
        self._next = 0

    def read(self) -> Capture | None:
        """See `Connection.read`."""
        passed_s = time.monotonic() - self._began
        index = self._next = max(self._next, int(passed_s * FPS))
        if self._seconds is not None and index >= self._seconds * FPS:
            return None
        time.sleep(max(0.0, index / FPS - passed_s))
        self._next += 1
        return Capture(index / FPS, self._stage.size_hw, lambda: self._stage.draw(index))

    def close(self) -> None:
        """See `Connection.close`."""


def open_demo(name: str, settings: Mapping[str, str], options: SourceOptions) -> Feed:
    """Return the feed of `demo:KEY=VALUE,...`; SourceError for a setting that there is not."""
    read = read_settings(settings)
    if options.live_demo:
        return LiveFeed(name, lambda: DemoConnection(read), options)
    return ReaderFeed(name, lambda faults: read_demo(read, faults), pace=options.pace)


def read_settings(settings: Mapping[str, str]) -> DemoSettings:
    """Check what was written behind `demo:`."""
    seed, seconds, actions = 0, None, tuple(ACTIONS)
    for key, value in settings.items():
        try:
            if key == "seed":
                seed = int(value)
                if seed < 0:
                    raise ValueError
            elif key == "seconds":
                seconds = float(value)
            elif key == "actions":
                actions = tuple(value.split("+"))
                if unknown := [action for action in actions if action not in ACTIONS]:
                    raise SourceError(
                        f"demo: got action {unknown[0]!r}, wanted some of {'+'.join(ACTIONS)}; choose from them"
                    )
            else:
                raise SourceError(
                    f"demo: got setting {key!r}, wanted seed, seconds or actions; write demo:seed=3"
                )
        except ValueError:
            raise SourceError(
                f"demo: got {key}={value}, wanted a number from 0 up; write demo:{key}=3"
            ) from None
    return DemoSettings(seed, seconds, actions)
