"""The window on the screen: all sources in a grid, drawn at its own rate in its own thread."""

from __future__ import annotations

import sys
import threading
import time
from collections.abc import Callable, Mapping
from pathlib import Path
from types import ModuleType
from typing import Any

from ..lettering import Canvas
from ..overlay import annotate, cells, grid
from ..panels import KEYS, keys_panel, toast
from ..results import Event, Step
from ..scene import SourceView, worth_showing
from ..sources.feed import FeedStatus
from .sdl import HEADLESS_DRIVERS, outlive_display, prepare_sdl
from .snapshot import save_snapshot

START_HW = (720, 1280)
IDLE_REDRAW_S = 0.25
"""Ages and event clocks go on when no frame comes."""
DRAWING_SHARE = 0.25
"""Of one core, at most so much goes into drawing; recognition needs the rest more."""
TOAST_S = 2.5


def open_window(
    say: Callable[[str], None],
    *,
    title: str = "actrec",
    fps: float = 30.0,
    quiet: frozenset[str] = frozenset(),
    snapshots: Path | None = None,
    own_thread: bool = sys.platform != "darwin",
) -> Window | None:
    """Open a window, or say one line and return None where there is no display.

    `quiet` names the background labels; snapshots go to `snapshots`, by default where the command was started.
    macOS lets only the main thread touch windows: there (`own_thread=False`) the window lives on the calling
    thread and draws within `step` and `statuses`.
    """
    window = Window(title, fps, quiet, snapshots or Path.cwd(), own_thread)
    reason = window.open()
    if reason is not None:
        say(f"no display: running headless ({reason})")
        return None
    return window


class Window:
    """A sink that shows only the newest of each source; `closed` is set when the user wants to quit."""

    def __init__(
        self, title: str, fps: float, quiet: frozenset[str], snapshots: Path, own_thread: bool
    ) -> None:
        self.closed = threading.Event()
        self._title, self._least_s, self._quiet, self._folder = title, 1.0 / fps, quiet, snapshots
        self._lock = threading.Lock()
        self._views: dict[str, SourceView] = {}
        self._single = False
        self._news, self._stop, self._ready = threading.Event(), threading.Event(), threading.Event()
        self._reason: str | None = None
        self._failure: Exception | None = None
        self._lost = False
        self._thread = (
            threading.Thread(target=self._run, name="actrec-window", daemon=True) if own_thread else None
        )
        # From here on only the drawing thread's.
        self._pygame: ModuleType | None = None
        self._drawn, self._interval_s = 0.0, self._least_s
        self._windowed: tuple[int, int] | None = None
        self._back_to = self._windowed
        self._fitted = False
        self._chosen: str | None = None
        self._names: list[str] = []
        self._help = False
        self._toast, self._toast_until = "", 0.0
        self._shown: Canvas | None = None

    def open(self) -> str | None:
        """Create the window; return why it could not be created, or None."""
        if self._thread is None:
            self._reason = self._create()
            return self._reason
        self._thread.start()
        self._ready.wait()
        return self._reason

    def step(self, step: Step) -> None:
        """Note the newest of this source."""
        with self._lock:
            self._view(step.frame.source).step(step)
        self._tell()

    def events(self, events: tuple[Event, ...]) -> None:
        """Note events that ended without a frame."""
        with self._lock:
            for event in events:
                self._view(event.source).events((event,))
        self._tell()

    def statuses(self, statuses: Mapping[str, FeedStatus]) -> None:
        """Note the state of the sources; they stand in the grid in this order."""
        with self._lock:
            self._single = len(statuses) == 1
            for name, status in statuses.items():
                self._view(name).status(status)
        self._tell()

    def close(self) -> None:
        """Close the window."""
        self._stop.set()
        self._news.set()
        if self._thread is not None:
            if self._thread.is_alive() and not self._lost:
                self._thread.join(5.0)
        elif self._pygame is not None:
            self._destroy()

    def _view(self, name: str) -> SourceView:
        return self._views.setdefault(name, SourceView(name))

    def _tell(self) -> None:
        if self._failure is not None:
            failure, self._failure = self._failure, None
            raise OSError(f"window: {failure}") from failure
        self._news.set()
        if self._thread is None and self._pygame is not None:
            self._turn()

    def _run(self) -> None:
        try:
            self._reason = self._create()
        finally:
            self._ready.set()
        if self._reason is not None:
            return
        try:
            while not self._stop.is_set():
                self._turn()
                self._news.wait(self._interval_s)
                spare_s = self._drawn + self._interval_s - time.monotonic()
                if spare_s > 0:
                    self._stop.wait(spare_s)
        except Exception as error:  # Reported by the next call; recognition goes on without a picture.
            self._failure = error
        finally:
            self._destroy()

    def _create(self) -> str | None:
        if (reason := prepare_sdl()) is not None:
            return reason
        try:
            import pygame
        except ImportError as error:
            return f"pygame-ce cannot be loaded: {error}"
        try:
            pygame.display.init()
            driver = pygame.display.get_driver()
            if driver in HEADLESS_DRIVERS:
                pygame.display.quit()
                return f"SDL found only its driver {driver!r}"
            desktop_w, desktop_h = pygame.display.get_desktop_sizes()[0]
            height, width = min(START_HW[0], desktop_h * 4 // 5), min(START_HW[1], desktop_w * 4 // 5)
            pygame.display.set_caption(self._title)
            pygame.display.set_mode((width, height), pygame.RESIZABLE)
        except pygame.error as error:
            pygame.display.quit()
            return str(error)
        if driver == "x11" and self._thread is not None:
            outlive_display(pygame, self._lose)
        self._pygame = pygame
        return None

    def _lose(self) -> None:
        self._failure, self._lost = OSError("the display is gone"), True

    @property
    def _sdl(self) -> ModuleType:
        assert self._pygame is not None
        return self._pygame

    def _destroy(self) -> None:
        pygame, self._pygame = self._pygame, None
        if pygame is not None:
            pygame.display.quit()

    def _turn(self) -> None:
        """Handle the input and draw, if there is something new or the last picture has become old."""
        touched = False
        for event in self._sdl.event.get():
            touched |= self._handle(event)
        wait_s = time.monotonic() - self._drawn
        if touched or wait_s >= IDLE_REDRAW_S or (self._news.is_set() and wait_s >= self._interval_s):
            self._news.clear()
            self._drawn = time.monotonic()
            self._draw()
            took_s = time.monotonic() - self._drawn
            self._interval_s = max(self._least_s, min(took_s / DRAWING_SHARE, IDLE_REDRAW_S))

    def _handle(self, event: Any) -> bool:
        pygame = self._sdl
        if event.type == pygame.QUIT:
            self.closed.set()
        elif event.type == pygame.KEYDOWN:
            self._key(event)
        elif event.type == pygame.MOUSEBUTTONDOWN and event.button == 1:
            self._click(event.pos)
        elif event.type not in (pygame.VIDEORESIZE, pygame.VIDEOEXPOSE):
            return False
        return True

    def _key(self, event: Any) -> None:
        pygame = self._sdl
        text = event.unicode
        if event.key == pygame.K_ESCAPE or text in ("q", "Q"):
            self.closed.set()
        elif text in ("f", "F"):
            self._switch_full_screen()
        elif text in ("h", "H", "?"):
            self._help = not self._help
        elif text in ("s", "S"):
            self._snapshot()
        elif text == "0":
            self._chosen = None
        elif text and text in "123456789":
            with self._lock:
                names = list(self._views) if self._chosen is not None else self._names
            if int(text) <= len(names):
                self._chosen = names[int(text) - 1]

    def _click(self, xy: tuple[int, int]) -> None:
        if self._chosen is not None:
            self._chosen = None
            return
        width, height = self._sdl.display.get_surface().get_size()
        boxes = cells(len(self._names), (height, width))
        for name, (x, y, wide, high) in zip(self._names, boxes, strict=True):
            if x <= xy[0] < x + wide and y <= xy[1] < y + high:
                self._chosen = name

    def _switch_full_screen(self) -> None:
        pygame = self._sdl
        if self._windowed is None:
            self._windowed = pygame.display.get_surface().get_size()
            pygame.display.set_mode((0, 0), pygame.FULLSCREEN)
        else:
            pygame.display.set_mode(self._windowed, pygame.RESIZABLE)
            self._windowed, self._back_to = None, self._windowed
        pygame.mouse.set_visible(self._windowed is None)

    def _snapshot(self) -> None:
        if self._shown is None:
            return
        self._toast = save_snapshot(self._folder, self._shown)
        self._toast_until = time.monotonic() + TOAST_S

    def _draw(self) -> None:
        pygame = self._sdl
        with self._lock:
            chosen = self._views.get(self._chosen or "")
            scenes = (
                [chosen.scene()] if chosen else worth_showing([view.scene() for view in self._views.values()])
            )
        self._names = [scene.name for scene in scenes]
        if self._single and not self._fitted and scenes[0].image is not None:
            self._fit(scenes[0].image.shape[0] / scenes[0].image.shape[1])
        surface = pygame.display.get_surface()
        if self._back_to not in (None, surface.get_size()):
            # Without a window manager the way back from full screen takes a second asking.
            surface = pygame.display.set_mode(self._back_to, pygame.RESIZABLE)
        self._back_to = None
        size_hw = (surface.get_height(), surface.get_width())
        picture = (
            annotate(scenes[0], size_hw, self._quiet)
            if len(scenes) == 1
            else grid(scenes, size_hw, self._quiet)
        )
        self._shown = picture.copy() if self._help or time.monotonic() < self._toast_until else picture
        if self._help:
            keys_panel(picture, KEYS)
        if time.monotonic() < self._toast_until:
            toast(picture, self._toast)
        surface.blit(pygame.image.frombuffer(picture, (size_hw[1], size_hw[0]), "RGB"), (0, 0))
        pygame.display.flip()

    def _fit(self, ratio: float) -> None:
        """Give the window of a single source the shape of its picture, once."""
        pygame = self._sdl
        self._fitted = True
        width, height = pygame.display.get_surface().get_size()
        fitted = (min(width, round(height / ratio)), min(height, round(width * ratio)))
        if self._windowed is None and fitted != (width, height):
            pygame.display.set_mode(fitted, pygame.RESIZABLE)
