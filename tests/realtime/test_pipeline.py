"""Claims about the whole loop, with a model made by hand that tells bright from dark."""

from __future__ import annotations

import sys
import threading
import time
from collections.abc import Callable
from pathlib import Path

import av
import numpy as np
import pytest

import actrec
from actrec import Bundle, Event, Frame, Recognizer
from actrec.realtime.pipeline import Pipeline
from actrec.realtime.results import Step
from actrec.realtime.sources import FeedStatus, SourceOptions, open_feeds, parse_source

ROOT = Path(__file__).parent.parent.parent
RAMP = np.tile(np.linspace(0, 40, 64)[None, :, None], (36, 1, 3))
DARK, BRIGHT = RAMP.astype(np.uint8), (RAMP + 210).astype(np.uint8)
"""The same picture in another light: no cut, so the stream goes on."""


class HandFeed:
    """A live source whose frames and faults are put in by hand."""

    live, after, error = True, None, None

    def __init__(self, name: str) -> None:
        self.name = name
        self.waiting: list[Frame] = []
        self.state = FeedStatus(state="running")
        self.over = self.stopped = False
        self.wake = threading.Event()
        self._index = 0

    def put(self, image: np.ndarray, time_s: float, epoch: int = 0) -> None:
        self._index += 1
        frame = Frame(image, self.name, self._index, time_s, 5000.0 + time_s, time.monotonic(), epoch)
        self.waiting.append(frame)
        self.wake.set()

    def start(self, due: Callable[[float], bool], wake: threading.Event) -> None:
        self.wake = wake

    def poll(self) -> Frame | None:
        return self.waiting.pop(0) if self.waiting else None

    @property
    def done(self) -> bool:
        return self.over and not self.waiting

    def status(self) -> FeedStatus:
        return self.state

    def halt(self) -> None:
        pass

    def stop(self) -> None:
        self.stopped = True


def play(model: Bundle, *feeds: HandFeed, script: Callable[[int], None], **options: float) -> list[Event]:
    """Run a pipeline; `script` is called with the number of each step, to put the next frames in."""
    pipeline = Pipeline(feeds, [Recognizer(model)], **options)  # type: ignore[arg-type]
    said: list[Event] = []
    script(0)
    steps = 0
    for item in pipeline.steps():
        said.extend(item.events if isinstance(item, Step) else item)
        if isinstance(item, Step):
            steps += 1
            script(steps)
    assert all(feed.stopped for feed in feeds)
    return said


def test_a_bright_second_is_one_event_at_its_true_times(light_model: Bundle) -> None:
    feed = HandFeed("door")

    def script(step: int) -> None:
        feed.put(BRIGHT if 10 <= step < 20 else DARK, step / 10)
        feed.over = step == 40

    new, end = (event for event in play(light_model, feed, script=script) if event.type != "update")
    assert (new.type, end.type, new.id) == ("new", "end", end.id)
    assert new.media_start == pytest.approx(1.1), "the mean with the dark frame before is below the threshold"
    assert end.media_end == pytest.approx(2.0), "the last step at or above leave"
    assert new.start_time == pytest.approx(5001.1)
    assert new.latency_ms is not None
    assert 0.0 <= new.latency_ms < 1000.0


@pytest.mark.parametrize("state", ["stalled", "reconnecting"])
def test_a_lost_source_ends_its_events_and_leaves_the_others_alone(light_model: Bundle, state: str) -> None:
    lost, other = HandFeed("lost"), HandFeed("other")

    def script(step: int) -> None:
        if step % 2:
            return
        number = step // 2
        other.put(BRIGHT, number / 10)
        if number < 10:
            lost.put(BRIGHT, number / 10)
        if number == 10:
            lost.state = FeedStatus(state=state)  # type: ignore[arg-type]
            lost.over = False
        if number == 20:
            lost.over = other.over = True

    feeds = (lost, other)
    pipeline = Pipeline(feeds, [Recognizer(light_model)])
    said: list[Event] = []
    script(0)
    count = 0
    for item in pipeline.steps():
        said.extend(item.events if isinstance(item, Step) else item)
        if isinstance(item, Step) and item.frame.source == "other":
            count += 1
            script(count * 2)
    by_source = {
        name: [e.type for e in said if e.source == name and e.type != "update"] for name in ("lost", "other")
    }
    assert by_source == {"lost": ["new", "end"], "other": ["new", "end"]}
    ended = [event.source for event in said if event.type == "end"]
    assert ended == ["lost", "other"], "the lost one ends while the other goes on"


def test_a_reconnect_in_the_middle_ends_the_event_and_begins_another(light_model: Bundle) -> None:
    feed = HandFeed("door")

    def script(step: int) -> None:
        feed.put(BRIGHT, step / 10, epoch=step // 10)
        feed.over = step == 19

    said = [event for event in play(light_model, feed, script=script) if event.type != "update"]
    assert [event.type for event in said] == ["new", "end", "new", "end"]
    assert said[0].id != said[2].id


def test_stop_ends_every_event_exactly_once(light_model: Bundle) -> None:
    feeds = [HandFeed(f"camera{n}") for n in range(3)]
    pipeline = Pipeline(feeds, [Recognizer(light_model)])
    said: list[Event] = []
    for feed in feeds:
        feed.put(BRIGHT, 0.0)
    steps = 0
    for item in pipeline.steps():
        said.extend(item.events if isinstance(item, Step) else item)
        if isinstance(item, Step):
            steps += 1
            next(f for f in feeds if f.name == item.frame.source).put(BRIGHT, steps / 30 + 0.1)
            if steps == 60:
                pipeline.stop()
    assert sorted(e.source for e in said if e.type == "new") == ["camera0", "camera1", "camera2"]
    assert sorted(e.source for e in said if e.type == "end") == ["camera0", "camera1", "camera2"]


def test_leaving_the_loop_early_stops_the_sources(light_model: Bundle) -> None:
    before = threading.active_count()
    for event in actrec.watch("demo", light_model, threshold=0.01):
        assert event.source == "demo"
        break
    deadline = time.monotonic() + 3.0
    while threading.active_count() > before and time.monotonic() < deadline:
        time.sleep(0.05)
    assert threading.active_count() == before


def test_half_an_hour_of_stream_has_every_event_in_its_second(tmp_path: Path) -> None:
    sys.path.insert(0, str(ROOT / "benchmarks"))
    try:
        from long_stream import run
    finally:
        sys.path.pop(0)
    figures = run(0.5, tmp_path, quiet=True)
    assert figures["events"] == figures["ends"] == figures["events_wanted"] == 30
    assert figures["start_error_s_worst"] <= 0.1
    assert figures["rss_mb_end"] <= figures["rss_mb_after_first_24th"] * 1.02


def test_a_folder_of_clips_is_watched_one_after_another(light_model: Bundle, tmp_path: Path) -> None:
    for number in range(5):
        with av.open(str(tmp_path / f"clip{number}.mp4"), "w") as container:
            stream = container.add_stream("libx264", rate=25)
            stream.width, stream.height, stream.pix_fmt = 64, 36, "yuv420p"
            for image in [DARK] * 10 + [BRIGHT] * 25:
                container.mux(stream.encode(av.VideoFrame.from_ndarray(image, format="rgb24")))
            container.mux(stream.encode())
    threads = threading.active_count()
    most = 0
    feeds = open_feeds([parse_source(str(tmp_path))], SourceOptions())
    said: list[Event] = []
    for item in Pipeline(feeds, [Recognizer(light_model)]).steps():
        said.extend(item.events if isinstance(item, Step) else item)
        most = max(most, threading.active_count() - threads)
    assert [(e.source, e.type) for e in said if e.type != "update"] == [
        (f"clip{number}.mp4", kind) for number in range(5) for kind in ("new", "end")
    ]
    assert most <= 2, "a thousand clips must not be a thousand decoders"
