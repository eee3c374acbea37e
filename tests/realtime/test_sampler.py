"""Claims about sampling by time."""

from __future__ import annotations

import itertools
import random

import pytest

from actrec.realtime.sampler import Sampler


def take(times: list[float], fps: float = 10.0) -> list[float]:
    sampler = Sampler(fps)
    return [time for time in times if sampler.due(time)]


@pytest.mark.parametrize("camera_fps", [10.0, 12.5, 15.0, 24.0, 25.0, 29.97, 30.0, 50.0, 60.0])
def test_ten_a_second_are_taken_from_any_camera_that_gives_as_many(camera_fps: float) -> None:
    taken = take([number / camera_fps for number in range(int(camera_fps * 60))])
    assert len(taken) == pytest.approx(600, abs=1)
    gaps = [after - before for before, after in itertools.pairwise(taken)]
    assert max(gaps) <= 0.1 + 1.0 / camera_fps + 1e-6


def test_a_slower_camera_gives_every_frame() -> None:
    times = [number / 8.0 for number in range(80)]
    assert take(times) == times


def test_a_camera_at_the_same_rate_loses_no_frame_to_jitter() -> None:
    rng = random.Random(4)
    times = [number / 10.0 + rng.uniform(-0.03, 0.03) for number in range(1, 600)]
    assert len(take(times)) >= 597


def test_a_sampler_takes_again_what_a_sampler_took() -> None:
    rng = random.Random(5)
    times, now = [], 0.0
    for _ in range(2000):
        now += rng.choice([0.016, 0.033, 0.04, 0.2, 0.9])
        times.append(now)
    taken = take(times)
    assert take(taken) == taken


def test_a_gap_is_followed_by_one_frame_not_by_a_burst() -> None:
    times = [0.0, 0.04, 0.08, 5.0, 5.01, 5.02, 5.03]
    assert take(times) == [0.0, 0.08, 5.0]


def test_a_clock_that_runs_backwards_starts_a_new_grid() -> None:
    assert take([10.0, 10.1, 0.0, 0.04, 0.1]) == [10.0, 10.1, 0.0, 0.1]
