"""Claims about JSON lines."""

from __future__ import annotations

import errno
import json
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from actrec.models import ConfigError
from actrec.realtime.sinks.jsonl import EventLines, PredictionLines

if TYPE_CHECKING:
    from .conftest import Maker


def test_every_line_is_whole_in_the_file_before_close(make: Maker, tmp_path: Path) -> None:
    path = tmp_path / "events.jsonl"
    sink = EventLines(str(path))
    begun = make.event("new", 1.0, now=1.4, label="приве́т", source="Tür")
    sink.step(make.step(0, 1.4, events=(begun,)))
    assert json.loads(path.read_text(encoding="utf-8")) == begun.to_dict()
    ended = make.event("end", 1.0, now=2.0, end=2.0)
    sink.events((ended,))
    lines = path.read_text(encoding="utf-8").splitlines()
    assert [json.loads(line)["type"] for line in lines] == ["new", "end"]
    assert lines[0].startswith('{"schema":"actrec.event/1","type":"new","id":"1.000-abc123","source":"Tür"')
    sink.close()
    sink.close()


def test_predictions_are_one_line_for_each_step(make: Maker, tmp_path: Path) -> None:
    path = tmp_path / "predictions.jsonl"
    sink = PredictionLines(str(path))
    for index in range(3):
        sink.step(make.step(index, index / 10))
    sink.close()
    lines = [json.loads(line) for line in path.read_text().splitlines()]
    assert [line["index"] for line in lines] == [0, 1, 2]
    assert lines[0]["label"] == "waving"
    assert len(lines[0]["top"]) == 3


def test_a_file_is_replaced_or_continued_as_asked(make: Maker, tmp_path: Path) -> None:
    path = tmp_path / "events.jsonl"
    for append, lines in ((False, 1), (False, 1), (True, 2)):
        sink = EventLines(str(path), append=append)
        sink.events((make.event("new", 1.0, now=1.4),))
        sink.close()
        assert len(path.read_text().splitlines()) == lines


def test_a_source_name_that_is_not_unicode_does_not_stop_the_lines(make: Maker, tmp_path: Path) -> None:
    path = tmp_path / "events.jsonl"
    sink = EventLines(str(path))
    sink.events((make.event("new", 1.0, now=1.4, source="clip\udcff.mp4"),))
    assert json.loads(path.read_text(encoding="utf-8"))["source"] == "clip\udcff.mp4"
    sink.close()


def test_a_file_that_holds_something_else_is_left_alone(tmp_path: Path) -> None:
    path = tmp_path / "film.mp4"
    path.write_bytes(b"\0\0\0 ftyp")
    with pytest.raises(ConfigError, match="holds no JSON lines"):
        EventLines(str(path))
    assert path.read_bytes() == b"\0\0\0 ftyp"


def test_a_file_that_cannot_be_opened_is_a_config_error(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match=r"nowhere.*cannot be written \(No such file or directory\)"):
        EventLines(str(tmp_path / "nowhere" / "events.jsonl"))


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="Linux only")
def test_a_full_disk_is_an_oserror_that_names_the_file(make: Maker) -> None:
    sink = EventLines("/dev/full")
    with pytest.raises(OSError, match="No space left") as caught:
        sink.events((make.event("new", 1.0, now=1.4),))
    assert (caught.value.errno, caught.value.filename) == (errno.ENOSPC, "/dev/full")
    sink.close()


def test_a_reader_that_goes_away_leaves_a_quiet_process() -> None:
    program = """
import sys
from actrec.realtime.sinks.jsonl import JsonLines
lines = JsonLines("-")
try:
    while True:
        lines.write({"text": "x" * 1000})
except BrokenPipeError as error:
    print(error.filename, file=sys.stderr)
lines.write({})
lines.close()
"""
    process = subprocess.Popen(
        [sys.executable, "-c", program], stdout=subprocess.PIPE, stderr=subprocess.PIPE
    )
    assert process.stdout is not None
    assert process.stdout.readline().startswith(b'{"text":')
    process.stdout.close()
    assert process.stderr is not None
    with process.stderr:
        assert process.stderr.read().decode().split() == ["stdout"]
    assert process.wait(20) == 0
