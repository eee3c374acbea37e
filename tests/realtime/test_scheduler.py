"""Claims about who goes next, with feeds made by hand."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable

import numpy as np

from actrec.realtime.frame import Frame
from actrec.realtime.scheduler import Ended, Scheduler
from actrec.realtime.sources.feed import FeedStatus

IMAGE = np.zeros((8, 8, 3), np.uint8)


class HandFeed:
    """Gives the frames that were put into it."""

    error = None

    def __init__(self, name: str, *, live: bool, after: HandFeed | None = None) -> None:
        self.name, self.live, self.after = name, live, after
        self.frames: list[Frame] = []
        self.over = False
        self.stopped = False

    def put(self, media_time: float, age_s: float = 0.0) -> None:
        captured = time.monotonic() - age_s
        self.frames.append(Frame(IMAGE, self.name, len(self.frames), media_time, media_time, captured))

    def start(self, due: Callable[[float], bool], wake: threading.Event) -> None:
        raise AssertionError("the scheduler starts nothing")

    def poll(self) -> Frame | None:
        return self.frames.pop(0) if self.frames else None

    @property
    def done(self) -> bool:
        return self.over and not self.frames

    def status(self) -> FeedStatus:
        return FeedStatus()

    def halt(self) -> None:
        pass

    def stop(self) -> None:
        self.stopped = True


def scheduler(*feeds: HandFeed, duration_s: float | None = None) -> Scheduler:
    return Scheduler(feeds, threading.Event(), max_staleness_s=0.5, duration_s=duration_s)


def names(turns: list[list[Frame] | Ended]) -> list[str]:
    return [
        f"end {turn.source}" if isinstance(turn, Ended) else "+".join(frame.source for frame in turn)
        for turn in turns
    ]


def test_due_frames_of_live_sources_go_together() -> None:
    feeds = [HandFeed(name, live=True) for name in "abc"]
    for feed in feeds:
        feed.put(0.0)
    assert names(scheduler(*feeds).turns(0.0)) == ["a+b+c"]


def test_a_live_source_gives_one_frame_a_batch_and_a_slow_one_holds_up_nobody() -> None:
    quick, slow = HandFeed("quick", live=True), HandFeed("slow", live=True)
    quick.put(0.0)
    quick.put(0.1)
    plan = scheduler(quick, slow)
    assert names(plan.turns(0.0)) == ["quick"]
    assert names(plan.turns(0.0)) == ["quick"]


def test_what_is_too_old_is_dropped_and_counted() -> None:
    feed = HandFeed("door", live=True)
    feed.put(0.0, age_s=2.0)
    feed.put(0.1, age_s=0.6)
    feed.put(0.2, age_s=0.1)
    plan = scheduler(feed)
    (batch,) = plan.turns(0.0)
    assert not isinstance(batch, Ended)
    assert batch[0].media_time == 0.2
    assert plan.stale == {"door": 2}


def test_a_slow_machine_drops_earlier_so_that_the_label_is_still_fresh() -> None:
    feed = HandFeed("door", live=True)
    plan = scheduler(feed)
    plan.took(0.3, frames=1)
    feed.put(0.0, age_s=0.3)
    assert plan.turns(0.0) == []
    assert plan.stale == {"door": 1}


def test_a_machine_slower_than_the_staleness_still_takes_what_has_just_come() -> None:
    feed = HandFeed("door", live=True)
    plan = scheduler(feed)
    plan.took(2.0, frames=1)
    feed.put(0.0, age_s=0.2)
    feed.put(0.1, age_s=0.01)
    assert names(plan.turns(0.0)) == ["door"]
    assert plan.stale == {"door": 1}


def test_a_batch_is_no_larger_than_the_machine_bears_and_everybody_has_a_turn() -> None:
    feeds = [HandFeed(name, live=True) for name in "abcd"]
    plan = scheduler(*feeds)
    plan.took(0.16, frames=2)
    seen = []
    for _ in range(4):
        for feed in feeds:
            if not feed.frames:
                feed.put(0.0)
        seen += names(plan.turns(0.0))
    assert seen == ["a+b", "c+d", "a+b", "c+d"]


def test_of_two_frames_that_wait_the_older_gives_way_once_half_of_its_time_is_over() -> None:
    feed = HandFeed("door", live=True)
    feed.put(0.0, age_s=0.1)
    feed.put(0.1, age_s=0.0)
    plan = scheduler(feed)
    assert [turn[0].media_time for turn in plan.turns(0.0) if not isinstance(turn, Ended)] == [0.0]
    feed.put(0.2, age_s=0.3)
    assert plan.stale == {"door": 0}
    feed.frames = feed.frames[1:]
    feed.put(0.3, age_s=0.05)
    assert [turn[0].media_time for turn in plan.turns(0.0) if not isinstance(turn, Ended)] == [0.3]
    assert plan.stale == {"door": 1}


def test_files_take_strict_turns_whatever_the_decoder_does() -> None:
    first, second = HandFeed("first", live=False), HandFeed("second", live=False)
    plan = scheduler(first, second)
    first.put(0.0)
    first.put(0.1)
    assert names(plan.turns(0.0)) == ["first"], "the second is not decoded yet: it is waited for"
    assert names(plan.turns(0.0)) == []
    second.put(0.0)
    assert names(plan.turns(0.0)) == ["second", "first"]


def test_a_file_never_loses_a_frame_for_its_age() -> None:
    feed = HandFeed("clip", live=False)
    feed.put(0.0, age_s=100.0)
    assert names(scheduler(feed).turns(0.0)) == ["clip"]


def test_the_next_clip_of_a_folder_takes_the_place_of_the_one_before() -> None:
    first = HandFeed("first", live=False)
    second = HandFeed("second", live=False, after=first)
    other = HandFeed("other", live=False)
    plan = scheduler(first, second, other)
    first.over = True
    other.put(0.0)
    assert names(plan.turns(0.0)) == ["end first", "other"]
    second.put(0.0)
    second.over = other.over = True
    assert names(plan.turns(0.0)) == ["second", "end other"]
    assert names(plan.turns(0.0)) == ["end second"]
    assert plan.done


def test_a_file_is_over_after_the_duration_of_its_media() -> None:
    feed = HandFeed("clip", live=False)
    feed.put(0.0)
    feed.put(1.0)
    plan = scheduler(feed, duration_s=1.0)
    assert names(plan.turns(0.0)) == ["clip"]
    assert names(plan.turns(0.0)) == ["end clip"]
    assert feed.stopped


def test_a_live_source_is_over_after_as_much_real_time() -> None:
    feed = HandFeed("door", live=True)
    plan = scheduler(feed, duration_s=0.05)
    assert plan.turns(0.0) == []
    time.sleep(0.06)
    assert names(plan.turns(0.0)) == ["end door"]
    assert plan.done
