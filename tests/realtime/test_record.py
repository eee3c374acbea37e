"""Claims about `actrec-record`, on files, a real RTSP server and an X server."""

from __future__ import annotations

import csv
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import av
import numpy as np
import pytest

from actrec.models import ConfigError
from actrec.realtime.frame import Frame
from actrec.realtime.preview import draw_preview
from actrec.realtime.record import Recorder, RecordOptions
from actrec.realtime.record_folder import RecordFolder
from actrec.realtime.sinks.mp4 import Mp4Writer
from actrec.train.clips import read_clips

COMMAND = [sys.executable, "-c", "from actrec.realtime.record_cli import main; main()"]


def record(*arguments: object, **options: object) -> subprocess.CompletedProcess[str]:
    command = [*COMMAND, *map(str, arguments)]
    return subprocess.run(command, capture_output=True, text=True, timeout=60, **options)  # type: ignore[call-overload, no-any-return]


def rows_of(folder: Path) -> list[dict[str, str]]:
    with (folder / "manifest.csv").open(newline="") as file:
        return list(csv.DictReader(file))


def length_of(path: Path) -> tuple[int, float]:
    """Return the number of frames and the length in s."""
    with av.open(str(path)) as container:
        frames = sum(1 for _ in container.decode(video=0))
        return frames, container.duration / av.time_base


@pytest.fixture
def film(tmp_path: Path) -> Path:
    """Ten seconds at 25 fps; the brightness says the time."""
    path = tmp_path / "film.mp4"
    writer = Mp4Writer(path, (48, 64), fps=25.0)
    for index in range(250):
        writer.write(np.full((48, 64, 3), index, np.uint8), index / 25)
    writer.close()
    return path


def test_clips_follow_their_countdowns_and_are_what_training_reads(film: Path, tmp_path: Path) -> None:
    out = tmp_path / "mine"
    for label in ("wave", "clap"):
        done = record("--label", label, "--clips", 2, "--seconds", 2, "--countdown", 1, "--source", film,
                      "--headless", "--out", out)  # fmt: skip
        assert done.returncode == 0, done.stderr
        assert done.stdout.split() == [str(out / label / f"00{number}.mp4") for number in (1, 2)]
    for number, starts in ((1, 1.0), (2, 4.0)):
        path = out / "wave" / f"00{number}.mp4"
        assert length_of(path) == (50, pytest.approx(2.0, abs=0.05))
        with av.open(str(path)) as container:
            first = next(container.decode(video=0)).to_ndarray(format="rgb24").mean()
        assert first == pytest.approx(25 * starts, abs=3)
    assert sorted(clip.label for clip in read_clips(out)) == ["clap", "clap", "wave", "wave"]
    clips = read_clips(out / "manifest.csv")
    assert [clip.path for clip in clips] == [out / row["path"] for row in rows_of(out)]
    assert len({clip.group for clip in clips}) == 4


def test_clips_of_one_unbroken_take_are_one_group(film: Path, tmp_path: Path) -> None:
    done = record("--label", "wave", "--clips", 4, "--seconds", 2, "--countdown", 0, "--source", film,
                  "--headless", "--out", tmp_path / "mine")  # fmt: skip
    assert done.returncode == 0, done.stderr
    rows = rows_of(tmp_path / "mine")
    assert len(rows) == 4
    assert len({row["group"] for row in rows}) == 1
    assert [length_of(tmp_path / "mine" / row["path"])[0] for row in rows] == [50] * 4


def test_nothing_is_ever_overwritten(film: Path, tmp_path: Path) -> None:
    out = tmp_path / "mine"
    (out / "wave").mkdir(parents=True)
    (out / "wave" / "007.mp4").write_bytes(b"precious")
    (out / "wave" / "notes.txt").touch()
    (out / "manifest.csv").write_text("label,path,group,person\nwave,wave/007.mp4,a,Ada")
    arguments = ("--clips", 1, "--seconds", 1, "--countdown", 0, "--source", film, "--headless", "--out", out)
    assert record("--label", "wave", "--group", "Bob, kitchen", *arguments).returncode == 0
    assert (out / "wave" / "007.mp4").read_bytes() == b"precious"
    assert length_of(out / "wave" / "008.mp4")[0] == 25
    assert rows_of(out) == [
        {"label": "wave", "path": "wave/007.mp4", "group": "a", "person": "Ada"},
        {"label": "wave", "path": "wave/008.mp4", "group": "Bob, kitchen", "person": ""},
    ]


def test_two_recorders_never_take_the_same_number(tmp_path: Path) -> None:
    one, other = RecordFolder(tmp_path, "wave"), RecordFolder(tmp_path, "wave")
    paths = [folder.claim() for folder in (one, other, one, other)]
    assert [path.name for path in paths] == ["001.mp4", "002.mp4", "003.mp4", "004.mp4"]


def test_a_source_that_ends_too_soon_keeps_what_there_was(film: Path, tmp_path: Path) -> None:
    done = record("--label", "wave", "--clips", 3, "--seconds", 4, "--countdown", 1, "--source", film,
                  "--headless", "--out", tmp_path / "mine")  # fmt: skip
    assert done.returncode == 1
    assert "the source ended after 2 of 3 clips" in done.stderr
    assert [row["seconds"] for row in rows_of(tmp_path / "mine")] == ["4.00", "4.00"]


@pytest.mark.parametrize(("number", "code"), [(signal.SIGINT, 130), (signal.SIGTERM, 143)])
def test_ctrl_c_keeps_the_clip_that_was_being_recorded(
    film: Path, tmp_path: Path, number: signal.Signals, code: int
) -> None:
    out = tmp_path / "mine"
    arguments = ["--label", "wave", "--seconds", "8", "--countdown", "0", "--source", str(film), "--pace"]
    process = subprocess.Popen(
        [*COMMAND, *arguments, "--headless", "--out", str(out)], stderr=subprocess.PIPE, text=True
    )
    with process:
        end = time.monotonic() + 30
        while not (out / "wave" / "001.mp4").exists():
            assert time.monotonic() < end
            time.sleep(0.02)
        time.sleep(1.0)
        os.kill(process.pid, number)
        assert process.stderr is not None
        said = process.stderr.read()
    assert process.returncode == code, said
    (row,) = rows_of(out)
    frames, seconds = length_of(out / row["path"])
    assert frames > 5
    assert float(row["seconds"]) == pytest.approx(seconds, abs=0.1)


def test_a_camera_on_the_network_can_be_recorded(
    encoded: Callable[..., Path], rtsp_server: Callable[..., object], tmp_path: Path
) -> None:
    server = rtsp_server({"/cam": encoded()})
    done = record("--label", "wave", "--clips", 2, "--seconds", 1, "--countdown", 0.5, "--headless",
                  "--source", server.url("/cam"), "--out", tmp_path / "mine")  # type: ignore[attr-defined] # fmt: skip
    assert done.returncode == 0, done.stderr
    for row in rows_of(tmp_path / "mine"):
        frames, seconds = length_of(tmp_path / "mine" / row["path"])
        assert seconds == pytest.approx(1.0, abs=0.15)
        assert frames >= 10


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["--label", "a/b"], "--label 'a/b'"),
        (["--label", ".."], "--label '..'"),
        (["--label", "wave", "--source", "nowhere.mp4"], "nowhere.mp4: no such file"),
        (["--label", "wave", "--source", "rtsp://user:secret@127.0.0.1:1/x"], "127.0.0.1:1/x"),
        (["--label", "wave", "--clips", "0"], "--clips"),
    ],
)
def test_bad_input_is_one_line_and_exit_code_2(arguments: list[str], said: str, tmp_path: Path) -> None:
    done = record(*arguments, "--headless", "--out", tmp_path / "mine")
    assert done.returncode == 2
    assert said in done.stderr
    assert "Traceback" not in done.stderr
    assert "secret" not in done.stderr


def test_a_manifest_of_another_kind_is_refused(tmp_path: Path) -> None:
    (tmp_path / "manifest.csv").write_text("name,age\n")
    with pytest.raises(ConfigError, match=r"manifest.csv: columns name, age; wanted at least path"):
        RecordFolder(tmp_path, "wave")


def test_a_full_disk_is_one_line_and_the_earlier_clips_stay(film: Path, tmp_path: Path) -> None:
    program = (
        "import resource, signal; signal.signal(signal.SIGXFSZ, signal.SIG_IGN);"
        "resource.setrlimit(resource.RLIMIT_FSIZE, (2000, 2000));"
        "from actrec.realtime.record_cli import main; main()"
    )
    out = tmp_path / "mine"
    done = subprocess.run(
        [sys.executable, "-c", program, "--label", "wave", "--clips", "1", "--seconds", "9.5", "--countdown", "0",
         "--headless", "--source", str(film), "--out", str(out)],
        capture_output=True, text=True, timeout=60,
    )  # fmt: skip
    assert done.returncode == 1, done.stderr
    assert "File too large; what was recorded before is kept" in done.stderr
    assert "Traceback" not in done.stderr


def frames(times: list[float], epochs: list[int]) -> list[Frame]:
    image = np.zeros((48, 64, 3), np.uint8)
    return [
        Frame(image, "cam", i, t, t + 1.7e9, t, e) for i, (t, e) in enumerate(zip(times, epochs, strict=True))
    ]


def test_a_clip_that_is_broken_by_a_reconnect_is_kept_and_recorded_once_more(tmp_path: Path) -> None:
    saved: list[Path] = []
    options = RecordOptions("wave", tmp_path, clips=1, seconds=2.0, countdown_s=1.0)
    recorder = Recorder(options, RecordFolder(tmp_path, "wave"), "cam", saved.append)
    times = [index / 10 for index in range(80)]
    for frame in frames(times, [int(moment >= 2.0) for moment in times]):
        recorder.see(frame)
    recorder.close()
    assert recorder.done
    assert [length_of(path)[0] for path in saved] == [10, 20]
    assert [row["seconds"] for row in rows_of(tmp_path)] == ["1.00", "2.00"]
    assert len({row["group"] for row in rows_of(tmp_path)}) == 2


def test_the_preview_counts_down_and_leaves_the_recorded_frame_alone(tmp_path: Path) -> None:
    options = RecordOptions("wave", tmp_path, clips=1, seconds=2.0, countdown_s=1.0)
    recorder = Recorder(options, RecordFolder(tmp_path, "wave"), "cam", lambda path: None)
    seen = []
    for frame in frames([0.0, 0.5, 1.0, 2.0], [0] * 4):
        recorder.see(frame)
        seen.append((recorder.view.recording, recorder.view.left_s, recorder.view.share))
        picture = draw_preview(frame, recorder.view).image
        assert picture.shape == (540, 720, 3)
        assert picture.max() > 200
        assert frame.image.max() == 0
    assert seen == [(False, 1.0, 0.0), (False, 0.5, 0.0), (True, 2.0, 0.0), (True, 1.0, 0.5)]
    recorder.close()


def test_the_preview_window_can_be_closed_at_any_time(
    display: str, need_tool: Callable[[str, str], str], film: Path, tmp_path: Path
) -> None:
    arguments = ["--label", "wave", "--seconds", "30", "--countdown", "0", "--source", "demo"]
    process = subprocess.Popen(
        [*COMMAND, *arguments, "--out", str(tmp_path)], stderr=subprocess.PIPE, text=True
    )
    with process:
        end = time.monotonic() + 30
        while process.poll() is None and time.monotonic() < end:
            time.sleep(0.5)
            subprocess.run([need_tool("xdotool", "xdotool"), "key", "q"], check=True)
        assert process.stderr is not None
        said = process.stderr.read()
    assert process.returncode == 0, said
    assert "no display" not in said
    assert len(rows_of(tmp_path)) in (0, 1)
