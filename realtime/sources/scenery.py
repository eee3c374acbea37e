"""Backgrounds of the drawn demo: walls, a room, a street, a park; the same for the same seed."""

from __future__ import annotations

from collections.abc import Callable

import cv2
import numpy as np
from numpy.typing import NDArray

Image = NDArray[np.uint8]
Color = tuple[float, float, float]

GROUND = 0.80
"""Where wall and ground meet, as a part of the height."""
FEET = 0.885
"""Where the figure stands."""


def paint_scene(kind: int, size_hw: tuple[int, int], seed: int) -> Image:
    """Return uint8 [H, W, 3] RGB: scene `kind` (taken modulo the number of scenes) in colours from `seed`."""
    rng = np.random.default_rng((seed, kind))
    canvas = SCENES[kind % len(SCENES)](size_hw, rng)
    canvas *= 1.0 + 0.03 * _clouds(size_hw, rng, 90)[..., None] + 0.012 * _clouds(size_hw, rng, 5)[..., None]
    canvas *= _vignette(size_hw)[..., None]
    return np.clip(cv2.GaussianBlur(canvas, (0, 0), 0.7), 0, 255).astype(np.uint8)


def grain(size_hw: tuple[int, int], seed: int) -> tuple[Image, Image]:
    """Return what a sensor's noise adds and what it takes away, a quarter larger than a picture."""
    rng = np.random.default_rng(seed)
    shape = (size_hw[0] + size_hw[0] // 4, size_hw[1] + size_hw[1] // 4, 3)
    noise = cv2.GaussianBlur(rng.normal(0.0, 4.5, shape).astype(np.float32), (0, 0), 0.6)
    return np.maximum(noise, 0).round().astype(np.uint8), np.maximum(-noise, 0).round().astype(np.uint8)


def _fade(size_hw: tuple[int, int], top: Color, bottom: Color) -> NDArray[np.float32]:
    ramp = np.linspace(0, 1, size_hw[0], dtype=np.float32)[:, None, None]
    rows = (1 - ramp) * np.asarray(top, np.float32) + ramp * np.asarray(bottom, np.float32)
    return np.ascontiguousarray(np.broadcast_to(rows, (*size_hw, 3)))


def _clouds(size_hw: tuple[int, int], rng: np.random.Generator, grain_px: int) -> NDArray[np.float32]:
    small = rng.normal(0, 1, (size_hw[0] // grain_px + 2, size_hw[1] // grain_px + 2)).astype(np.float32)
    return np.asarray(cv2.resize(small, size_hw[::-1], interpolation=cv2.INTER_CUBIC), dtype=np.float32)


def _vignette(size_hw: tuple[int, int]) -> NDArray[np.float32]:
    ys = np.linspace(-1, 1, size_hw[0], dtype=np.float32)[:, None]
    xs = np.linspace(-1, 1, size_hw[1], dtype=np.float32)[None, :]
    return np.asarray(1.0 - 0.13 * (xs * xs + ys * ys) ** 1.3, dtype=np.float32)


def _box(
    canvas: NDArray[np.float32], left: float, top: float, right: float, bottom: float, color: Color
) -> None:
    """Fill a box given in parts of the picture's size."""
    height, width = canvas.shape[:2]
    corners = (
        (round(left * width), round(top * height)),
        (round(right * width) - 1, round(bottom * height) - 1),
    )
    cv2.rectangle(canvas, *corners, color, -1)


def _tint(rng: np.random.Generator, color: Color, by: float = 14) -> Color:
    # Mostly lighter or darker, a little another hue.
    red, green, blue = np.asarray(color) + rng.uniform(-by, by) + rng.uniform(-0.35 * by, 0.35 * by, 3)
    return float(red), float(green), float(blue)


def _ground(canvas: NDArray[np.float32], near: Color, far: Color, at: float = GROUND) -> None:
    top = round(at * canvas.shape[0])
    canvas[top:] = _fade((canvas.shape[0] - top, canvas.shape[1]), far, near)


def _plaster(size_hw: tuple[int, int], rng: np.random.Generator) -> NDArray[np.float32]:
    canvas = _fade(size_hw, _tint(rng, (176, 172, 166)), _tint(rng, (196, 190, 182)))
    canvas *= 1 + 0.022 * _clouds(size_hw, rng, 26)[..., None] + 0.02 * _clouds(size_hw, rng, 60)[..., None]
    _ground(canvas, (112, 108, 110), (134, 128, 126))
    _box(canvas, 0, GROUND - 0.035, 1, GROUND, (150, 144, 138))
    _box(canvas, 0, GROUND - 0.004, 1, GROUND + 0.006, (92, 88, 86))
    return canvas


def _bricks(size_hw: tuple[int, int], rng: np.random.Generator) -> NDArray[np.float32]:
    canvas = _fade(size_hw, (188, 178, 168), (196, 186, 176))
    high, wide = 0.042, 0.062
    for row in range(int(GROUND / high) + 1):
        for column in range(-1, int(1 / wide) + 2):
            left = (column + 0.5 * (row % 2)) * wide
            color = _tint(rng, (158, 98, 80), 12)
            _box(canvas, left, row * high, left + wide * 0.94, row * high + high * 0.9, color)
    _ground(canvas, (122, 120, 122), (146, 142, 140))
    for k in range(9):
        x = (k - 1) / 7
        canvas_h, canvas_w = size_hw
        start = (round((0.5 + (x - 0.5) * 1.0) * canvas_w), round(GROUND * canvas_h))
        end = (round((0.5 + (x - 0.5) * 1.8) * canvas_w), canvas_h)
        cv2.line(canvas, start, end, (118, 114, 114), 1, cv2.LINE_AA)
    return canvas


def _room(size_hw: tuple[int, int], rng: np.random.Generator) -> NDArray[np.float32]:
    wall = _tint(rng, (206, 200, 184), 16)
    canvas = _fade(size_hw, wall, (wall[0] - 16, wall[1] - 16, wall[2] - 18))
    _ground(canvas, (128, 96, 68), (160, 124, 92))
    for k in range(1, 5):
        y = GROUND + (1 - GROUND) * (k / 5) ** 1.4
        _box(canvas, 0, y, 1, y + 0.004, (116, 86, 60))
    _box(canvas, 0, GROUND - 0.03, 1, GROUND, (232, 228, 220))
    _box(canvas, 0.06, 0.12, 0.30, 0.56, (240, 238, 232))
    _box(canvas, 0.075, 0.145, 0.175, 0.535, (176, 208, 232))
    _box(canvas, 0.185, 0.145, 0.285, 0.535, (186, 214, 234))
    _box(canvas, 0.075, 0.42, 0.175, 0.535, (132, 160, 118))
    _box(canvas, 0.185, 0.45, 0.285, 0.535, (124, 154, 112))
    _box(canvas, 0.44, 0.14, 0.58, 0.36, (74, 62, 52))
    _box(canvas, 0.45, 0.158, 0.57, 0.342, _tint(rng, (170, 140, 110), 40))
    _box(canvas, 0.45, 0.26, 0.57, 0.342, _tint(rng, (92, 116, 130), 40))
    sofa = _tint(rng, (120, 74, 66), 30)
    _box(canvas, 0.66, 0.56, 0.97, 0.72, sofa)
    _box(canvas, 0.64, 0.62, 0.70, 0.82, (sofa[0] * 0.9, sofa[1] * 0.9, sofa[2] * 0.9))
    _box(canvas, 0.93, 0.62, 0.99, 0.82, (sofa[0] * 0.9, sofa[1] * 0.9, sofa[2] * 0.9))
    _box(canvas, 0.69, 0.69, 0.94, 0.80, (sofa[0] * 1.1, sofa[1] * 1.1, sofa[2] * 1.1))
    return canvas


def _street(size_hw: tuple[int, int], rng: np.random.Generator) -> NDArray[np.float32]:
    height, width = size_hw
    canvas = _fade(size_hw, (128, 168, 212), (222, 228, 230))
    left = -0.02
    while left < 1:
        wide, top = rng.uniform(0.16, 0.26), rng.uniform(0.08, 0.30)
        front = _tint(rng, (170, 150, 132), 34)
        _box(canvas, left, top, left + wide, GROUND, front)
        _box(canvas, left, top, left + wide, top + 0.02, (front[0] * 0.8, front[1] * 0.8, front[2] * 0.8))
        for y in np.arange(top + 0.06, 0.56, 0.135):
            for x in np.arange(left + 0.025, left + wide - 0.04, 0.055):
                glass = _tint(rng, (84, 98, 112), 18)
                _box(canvas, float(x), float(y), float(x) + 0.03, float(y) + 0.08, glass)
        _box(canvas, left + 0.03, 0.62, left + wide - 0.03, GROUND - 0.01, _tint(rng, (70, 66, 66), 24))
        left += wide + 0.004
    _ground(canvas, (146, 144, 142), (172, 168, 162))
    _box(canvas, 0, 0.955, 1, 1, (86, 88, 92))
    _box(canvas, 0, 0.945, 1, 0.957, (190, 188, 184))
    for k in range(-2, 12):
        cv2.line(
            canvas,
            (round(k * 0.1 * width), round(GROUND * height)),
            (round((k * 0.1 - 0.05) * width), round(0.945 * height)),
            (150, 146, 142),
            1,
            cv2.LINE_AA,
        )
    return canvas


def _park(size_hw: tuple[int, int], rng: np.random.Generator) -> NDArray[np.float32]:
    height, width = size_hw
    canvas = _fade(size_hw, (112, 160, 216), (232, 226, 212))
    sky = np.clip(_clouds(size_hw, rng, 60) * 0.5 + _clouds(size_hw, rng, 24) * 0.3, 0, 1)[..., None]
    canvas += sky * (np.float32(248) - canvas) * 0.6
    xs = np.arange(width)
    for level, color in ((0.58, (118, 140, 138)), (0.68, (98, 128, 96))):
        waves = np.zeros(width)
        for _ in range(4):
            waves += rng.uniform(0.01, 0.03) * np.sin(xs / width * rng.uniform(4, 16) + rng.uniform(0, 6))
        ridge = ((level + waves) * height).astype(np.int32)
        outline = np.concatenate([np.stack([xs, ridge], 1), [[width, height], [0, height]]])
        cv2.fillPoly(canvas, [outline.astype(np.int32)], color, cv2.LINE_AA)
    for _ in range(3):
        x, y = rng.uniform(0.03, 0.97) * width, 0.62 * height
        _box(canvas, x / width - 0.008, 0.56, x / width + 0.008, 0.79, (88, 68, 52))
        for _ in range(14):
            at = (
                round(x + rng.normal(0, 0.035) * width),
                round(y - 0.12 * height + rng.normal(0, 0.06) * height),
            )
            cv2.circle(
                canvas,
                at,
                round(rng.uniform(0.03, 0.055) * width),
                _tint(rng, (74, 112, 64), 14),
                -1,
                cv2.LINE_AA,
            )
    _ground(canvas, (104, 138, 74), (132, 158, 96), 0.76)
    _box(canvas, 0, 0.83, 1, 0.93, (186, 172, 146))
    return canvas


def _studio(size_hw: tuple[int, int], rng: np.random.Generator) -> NDArray[np.float32]:
    base = np.asarray(_tint(rng, (150, 168, 176), 34))
    canvas = _fade(size_hw, tuple(base * 0.82), tuple(base * 1.18))
    _ground(canvas, tuple(base * 0.86), tuple(base * 1.12), GROUND - 0.02)
    return cv2.GaussianBlur(canvas, (0, 0), 7).astype(np.float32)


SCENES: tuple[Callable[[tuple[int, int], np.random.Generator], NDArray[np.float32]], ...] = (
    _plaster,
    _room,
    _street,
    _bricks,
    _park,
    _studio,
)
