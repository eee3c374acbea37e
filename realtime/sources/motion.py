"""How the drawn figure moves: joint angles over time for each of its actions."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from math import cos, pi, sin

from .pose import Pose


@dataclass(frozen=True, slots=True)
class Action:
    """One thing that the figure can do."""

    pose: Callable[[float], Pose]
    """Pose by phase: one cycle for each whole number; facing the viewer or looking along its way."""
    period_s: float
    speed_mps: float = 0.0
    """Along the ground; 0 stays in place."""
    side_on: bool = False
    """Seen from the side."""
    cycles: tuple[int, int] = (3, 5)
    """How many cycles one performance has, at least and at most."""


def stand(phase: float) -> Pose:
    """Stand at ease; the breath lifts the arms a little."""
    breath = sin(2 * pi * phase)
    return Pose(
        arm_l_out=0.11 + 0.012 * breath,
        arm_r_out=0.11 + 0.012 * breath,
        lean=0.008 * breath,
        nod=0.02 * sin(2 * pi * phase * 0.5),
    )


def stride(
    phase: float,
    *,
    reach: float,
    knee: float,
    swing: float,
    elbow: float,
    lean: float,
    lift_m: float = 0.0,
    give: float = 0.12,
) -> Pose:
    """Walk or run: legs half a cycle apart, arms against the legs, knees bent while a leg swings forward."""

    def leg(at: float) -> tuple[float, float]:
        angle = 2 * pi * at
        thigh = reach * cos(angle) + 0.06 * knee
        # The knee bends most while the thigh comes forward, and gives a little when the foot lands.
        bend = knee * max(0.0, sin(angle - pi)) ** 1.3 + give * (0.5 + 0.5 * cos(angle - 0.5))
        return thigh, thigh - bend

    def arm(at: float) -> tuple[float, float]:
        upper = -swing * cos(2 * pi * at)
        return upper, upper + elbow + 0.3 * swing * max(0.0, -cos(2 * pi * at))

    thigh_l, shin_l = leg(phase)
    thigh_r, shin_r = leg(phase + 0.5)
    arm_l, hand_l = arm(phase)
    arm_r, hand_r = arm(phase + 0.5)
    return Pose(
        lean=lean,
        lift_m=lift_m * max(0.0, cos(4 * pi * phase - 0.5)),
        arm_l_fore=arm_l,
        hand_l_fore=hand_l,
        arm_r_fore=arm_r,
        hand_r_fore=hand_r,
        thigh_l_fore=thigh_l,
        shin_l_fore=shin_l,
        thigh_r_fore=thigh_r,
        shin_r_fore=shin_r,
        nod=-0.5 * lean,
    )


def walk(phase: float) -> Pose:
    """Walk at an easy pace."""
    return stride(phase, reach=0.46, knee=0.85, swing=0.42, elbow=0.22, lean=0.05)


def run(phase: float) -> Pose:
    """Run: bent elbows, heels up, both feet off the ground for a moment."""
    return stride(phase, reach=0.66, knee=1.7, swing=0.7, elbow=1.4, lean=0.16, lift_m=0.1, give=0.5)


def skip(phase: float) -> Pose:
    """Hop along on one leg, the other held up behind."""
    hop = hop_height(phase)
    crouch = 1 - hop
    push = 0.35 * crouch
    swing = sin(2 * pi * phase)
    return Pose(
        lean=0.16 + 0.06 * crouch,
        lift_m=0.2 * hop,
        thigh_l_fore=0.15 + push + 0.15 * swing,
        shin_l_fore=-0.1 - push + 0.1 * swing,
        thigh_r_fore=0.5 + 0.25 * swing,
        shin_r_fore=-0.95 + 0.1 * swing,
        arm_l_fore=0.2 + 0.4 * swing,
        hand_l_fore=1.5 + 0.3 * swing,
        arm_r_fore=0.05 - 0.4 * swing,
        hand_r_fore=1.3 - 0.3 * swing,
    )


def hop_height(phase: float) -> float:
    """Return 0..1: a crouch on the ground for 40 % of a cycle, then a flight."""
    at = phase % 1.0
    if at < 0.4:
        return 0.0
    flight = (at - 0.4) / 0.6
    return 4 * flight * (1 - flight)


def crouch_depth(phase: float) -> float:
    """Return 0..1: how deep the knees are bent between two jumps."""
    at = phase % 1.0
    return max(0.0, sin(pi * at / 0.4)) if at < 0.4 else 0.12 * max(0.0, sin(pi * (at - 0.4) / 0.6))


def jump_forward(phase: float) -> Pose:
    """Jump along with both feet together."""
    depth = crouch_depth(phase)
    hop = hop_height(phase)
    tuck = 0.12 * hop
    return Pose(
        lean=0.1 + 0.28 * depth,
        nod=-0.08 - 0.15 * depth,
        lift_m=0.17 * hop,
        arm_l_fore=-0.2 * depth + 0.15 * hop,
        hand_l_fore=0.15 + 0.25 * hop,
        arm_r_fore=-0.22 * depth + 0.12 * hop,
        hand_r_fore=0.12 + 0.22 * hop,
        thigh_l_fore=0.1 + 0.42 * depth + tuck,
        shin_l_fore=-0.22 - 0.36 * depth - 0.6 * tuck,
        thigh_r_fore=0.07 + 0.42 * depth + tuck,
        shin_r_fore=-0.26 - 0.36 * depth - 0.6 * tuck,
    )


def jump_in_place(phase: float) -> Pose:
    """Jump up and down on the spot, arms at the sides."""
    depth = crouch_depth(phase)
    return Pose(
        lean=0.14 * depth,
        lift_m=0.24 * hop_height(phase),
        arm_l_out=0.1,
        arm_r_out=0.1,
        hand_l_fore=0.1,
        hand_r_fore=0.1,
        thigh_l_fore=0.62 * depth,
        thigh_r_fore=0.62 * depth,
        shin_l_fore=-0.62 * depth,
        shin_r_fore=-0.62 * depth,
    )


def jumping_jack(phase: float) -> Pose:
    """Spread the legs and clap overhead, then close again, with a hop each time."""
    spread = 0.5 - 0.5 * cos(2 * pi * phase)
    arm = 0.12 + 2.78 * spread
    return Pose(
        lift_m=0.09 * abs(sin(2 * pi * phase)),
        arm_l_out=arm,
        hand_l_out=arm + 0.14 * spread,
        arm_r_out=arm,
        hand_r_out=arm + 0.14 * spread,
        hand_l_fore=0.0,
        hand_r_fore=0.0,
        thigh_l_out=0.04 + 0.4 * spread,
        shin_l_out=0.03 + 0.38 * spread,
        thigh_r_out=0.04 + 0.4 * spread,
        shin_r_out=0.03 + 0.38 * spread,
    )


def wave_one_hand(phase: float) -> Pose:
    """Swing one straight arm between the shoulder's height and overhead."""
    arm = 2.28 + 0.74 * cos(2 * pi * phase)
    return Pose(arm_r_out=arm - 0.05, hand_r_out=arm + 0.14, hand_r_fore=0.0)


def wave_two_hands(phase: float) -> Pose:
    """Swing both straight arms between the shoulders' height and overhead."""
    arm = 2.26 + 0.78 * cos(2 * pi * phase)
    return Pose(
        arm_l_out=arm - 0.05,
        hand_l_out=arm + 0.12,
        hand_l_fore=0.0,
        arm_r_out=arm - 0.05,
        hand_r_out=arm + 0.12,
        hand_r_fore=0.0,
    )


def sidestep(phase: float) -> Pose:
    """Gallop sideways, to the figure's left, facing the viewer."""
    apart = 0.5 - 0.5 * cos(2 * pi * phase)
    lead = 0.5 - 0.5 * cos(2 * pi * phase + 0.5)
    return Pose(
        lift_m=0.05 * max(0.0, sin(2 * pi * phase + 2.6)),
        thigh_l_out=0.02 + 0.36 * lead,
        shin_l_out=0.02 + 0.34 * lead,
        thigh_r_out=0.02 + 0.34 * apart,
        shin_r_out=0.02 + 0.38 * apart,
        thigh_l_fore=0.12 * (1 - apart),
        shin_l_fore=-0.12 * (1 - apart),
        arm_l_out=0.13 + 0.1 * apart,
        arm_r_out=0.13 + 0.1 * apart,
    )


def bend_down(phase: float) -> Pose:
    """Bend down with straight legs, touch the ground and come up again."""
    at = phase % 1.0
    if at < 0.4:
        depth = math.sin(pi / 2 * at / 0.4) ** 2
    elif at < 0.55:
        depth = 1.0
    else:
        depth = math.cos(pi / 2 * (at - 0.55) / 0.45) ** 2
    return Pose(
        lean=1.78 * depth,
        nod=0.42 * depth,
        arm_l_fore=0.06 + 0.06 * depth,
        hand_l_fore=0.16 - 0.06 * depth,
        arm_r_fore=0.06 - 0.02 * depth,
        hand_r_fore=0.16 - 0.12 * depth,
        thigh_l_fore=0.12 * depth,
        shin_l_fore=-0.34 * depth,
        thigh_r_fore=0.16 * depth,
        shin_r_fore=-0.38 * depth,
    )


ACTIONS: Mapping[str, Action] = {
    "walk": Action(walk, 1.08, speed_mps=1.3, side_on=True, cycles=(4, 7)),
    "run": Action(run, 0.68, speed_mps=2.9, side_on=True, cycles=(6, 9)),
    "skip": Action(skip, 0.56, speed_mps=1.9, side_on=True, cycles=(7, 10)),
    "jump": Action(jump_forward, 0.66, speed_mps=1.4, side_on=True, cycles=(5, 8)),
    "side": Action(sidestep, 0.66, speed_mps=1.35, cycles=(6, 8)),
    "bend": Action(bend_down, 2.8, side_on=True, cycles=(2, 2)),
    "jack": Action(jumping_jack, 1.16, cycles=(4, 5)),
    "pjump": Action(jump_in_place, 0.74, cycles=(6, 8)),
    "wave1": Action(wave_one_hand, 1.3, cycles=(4, 5)),
    "wave2": Action(wave_two_hands, 1.3, cycles=(4, 5)),
}
"""What the figure does, by the labels of the Weizmann set, at the speeds seen there."""

IDLE = Action(stand, 3.2)
