"""Claims about the window, on an X server of our own, with keys pressed from outside."""

from __future__ import annotations

import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import cv2
import numpy as np
import pytest

from actrec.realtime.sinks.window import Window, open_window
from actrec.realtime.sources.feed import FeedStatus

if TYPE_CHECKING:
    from .conftest import Maker


class Screen:
    """Looks at the display and presses its keys."""

    def __init__(self, import_: str, xdotool: str, folder: Path) -> None:
        self._import, self._xdotool, self._folder = import_, xdotool, folder

    def picture(self) -> np.ndarray:
        path = self._folder / "screen.ppm"
        subprocess.run([self._import, "-window", "root", str(path)], check=True)
        return cv2.cvtColor(cv2.imread(str(path)), cv2.COLOR_BGR2RGB)

    def key(self, name: str) -> None:
        subprocess.run([self._xdotool, "key", name], check=True)

    def click(self, x: int, y: int) -> None:
        subprocess.run([self._xdotool, "mousemove", str(x), str(y), "click", "1"], check=True)

    def until(self, seen: Callable[[np.ndarray], bool]) -> np.ndarray:
        end = time.monotonic() + 15
        while not seen(picture := self.picture()):
            assert time.monotonic() < end, "the screen never showed what was waited for"
            time.sleep(0.1)
        return picture


@pytest.fixture
def screen(display: str, need_tool: Callable[[str, str], str], tmp_path: Path) -> Screen:
    return Screen(need_tool("import", "imagemagick"), need_tool("xdotool", "xdotool"), tmp_path)


@pytest.fixture(params=[True, False], ids=["own thread", "caller's thread"])
def window(request: pytest.FixtureRequest, display: str, tmp_path: Path) -> Iterator[Window]:
    said: list[str] = []
    window = open_window(said.append, snapshots=tmp_path, own_thread=request.param)
    assert window is not None, said
    yield window
    window.close()
    window.close()
    assert not [thread for thread in threading.enumerate() if thread.name == "actrec-window"]


def play(window: Window, make: Maker, done: Callable[[], bool], *sources: str, seconds: float = 15.0) -> bool:
    """Give the window steps until `done`."""
    end = time.monotonic() + seconds
    index = 0
    while time.monotonic() < end:
        for source in sources or ("cam",):
            window.step(make.step(index, index / 20, source=source, wall=1.7e9))
        window.statuses({source: FeedStatus("running") for source in sources or ("cam",)})
        if done():
            return True
        index += 1
        time.sleep(0.05)
    return done()


def in_background(work: Callable[[], object]) -> Callable[[], bool]:
    thread = threading.Thread(target=work)
    thread.start()
    return lambda: not thread.is_alive()


def test_without_a_display_one_line_says_so(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("DISPLAY", "WAYLAND_DISPLAY", "SDL_VIDEODRIVER"):
        monkeypatch.delenv(name, raising=False)
    said: list[str] = []
    before = set(threading.enumerate())
    assert open_window(said.append) is None
    assert len(said) == 1
    assert said[0].startswith("no display: running headless")
    assert set(threading.enumerate()) <= before


@pytest.mark.parametrize("key", ["q", "Escape"])
def test_q_and_escape_close_the_window(window: Window, screen: Screen, make: Maker, key: str) -> None:
    assert not play(window, make, lambda: False, seconds=0.5)
    pressed = in_background(lambda: screen.key(key))
    assert play(window, make, lambda: window.closed.is_set() and pressed())


def test_the_picture_on_the_screen_is_the_frame_with_its_label(
    window: Window, screen: Screen, make: Maker
) -> None:
    def shown() -> None:
        picture = screen.until(lambda image: image.mean() > 20)
        assert picture.max() > 230

    done = in_background(shown)
    assert play(window, make, done)
    # The frame is 4:3, and so is the window, after it has seen it.
    picture = screen.picture()
    lit = np.argwhere(picture.max(axis=2) > 12)
    height, width = lit.max(axis=0) - lit.min(axis=0) + 1
    assert width / height == pytest.approx(4 / 3, abs=0.03)


@pytest.mark.parametrize("window", [True], indirect=True, ids=["own thread"])
def test_help_snapshot_full_screen_and_one_of_many(
    window: Window, screen: Screen, make: Maker, tmp_path: Path
) -> None:
    sizes: list[float] = []

    def size(image: np.ndarray) -> float:
        return float((image.max(axis=2) > 12).mean())

    def press() -> None:
        before = screen.until(lambda image: size(image) > 0.2)
        sizes.append(size(before))
        screen.key("h")
        screen.until(lambda image: np.abs(image.astype(int) - before)[250:450, 400:600].mean() > 15)
        screen.key("question")
        screen.key("s")
        end = time.monotonic() + 10
        while not list(tmp_path.glob("actrec-*.jpg")) and time.monotonic() < end:
            time.sleep(0.05)
        screen.key("f")
        sizes.append(size(screen.until(lambda image: size(image) > 1.2 * sizes[0])))
        screen.key("f")
        screen.until(lambda image: size(image) < 1.1 * sizes[0])
        screen.key("2")
        time.sleep(0.3)
        screen.key("0")
        screen.click(300, 200)

    done = in_background(press)
    assert play(window, make, done, "door", "yard", "garage", "roof", seconds=60)
    assert len(sizes) == 2
    (snapshot,) = tmp_path.glob("actrec-*.jpg")
    assert cv2.imread(str(snapshot)).shape[1] == 800


def test_a_folder_for_snapshots_that_cannot_be_written_does_not_close_the_window(
    display: str, screen: Screen, make: Maker, tmp_path: Path
) -> None:
    window = open_window(print, snapshots=tmp_path / "nowhere")
    assert window is not None
    play(window, make, lambda: False, seconds=0.5)
    pressed = in_background(lambda: screen.key("s"))
    assert play(window, make, pressed)
    assert not play(window, make, window.closed.is_set, seconds=0.5)
    window.close()


def test_drawing_never_holds_up_recognition(display: str, make: Maker) -> None:
    window = open_window(print)
    assert window is not None
    steps = [make.step(index, index / 10, size_hw=(720, 1280), wall=1.7e9) for index in range(4)]
    began = time.monotonic()
    for _ in range(250):
        for step in steps:
            window.step(step)
    assert (time.monotonic() - began) / 1000 < 0.002
    window.close()


def test_recognition_outlives_the_display(need_tool: Callable[[str, str], str], tmp_path: Path) -> None:
    program = """
import subprocess, sys, time
sys.path.insert(0, sys.argv[2])
from conftest import Maker
from actrec.realtime.sinks.window import open_window
server = subprocess.Popen([sys.argv[1], "-displayfd", "1", "-nolisten", "tcp"], stdout=subprocess.PIPE)
import os
os.environ["DISPLAY"] = ":" + server.stdout.readline().decode().strip()
window = open_window(print)
for index in range(400):
    if index == 10:
        server.kill()
    try:
        window.step(Maker().step(index, index / 10, wall=1.7e9))
    except OSError as error:
        print(error)
        break
    time.sleep(0.05)
window.close()
print("went on")
"""
    server, here = need_tool("Xvfb", "xvfb"), str(Path(__file__).parent)
    done = subprocess.run(
        [sys.executable, "-c", program, server, here], capture_output=True, text=True, timeout=60
    )
    assert done.stdout == "window: the display is gone\nwent on\n", done.stderr
    assert done.returncode == 0
