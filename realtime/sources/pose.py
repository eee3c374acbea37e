"""How the drawn figure holds itself at one moment."""

from __future__ import annotations

from dataclasses import dataclass, fields
from math import pi

SIDE_ON = pi / 2
FACING = 0.0


@dataclass(frozen=True, slots=True)
class Pose:
    """Angles of the limbs against straight down, in radians, and where the body is.

    `_fore` swings forward, `_out` lifts sideways, away from the body (0: hangs down, pi: straight up).
    """

    lean: float = 0.0
    """Of the trunk, forward."""
    nod: float = 0.0
    turn: float = FACING
    """0: faces the viewer; pi/2: looks to the right of the picture; -pi/2: to the left."""
    lift_m: float = 0.0
    """Height of the lowest foot above the ground."""
    arm_l_fore: float = 0.0
    arm_l_out: float = 0.1
    hand_l_fore: float = 0.12
    hand_l_out: float = 0.06
    arm_r_fore: float = 0.0
    arm_r_out: float = 0.1
    hand_r_fore: float = 0.12
    hand_r_out: float = 0.06
    thigh_l_fore: float = 0.0
    thigh_l_out: float = 0.04
    shin_l_fore: float = 0.0
    shin_l_out: float = 0.02
    thigh_r_fore: float = 0.0
    thigh_r_out: float = 0.04
    shin_r_fore: float = 0.0
    shin_r_out: float = 0.02


_NAMES = tuple(field.name for field in fields(Pose))


def blend(first: Pose, second: Pose, weight: float) -> Pose:
    """Return the pose between two others: `first` at weight 0, `second` at 1, eased at both ends."""
    w = weight * weight * (3 - 2 * weight)
    return Pose(*(getattr(first, name) * (1 - w) + getattr(second, name) * w for name in _NAMES))


def mirrored(pose: Pose) -> Pose:
    """Return the pose with left and right exchanged."""
    swapped = {
        name: getattr(pose, name.replace("_l_", "_#_").replace("_r_", "_l_").replace("_#_", "_r_"))
        for name in _NAMES
    }
    return Pose(**swapped)
