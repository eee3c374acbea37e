"""Claims about a machine that is too slow."""

from __future__ import annotations

import pytest

from actrec.realtime.adapt import LEAST, Adaptation, DueForAny


def test_the_rate_falls_while_frames_are_dropped_and_comes_back_when_there_is_time() -> None:
    adaptation = Adaptation(enabled=True, _looked=0.0)
    for second in range(1, 20):
        adaptation.worked(1.0)
        adaptation.look(dropped=second * 5, now=float(second))
    assert adaptation.share == LEAST
    for second in range(20, 60):
        adaptation.worked(0.1)
        adaptation.look(dropped=95, now=float(second))
    assert adaptation.share == 1.0


def test_without_being_asked_the_rate_stays() -> None:
    adaptation = Adaptation(enabled=False, _looked=0.0)
    adaptation.worked(5.0)
    adaptation.look(dropped=100, now=5.0)
    assert adaptation.share == 1.0


def test_every_source_is_sampled_less_by_the_same_share() -> None:
    share = 1.0
    due = [DueForAny([10.0], lambda: share) for _ in range(3)]
    full = [sum(source(n / 25) for n in range(250)) for source in due]
    share = 0.5
    half = [sum(source(10.0 + n / 25) for n in range(250)) for source in due]
    assert full == pytest.approx([100] * 3, abs=1)
    assert half == pytest.approx([50] * 3, abs=1)


def test_a_frame_is_due_if_any_model_wants_it() -> None:
    both, slow, quick = (DueForAny(fps, lambda: 1.0) for fps in ([5.0, 8.0], [5.0], [8.0]))
    times = [n / 40 for n in range(80)]
    slow_times = {time for time in times if slow(time)}
    quick_times = {time for time in times if quick(time)}
    assert {time for time in times if both(time)} == slow_times | quick_times
