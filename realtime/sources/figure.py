"""Draws the jointed figure: bones from a pose, round limbs with light and shade from bones."""

from __future__ import annotations

from dataclasses import dataclass, replace
from math import cos, sin

import cv2
import numpy as np
from numpy.typing import NDArray

from .pose import Pose

Point = NDArray[np.float64]
"""(right, up, towards the viewer) in metres."""
Color = tuple[float, float, float]

THIGH, SHIN, FOOT, TRUNK, NECK = 0.43, 0.42, 0.17, 0.50, 0.11
UPPER_ARM, FOREARM, HAND = 0.29, 0.25, 0.09
SHOULDER, HIP = 0.185, 0.085
"""Half widths, in metres, of a person of 1.75 m."""
LIGHT = (-0.45, 0.62, 0.64)
SOLE = 0.045
FINER = 2


@dataclass(frozen=True, slots=True)
class Clothes:
    """Colours of the figure, RGB 0..255."""

    skin: Color = (224, 172, 138)
    hair: Color = (58, 40, 30)
    shirt: Color = (52, 84, 140)
    trousers: Color = (48, 50, 60)
    shoes: Color = (32, 30, 30)


@dataclass(frozen=True, slots=True)
class Limb:
    """A round, tapered piece between two points; radii in metres."""

    start: Point
    end: Point
    start_radius: float
    end_radius: float
    color: Color


def limbs_of(pose: Pose, clothes: Clothes) -> list[Limb]:
    """Return the pieces of a figure that stands at (0, 0)."""
    turned = _turn(pose.turn)

    def bone(length: float, fore: float, out: float, side: float) -> Point:
        return np.asarray(
            turned
            @ np.array(
                [side * length * sin(out), -length * cos(fore) * cos(out), length * sin(fore) * cos(out)]
            )
        )

    up = turned @ np.array([0.0, cos(pose.lean), sin(pose.lean)])
    across = turned @ np.array([1.0, 0.0, 0.0])
    pelvis = np.zeros(3)
    chest = pelvis + TRUNK * 0.72 * up
    neck = pelvis + TRUNK * up
    head_up = turned @ np.array([0.0, cos(pose.lean * 0.75 + pose.nod), sin(pose.lean * 0.75 + pose.nod)])
    head_ahead = turned @ np.array([0.0, -sin(pose.lean * 0.75 + pose.nod), cos(pose.lean * 0.75 + pose.nod)])
    head = neck + (NECK + 0.10) * head_up + 0.02 * head_ahead

    limbs: list[Limb] = []
    # From the viewer's side: the figure's left hand is at the right of the picture when it faces the viewer.
    for side, part in ((1.0, "l"), (-1.0, "r")):
        hip = pelvis + side * HIP * across
        knee = hip + bone(
            THIGH, getattr(pose, f"thigh_{part}_fore"), getattr(pose, f"thigh_{part}_out"), side
        )
        ankle = knee + bone(SHIN, getattr(pose, f"shin_{part}_fore"), getattr(pose, f"shin_{part}_out"), side)
        pitch = 0.55 * min(0.0, getattr(pose, f"shin_{part}_fore"))
        flat = turned @ np.array([0.25 * side, sin(pitch), cos(pitch)])
        heel = ankle - 0.05 * flat
        heel[1] -= 0.035
        toe = heel + FOOT * flat
        limbs += [
            Limb(hip, knee, 0.088, 0.062, clothes.trousers),
            Limb(knee, ankle, 0.062, 0.047, clothes.trousers),
            Limb(heel, toe, SOLE, 0.036, clothes.shoes),
        ]
        shoulder = neck + side * SHOULDER * across - 0.045 * up
        elbow = shoulder + bone(
            UPPER_ARM, getattr(pose, f"arm_{part}_fore"), getattr(pose, f"arm_{part}_out"), side
        )
        wrist = elbow + bone(
            FOREARM, getattr(pose, f"hand_{part}_fore"), getattr(pose, f"hand_{part}_out"), side
        )
        fingers = wrist + HAND * (wrist - elbow) / FOREARM
        sleeve = _darken(clothes.shirt, 0.9)
        limbs += [
            Limb(shoulder, elbow, 0.058, 0.046, sleeve),
            Limb(elbow, elbow + 0.8 * (wrist - elbow), 0.045, 0.037, sleeve),
            Limb(elbow + 0.8 * (wrist - elbow), fingers, 0.030, 0.032, clothes.skin),
        ]
    limbs += [
        Limb(pelvis - HIP * 0.5 * across, pelvis + HIP * 0.5 * across, 0.108, 0.108, clothes.trousers),
        Limb(pelvis + 0.03 * up, chest, 0.118, 0.132, clothes.shirt),
        Limb(neck - 0.1 * up, neck - 0.03 * up, 0.1, 0.07, clothes.shirt),
        Limb(neck - 0.03 * up, neck + 0.08 * head_up, 0.052, 0.05, _darken(clothes.skin, 0.9)),
    ]
    for side in (-1.0, 1.0):
        shoulder = neck + side * 0.135 * across - 0.06 * up
        waist = pelvis + 0.06 * up + side * 0.04 * across
        limbs += [
            Limb(waist, shoulder, 0.1, 0.074, clothes.shirt),
            Limb(neck - 0.02 * up, shoulder, 0.06, 0.062, clothes.shirt),
        ]
    limbs += _head(head, head_up, head_ahead, across, clothes)
    lowest = min(min(limb.start[1], limb.end[1]) for limb in limbs if limb.color == clothes.shoes) - SOLE
    raised = np.array([0.0, pose.lift_m - lowest, 0.0])
    return [replace(limb, start=limb.start + raised, end=limb.end + raised) for limb in limbs]


def _head(head: Point, up: Point, ahead: Point, across: Point, clothes: Clothes) -> list[Limb]:
    pieces = [
        Limb(head - 0.055 * up + 0.012 * ahead, head + 0.02 * up + 0.004 * ahead, 0.066, 0.092, clothes.skin),
        Limb(head + 0.038 * up + 0.004 * ahead, head + 0.03 * up - 0.022 * ahead, 0.094, 0.1, clothes.hair),
        Limb(head + 0.02 * up - 0.03 * ahead, head - 0.05 * up - 0.042 * ahead, 0.096, 0.06, clothes.hair),
        Limb(head + 0.086 * ahead - 0.002 * up, head + 0.1 * ahead - 0.024 * up, 0.012, 0.016, clothes.skin),
        Limb(
            head + 0.066 * ahead - 0.066 * up - 0.018 * across,
            head + 0.066 * ahead - 0.066 * up + 0.018 * across,
            0.009,
            0.009,
            _darken(clothes.skin, 0.62),
        ),
    ]
    for side in (-1.0, 1.0):
        ear = head + side * 0.088 * across - 0.012 * up - 0.004 * ahead
        pieces.append(Limb(ear, ear - 0.022 * up, 0.02, 0.015, _darken(clothes.skin, 0.9)))
        eye = head + 0.084 * ahead + side * 0.034 * across + 0.002 * up
        pieces.append(Limb(eye, eye, 0.0115, 0.0115, (44, 34, 32)))
    return pieces


def draw_limbs(
    image: NDArray[np.float32], limbs: list[Limb], foot_xy: tuple[float, float], pixels_per_m: float
) -> None:
    """Paint the limbs into `image` (float32 [H, W, 3], 0..255) with the ground point at `foot_xy` (pixels).

    Each limb is a round, tapered body; the nearest one wins at each point. Drawn at twice the size and brought
    down, so that every edge is smooth, and lit by one lamp and a bright sky.
    """
    reach = [max(limb.start_radius, limb.end_radius) for limb in limbs]
    ends = np.array([[limb.start, limb.end] for limb in limbs])
    low = (ends.min(axis=1) - np.array(reach)[:, None]).min(axis=0)
    high = (ends.max(axis=1) + np.array(reach)[:, None]).max(axis=0)
    left = max(0, int(foot_xy[0] + low[0] * pixels_per_m) - 2)
    right = min(image.shape[1], int(foot_xy[0] + high[0] * pixels_per_m) + 3)
    top = max(0, int(foot_xy[1] - high[1] * pixels_per_m) - 2)
    bottom = min(image.shape[0], int(foot_xy[1] - low[1] * pixels_per_m) + 3)
    if left >= right or top >= bottom:
        return
    shape = ((bottom - top) * FINER, (right - left) * FINER)
    relief = Relief(
        depth=np.full(shape, -np.inf, np.float32),
        right=np.zeros(shape, np.float32),
        up=np.zeros(shape, np.float32),
        owner=np.zeros(shape, np.intp),
    )
    origin_xy = ((foot_xy[0] - left) * FINER, (foot_xy[1] - top) * FINER)
    palette = np.array([(0.0, 0.0, 0.0), *(limb.color for limb in limbs)], dtype=np.float32)
    for number, limb in enumerate(limbs, 1):
        _add_limb(relief, limb, number, origin_xy, pixels_per_m * FINER)
    # Creases where two limbs meet are softened, as cloth does.
    right_ward, up_ward = cv2.blur(relief.right, (5, 5)), cv2.blur(relief.up, (5, 5))
    toward = np.sqrt(np.maximum(1.0 - right_ward * right_ward - up_ward * up_ward, 0.0))
    lit = LIGHT[0] * right_ward + LIGHT[1] * up_ward + LIGHT[2] * toward
    shade = 0.42 + 0.16 * up_ward + 0.62 * np.maximum(lit, 0.0)
    painted = np.minimum(cv2.multiply(palette[relief.owner], cv2.merge([shade, shade, shade])), 255.0)
    size = (right - left, bottom - top)
    cover = cv2.resize((relief.owner > 0).astype(np.float32), size, interpolation=cv2.INTER_AREA)
    patch = image[top:bottom, left:right]
    patch *= 1.0 - cover[..., None]
    patch += cv2.resize(painted, size, interpolation=cv2.INTER_AREA)


@dataclass(frozen=True, slots=True)
class Relief:
    """What is nearest to the viewer at each point, each [h, w]: depth in pixels, normal, number of the limb."""

    depth: NDArray[np.float32]
    right: NDArray[np.float32]
    up: NDArray[np.float32]
    owner: NDArray[np.intp]


def _add_limb(relief: Relief, limb: Limb, number: int, origin_xy: tuple[float, float], scale: float) -> None:
    # Plain floats keep numpy at float32, whatever its rules of promotion.
    ax, ay = float(origin_xy[0] + limb.start[0] * scale), float(origin_xy[1] - limb.start[1] * scale)
    bx, by = float(origin_xy[0] + limb.end[0] * scale), float(origin_xy[1] - limb.end[1] * scale)
    ra, rb = limb.start_radius * scale, limb.end_radius * scale
    height, width = relief.depth.shape
    left, right = max(0, int(min(ax - ra, bx - rb))), min(width, int(max(ax + ra, bx + rb)) + 2)
    top, bottom = max(0, int(min(ay - ra, by - rb))), min(height, int(max(ay + ra, by + rb)) + 2)
    if left >= right or top >= bottom:
        return
    xs = np.arange(left, right, dtype=np.float32)[None, :] + np.float32(0.5)
    ys = np.arange(top, bottom, dtype=np.float32)[:, None] + np.float32(0.5)
    dx, dy = bx - ax, by - ay
    length_2 = max(dx * dx + dy * dy, 1e-6)
    along = np.clip(((xs - ax) * dx + (ys - ay) * dy) / length_2, 0.0, 1.0)
    radius = ra + (rb - ra) * along
    off_x, off_y = xs - (ax + dx * along), (ay + dy * along) - ys
    rise_2 = radius * radius - off_x * off_x - off_y * off_y
    depth = np.sqrt(np.maximum(rise_2, 0.0))
    depth += float(limb.start[2]) * scale + float(limb.end[2] - limb.start[2]) * scale * along
    window = np.s_[top:bottom, left:right]
    wins = (rise_2 > 0) & (depth > relief.depth[window])
    np.copyto(relief.depth[window], depth, where=wins)
    np.copyto(relief.right[window], off_x / radius, where=wins)
    np.copyto(relief.up[window], off_y / radius, where=wins)
    np.copyto(relief.owner[window], number, where=wins)


def draw_shadow(
    image: NDArray[np.float32],
    foot_xy: tuple[float, float],
    pixels_per_m: float,
    lift_m: float,
    spread_m: float,
) -> None:
    """Darken the ground under a figure: softer and fainter the higher it is in the air."""
    height, width = image.shape[:2]
    reach = (0.36 + 0.5 * spread_m + 0.5 * lift_m) * pixels_per_m
    flat = (0.085 + 0.06 * lift_m) * pixels_per_m
    cx, cy = foot_xy[0] + 0.12 * pixels_per_m, foot_xy[1] - 0.02 * pixels_per_m
    left, right = max(0, int(cx - 2.2 * reach)), min(width, int(cx + 2.2 * reach) + 1)
    top, bottom = max(0, int(cy - 2.2 * flat)), min(height, int(cy + 2.2 * flat) + 1)
    if left >= right or top >= bottom:
        return
    xs = (np.arange(left, right, dtype=np.float32)[None, :] - cx) / reach
    ys = (np.arange(top, bottom, dtype=np.float32)[:, None] - cy) / flat
    dark = (0.62 / (1 + 3 * lift_m)) * np.exp(-1.6 * (xs * xs + ys * ys))
    image[top:bottom, left:right] *= 1.0 - dark[..., None]


def _turn(angle: float) -> NDArray[np.float64]:
    """Return the rotation about the vertical that lets a figure facing the viewer look right by `angle`."""
    return np.array([[cos(angle), 0.0, sin(angle)], [0.0, 1.0, 0.0], [-sin(angle), 0.0, cos(angle)]])


def _darken(color: Color, by: float) -> Color:
    return (color[0] * by, color[1] * by, color[2] * by)
