"""Claims about saved videos, read back with PyAV."""

from __future__ import annotations

import errno
import os
import signal
import subprocess
import sys
import threading
import time
from collections import deque
from pathlib import Path
from typing import TYPE_CHECKING

import av
import numpy as np
import pytest

from actrec.models import ConfigError
from actrec.realtime.sinks.media_clock import MediaClock
from actrec.realtime.sinks.mp4 import Mp4Writer
from actrec.realtime.sinks.retention import Retention
from actrec.realtime.sinks.video import SavedVideo, output_path
from actrec.realtime.sources.feed import FeedStatus

if TYPE_CHECKING:
    from .conftest import Maker


def read_times(path: Path) -> list[float]:
    with av.open(str(path)) as container:
        return [float(frame.pts * frame.time_base) for frame in container.decode(video=0)]


def read_images(path: Path) -> list[np.ndarray]:
    with av.open(str(path)) as container:
        return [frame.to_ndarray(format="rgb24") for frame in container.decode(video=0)]


def test_every_frame_of_a_file_is_saved_at_its_own_time(make: Maker, tmp_path: Path) -> None:
    times = [0.0, 0.1, 0.25, 0.3, 1.0, 1.07, 4.0, 64.0]
    sink = SavedVideo(tmp_path / "out.mp4", ["cam"])
    for index, media in enumerate(times):
        sink.step(make.step(index, media))
    sink.close()
    sink.close()
    assert read_times(tmp_path / "out.mp4") == pytest.approx(times, abs=1e-4)
    assert sink.dropped == 0


def test_the_saved_picture_is_the_frame_with_what_is_known_drawn_over_it(make: Maker, tmp_path: Path) -> None:
    sink = SavedVideo(tmp_path / "out.mp4", ["cam"])
    step = make.step(0, 0.0, size_hw=(480, 640))
    for _ in range(3):
        sink.step(step)
    sink.close()
    image = read_images(tmp_path / "out.mp4")[-1].astype(int)
    difference = np.abs(image - step.frame.image).mean(axis=(1, 2))
    assert difference[150:300].mean() < 6
    assert difference[:20].mean() > 30
    assert difference[-60:].mean() > 30


def test_live_times_go_on_over_a_reconnect_and_a_new_size_is_fitted_in(make: Maker, tmp_path: Path) -> None:
    sink = SavedVideo(tmp_path / "out.mp4", ["cam"])
    began = time.monotonic()
    for index in range(10):
        sink.step(make.step(index, index / 10, wall=1.7e9, captured=began + index / 10))
        time.sleep(0.02)
    for index in range(10):
        later = began + 5.0 + index / 10
        step = make.step(10 + index, index / 10, wall=1.7e9, captured=later, epoch=1, size_hw=(99, 201))
        sink.step(step)
        time.sleep(0.02)
    sink.close()
    wanted = [index / 10 for index in range(10)] + [5.0 + index / 10 for index in range(10)]
    assert read_times(tmp_path / "out.mp4") == pytest.approx(wanted, abs=2e-3)
    assert {image.shape for image in read_images(tmp_path / "out.mp4")} == {(360, 480, 3)}


def test_a_clock_that_runs_backwards_never_makes_a_file_that_does(make: Maker) -> None:
    clock = MediaClock()
    times = [
        clock.time(make.step(index, media, captured=float(index), epoch=epoch, wall=1.7e9).frame)
        for index, (media, epoch) in enumerate(
            [(0.0, 0), (0.1, 0), (0.05, 0), (90.0, 1), (90.1, 1), (2.0, 2)]
        )
    ]
    assert times == pytest.approx([0.0, 0.1, 0.1, 1.1, 1.2, 2.2])
    assert times == sorted(times)


def test_one_file_for_each_source_named_after_it() -> None:
    def name(pattern: str, source: str, *sources: str) -> str:
        return output_path(pattern, source, sources or (source,)).as_posix()

    assert name("a/out.mp4", "door") == "a/out.mp4"
    assert name("a/NAME.mp4", "front door") == "a/front_door.mp4"
    assert name("out.mp4", "rtsp/1", "rtsp/1", "rtsp/2") == "out-rtsp_1.mp4"
    assert name("out.mp4", "../x", "../x", "y") == "out-x.mp4"
    assert [name("out.mp4", s, "a b", "a/b", "c") for s in ("a b", "a/b")] == [
        "out-a_b-1.mp4",
        "out-a_b-2.mp4",
    ]


def test_two_sources_give_two_videos(make: Maker, tmp_path: Path) -> None:
    sink = SavedVideo(str(tmp_path / "out.mp4"), ["door", "yard"])
    for index in range(5):
        sink.step(make.step(index, index / 10, source="door"))
        sink.step(make.step(index, index / 5, source="yard", size_hw=(80, 200)))
    sink.statuses({"door": FeedStatus("ended"), "yard": FeedStatus("running")})
    sink.close()
    assert read_times(tmp_path / "out-door.mp4")[-1] == pytest.approx(0.4)
    assert read_times(tmp_path / "out-yard.mp4")[-1] == pytest.approx(0.8)


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGKILL])
def test_a_killed_process_leaves_a_file_that_can_be_read(tmp_path: Path, number: signal.Signals) -> None:
    program = """
import sys, time
from pathlib import Path
import numpy as np
from actrec.realtime.sinks.mp4 import Mp4Writer
writer = Mp4Writer(Path(sys.argv[1]), (120, 160))
image = np.random.default_rng(0).integers(0, 255, (120, 160, 3), dtype=np.uint8)
for index in range(100000):
    writer.write(np.roll(image, index, 1), index / 10)
    if index == 100:
        print("ready", flush=True)
    time.sleep(0.002)
"""
    path = tmp_path / "out.mp4"
    process = subprocess.Popen([sys.executable, "-c", program, str(path)], stdout=subprocess.PIPE)
    with process:
        assert process.stdout is not None
        assert process.stdout.readline() == b"ready\n"
        os.kill(process.pid, number)
    times = read_times(path)
    assert len(times) >= 80
    assert times == pytest.approx([index / 10 for index in range(len(times))], abs=1e-4)


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="Linux only")
def test_a_full_disk_is_said_once_and_nothing_hangs(make: Maker, tmp_path: Path) -> None:
    path = tmp_path / "out.mp4"
    path.symlink_to("/dev/full")
    sink = SavedVideo(path, ["cam"])
    steps = (make.step(index, index / 10) for index in range(10_000))
    with pytest.raises(OSError, match="No space left") as caught:
        deque(map(sink.step, steps), maxlen=0)
    assert caught.value.errno == errno.ENOSPC
    assert caught.value.filename == str(path)
    sink.close()
    assert not [thread for thread in threading.enumerate() if thread.name == "actrec-save"]


def test_a_file_on_a_disk_that_fills_up_is_readable_to_its_last_whole_fragment(tmp_path: Path) -> None:
    program = """
import resource, signal, sys
from pathlib import Path
import numpy as np
from actrec.realtime.sinks.mp4 import Mp4Writer
signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
resource.setrlimit(resource.RLIMIT_FSIZE, (300_000, 300_000))
writer = Mp4Writer(Path(sys.argv[1]), (120, 160))
image = np.random.default_rng(0).integers(0, 255, (120, 160, 3), dtype=np.uint8)
try:
    for index in range(10000):
        writer.write(np.roll(image, index, 1), index / 10)
except OSError as error:
    print(error.strerror)
writer.write(image, 0.0)
writer.close()
"""
    path = tmp_path / "out.mp4"
    done = subprocess.run(
        [sys.executable, "-c", program, str(path)], capture_output=True, text=True, check=True
    )
    assert done.stdout == "File too large\n"
    assert len(read_times(path)) >= 10


def test_a_folder_that_cannot_be_written_is_known_at_the_start(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(ConfigError, match="cannot be written"):
        SavedVideo(tmp_path / "file" / "out.mp4", ["cam"])


def test_a_live_source_drops_pictures_rather_than_wait_for_the_encoder(make: Maker, tmp_path: Path) -> None:
    sink = SavedVideo(tmp_path / "out.mp4", ["cam"])
    steps = [make.step(index, index / 30, size_hw=(720, 1280), wall=1.7e9) for index in range(36)]
    began = time.monotonic()
    for step in steps:
        sink.step(step)
    assert time.monotonic() - began < 1.0
    sink.close()
    assert sink.dropped > 0
    assert len(read_times(tmp_path / "out.mp4")) == 36 - sink.dropped


def test_a_writer_without_pictures_closes_quietly(tmp_path: Path) -> None:
    Mp4Writer(tmp_path / "out.mp4", (120, 160)).close()


def test_a_long_live_recording_goes_on_in_new_files_and_the_oldest_go(make: Maker, tmp_path: Path) -> None:
    def play(name: str, **options: object) -> list[str]:
        sink = SavedVideo(tmp_path / name / "out.mp4", ["cam"], part_s=2.0, **options)  # type: ignore[arg-type]
        for index in range(50):
            sink.step(make.step(index, index / 10, wall=1.7e9))
            time.sleep(0.01)
        sink.close()
        return sorted(path.name for path in (tmp_path / name).iterdir())

    assert play("all") == ["out.002.mp4", "out.003.mp4", "out.mp4"]
    lengths = [len(read_times(tmp_path / "all" / f"out{part}.mp4")) for part in ("", ".002", ".003")]
    assert max(lengths) <= 21
    assert min(lengths) >= 1
    assert sum(lengths) <= 50
    others = [tmp_path / "few" / "out-of-town.mp4", tmp_path / "few" / "inside" / "out.mp4"]
    for other in others:
        other.parent.mkdir(parents=True, exist_ok=True)
        other.write_bytes(b"x" * 9999)
    assert play("few", retention=Retention(None, 1)) == ["inside", "out-of-town.mp4", "out.003.mp4"]
    assert all(other.exists() for other in others), "what is not a part of this recording stays"


def test_a_file_is_one_video_however_long_it_is(make: Maker, tmp_path: Path) -> None:
    sink = SavedVideo(tmp_path / "out.mp4", ["cam"], part_s=2.0)
    for index in range(50):
        sink.step(make.step(index, index / 10))
    sink.close()
    assert [path.name for path in tmp_path.iterdir()] == ["out.mp4"]


def test_only_what_was_written_here_is_replaced(make: Maker, tmp_path: Path) -> None:
    """`--source a.mp4 --save a.mp4` must not cost anybody their video."""
    path = tmp_path / "holiday.mp4"
    with av.open(str(path), "w") as container:
        stream = container.add_stream("mpeg4", rate=10)
        stream.width, stream.height = 64, 48
        container.mux(stream.encode(av.VideoFrame.from_ndarray(make.image(0, (48, 64)), format="rgb24")))
        container.mux(stream.encode(None))
    before = path.read_bytes()
    with pytest.raises(ConfigError, match="was not written by actrec"):
        SavedVideo(path, ["cam"])
    assert path.read_bytes() == before
    (tmp_path / "notes.txt").write_text("precious")
    with pytest.raises(ConfigError, match="was not written by actrec"):
        SavedVideo(tmp_path / "notes.txt", ["cam"])
    for _ in range(2):
        sink = SavedVideo(tmp_path / "ours.mp4", ["cam"])
        sink.step(make.step(0, 0.0))
        sink.close()
    assert len(read_times(tmp_path / "ours.mp4")) == 1
