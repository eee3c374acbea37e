"""What may be written after --source, and what is said when it is wrong."""

from __future__ import annotations

import socket
from collections.abc import Callable
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest

from actrec.models.errors import SourceError
from actrec.realtime.sources import SourceOptions, open_feeds, parse_source, redact
from actrec.realtime.sources.address import redact_text


@pytest.mark.parametrize(
    ("text", "kind", "uri", "name"),
    [
        ("0", "camera", "0", None),
        ("door=1", "camera", "1", "door"),
        ("/dev/video2", "camera", "/dev/video2", None),
        ("yard=rtsp://h/a?x=1", "stream", "rtsp://h/a?x=1", "yard"),
        ("rtsp://h/a?x=1", "stream", "rtsp://h/a?x=1", None),
        ("https://h/live.m3u8", "stream", "https://h/live.m3u8", None),
        ("demo", "demo", "demo", None),
        ("stage=demo:seed=3", "demo", "demo:seed=3", "stage"),
        ("clips/*.mp4", "glob", "clips/*.mp4", None),
        ("no/such=file.mp4", "file", "no/such=file.mp4", None),
        ("hall.streams", "list", "hall.streams", None),
    ],
)
def test_every_form_of_source_is_told_apart(text: str, kind: str, uri: str, name: str | None) -> None:
    spec = parse_source(text)
    assert (spec.kind, spec.uri, spec.name) == (kind, uri, name)


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("rtsp://joe:s3cret@cam/1", "rtsp://joe:***@cam/1"),
        ("rtsp://joe:s3@cret@cam:554/1", "rtsp://joe:***@cam:554/1"),
        ("rtsp://joe:s3/cret@cam/1", "rtsp://joe:***@cam/1"),
        ("rtsp://joe@cam/1", "rtsp://joe@cam/1"),
        ("http://cam:8080/a@b", "http://cam:8080/a@b"),
        ("http://cam/v?user=joe&password=s3cret&x=1", "http://cam/v?user=joe&password=***&x=1"),
        ("http://cam/v?access_token=s3cret", "http://cam/v?access_token=***"),
        ("clip.mp4", "clip.mp4"),
    ],
)
def test_a_password_is_hidden_and_nothing_else(text: str, shown: str) -> None:
    assert redact(text) == shown
    assert redact(redact(text)) == shown


def test_no_password_is_seen_in_a_spec_or_in_a_message() -> None:
    assert "s3cret" not in repr(parse_source("rtsp://joe:s3cret@cam/1"))
    assert (
        redact_text("cannot open 'rtsp://joe:s3cret@cam/1': no") == "cannot open 'rtsp://joe:***@cam/1': no"
    )
    (feed,) = open_feeds([parse_source("rtsp://joe:s3cret@cam/1?token=s3cret")])
    assert feed.name == "cam/1"


def test_names_are_unique() -> None:
    feeds = open_feeds([parse_source(text) for text in ("demo", "demo:seed=1", "demo=demo:seed=2", "0", "0")])
    assert [feed.name for feed in feeds] == ["demo", "demo-2", "demo-3", "camera0", "camera0-2"]


def test_a_list_file_names_its_sources_relative_to_itself(tmp_path: Path) -> None:
    (tmp_path / "clip.mp4").write_bytes(b"x")
    path = tmp_path / "hall.streams"
    path.write_text(
        "# cameras\n\ndoor=rtsp://joe:s3cret@cam/1\nclip.mp4\nlong=clip.mp4\ndemo\n", encoding="utf-8"
    )
    assert [feed.name for feed in open_feeds([parse_source(str(path))])] == [
        "door",
        "clip.mp4",
        "long",
        "demo",
    ]


@pytest.mark.parametrize(
    ("text", "got", "mend"),
    [
        ("no/such.mp4", "no/such.mp4: no such file", "check the path"),
        ("no/such/*.mp4", "got no files", "check the path"),
        ("gopher://x/y", "got gopher://", "check the address"),
        ("demo:speed=3", "got setting 'speed'", "demo:seed=3"),
        ("demo:seed=x", "got seed=x", "demo:seed=3"),
        ("demo:actions=fly", "got action 'fly'", "choose from them"),
        ("demo:seed", "got 'seed'", "demo:seed=3"),
        ("none.streams", "none.streams: cannot be read", "check the path"),
    ],
)
def test_bad_input_is_one_line_that_says_how_to_mend_it(text: str, got: str, mend: str) -> None:
    with pytest.raises(SourceError) as caught:
        open_feeds([parse_source(text)])
    message = str(caught.value)
    assert got in message
    assert mend in message
    assert "wanted" in message
    assert "\n" not in message


def test_an_empty_folder_and_a_folder_of_other_things_are_refused(tmp_path: Path) -> None:
    with pytest.raises(SourceError, match="got no files, wanted videos or images"):
        open_feeds([parse_source(str(tmp_path))])
    (tmp_path / "notes.txt").write_text("hello", encoding="utf-8")
    with pytest.raises(SourceError, match="got 1 files of other kinds, wanted videos or images"):
        open_feeds([parse_source(str(tmp_path))])


def test_a_text_file_named_mp4_is_refused_in_one_line(tmp_path: Path, watch: Callable[..., Any]) -> None:
    path = tmp_path / "notes.mp4"
    path.write_text("this is no video\n" * 50, encoding="utf-8")
    feeds = open_feeds([parse_source(str(path))])
    watch(feeds).run(5)
    error = feeds[0].error
    assert isinstance(error, SourceError)
    assert "not a video that can be read" in str(error)
    assert "\n" not in str(error)
    assert feeds[0].status().state == "failed"


def test_a_closed_port_is_an_error_within_a_second_and_hides_the_password(watch: Callable[..., Any]) -> None:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    feeds = open_feeds([parse_source(f"rtsp://joe:s3cret@127.0.0.1:{port}/cam")])
    assert watch(feeds).run(1.0)
    error = feeds[0].error
    assert isinstance(error, SourceError)
    assert "connection refused" in str(error)
    assert "s3cret" not in str(error) + feeds[0].status().detail


def test_a_camera_that_is_not_there_is_an_error(watch: Callable[..., Any]) -> None:
    feeds = open_feeds([parse_source("97")])
    assert watch(feeds).run(2.0)
    assert isinstance(feeds[0].error, SourceError)
    assert "no such device" in str(feeds[0].error)


def test_images_become_one_sequence_for_each_folder(tmp_path: Path, watch: Callable[..., Any]) -> None:
    for name, count in (("a", 5), ("b", 3)):
        (tmp_path / name).mkdir()
        for number in range(count):
            image = np.full((24, 32, 3), (0, 0, 40 * number), np.uint8)
            cv2.imwrite(str(tmp_path / name / f"{number:03d}.png"), image)
    watcher = watch(open_feeds([parse_source(f"lab={tmp_path}")], SourceOptions(images_fps=5)), fps=100)
    assert watcher.run(5)
    frames = watcher.frames
    assert {name: len(found) for name, found in frames.items()} == {"lab/a": 5, "lab/b": 3}
    assert [round(frame.media_time, 3) for frame in frames["lab/a"]] == [0.0, 0.2, 0.4, 0.6, 0.8]
    assert frames["lab/a"][2].image[0, 0].tolist() == [80, 0, 0]


def test_a_single_image_is_a_source_of_one_frame(tmp_path: Path, watch: Callable[..., Any]) -> None:
    cv2.imwrite(str(tmp_path / "one.jpg"), np.zeros((24, 32, 3), np.uint8))
    watcher = watch(open_feeds([parse_source(str(tmp_path / "one.jpg"))]))
    assert watcher.run(5)
    assert [len(frames) for frames in watcher.frames.values()] == [1]
