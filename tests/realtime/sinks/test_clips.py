"""Claims about the ring, and the clips and snapshots of events that it makes possible."""

from __future__ import annotations

import logging
import os
import subprocess
import sys
import threading
import time
from collections.abc import Iterable
from pathlib import Path
from typing import TYPE_CHECKING

import av
import cv2
import numpy as np
import pytest

from actrec.models import ConfigError
from actrec.realtime.ring import Ring
from actrec.realtime.sinks.clips import ClipRule, EventClips
from actrec.realtime.sinks.retention import Retention
from actrec.realtime.sinks.worker import Worker
from actrec.realtime.sources.feed import FeedStatus

if TYPE_CHECKING:
    from .conftest import Maker


def read_times(path: Path) -> list[float]:
    with av.open(str(path)) as container:
        return [float(frame.pts * frame.time_base) for frame in container.decode(video=0)]


def play(
    sink: EventClips,
    make: Maker,
    seconds: float,
    spans: Iterable[tuple[float, float]],
    *,
    wall: float = 0.0,
    source: str = "cam",
    first: float = 0.0,
    pause_s: float = 0.0,
) -> None:
    """Give the sink ten steps a second, with an event for each span, said 0.4 s after its start."""
    for index in range(round(seconds * 10)):
        media = first + index / 10
        events, active = [], []
        for start, end in spans:
            other = {"wall": wall, "source": source, "score": 0.5 + 0.01 * (media - start)}
            if abs(media - start - 0.4) < 0.01:
                events.append(make.event("new", start, now=media, **other))
            if start + 0.4 <= media < end:
                active.append(make.event("update", start, now=media, **other))
            if abs(media - end) < 0.01:
                events.append(make.event("end", start, now=media, end=end, **other))
        sink.step(
            make.step(index, media, wall=wall, source=source, events=tuple(events), active=tuple(active))
        )
        time.sleep(pause_s)


def test_the_ring_keeps_seconds_within_its_bytes(make: Maker) -> None:
    ring = Ring(2.0)
    for index in range(100):
        ring.add(make.step(index, index / 10).frame)
    assert [kept.time_s for kept in ring] == pytest.approx([7.9 + index / 10 for index in range(21)])
    assert ring.bytes == sum(len(kept.jpeg) for kept in ring)
    small = Ring(2.0, max_bytes=3 * max(len(kept.jpeg) for kept in ring))
    for index in range(100):
        small.add(make.step(index, index / 10).frame)
    assert len(small) == 3
    tiny = Ring(2.0, max_bytes=1)
    tiny.add(make.step(0, 0.0).frame)
    assert len(tiny) == 1


def test_a_kept_picture_looks_like_the_frame_and_another_time_empties_the_ring(make: Maker) -> None:
    ring = Ring(2.0)
    frame = make.step(3, 5.0).frame
    kept = ring.add(frame)
    assert np.abs(kept.image().astype(int) - frame.image).mean() < 3
    ring.add(make.step(4, 1.0).frame)
    assert [kept.time_s for kept in ring] == [1.0]


def test_a_clip_holds_the_seconds_before_and_after_its_event(make: Maker, tmp_path: Path) -> None:
    sink = EventClips(tmp_path, rule=ClipRule(before_s=2.0, after_s=1.0))
    play(sink, make, 30, [(8.0, 12.0), (20.0, 23.0)], source="front/door")
    sink.close()
    sink.close()
    first, second = sorted((tmp_path / "front-door").glob("*.mp4"))
    assert first.name == "00008.000s_waving_8.000-abc123.mp4"
    assert read_times(first) == pytest.approx([index / 10 for index in range(71)], abs=1e-3)
    assert read_times(second)[-1] == pytest.approx(6.0, abs=1e-3)
    assert (sink.saved, sink.failed, sink.dropped) == (2, 0, 0)
    assert not list(tmp_path.rglob("*.part"))
    with av.open(str(first)) as container:
        picture = next(container.decode(video=0)).to_ndarray(format="rgb24")
    assert np.abs(picture.astype(int) - make.image(60)).mean() < 8


def test_the_snapshot_is_the_frame_with_the_best_score(make: Maker, tmp_path: Path) -> None:
    sink = EventClips(tmp_path, rule=ClipRule(before_s=1.0, after_s=0.5))
    play(sink, make, 10, [(2.0, 6.0)])
    sink.close()
    (path,) = tmp_path.rglob("*.jpg")
    snapshot = cv2.cvtColor(cv2.imread(str(path)), cv2.COLOR_BGR2RGB).astype(int)
    assert np.abs(snapshot - make.image(59)).mean() < 3
    assert np.abs(snapshot - make.image(40)).mean() > 10


def test_events_that_overlap_get_a_clip_each_and_an_open_one_is_finished_at_close(
    make: Maker, tmp_path: Path
) -> None:
    sink = EventClips(tmp_path, rule=ClipRule(before_s=1.0, after_s=1.0, longest_s=8.0))
    play(sink, make, 20, [(3.0, 7.0), (5.0, 9.0), (10.0, 99.0), (17.0, 99.0)])
    sink.close()
    lasts = [read_times(path)[-1] for path in sorted(tmp_path.rglob("*.mp4"))]
    assert lasts == pytest.approx([6.0, 6.0, 8.0, 3.9], abs=0.01)


def test_a_live_clip_ends_even_if_no_frame_comes_any_more(make: Maker, tmp_path: Path) -> None:
    sink = EventClips(tmp_path, rule=ClipRule(before_s=0.5, after_s=0.2))
    wall = time.time() - 3.0
    play(sink, make, 2.5, [(1.0, 2.0)], wall=wall, pause_s=0.005)
    end = time.monotonic() + 20
    while not list(tmp_path.rglob("*.mp4")) and time.monotonic() < end:
        sink.statuses({"cam": FeedStatus("reconnecting")})
        time.sleep(0.05)
    (path,) = tmp_path.rglob("*.mp4")
    assert path.name.startswith(time.strftime("%Y%m%d-", time.localtime(wall)))
    assert read_times(path)[-1] == pytest.approx(1.7, abs=0.15)
    sink.close()


def test_a_full_disk_costs_clips_and_nothing_else(tmp_path: Path) -> None:
    program = """
import logging, resource, signal, sys
from pathlib import Path
sys.path.insert(0, sys.argv[2])
from conftest import Maker
from test_clips import play
from actrec.realtime.sinks.clips import ClipRule, EventClips
logging.basicConfig(format="%(message)s")
signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
sink = EventClips(Path(sys.argv[1]), rule=ClipRule(before_s=1.0, after_s=1.0))
resource.setrlimit(resource.RLIMIT_FSIZE, (20_000, resource.RLIM_INFINITY))
play(sink, Maker(), 20, [(2.0, 8.0), (11.0, 18.0)])
sink._worker.put  # still there
import time
while sink.failed < 2:
    time.sleep(0.01)
resource.setrlimit(resource.RLIMIT_FSIZE, (resource.RLIM_INFINITY, resource.RLIM_INFINITY))
play(sink, Maker(), 10, [(32.0, 35.0)], first=30.0)
sink.close()
print(sink.saved, sink.failed)
"""
    here = str(Path(__file__).parent)
    done = subprocess.run(
        [sys.executable, "-c", program, str(tmp_path), here], capture_output=True, text=True, timeout=60
    )
    assert done.stdout == "1 2\n", done.stderr
    assert len([line for line in done.stderr.splitlines() if "event clips: File too large" in line]) == 1


def test_old_clips_go_by_age_and_by_size_and_foreign_files_stay(tmp_path: Path) -> None:
    now = time.time()
    names = [f"cam/{index:05d}.000s_waving_{index}.000-abc12{index}" for index in range(5)]
    for index, name in enumerate(names):
        for suffix in (".mp4", ".jpg"):
            path = (tmp_path / name).with_name(Path(name).name + suffix)
            path.parent.mkdir(exist_ok=True)
            path.write_bytes(b"x" * 500)
            os.utime(path, (now - 86400 * (10 - index),) * 2)
    foreign = tmp_path / "cam" / "holiday.mp4"
    foreign.write_bytes(b"x" * 5000)
    os.utime(foreign, (0, 0))
    outside = tmp_path / "cam" / "00009.000s_link_9.000-abc129.mp4"
    outside.symlink_to(foreign)
    left = lambda: sorted(path.name[:5] for path in tmp_path.rglob("*abc12?.*") if not path.is_symlink())  # noqa: E731
    Retention(max_age_days=8.5, max_bytes=None).clean(tmp_path)
    assert left() == ["00002", "00002", "00003", "00003", "00004", "00004"]
    kept = {tmp_path / "cam" / (Path(names[2]).name + suffix) for suffix in (".mp4", ".jpg")}
    Retention(max_age_days=None, max_bytes=1000).clean(tmp_path, kept)
    assert left() == ["00002", "00002", "00004", "00004"]
    assert foreign.exists()
    assert outside.exists()
    Retention(None, None).clean(tmp_path)
    assert len(left()) == 4


def test_clips_outgrow_no_limit_while_running(make: Maker, tmp_path: Path) -> None:
    limit = 80_000
    sink = EventClips(tmp_path, rule=ClipRule(before_s=0.5, after_s=0.5), retention=Retention(None, limit))
    play(sink, make, 32, [(float(start), start + 2.0) for start in range(2, 28, 4)])
    sink.close()
    sizes = [path.stat().st_size for path in tmp_path.rglob("*.*") if path.is_file()]
    assert sink.saved == 7
    assert 0 < sum(sizes) <= limit


def test_a_folder_that_cannot_be_used_is_a_config_error(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(ConfigError, match="cannot be written"):
        EventClips(tmp_path / "file")


def test_a_worker_does_everything_in_order_before_it_ends() -> None:
    done: list[int] = []
    worker: Worker[int] = Worker("test-worker", done.append, lambda: done.append(-1), 2)
    for number in range(50):
        assert worker.put(number, wait=True)
    worker.close()
    assert done == [*range(50), -1]
    assert not worker.put(1, wait=True)


def test_a_full_worker_refuses_what_may_be_lost_and_takes_what_must_not() -> None:
    gate, done = threading.Event(), []
    worker: Worker[int] = Worker(
        "test-worker", lambda item: (gate.wait(), done.append(item)), lambda: None, 2
    )
    taken = [worker.put(number) for number in range(10)]
    assert worker.put(99, must=True)
    gate.set()
    worker.close()
    assert taken.count(True) in (2, 3)
    assert done == [number for number, ok in enumerate(taken) if ok] + [99]


def test_an_error_in_a_worker_frees_who_waits_and_is_raised_once(caplog: pytest.LogCaptureFixture) -> None:
    def fail(_: int) -> None:
        time.sleep(0.05)
        raise ZeroDivisionError("a bug")

    worker: Worker[int] = Worker("test-worker", fail, lambda: None, 1)
    with caplog.at_level(logging.ERROR):
        while worker.put(0, wait=True):
            pass
    with pytest.raises(OSError, match="test-worker: ZeroDivisionError: a bug"):
        worker.close()
    worker.close()
