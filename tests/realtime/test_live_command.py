"""Claims about `actrec-live` as a person runs it: in a process of its own."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import av
import numpy as np
import pytest

import actrec

COMMAND = [sys.executable, "-m", "actrec.realtime"]
EASILY = ("--model", "weizmann", "--threshold", "0.2")
"""What makes events of a drawn square."""
HEADLESS = {key: value for key, value in os.environ.items() if key not in ("DISPLAY", "WAYLAND_DISPLAY")}


def live(*arguments: str | Path, cwd: Path | None = None) -> subprocess.CompletedProcess[str]:
    command = [*COMMAND, *map(str, arguments)]
    return subprocess.run(command, capture_output=True, text=True, timeout=120, env=HEADLESS, cwd=cwd)


def lines(text: str) -> list[dict[str, Any]]:
    return [json.loads(line) for line in text.splitlines()]


def balanced(events: Sequence[dict[str, Any]]) -> bool:
    """Whether each `new` has exactly one `end`, after it, and nothing else has one."""
    began = [event["id"] for event in events if event["type"] == "new"]
    ended = [event["id"] for event in events if event["type"] == "end"]
    return len(set(began)) == len(began) and sorted(began) == sorted(ended)


@pytest.fixture(scope="session")
def drawn_clip(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Six seconds of a square that jumps about, 25 fps, H.264."""
    path = tmp_path_factory.mktemp("drawn") / "square.mp4"
    with av.open(str(path), "w") as container:
        stream = container.add_stream("libx264", rate=25)
        stream.width, stream.height, stream.pix_fmt = 160, 120, "yuv420p"
        for number in range(150):
            image = np.full((120, 160, 3), 90, np.uint8)
            left, top = 20 + number % 50 * 2, int(40 + 30 * np.sin(number / 4))
            image[top : top + 30, left : left + 15] = 230
            container.mux(stream.encode(av.VideoFrame.from_ndarray(image, format="rgb24")))
        container.mux(stream.encode())
    return path


def test_two_runs_on_a_file_write_the_same_bytes(drawn_clip: Path, tmp_path: Path) -> None:
    for run in ("first", "second"):
        events, predictions = tmp_path / f"{run}.events", tmp_path / f"{run}.predictions"
        arguments = ["--events", events, "--predictions", predictions, *EASILY]
        done = live("--source", drawn_clip, "--headless", *arguments)
        assert done.returncode == 0, done.stderr
    for kind in ("events", "predictions"):
        first, second = tmp_path / f"first.{kind}", tmp_path / f"second.{kind}"
        assert first.read_bytes() == second.read_bytes()
        assert first.stat().st_size > 0


def test_the_python_api_says_the_same_of_a_file(drawn_clip: Path) -> None:
    done = live("--source", drawn_clip, "--headless", "--events", "-", *EASILY)
    events = lines(done.stdout)
    assert events == [event.to_dict() for event in actrec.watch(str(drawn_clip), "weizmann", threshold=0.2)]
    assert events


def test_a_file_beside_others_gives_the_same_events(drawn_clip: Path) -> None:
    alone = live("--source", f"one={drawn_clip}", "--headless", "--events", "-", *EASILY)
    both = live(
        *("--source", f"one={drawn_clip}", "--source", f"two={drawn_clip}", "--source", "demo"),
        *("--duration", "6", "--headless", "--events", "-", *EASILY),
    )
    assert lines(alone.stdout)
    assert [event for event in lines(both.stdout) if event["source"] == "one"] == lines(alone.stdout)


def test_each_step_has_one_prediction_line_at_the_rate_of_the_model(drawn_clip: Path) -> None:
    said = lines(live("--source", drawn_clip, "--headless", "--predictions", "-").stdout)
    assert len(said) == pytest.approx(60, abs=1)
    assert all(len(line["top"]) == 3 and line["top"][0] == [line["label"], line["score"]] for line in said)
    assert {"schema", "source", "index", "media_time", "label", "score", "top"} <= set(said[0])


@pytest.mark.parametrize(("number", "code"), [(signal.SIGINT, 130), (signal.SIGTERM, 143)])
def test_a_signal_ends_every_event_and_closes_cleanly(
    number: signal.Signals, code: int, tmp_path: Path
) -> None:
    events, video = tmp_path / "events.jsonl", tmp_path / "out.mp4"
    command = [*COMMAND, "--source", "demo", "--headless", "--threshold", "0.1", "--events", str(events)]
    process = subprocess.Popen(
        [*command, "--save", str(video)], stderr=subprocess.PIPE, text=True, env=HEADLESS
    )
    deadline = time.monotonic() + 30
    while time.monotonic() < deadline and not (events.exists() and b'"new"' in events.read_bytes()):
        time.sleep(0.1)
    process.send_signal(number)
    _, stderr = process.communicate(timeout=20)
    assert process.returncode == code, stderr
    assert "Traceback" not in stderr
    said = lines(events.read_text())
    assert said
    assert balanced(said)
    with av.open(str(video)) as container:
        assert sum(1 for _ in container.decode(video=0)) > 2


def test_without_a_display_it_says_so_and_goes_on(drawn_clip: Path) -> None:
    done = live("--source", drawn_clip, "--events", "-")
    assert done.returncode == 0
    assert done.stderr.count("no display") == 1


def test_when_the_reader_of_stdout_goes_away_the_run_ends_without_a_word_of_blame() -> None:
    command = [*COMMAND, "--source", "demo", "--headless", "--duration", "60", "--predictions", "-"]
    process = subprocess.Popen(
        command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, env=HEADLESS
    )
    assert process.stdout is not None
    assert process.stderr is not None
    assert "actrec.prediction/1" in process.stdout.readline()
    process.stdout.close()
    assert process.wait(timeout=30) == 0
    assert "error" not in process.stderr.read()
    process.stderr.close()


def test_a_restart_on_a_camera_keeps_the_events_that_were_written(tmp_path: Path) -> None:
    events = tmp_path / "events.jsonl"
    for _ in range(2):
        arguments = ["--duration", "3", "--threshold", "0.1", "--events", events]
        assert live("--source", "demo", "--headless", *arguments).returncode == 0
    said = lines(events.read_text())
    assert balanced(said)
    assert len({round(event["start_time"]) for event in said}) > 1


BAD_INPUTS = {
    "a missing file": ["--source", "no-such.mp4"],
    "a text named mp4": ["--source", "text.mp4"],
    "an empty folder": ["--source", "empty"],
    "a closed port": ["--source", "rtsp://user:secret-word@127.0.0.1:9/cam"],
    "an unknown scheme": ["--source", "gopher://127.0.0.1/x"],
    "a camera that is not there": ["--source", "99"],
    "an unknown model": ["--source", "demo", "--model", "no-such-model"],
    "a threshold above one": ["--source", "demo", "--threshold", "1.5"],
    "an unknown device": ["--source", "demo", "--device", "tpu"],
    "events into no folder": ["--source", "demo", "--events", "no/folder/x"],
}


@pytest.mark.parametrize("case", BAD_INPUTS)
def test_bad_input_is_one_clear_line_and_exit_code_2(case: str, tmp_path: Path) -> None:
    (tmp_path / "text.mp4").write_text("this is no video\n" * 50)
    (tmp_path / "empty").mkdir()
    done = live(*BAD_INPUTS[case], "--headless", "--duration", "5", cwd=tmp_path)
    assert done.returncode == 2, done.stderr
    assert "Traceback" not in done.stderr
    assert "secret-word" not in done.stderr
    assert sum(line.startswith("error: ") for line in done.stderr.splitlines()) == 1, done.stderr
    assert done.stdout == ""


def test_a_changed_byte_in_a_bundle_is_one_clear_line(tmp_path: Path) -> None:
    bundle = actrec.load_bundle("weizmann")
    copy = tmp_path / "copy"
    copy.mkdir()
    for path in bundle.folder.iterdir():
        if path.is_file():
            (copy / path.name).write_bytes(path.read_bytes())
    graph = bytearray((copy / "head.onnx").read_bytes())
    graph[len(graph) // 2] ^= 1
    (copy / "head.onnx").write_bytes(graph)
    done = live("--source", "demo", "--headless", "--model", copy)
    assert done.returncode == 2
    assert "head.onnx" in done.stderr
    assert "Traceback" not in done.stderr
