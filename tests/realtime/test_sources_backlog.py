"""What a server sends at once on opening is old; what follows in real time is not."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import pytest

from actrec.realtime.sources.backlog import skip_backlog
from actrec.realtime.sources.connection import Capture


def captures(pairs: list[tuple[float | None, float]]) -> Iterator[Capture]:
    """Captures of (timestamp, arrival) pairs."""
    for stamp_s, arrived_s in pairs:
        yield Capture(stamp_s, (2, 2), lambda: np.zeros((2, 2, 3), np.uint8), arrived_s)


def test_a_stream_in_real_time_has_no_backlog() -> None:
    seen = list(skip_backlog(captures([(50 + 0.04 * k, 10 + 0.04 * k) for k in range(20)]), 0.04))
    assert len(seen) == 20
    assert all(capture.fresh for capture in seen)


def test_of_a_burst_only_the_last_fifth_of_a_second_is_fresh() -> None:
    # 0.92 s of pictures at once, then real time.
    burst = [(0.04 * k, 10 + 0.001 * k) for k in range(23)]
    after = [(0.04 * k, 10.02 + 0.04 * (k - 22)) for k in range(23, 40)]
    seen = list(skip_backlog(captures(burst + after), 0.04))
    assert [round(capture.stamp_s or 0.0, 2) for capture in seen] == [round(0.04 * k, 2) for k in range(40)]
    assert [k for k, capture in enumerate(seen) if capture.fresh] == list(range(17, 40))


def test_the_first_picture_without_a_timestamp_gets_one() -> None:
    seen = list(skip_backlog(captures([(None, 10.0), (7.0, 10.001), (7.04, 10.04), (7.08, 10.08)]), 0.04))
    assert [capture.stamp_s for capture in seen] == pytest.approx([6.96, 7.0, 7.04, 7.08])
    assert all(capture.fresh for capture in seen)


def test_pictures_without_timestamps_are_judged_by_the_nominal_rate() -> None:
    seen = list(skip_backlog(captures([(None, 10 + 0.001 * k) for k in range(20)] + [(None, 10.1)]), 0.04))
    assert [capture.fresh for capture in seen] == [False] * 14 + [True] * 7


def test_a_server_that_never_catches_up_is_taken_as_it_is() -> None:
    seen = list(skip_backlog(captures([(0.04 * k, 10 + 0.01 * k) for k in range(1000)]), 0.04))
    assert len(seen) == 1000
    assert sum(not capture.fresh for capture in seen) == pytest.approx(300, abs=10)


@pytest.mark.parametrize("count", [0, 1, 2])
def test_a_stream_that_ends_at_once_loses_nothing(count: int) -> None:
    seen = list(skip_backlog(captures([(0.04 * k, 10.0) for k in range(count)]), 0.04))
    assert [capture.fresh for capture in seen] == [True] * count
