"""What the drawn figure does and when: an endless, seeded play with true labels."""

from __future__ import annotations

import bisect
from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np

from .motion import ACTIONS, IDLE, Action
from .pose import SIDE_ON, Pose, blend, mirrored

BLEND_S = 0.4
"""From standing into an action and back."""
STAGE_M = 2.35
"""How far from the middle of the picture the figure goes before it turns."""
IDLE_LABEL = "idle"


@dataclass(frozen=True, slots=True)
class Span:
    """A stretch of the play with its true label."""

    label: str
    """A label of the Weizmann set, or `idle`."""
    start_s: float
    end_s: float
    scene: int
    """Number of the background, counted through the play."""
    start_m: float = 0.0
    """Where the figure is at the start, right of the middle."""
    heading: int = 1
    """1: to the right of the picture; -1: to the left."""


class Play:
    """The play of one seed, written as far as it is asked for.

    Every action comes once before any comes again; the figure stands idle in between, and the background
    changes while it does.
    """

    def __init__(self, seed: int, actions: Sequence[str] = tuple(ACTIONS)) -> None:
        self._rng = np.random.default_rng(seed)
        self._actions = tuple(actions)
        self._bag: list[str] = []
        self._spans: list[Span] = []
        self._starts: list[float] = []
        self._place_m = 0.0
        self._until_cut = 3
        self._scene = 0
        self._add(IDLE_LABEL, 1.0)

    def spans(self, duration_s: float) -> list[Span]:
        """Return all spans that begin before `duration_s`."""
        self.at(duration_s)
        return [span for span in self._spans if span.start_s < duration_s]

    def at(self, time_s: float) -> Span:
        """Return the span that `time_s` lies in."""
        while self._spans[-1].end_s <= time_s:
            self._write()
        return self._spans[bisect.bisect_right(self._starts, time_s) - 1]

    def _write(self) -> None:
        if not self._bag:
            self._bag = [str(name) for name in self._rng.permutation(self._actions)]
        label = self._bag.pop()
        action = ACTIONS[label]
        cycles = int(self._rng.integers(action.cycles[0], action.cycles[1] + 1))
        self._add(label, cycles * action.period_s)
        pause_s = float(self._rng.uniform(1.4, 2.4))
        self._until_cut -= 1
        if self._until_cut > 0:
            self._add(IDLE_LABEL, pause_s)
            return
        self._add(IDLE_LABEL, pause_s / 2)
        self._until_cut = int(self._rng.integers(2, 4))
        self._scene += 1
        self._place_m = float(self._rng.uniform(-1.2, 1.2))
        self._add(IDLE_LABEL, 1.0)

    def _add(self, label: str, duration_s: float) -> None:
        start_s = self._spans[-1].end_s if self._spans else 0.0
        heading = 1 if self._place_m < self._rng.uniform(-0.6, 0.6) else -1
        span = Span(label, start_s, start_s + duration_s, self._scene, self._place_m, heading)
        self._spans.append(span)
        self._starts.append(start_s)
        self._place_m = place(span, span.end_s)[0]


def action_of(span: Span) -> Action:
    """Return what the figure does in a span."""
    return ACTIONS.get(span.label, IDLE)


def place(span: Span, time_s: float) -> tuple[float, int]:
    """Return where the figure is (m right of the middle) and which way it goes; it turns at the edges."""
    speed = action_of(span).speed_mps
    if not speed:
        return span.start_m, span.heading
    passed_s, whole_s = time_s - span.start_s, span.end_s - span.start_s
    covered = _eased(passed_s) - _eased(0.0)
    left_s = whole_s - passed_s
    if left_s < BLEND_S:
        covered = whole_s - BLEND_S - left_s * left_s / (2 * BLEND_S)
    along = span.start_m + STAGE_M if span.heading > 0 else STAGE_M - span.start_m
    folded = (along + speed * covered) % (4 * STAGE_M)
    back = folded > 2 * STAGE_M
    distance = (4 * STAGE_M - folded if back else folded) - STAGE_M
    return span.heading * distance, -span.heading if back else span.heading


def _eased(passed_s: float) -> float:
    return passed_s * passed_s / (2 * BLEND_S) if passed_s < BLEND_S else passed_s - BLEND_S / 2


def pose_at(span: Span, time_s: float) -> Pose:
    """Return the figure's pose, eased from and to standing at the ends of an action."""
    action = action_of(span)
    standing = IDLE.pose(time_s / IDLE.period_s)
    if action is IDLE:
        return standing
    passed_s, left_s = time_s - span.start_s, span.end_s - time_s
    pose = action.pose(passed_s / action.period_s)
    heading = place(span, time_s)[1]
    if action.side_on:
        pose = replace(pose, turn=SIDE_ON * 0.92 * _turn(span, time_s, heading))
    elif action.speed_mps and heading < 0:
        pose = mirrored(pose)
    return blend(standing, pose, min(1.0, passed_s / BLEND_S, left_s / BLEND_S))


def _turn(span: Span, time_s: float, heading: int) -> float:
    """Return -1..1: the heading, smoothed over the moment in which the figure turns about."""
    if not action_of(span).speed_mps:
        return float(heading)
    samples = [place(span, min(max(time_s + shift, span.start_s), span.end_s))[1] for shift in _SHIFTS]
    return sum(samples) / len(samples)


_SHIFTS = tuple(np.linspace(-0.2, 0.2, 17))
