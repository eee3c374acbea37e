"""Claims about when the past is forgotten, and when a frame need not be encoded."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from actrec.realtime.continuity import Continuity
from actrec.realtime.frame import Frame
from actrec.realtime.gate import SETTLE_FRAMES, MotionCounter, MotionGate

RNG = np.random.default_rng(0)


def scene(seed: int) -> NDArray[np.uint8]:
    coarse = np.random.default_rng(seed).integers(0, 200, (6, 6, 3), dtype=np.uint8)
    return np.kron(coarse, np.ones((16, 16, 1), np.uint8))


def frame(time_s: float, epoch: int = 0) -> Frame:
    return Frame(scene(0), "door", 0, time_s, time_s, time_s, epoch)


def test_steady_frames_are_one_stream() -> None:
    watch = Continuity()
    assert [watch.broken_by(frame(n / 10), scene(0)) for n in range(5)] == [None] * 5


def test_a_reconnect_a_gap_and_a_cut_break_it() -> None:
    watch = Continuity()
    watch.broken_by(frame(0.0), scene(0))
    assert watch.broken_by(frame(0.1, epoch=1), scene(0)) == "reconnect"
    assert watch.broken_by(frame(3.0, epoch=1), scene(0)) == "gap"
    assert watch.broken_by(frame(3.1, epoch=1), scene(7)) == "cut"
    assert watch.broken_by(frame(3.2, epoch=1), scene(7)) is None


def test_a_jump_of_the_exposure_is_not_a_cut() -> None:
    watch = Continuity()
    watch.broken_by(frame(0.0), scene(0))
    brighter = np.clip(scene(0).astype(int) + 50, 0, 255).astype(np.uint8)
    assert watch.broken_by(frame(0.1), brighter) is None


def test_what_looks_like_the_frame_before_is_no_cut_and_needs_no_look() -> None:
    watch = Continuity()
    watch.broken_by(frame(0.0), scene(0))
    assert watch.broken_by(frame(0.1), None) is None
    assert watch.broken_by(frame(0.2), scene(7)) == "cut"


def gated(images: list[NDArray[np.uint8]]) -> list[bool]:
    """Return which of some images the gate keeps out."""
    motion, gate = MotionCounter(), MotionGate()
    return [gate.still(motion.count(image)) for image in images]


def test_the_gate_closes_on_noise_after_a_while_and_opens_on_motion() -> None:
    noisy = [np.clip(scene(0) + RNG.normal(0, 4, scene(0).shape), 0, 255).astype(np.uint8) for _ in range(20)]
    moved = noisy[0].copy()
    moved[30:50, 30:40] = 255
    assert gated([*noisy, moved]) == [False] * SETTLE_FRAMES + [True] * (20 - SETTLE_FRAMES) + [False]


def test_the_gate_opens_on_a_change_that_is_slow() -> None:
    still = gated([np.full((96, 96, 3), 60 + level, np.uint8) for level in range(60)])
    assert still.count(False) > SETTLE_FRAMES


def test_frames_that_were_dropped_do_not_close_the_gate() -> None:
    """The count says that the picture changed; only what was encoded since then counts."""
    gate = MotionGate()
    assert [gate.still(0) for _ in range(SETTLE_FRAMES + 1)][-1]
    assert [gate.still(5) for _ in range(SETTLE_FRAMES + 1)] == [False] * SETTLE_FRAMES + [True]
