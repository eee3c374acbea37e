"""Live sources on real servers: newest wins, faults are told, and the stream comes back."""

from __future__ import annotations

import subprocess
import threading
import time
from collections.abc import Callable, Iterator
from itertools import pairwise
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest

from actrec.models.errors import SourceError
from actrec.realtime.sources import SourceOptions, open_feeds, parse_source
from actrec.realtime.sources.camera import CameraConnection
from actrec.realtime.sources.connection import Capture
from actrec.realtime.sources.live import LiveFeed

QUICK = SourceOptions(stall_timeout_s=1.0, open_timeout_s=2.0, retry_max_s=2.0)


def open_one(url: str, options: SourceOptions = QUICK) -> Any:
    (feed,) = open_feeds([parse_source(f"cam={url}")], options)
    return feed


def threads_and_files() -> tuple[int, int]:
    return threading.active_count(), len(list(Path("/proc/self/fd").iterdir()))


def settles(before: tuple[int, int], limit_s: float = 5.0) -> bool:
    """Return whether no more threads and files are in use than before, soon."""
    end = time.monotonic() + limit_s
    while time.monotonic() < end:
        now = threads_and_files()
        if now[0] <= before[0] and now[1] <= before[1]:
            return True
        time.sleep(0.05)
    return False


@pytest.fixture
def nothing_leaks() -> Iterator[None]:
    before = threads_and_files()
    yield
    assert settles(before), f"before {before}, after {threads_and_files()} (threads, files)"


@pytest.mark.parametrize(("transport", "suffix"), [("tcp", ".h264"), ("udp", ".h264"), ("tcp", ".h265")])
def test_an_rtsp_camera_gives_fresh_frames_soon(
    nothing_leaks: None, encoded: Any, rtsp_server: Any, watch: Any, transport: Any, suffix: str
) -> None:
    server = rtsp_server({"/cam": encoded(suffix=suffix, seconds=2.0)})
    began = time.monotonic()
    feed = open_one(server.url(), SourceOptions(transport=transport))
    watcher = watch([feed])
    watcher.run(2.2)
    frames, times = watcher.frames["cam"], watcher.times["cam"]
    assert times[0] - began < 1.0
    assert frames[0].media_time < 0.5
    assert len(frames) == pytest.approx((2.2 - (times[0] - began)) * 10, abs=3)
    steps = [b.media_time - a.media_time for a, b in pairwise(frames)]
    assert np.median(steps) == pytest.approx(0.1, abs=0.021)
    assert max(at - frame.captured for at, frame in zip(times, frames, strict=True)) < 0.2
    assert all(frame.image.shape == (240, 320, 3) and frame.epoch == 0 for frame in frames)
    assert feed.status().state == "running"
    assert feed.status().fps_in == pytest.approx(25, abs=4)
    feed.stop()


def test_a_slow_reader_gets_the_newest_frame_and_drops_are_counted(
    encoded: Any, rtsp_server: Any, watch: Any
) -> None:
    feed = open_one(rtsp_server({"/cam": encoded(seconds=2.0)}).url())
    watcher = watch([feed])
    watcher.run(2, lambda: bool(watcher.frames["cam"]))
    time.sleep(1.5)
    frame = feed.poll()
    assert time.monotonic() - frame.captured < 0.35
    assert 10 <= feed.status().dropped <= 16


def test_a_change_of_size_in_the_middle_is_another_epoch(
    encoded: Any, tmp_path: Path, rtsp_server: Any, watch: Any
) -> None:
    small, large = encoded(size=(160, 120), seconds=1.0), encoded(size=(320, 240), seconds=1.0)
    (tmp_path / "two.h264").write_bytes(small.read_bytes() + large.read_bytes())
    feed = open_one(rtsp_server({"/cam": tmp_path / "two.h264"}).url())
    watcher = watch([feed])
    assert watcher.run(5, lambda: len({frame.epoch for frame in watcher.frames["cam"]}) >= 3)
    shapes = {frame.epoch: frame.image.shape for frame in watcher.frames["cam"]}
    assert [shapes[epoch] for epoch in (0, 1, 2)] == [(120, 160, 3), (240, 320, 3), (120, 160, 3)]
    assert feed.status().reconnects == 0


def test_a_killed_server_is_reconnected_and_the_other_source_is_unharmed(
    nothing_leaks: None, encoded: Any, rtsp_server: Any, watch: Any, caplog: pytest.LogCaptureFixture
) -> None:
    clip = encoded(seconds=2.0)
    victim, bystander = rtsp_server({"/cam": clip}), rtsp_server({"/cam": clip})
    feeds = open_feeds([parse_source(f"a={victim.url()}"), parse_source(f"b={bystander.url()}")], QUICK)
    watcher = watch(feeds)
    watcher.run(3, lambda: len(watcher.frames["a"]) > 5)
    victim.kill()
    watcher.run(3, lambda: feeds[0].status().state == "reconnecting")
    assert feeds[0].status().state == "reconnecting"
    assert "again in" in feeds[0].status().detail
    watcher.run(1.0)
    count = len(watcher.frames["a"])
    rtsp_server({"/cam": clip}, port=victim.port)
    back = time.monotonic()
    assert watcher.run(5, lambda: len(watcher.frames["a"]) > count)
    assert time.monotonic() - back < QUICK.stall_timeout_s + 2
    watcher.run(0.5)
    assert {frame.epoch for frame in watcher.frames["a"]} == {0, 1}
    assert feeds[0].status().reconnects == 1
    assert feeds[0].status().faults >= 1
    assert feeds[0].status().state == "running"
    assert "back again" in caplog.text
    media = [frame.media_time for frame in watcher.frames["a"]]
    assert media == sorted(media)
    # The other one never noticed; nobody polls here while a server starts, so a frame or two may be dropped.
    assert (feeds[1].status().reconnects, feeds[1].status().faults) == (0, 0)
    captured = [frame.captured for frame in watcher.frames["b"]]
    assert max(b - a for a, b in pairwise(captured)) < 1.0
    watcher.stop()


def test_a_frozen_server_is_called_stalled_in_time_and_left_behind(
    nothing_leaks: None, encoded: Any, rtsp_server: Any, watch: Any
) -> None:
    server = rtsp_server({"/cam": encoded(seconds=2.0)})
    feed = open_one(server.url())
    watcher = watch([feed])
    watcher.run(3, lambda: len(watcher.frames["cam"]) > 5)
    server.freeze()
    frozen = time.monotonic()
    try:
        assert watcher.run(3, lambda: feed.status().state == "stalled")
        assert time.monotonic() - frozen < QUICK.stall_timeout_s + 0.5
        assert "no frame for 1." in feed.status().detail
        watcher.run(1.0)
        assert feed.status().state in ("stalled", "reconnecting")
    finally:
        server.thaw()
    thawed = time.monotonic()
    count = len(watcher.frames["cam"])
    assert watcher.run(6, lambda: len(watcher.frames["cam"]) > count + 5)
    assert time.monotonic() - thawed < QUICK.stall_timeout_s + 2
    assert watcher.frames["cam"][-1].epoch >= 1
    watcher.stop()


def test_another_size_after_a_restart_is_another_epoch(encoded: Any, rtsp_server: Any, watch: Any) -> None:
    server = rtsp_server({"/cam": encoded(seconds=2.0)})
    feed = open_one(server.url())
    watcher = watch([feed])
    watcher.run(3, lambda: len(watcher.frames["cam"]) > 5)
    server.kill()
    rtsp_server({"/cam": (encoded(size=(640, 360), fps=15, seconds=2.0), 15)}, port=server.port)
    assert watcher.run(5, lambda: watcher.frames["cam"][-1].epoch == 1)
    assert watcher.frames["cam"][-1].image.shape == (360, 640, 3)
    assert feed.status().size_hw == (360, 640)
    assert len({(frame.epoch, frame.image.shape) for frame in watcher.frames["cam"]}) == 2


def test_a_clip_that_ends_is_asked_for_again(encoded: Any, rtsp_server: Any, watch: Any) -> None:
    feed = open_one(rtsp_server({"/cam": encoded(seconds=1.0)}, once=True).url())
    watcher = watch([feed])
    assert watcher.run(8, lambda: feed.status().reconnects == 2)
    assert {frame.epoch for frame in watcher.frames["cam"]} >= {0, 1}
    assert feed.error is None


def jpegs(count: int, size: tuple[int, int] = (160, 120)) -> list[bytes]:
    pictures = [np.full((size[1], size[0], 3), 8 * k % 256, np.uint8) for k in range(count)]
    return [bytes(cv2.imencode(".jpg", picture)[1]) for picture in pictures]


def test_mjpeg_over_http_stalls_and_comes_back(nothing_leaks: None, web_server: Any, watch: Any) -> None:
    server = web_server(pictures=jpegs(20), fps=20.0)
    feed = open_one(server.url())
    watcher = watch([feed])
    assert watcher.run(3, lambda: len(watcher.frames["cam"]) > 10)
    steps = [b.media_time - a.media_time for a, b in pairwise(watcher.frames["cam"])]
    assert np.mean(steps) == pytest.approx(0.1, abs=0.02)
    server.frozen.set()
    assert watcher.run(3, lambda: feed.status().state == "stalled")
    server.frozen.clear()
    count = len(watcher.frames["cam"])
    assert watcher.run(4, lambda: len(watcher.frames["cam"]) > count)
    assert watcher.frames["cam"][-1].epoch == 1
    watcher.stop()
    server.close()


def test_a_login_over_http_is_used(web_server: Any, watch: Any) -> None:
    server = web_server(pictures=jpegs(5), login="joe:s3cret")
    right, wrong = open_one(server.url(login="joe:s3cret")), open_one(server.url(login="joe:w0rse"))
    watcher = watch([right])
    assert watcher.run(3, lambda: bool(watcher.frames["cam"]))
    assert watch([wrong]).run(3)
    assert "user or password refused" in str(wrong.error)
    assert "w0rse" not in str(wrong.error)


def test_timestamps_that_start_anew_are_a_fault_that_resets_and_no_gap_or_reconnect(
    tmp_path: Path, need_tool: Any, web_server: Any, watch: Any
) -> None:
    make = "-v error -f lavfi -i testsrc2=size=160x120:rate=25 -t 1 -c:v libx264 -bf 0 -g 25 -f mpegts"
    subprocess.run([need_tool("ffmpeg", "ffmpeg"), *make.split(), str(tmp_path / "cam.ts")], check=True)
    feed = open_one(web_server(transport=(tmp_path / "cam.ts", 1.0)).url("/cam.ts"))
    watcher = watch([feed])
    watcher.run(4.0)
    frames = watcher.frames["cam"]
    assert feed.status().faults >= 1
    assert feed.status().reconnects == 0
    assert 1 <= frames[-1].epoch <= feed.status().faults
    assert all(b.media_time > a.media_time for a, b in pairwise(frames))
    whole_s = watcher.times["cam"][-1] - watcher.times["cam"][0]
    assert frames[-1].media_time - frames[0].media_time == pytest.approx(whole_s, abs=0.5)


def test_a_damaged_stream_is_counted_and_goes_on(
    encoded: Any, tmp_path: Path, rtsp_server: Any, watch: Any
) -> None:
    data = bytearray(encoded(seconds=2.0).read_bytes())
    units = [at for at in range(len(data) - 5) if data[at : at + 5] == b"\x00\x00\x00\x01\x09"]
    for start, end in list(pairwise(units))[5::10]:
        # Overwrite the second half of every tenth picture.
        middle = (start + end) // 2
        data[middle:end] = b"\x55" * (end - middle)
    (tmp_path / "damaged.h264").write_bytes(data)
    feed = open_one(rtsp_server({"/cam": tmp_path / "damaged.h264"}).url())
    watcher = watch([feed])
    watcher.run(2.5)
    status = feed.status()
    assert status.state == "running"
    assert status.reconnects == 0
    assert 1 <= status.faults <= 15
    # Each spell of damage resets the state once, not each picture of it.
    assert 1 <= watcher.frames["cam"][-1].epoch <= status.faults
    assert len(watcher.frames["cam"]) >= 15


def test_a_video_on_a_web_server_is_read_like_a_file(
    tmp_path: Path, need_tool: Any, web_server: Any, watch: Any
) -> None:
    make = "-v error -f lavfi -i testsrc2=size=160x120:rate=25 -t 2 -pix_fmt yuv420p"
    subprocess.run([need_tool("ffmpeg", "ffmpeg"), *make.split(), str(tmp_path / "clip.mp4")], check=True)
    (feed,) = open_feeds([parse_source(web_server(folder=tmp_path).url("/clip.mp4"))])
    assert not feed.live
    watcher = watch([feed], fps=1000)
    assert watcher.run(10)
    assert feed.error is None
    assert [frame.index for frame in watcher.frames[feed.name]] == list(range(50))
    (gone,) = open_feeds([parse_source(web_server(folder=tmp_path).url("/none.mp4"))])
    assert watch([gone]).run(10)
    assert "no such path" in str(gone.error)


@pytest.fixture
def hls_folder(tmp_path: Path, need_tool: Callable[[str, str], str]) -> Iterator[Path]:
    """A folder into which ffmpeg writes segments of 0.4 s in real time."""
    make = (
        "-v error -re -f lavfi -i testsrc2=size=160x120:rate=25 -c:v libx264 -preset ultrafast -g 10 -f hls"
    )
    keep = "-hls_time 0.4 -hls_list_size 6 -hls_flags delete_segments"
    target = tmp_path / "live.m3u8"
    with subprocess.Popen(
        [need_tool("ffmpeg", "ffmpeg"), *make.split(), *keep.split(), str(target)], stdin=subprocess.DEVNULL
    ) as ffmpeg:
        end = time.monotonic() + 15
        while not target.exists() or target.read_text().count("EXTINF") < 3:
            assert time.monotonic() < end, "no playlist"
            time.sleep(0.05)
        yield tmp_path
        ffmpeg.kill()


def test_hls_comes_evenly_although_it_is_sent_in_segments(
    hls_folder: Path, web_server: Any, watch: Any
) -> None:
    feed = open_one(web_server(folder=hls_folder).url("/live.m3u8"))
    watcher = watch([feed])
    watcher.run(3.0)
    frames, times = watcher.frames["cam"], watcher.times["cam"]
    assert len(frames) >= 22
    assert max(b - a for a, b in pairwise(times)) < 0.5
    assert feed.status().faults == 0


def test_a_camera_is_grabbed_and_when_it_goes_away_opened_again(tmp_path: Path, watch: Any) -> None:
    """The same code on a motion-JPEG file in the place of a device, which "goes away" at its end."""
    path = tmp_path / "video0.avi"
    writer = cv2.VideoWriter(str(path), cv2.VideoWriter.fourcc(*"MJPG"), 25, (64, 48))
    for number in range(30):
        writer.write(np.full((48, 64, 3), (0, 0, 8 * number), np.uint8))
    writer.release()
    feed = LiveFeed("webcam", lambda: CameraConnection(str(path), QUICK, backend=cv2.CAP_FFMPEG), QUICK)
    watcher = watch([feed], fps=1000)
    assert watcher.run(5, lambda: feed.status().reconnects == 2)
    assert feed.status().size_hw == (48, 64)
    red, green, blue = (int(value) for value in watcher.frames["webcam"][-1].image[20, 20])
    assert red >= 0
    assert max(green, blue) < 12


class Blocking:
    """A connection whose reads hang, as those of a dead driver do, until it is told to let go."""

    opened = 0
    release = threading.Event()

    def __init__(self) -> None:
        Blocking.opened += 1
        self._left = 5

    def read(self) -> Capture:
        if self._left == 0:
            Blocking.release.wait(30)
            raise SourceError("let go")
        self._left -= 1
        time.sleep(0.01)
        return Capture(None, (2, 2), lambda: np.zeros((2, 2, 3), np.uint8))

    def close(self) -> None:
        pass


def test_readers_that_never_come_back_are_bounded(nothing_leaks: None, watch: Any) -> None:
    options = SourceOptions(stall_timeout_s=0.1, open_timeout_s=2.0, retry_max_s=0.1)
    feed = LiveFeed("hung", Blocking, options)
    before = threading.active_count()
    watcher = watch([feed])
    watcher.run(5.0, lambda: Blocking.opened >= 4)
    watcher.run(1.0)
    assert 4 <= Blocking.opened <= 6
    assert threading.active_count() - before <= 6
    began = time.monotonic()
    feed.stop()
    assert time.monotonic() - began < 1.0
    Blocking.release.set()


def test_stopping_while_a_server_is_frozen_takes_no_time(encoded: Any, rtsp_server: Any, watch: Any) -> None:
    server = rtsp_server({"/cam": encoded(seconds=2.0)})
    feed = open_one(server.url())
    watcher = watch([feed])
    watcher.run(3, lambda: bool(watcher.frames["cam"]))
    server.freeze()
    try:
        began = time.monotonic()
        feed.stop()
        assert time.monotonic() - began < 0.5
    finally:
        server.thaw()
