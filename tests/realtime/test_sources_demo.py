"""The drawn demo: the same for a seed, true to its script, and a source like any other."""

from __future__ import annotations

import time
from itertools import pairwise
from typing import Any

import numpy as np
import pytest

from actrec.realtime.sources import SourceOptions, open_feeds, parse_source
from actrec.realtime.sources.demo import FPS, DemoSettings, Stage, demo_script, read_demo
from actrec.realtime.sources.figure import Clothes, limbs_of
from actrec.realtime.sources.motion import ACTIONS
from actrec.realtime.sources.pose import blend
from actrec.realtime.sources.script import STAGE_M, place, pose_at


def test_a_seed_gives_the_same_pictures_in_any_order_and_another_seed_others() -> None:
    first, second, other = Stage(DemoSettings(3)), Stage(DemoSettings(3)), Stage(DemoSettings(4))
    numbers = [0, 40, 700, 41]
    pictures = {number: first.draw(number) for number in numbers}
    assert all((second.draw(number) == pictures[number]).all() for number in reversed(numbers))
    assert (other.draw(700) != pictures[700]).any()
    assert pictures[0].shape == (360, 640, 3)
    assert pictures[0].dtype == np.uint8


def test_the_script_has_no_holes_and_shows_every_action_before_any_comes_again() -> None:
    spans = demo_script(seed=5, duration_s=200)
    assert spans[0].start_s == 0.0
    assert all(a.end_s == b.start_s for a, b in pairwise(spans))
    assert spans[-1].end_s >= 200
    actions = [span.label for span in spans if span.label != "idle"]
    assert sorted(actions[:10]) == sorted(ACTIONS)
    assert sorted(actions[10:20]) == sorted(ACTIONS)
    assert all({a.label, b.label} & {"idle"} for a, b in pairwise(spans)), "actions are apart"
    assert all(3 < span.end_s - span.start_s < 9 for span in spans if span.label != "idle")
    assert demo_script(5, 200) == spans
    assert demo_script(5, 20) == spans[: len(demo_script(5, 20))]


def test_the_background_changes_only_while_nothing_happens() -> None:
    spans = demo_script(seed=1, duration_s=300)
    cuts = [(a.label, b.label) for a, b in pairwise(spans) if a.scene != b.scene]
    assert len(cuts) >= 6
    assert set(cuts) == {("idle", "idle")}


@pytest.mark.parametrize("seed", range(4))
def test_the_figure_stays_in_the_picture_stands_on_the_ground_and_never_leaps(seed: int) -> None:
    spans = demo_script(seed, 80)
    before: tuple[int, float] | None = None
    for number in range(0, 80 * FPS):
        time_s = number / FPS
        span = next(span for span in spans if span.start_s <= time_s < span.end_s)
        at_m, _ = place(span, time_s)
        assert abs(at_m) <= STAGE_M + 1e-6
        if before is not None and before[0] == span.scene:
            assert abs(at_m - before[1]) < 0.12, f"a leap at {time_s}"
        before = (span.scene, at_m)
        if number % 5 == 0:
            pose = pose_at(span, time_s)
            low = min(min(limb.start[1], limb.end[1]) for limb in limbs_of(pose, Clothes()))
            assert 0.0 <= low <= pose.lift_m + 0.05


@pytest.mark.parametrize("label", ACTIONS)
def test_every_action_is_one_smooth_cycle(label: str) -> None:
    action = ACTIONS[label]
    step = 1 / FPS / action.period_s

    def points(phase: float) -> np.ndarray[Any, Any]:
        return np.array([limb.end for limb in limbs_of(action.pose(phase), Clothes())])

    phases = np.arange(0.0, 2.0, step)
    speeds = [np.abs(points(b) - points(a)).max() * FPS for a, b in pairwise(phases)]
    assert max(speeds) < 9.0, "metres a second: no hand and no foot jumps"
    assert np.abs(points(0.37) - points(1.37)).max() < 1e-9


def test_blending_begins_and_ends_with_its_poses() -> None:
    first, second = ACTIONS["walk"].pose(0.2), ACTIONS["jack"].pose(0.5)
    assert blend(first, second, 0.0) == first
    assert blend(first, second, 1.0) == second


def test_pictures_move_while_something_happens_and_rest_while_not() -> None:
    stage = Stage(DemoSettings(2))
    moved: dict[bool, list[float]] = {True: [], False: []}
    for span in demo_script(2, 40):
        middle = round((span.start_s + span.end_s) / 2 * FPS)
        a, b = stage.draw(middle).astype(int), stage.draw(middle + 5).astype(int)
        moved[span.label != "idle"].append(float((np.abs(a - b).max(axis=2) > 40).mean()))
    assert max(moved[False]) < min(moved[True]) / 2


def test_not_live_it_gives_every_due_frame_and_ends(watch: Any) -> None:
    feeds = open_feeds([parse_source("demo:seed=1,seconds=4")], SourceOptions(live_demo=False))
    assert not feeds[0].live
    watcher = watch(feeds, fps=10)
    assert watcher.run(20)
    frames = watcher.frames["demo"]
    assert len(frames) == 41
    assert [frame.index for frame in frames][:5] == [0, 2, 4, 7, 9]
    truth = {
        index: picture for index, picture in enumerate(read_demo(DemoSettings(1, 4.0))) if index in (4, 47)
    }
    assert all(
        (truth[frame.index].convert() == frame.image).all() for frame in frames if frame.index in truth
    )


def test_live_it_keeps_real_time_and_ends_after_its_seconds(watch: Any) -> None:
    feeds = open_feeds([parse_source("demo:seconds=1.5")])
    assert feeds[0].live
    began = time.monotonic()
    watcher = watch(feeds, fps=10)
    assert watcher.run(5)
    assert time.monotonic() - began == pytest.approx(1.5, abs=0.4)
    frames, times = watcher.frames["demo"], watcher.times["demo"]
    assert 11 <= len(frames) <= 16
    assert all(at - frame.captured < 0.5 for frame, at in zip(frames, times, strict=True))
    assert feeds[0].status().state == "ended"


def test_only_the_actions_that_were_asked_for_come() -> None:
    stage = Stage(DemoSettings(0, None, ("walk", "wave2")))
    assert {span.label for span in stage.play.spans(120)} == {"idle", "walk", "wave2"}
