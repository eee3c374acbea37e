"""Timestamps of cameras lie; the clock of a stream tells when, in numbers worked out by hand."""

from __future__ import annotations

import math
import random
from collections.abc import Iterable
from itertools import pairwise

import pytest

from actrec.realtime.sources.clock import StreamClock, Tick


def run(pairs: Iterable[tuple[float | None, float]]) -> list[Tick]:
    """Show a clock (timestamp, arrival) pairs."""
    clock = StreamClock()
    return [clock.tick(stamp_s, arrival_s) for stamp_s, arrival_s in pairs]


def faults(ticks: list[Tick]) -> list[str]:
    return [tick.fault for tick in ticks if tick.fault]


def rises(ticks: list[Tick]) -> bool:
    return all(b.media_time > a.media_time for a, b in pairwise(ticks))


def test_jitter_of_the_network_is_not_in_the_media_time() -> None:
    rng = random.Random(1)
    late = [rng.uniform(0.0, 0.2) for _ in range(500)]
    late[50] = 0.0
    ticks = run((7000 + 0.04 * k, 100 + 0.04 * k + late[k]) for k in range(500))
    steps = [b.media_time - a.media_time for a, b in pairwise(ticks)]
    assert steps == pytest.approx([0.04] * 499, abs=1e-9)
    assert [tick.lag_s for tick in ticks[50:]] == pytest.approx(late[50:], abs=1e-9)
    assert faults(ticks) == []


def test_a_clock_that_is_a_little_fast_or_slow_is_followed_for_a_day() -> None:
    for rate in (1 - 3e-4, 1 + 3e-4):
        ticks = run((rate * k, float(k) + 0.02 * (k % 3)) for k in range(86400 // 2))
        assert faults(ticks) == []
        assert not any(tick.gap for tick in ticks[1:] if tick.media_time < 1)
        assert max(tick.lag_s for tick in ticks) < 0.08
        assert ticks[-1].media_time == pytest.approx(rate * (86400 // 2 - 1))


def test_a_clock_set_back_is_one_fault_and_no_gap() -> None:
    ticks = run((50 + 0.1 * k - (30 if k >= 20 else 0), 10 + 0.1 * k) for k in range(60))
    assert faults(ticks) == ["timestamp ran back by 29.90 s"]
    assert rises(ticks)
    assert not any(tick.gap for tick in ticks)
    assert ticks[-1].media_time == pytest.approx(5.9, abs=0.01)


def test_a_clock_set_forward_is_one_fault_and_no_gap() -> None:
    ticks = run((50 + 0.1 * k + (3600 if k >= 20 else 0), 10 + 0.1 * k) for k in range(60))
    assert faults(ticks) == ["timestamp jumped ahead by 3600.10 s"]
    assert not any(tick.gap for tick in ticks)
    assert ticks[-1].media_time == pytest.approx(5.9, abs=0.01)


def test_repeated_timestamps_fall_back_to_arrival_and_are_one_fault() -> None:
    ticks = run((5.0 if 20 <= k < 40 else 0.1 * k, 10 + 0.1 * k) for k in range(60))
    assert len(faults(ticks)) == 1
    assert rises(ticks)
    assert [tick.media_time for tick in ticks[20:40]] == pytest.approx(
        [0.1 * k for k in range(20, 40)], abs=0.01
    )


def test_timestamps_that_always_stand_still_are_one_fault_for_ever() -> None:
    ticks = run((0.0, 10 + 0.1 * k) for k in range(1000))
    assert faults(ticks) == ["timestamp repeats"]
    assert ticks[-1].media_time == pytest.approx(99.9, abs=0.01)


def test_no_timestamps_is_no_fault() -> None:
    ticks = run((None, 10 + 0.1 * k) for k in range(50))
    assert faults(ticks) == []
    assert [tick.media_time for tick in ticks] == pytest.approx([0.1 * k for k in range(50)])


def test_a_missing_timestamp_among_good_ones_costs_nothing() -> None:
    ticks = run((None if k in (0, 7, 30, 31) else 900 + 0.1 * k, 10 + 0.1 * k) for k in range(60))
    assert faults(ticks) == []
    assert [tick.media_time for tick in ticks] == pytest.approx([0.1 * k for k in range(60)])
    assert max(tick.lag_s for tick in ticks) < 1e-9


def test_a_silence_is_a_gap() -> None:
    ticks = run((0.1 * k + (4 if k >= 20 else 0), 10 + 0.1 * k + (4 if k >= 20 else 0)) for k in range(40))
    assert [k for k, tick in enumerate(ticks) if tick.gap] == [20]
    assert ticks[20].media_time == pytest.approx(6.0)
    assert faults(ticks) == []


def test_a_hiccup_of_the_network_is_lag_and_no_gap() -> None:
    # Three seconds of pictures are held up and then come within a tenth of a second.
    def arrival(k: int) -> float:
        return 10 + 0.1 * k if k < 20 or k >= 50 else 10 + 4.9 + 0.003 * (k - 20)

    ticks = run((0.1 * k, arrival(k)) for k in range(80))
    assert not any(tick.gap or tick.fault for tick in ticks)
    assert ticks[20].lag_s == pytest.approx(2.9)
    assert ticks[45].lag_s == pytest.approx(4.9 + 0.075 - 4.5)
    assert ticks[79].lag_s == pytest.approx(0.0)


def test_timestamps_at_half_speed_are_found_out() -> None:
    ticks = run((0.05 * k, 10 + 0.1 * k) for k in range(600))
    assert "timestamps stay 1.6 s behind" in faults(ticks)
    assert len(faults(ticks)) <= 5, "each time it is believed half as often"
    assert rises(ticks)
    assert sum(tick.lag_s > 0.5 for tick in ticks) < 120
    assert not any(tick.gap for tick in ticks)


def test_a_new_constant_delay_is_accepted_after_two_seconds() -> None:
    ticks = run((0.1 * k, 10 + 0.1 * k + (1.0 if k >= 100 else 0.0)) for k in range(300))
    assert [round(tick.lag_s, 3) for tick in ticks[100:120]] == [1.0] * 20
    assert faults(ticks) == ["timestamps stay 1.0 s behind"]
    assert all(tick.lag_s < 0.01 for tick in ticks[125:])


def test_after_a_reconnect_time_goes_on_by_arrival_whatever_the_new_timestamps_are() -> None:
    clock = StreamClock()
    for k in range(50):
        clock.tick(1000 + 0.1 * k, 10 + 0.1 * k)
    clock.restart()
    first = clock.tick(3.0, 20.0)
    assert first.media_time == pytest.approx(10.0)
    assert first.gap
    assert clock.tick(3.1, 20.1).media_time == pytest.approx(10.1)


def test_media_time_rises_whatever_comes() -> None:
    rng = random.Random(2)
    clock = StreamClock()
    arrival, stamp, last = 0.0, 0.0, -math.inf
    for _ in range(20000):
        arrival += rng.choice([0.001, 0.04, 0.04, 0.04, 2.0])
        stamp += rng.choice([0.04, 0.04, 0.04, 0.0, -5.0, 30.0])
        if rng.random() < 0.002:
            clock.restart()
        tick = clock.tick(None if rng.random() < 0.05 else stamp, arrival)
        assert tick.media_time > last
        assert tick.lag_s >= 0
        last = tick.media_time
