"""The claim that a camera is seen as a file is: the same pictures over RTSP get the same labels."""

from __future__ import annotations

import json
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from pathlib import Path

import av
import pytest
from stream_servers import RtspServer

from actrec.realtime.sources import SourceOptions, open_feeds, parse_source

SECONDS, FPS = 24, 25


@pytest.fixture(scope="module")
def play(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The drawn demo as a video file."""
    path = tmp_path_factory.mktemp("play") / "demo.mp4"
    (feed,) = open_feeds([parse_source(f"demo:seed=4,seconds={SECONDS}")], SourceOptions(live_demo=False))
    feed.start(lambda _: True, threading.Event())
    with av.open(str(path), "w") as container:
        stream = container.add_stream("libx264", rate=FPS, options={"qp": "14", "preset": "ultrafast"})
        stream.width, stream.height, stream.pix_fmt = 640, 360, "yuv420p"
        while not feed.done:
            if (frame := feed.poll()) is None:
                time.sleep(0.001)
                continue
            container.mux(stream.encode(av.VideoFrame.from_ndarray(frame.image, format="rgb24")))
        container.mux(stream.encode())
    feed.stop()
    return path


def labels(*arguments: str | Path) -> dict[int, str]:
    """Run `actrec-live` and return the label by the number of the frame."""
    command = [
        sys.executable,
        "-m",
        "actrec.realtime",
        "--headless",
        "--model",
        "weizmann",
        "--predictions",
        "-",
    ]
    done = subprocess.run(
        [*command, *map(str, arguments)], capture_output=True, text=True, timeout=120, check=True
    )
    return {line["index"]: line["label"] for line in map(json.loads, done.stdout.splitlines())}


def test_a_camera_is_seen_as_the_file_is(
    play: Path, encoded: Callable[..., Path], rtsp_server: Callable[..., RtspServer], tmp_path: Path
) -> None:
    stream = encoded(play, size=(640, 360), fps=FPS)
    file = tmp_path / "same.mp4"
    copy = ["ffmpeg", "-v", "error", "-r", str(FPS), "-i", str(stream), "-c", "copy", str(file)]
    subprocess.run(copy, check=True)
    server = rtsp_server({"/cam": (stream, FPS)})
    from_file = labels("--source", file)
    from_camera = labels("--source", server.url("/cam"), "--duration", SECONDS - 2)
    # The two sampling grids may begin at different frames: compare with the nearest step of the file.
    aligned = [
        (label, from_file[min(from_file, key=lambda other: abs(other - index))])
        for index, label in from_camera.items()
        if index < max(from_file)
    ]
    assert len(aligned) > (SECONDS - 4) * 10 * 0.8, "the camera was recognised nearly all of the time"
    same = sum(first == second for first, second in aligned) / len(aligned)
    assert same >= 0.95, f"{same:.3f} of {len(aligned)} steps"
