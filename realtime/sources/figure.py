"""Draws the jointed figure: bones from a pose, round limbs with light and shade from bones."""

from __future__ import annotations

from dataclasses import dataclass, replace
from math import cos, sin

import numpy as np
from numpy.typing import NDArray

from .motion import Pose

Point = NDArray[np.float64]
"""(right, up, towards the viewer) in metres."""
Color = tuple[float, float, float]

THIGH, SHIN, FOOT, TRUNK, NECK = 0.43, 0.42, 0.17, 0.50, 0.11
UPPER_ARM, FOREARM, HAND = 0.29, 0.25, 0.09
SHOULDER, HIP = 0.185, 0.085
"""Half widths, in metres, of a person of 1.75 m."""
LIGHT = np.array([-0.45, 0.62, 0.64])
SOLE = 0.045


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
    nearer: float = 0.0
    """Metres by which it is drawn as if it were nearer to the viewer."""


def limbs_of(pose: Pose, clothes: Clothes) -> list[Limb]:
    """Return the pieces of a figure that stands at (0, 0), the rear ones first."""
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
        Limb(pelvis - HIP * 0.5 * across, pelvis + HIP * 0.5 * across, 0.112, 0.112, clothes.trousers),
        Limb(pelvis + 0.06 * up, chest, 0.128, 0.142, clothes.shirt, 0.02),
        Limb(chest - 0.075 * across, chest + 0.075 * across, 0.128, 0.128, clothes.shirt, 0.02),
        Limb(
            neck - 0.12 * across - 0.055 * up, neck + 0.12 * across - 0.055 * up, 0.072, 0.072, clothes.shirt
        ),
        Limb(neck - 0.04 * up, neck + 0.08 * head_up, 0.052, 0.05, _darken(clothes.skin, 0.88)),
    ]
    limbs += _head(head, head_up, head_ahead, across, clothes)
    lowest = min(min(limb.start[1], limb.end[1]) for limb in limbs if limb.color == clothes.shoes) - SOLE
    raised = np.array([0.0, pose.lift_m - lowest, 0.0])
    limbs = [replace(limb, start=limb.start + raised, end=limb.end + raised) for limb in limbs]
    return sorted(limbs, key=_depth)


def _head(head: Point, up: Point, ahead: Point, across: Point, clothes: Clothes) -> list[Limb]:
    pieces = [
        Limb(head - 0.035 * up, head + 0.03 * up, 0.082, 0.098, clothes.skin),
        Limb(
            head + 0.062 * up + 0.012 * ahead,
            head + 0.06 * up - 0.045 * ahead,
            0.082,
            0.086,
            clothes.hair,
            0.03,
        ),
        Limb(
            head - 0.045 * ahead + 0.03 * up,
            head - 0.06 * ahead - 0.03 * up,
            0.085,
            0.062,
            clothes.hair,
            0.025,
        ),
        Limb(
            head + 0.088 * ahead - 0.005 * up,
            head + 0.1 * ahead - 0.025 * up,
            0.014,
            0.018,
            clothes.skin,
            0.05,
        ),
    ]
    for side in (-1.0, 1.0):
        ear = head + side * 0.094 * across - 0.015 * up - 0.01 * ahead
        pieces.append(Limb(ear, ear - 0.02 * up, 0.02, 0.016, _darken(clothes.skin, 0.9), 0.06))
        if ahead[2] > -0.2:
            eye = head + 0.086 * ahead + side * 0.036 * across + 0.008 * up
            pieces.append(Limb(eye, eye, 0.0115, 0.0115, (44, 34, 32), 0.08))
    return pieces


def _depth(limb: Limb) -> float:
    return float(limb.start[2] + limb.end[2]) / 2 + max(limb.start_radius, limb.end_radius) + limb.nearer


def draw_limbs(
    image: NDArray[np.float32], limbs: list[Limb], foot_xy: tuple[float, float], pixels_per_m: float
) -> None:
    """Paint the limbs into `image` (float32 [H, W, 3], 0..255) with the ground point at `foot_xy` (pixels).

    Each piece is the exact outline of a tapered capsule, so edges are smooth at any size; its shade is that of
    a round body under one lamp and a bright sky.
    """
    for limb in limbs:
        _draw_limb(image, limb, foot_xy, pixels_per_m)


def _draw_limb(
    image: NDArray[np.float32], limb: Limb, foot_xy: tuple[float, float], pixels_per_m: float
) -> None:
    ax, ay = foot_xy[0] + limb.start[0] * pixels_per_m, foot_xy[1] - limb.start[1] * pixels_per_m
    bx, by = foot_xy[0] + limb.end[0] * pixels_per_m, foot_xy[1] - limb.end[1] * pixels_per_m
    ra, rb = limb.start_radius * pixels_per_m, limb.end_radius * pixels_per_m
    height, width = image.shape[:2]
    left, right = max(0, int(min(ax - ra, bx - rb)) - 1), min(width, int(max(ax + ra, bx + rb)) + 3)
    top, bottom = max(0, int(min(ay - ra, by - rb)) - 1), min(height, int(max(ay + ra, by + rb)) + 3)
    if left >= right or top >= bottom:
        return
    xs = np.arange(left, right, dtype=np.float32)[None, :]
    ys = np.arange(top, bottom, dtype=np.float32)[:, None]
    dx, dy = bx - ax, by - ay
    along = np.clip(((xs - ax) * dx + (ys - ay) * dy) / max(dx * dx + dy * dy, 1e-6), 0.0, 1.0)
    radius = ra + (rb - ra) * along
    off_x, off_y = xs - (ax + dx * along), ys - (ay + dy * along)
    distance = np.sqrt(off_x * off_x + off_y * off_y)
    cover = np.clip(radius - distance + 0.5, 0.0, 1.0)
    scale = 1.0 / np.maximum(radius, 1e-3)
    if dx * dx + dy * dy > ra * ra:
        # The side of a long piece is shaded as a cylinder, so that no rings show where two pieces meet.
        length = (dx * dx + dy * dy) ** 0.5
        across = ((ys - ay) * dx - (xs - ax) * dy) / length
        nx, ny = (
            np.clip(across * scale, -1, 1) * (-dy / length),
            np.clip(across * scale, -1, 1) * (-dx / length),
        )
    else:
        nx, ny = off_x * scale, -off_y * scale
    nz = np.sqrt(np.maximum(0.0, 1.0 - nx * nx - ny * ny))
    lit = np.clip(nx * LIGHT[0] + ny * LIGHT[1] + nz * LIGHT[2], 0.0, 1.0)
    shade = 0.42 + 0.16 * ny + 0.62 * lit
    patch = image[top:bottom, left:right]
    color = np.asarray(limb.color, dtype=np.float32)
    patch += cover[..., None] * (np.clip(shade[..., None] * color, 0.0, 255.0) - patch)


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
