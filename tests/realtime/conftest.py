"""Servers, encoded clips and a display of one's own for the tests of the live path."""

from __future__ import annotations

import os
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

import pytest

from actrec.realtime.frame import Frame
from actrec.realtime.sampler import Sampler
from actrec.realtime.sources.feed import Feed

sys.path.insert(0, str(Path(__file__).parent))

import stream_servers
from stream_servers import RtspServer, WebServer


@pytest.fixture(scope="session")
def encoded(
    tmp_path_factory: pytest.TempPathFactory, need_tool: Callable[[str, str], str]
) -> Callable[..., Path]:
    """`encoded(source=None, suffix=".h264", size=, fps=, seconds=)`: a file for the RTSP server, made once."""
    need_tool("ffmpeg", "ffmpeg")
    folder = tmp_path_factory.mktemp("encoded")
    made: dict[object, Path] = {}

    def encode(source: Path | None = None, suffix: str = ".h264", **settings: object) -> Path:
        key = (source, suffix, *sorted(settings.items()))
        if key not in made:
            made[key] = stream_servers.encode(folder / f"{len(made)}{suffix}", source, **settings)  # type: ignore[arg-type]
        return made[key]

    return encode


@pytest.fixture
def rtsp_server(missing: Callable[[str], None]) -> Iterator[Callable[..., RtspServer]]:
    """`rtsp_server({"/cam": file}, port=, shared=, once=, user=, password=)`, until the test ends."""
    if reason := stream_servers.can_serve_rtsp():
        missing(reason)
    running: list[RtspServer] = []

    def serve(*args: object, **kwargs: object) -> RtspServer:
        running.append(RtspServer(*args, **kwargs))  # type: ignore[arg-type]
        return running[-1]

    yield serve
    for server in running:
        server.kill()


@pytest.fixture
def web_server() -> Iterator[Callable[..., WebServer]]:
    """`web_server(pictures=[jpeg bytes], fps=, folder=)`: MJPEG at /cam.mjpg and files; ended with the test."""
    running: list[WebServer] = []

    def serve(**kwargs: object) -> WebServer:
        running.append(WebServer(**kwargs))  # type: ignore[arg-type]
        return running[-1]

    yield serve
    for server in running:
        server.close()


class Watcher:
    """Polls feeds as the pipeline does and keeps what came, with the monotonic time at which it came."""

    def __init__(self, feeds: Sequence[Feed], fps: float) -> None:
        self.feeds = list(feeds)
        self.frames: dict[str, list[Frame]] = {feed.name: [] for feed in feeds}
        self.times: dict[str, list[float]] = {feed.name: [] for feed in feeds}
        self._wake = threading.Event()
        for feed in self.feeds:
            feed.start(Sampler(fps).due, self._wake)

    def run(self, limit_s: float, until: Callable[[], bool] = lambda: False) -> bool:
        """Poll until all feeds are done or `until()`; False if the time was up before."""
        end = time.monotonic() + limit_s
        while time.monotonic() < end:
            for feed in self.feeds:
                while (frame := feed.poll()) is not None:
                    self.frames[feed.name].append(frame)
                    self.times[feed.name].append(time.monotonic())
            if until() or all(feed.done for feed in self.feeds):
                return True
            self._wake.wait(0.02)
            self._wake.clear()
        return False

    def stop(self) -> None:
        for feed in self.feeds:
            feed.stop()


@pytest.fixture
def watch() -> Iterator[Callable[..., Watcher]]:
    """`watch(feeds, fps=10)`: started feeds, stopped with the test."""
    watchers: list[Watcher] = []

    def start(feeds: Sequence[Feed], fps: float = 10.0) -> Watcher:
        watchers.append(Watcher(feeds, fps))
        return watchers[-1]

    yield start
    for watcher in watchers:
        watcher.stop()


@pytest.fixture
def display(
    need_tool: Callable[[str, str], str], monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> Iterator[str]:
    """An X server that only this test has, set as DISPLAY."""
    server = need_tool("Xvfb", "xvfb")
    reads, writes = os.pipe()
    process = subprocess.Popen(
        [server, "-displayfd", str(writes), "-screen", "0", "1000x700x24", "-nolisten", "tcp"],
        pass_fds=[writes],
        stderr=subprocess.DEVNULL,
    )
    os.close(writes)
    try:
        with os.fdopen(reads) as pipe:
            name = f":{pipe.readline().strip()}"
        monkeypatch.setenv("DISPLAY", name)
        monkeypatch.setenv("XDG_RUNTIME_DIR", str(tmp_path))
        monkeypatch.delenv("WAYLAND_DISPLAY", raising=False)
        monkeypatch.delenv("SDL_VIDEODRIVER", raising=False)
        yield name
    finally:
        process.terminate()
        process.wait(10)
