"""Files are lossless: every due frame, in order, at its own time, whatever is wrong with the file."""

from __future__ import annotations

import subprocess
import threading
import time
from collections.abc import Callable
from fractions import Fraction
from pathlib import Path
from typing import Any

import av
import cv2
import numpy as np
import pytest

from actrec.models.errors import SourceError
from actrec.realtime.sources import SourceOptions, open_feeds, parse_source
from actrec.realtime.sources.files import read_video
from actrec.realtime.sources.reader import Faults


def write_clip(
    path: Path, times_ms: list[int], *, size: tuple[int, int] = (64, 48), codec: str = "libx264"
) -> Path:
    """Write one picture for each time; picture k is grey of level 10 + 4 k (mod 240)."""
    with av.open(str(path), "w") as container:
        stream = container.add_stream(codec, rate=25)
        stream.width, stream.height = size
        stream.pix_fmt = "yuvj420p" if codec == "mjpeg" else "yuv420p"
        stream.codec_context.time_base = Fraction(1, 1000)
        for number, time_ms in enumerate(times_ms):
            level = 10 + 4 * number % 240
            frame = av.VideoFrame.from_ndarray(
                np.full((size[1], size[0], 3), level, np.uint8), format="rgb24"
            )
            frame.pts, frame.time_base = time_ms, Fraction(1, 1000)
            container.mux(stream.encode(frame))
        container.mux(stream.encode(None))
    return path


def play(watch: Callable[..., Any], path: Path | str, fps: float = 1000.0, **options: Any) -> Any:
    watcher = watch(open_feeds([parse_source(str(path))], SourceOptions(**options)), fps=fps)
    assert watcher.run(20)
    return watcher


def test_every_frame_of_a_file_comes_once_in_order_at_its_own_time(tmp_path: Path, watch: Any) -> None:
    path = write_clip(tmp_path / "clip.mp4", [40 * k for k in range(60)])
    (frames,) = play(watch, path).frames.values()
    assert [frame.index for frame in frames] == list(range(60))
    assert [round(frame.media_time, 3) for frame in frames] == [round(0.04 * k, 3) for k in range(60)]
    assert all(frame.wall_time == frame.media_time and frame.epoch == 0 for frame in frames)
    assert [
        abs(int(frame.image[20, 20, 0]) - (10 + 4 * k % 240)) <= 3 for k, frame in enumerate(frames)
    ].count(False) == 0


def test_a_variable_rate_is_sampled_by_time(tmp_path: Path, watch: Any) -> None:
    # Half a second at 50 fps, a hole of a second, half a second at 10 fps.
    times = [20 * k for k in range(25)] + [1500 + 100 * k for k in range(5)]
    path = write_clip(tmp_path / "vfr.mkv", times)
    (frames,) = play(watch, path, fps=10.0).frames.values()
    assert [round(frame.media_time, 2) for frame in frames] == [
        0.0,
        0.06,
        0.16,
        0.26,
        0.36,
        0.46,
        1.5,
        1.6,
        1.7,
        1.8,
        1.9,
    ]


def test_times_count_from_the_first_frame(tmp_path: Path) -> None:
    path = write_clip(tmp_path / "late.mkv", [5000 + 40 * k for k in range(10)])
    assert [round(picture.media_time, 3) for picture in read_video(path)] == [
        round(0.04 * k, 3) for k in range(10)
    ]


def test_a_file_without_timestamps_plays_at_its_nominal_rate(tmp_path: Path, encoded: Any) -> None:
    times = [picture.media_time for picture in read_video(encoded(seconds=2.0))]
    assert len(times) == 50
    assert times == pytest.approx([0.04 * k for k in range(50)])


def test_two_readings_are_equal_and_converting_late_changes_nothing(tmp_path: Path) -> None:
    path = write_clip(tmp_path / "clip.mp4", [40 * k for k in range(20)])
    every = [picture.convert() for picture in read_video(path)]
    some = [picture.convert() for k, picture in enumerate(read_video(path)) if k % 3 == 0]
    assert all((every[3 * k] == image).all() for k, image in enumerate(some))
    assert all(image.dtype == np.uint8 and image.flags.c_contiguous for image in every)


@pytest.mark.parametrize("degrees", [0, 90, 180, 270])
def test_a_file_marked_as_turned_stands_upright_as_ffmpeg_shows_it(
    tmp_path: Path, need_tool: Any, degrees: int
) -> None:
    ffmpeg = need_tool("ffmpeg", "ffmpeg")
    plain, marked, shown = tmp_path / "plain.mp4", tmp_path / "marked.mp4", tmp_path / "shown.png"
    paint = "color=black:size=96x64:rate=10:duration=1,drawbox=x=0:y=0:w=32:h=24:color=white:t=fill"
    subprocess.run(
        [ffmpeg, "-v", "error", "-f", "lavfi", "-i", paint, "-pix_fmt", "yuv420p", plain], check=True
    )
    mark = ["-c", "copy", "-metadata:s:v:0", f"rotate={degrees}"]
    subprocess.run([ffmpeg, "-v", "error", "-i", plain, *mark, marked], check=True)
    subprocess.run([ffmpeg, "-v", "error", "-i", marked, "-frames:v", "1", shown], check=True)
    picture = next(iter(read_video(marked)))
    truth = cv2.imread(str(shown))
    assert picture.size_hw == truth.shape[:2] == ((64, 96) if degrees % 180 == 0 else (96, 64))
    assert np.abs(picture.convert().astype(int) - truth).max() < 12


def test_corrupt_packets_are_counted_and_the_rest_is_read(tmp_path: Path, watch: Any) -> None:
    path = write_clip(tmp_path / "clip.avi", [40 * k for k in range(100)], codec="mjpeg")
    data = bytearray(path.read_bytes())
    middle = len(data) // 2
    data[middle : middle + 1500] = bytes(1500)
    path.write_bytes(data)
    watcher = play(watch, path)
    (frames,) = watcher.frames.values()
    (feed,) = watcher.feeds
    assert feed.error is None
    assert 50 <= len(frames) <= 100
    assert frames[-1].media_time > 3.8
    assert feed.status().faults >= 1


def test_a_file_cut_in_the_middle_ends_where_it_is_cut(tmp_path: Path, encoded: Any, watch: Any) -> None:
    whole = write_clip(tmp_path / "whole.mkv", [40 * k for k in range(100)])
    cut = tmp_path / "cut.mkv"
    cut.write_bytes(whole.read_bytes()[: whole.stat().st_size * 2 // 3])
    watcher = play(watch, cut)
    assert watcher.feeds[0].error is None
    assert 20 < len(watcher.frames["cut.mkv"]) < 100


@pytest.mark.parametrize("content", [b"", b"\x00\x00\x00\x18ftypmp42" + bytes(3000)])
def test_a_file_with_nothing_to_decode_is_an_error(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "broken.mp4"
    path.write_bytes(content)
    with pytest.raises(SourceError, match="wanted"):
        list(read_video(path, Faults()))


def test_a_sound_file_is_refused(tmp_path: Path, need_tool: Any) -> None:
    path = tmp_path / "sound.mp4"
    make = ["-f", "lavfi", "-i", "sine=duration=0.5", str(path)]
    subprocess.run([need_tool("ffmpeg", "ffmpeg"), "-v", "error", *make], check=True)
    with pytest.raises(SourceError, match="no video track"):
        list(read_video(path))


def test_a_change_of_size_inside_a_file_starts_a_new_epoch(tmp_path: Path, encoded: Any, watch: Any) -> None:
    path = tmp_path / "two.h264"
    small, large = encoded(size=(160, 120), seconds=1.0), encoded(size=(320, 240), seconds=1.0)
    path.write_bytes(small.read_bytes() + large.read_bytes())
    (frames,) = play(watch, path).frames.values()
    assert {(frame.epoch, frame.image.shape) for frame in frames} == {(0, (120, 160, 3)), (1, (240, 320, 3))}
    assert len(frames) == 50


def test_pace_plays_a_file_at_its_own_speed(tmp_path: Path, watch: Any) -> None:
    path = write_clip(tmp_path / "clip.mp4", [40 * k for k in range(26)])
    began = time.monotonic()
    (frames,) = play(watch, path, fps=10, pace=True).frames.values()
    assert 0.9 < time.monotonic() - began < 1.6
    assert len(frames) == 11


def test_a_slow_reader_loses_nothing(tmp_path: Path, watch: Any) -> None:
    path = write_clip(tmp_path / "clip.mp4", [40 * k for k in range(40)])
    (feed,) = feeds = open_feeds([parse_source(str(path))])
    watcher = watch(feeds, fps=1000)
    time.sleep(0.3)
    waiting = feed.status().sampled
    assert waiting < 12, "decoding ran ahead without a bound"
    assert watcher.run(5)
    assert len(watcher.frames["clip.mp4"]) == 40


def test_a_folder_gives_a_feed_for_each_clip_and_holds_one_decoder(tmp_path: Path, watch: Any) -> None:
    for number in range(30):
        folder = tmp_path / f"class{number % 3}"
        folder.mkdir(exist_ok=True)
        write_clip(folder / f"{number:02d}.mp4", [40 * k for k in range(20)])
    (tmp_path / "class1" / "bad.mp4").write_text("no video", encoding="utf-8")
    feeds = open_feeds([parse_source(str(tmp_path))])
    assert [feed.name for feed in feeds][:2] == ["class0/00.mp4", "class0/03.mp4"]
    before = threading.active_count()
    watcher = watch(feeds, fps=1000)
    busiest = 0

    def look() -> bool:
        nonlocal busiest
        busiest = max(busiest, threading.active_count() - before)
        return False

    assert watcher.run(20, look)
    assert busiest <= 2
    order = sorted(watcher.times, key=lambda name: watcher.times[name][0] if watcher.times[name] else 0.0)
    assert [name for name in order if watcher.times[name]] == sorted(
        name for name in order if watcher.times[name]
    )
    assert {len(frames) for name, frames in watcher.frames.items() if "bad" not in name} == {20}
    assert [feed.name for feed in feeds if feed.error] == ["class1/bad.mp4"]


def test_stopping_in_the_middle_ends_the_thread(tmp_path: Path, watch: Any) -> None:
    path = write_clip(tmp_path / "clip.mp4", [40 * k for k in range(400)])
    before = threading.active_count()
    (feed,) = feeds = open_feeds([parse_source(str(path))])
    watcher = watch(feeds, fps=1000)
    watcher.run(5, lambda: len(watcher.frames["clip.mp4"]) > 5)
    feed.stop()
    feed.stop()
    assert threading.active_count() == before
