"""What SDL and Xlib have to be told, so that a window does not decide about the process."""

from __future__ import annotations

import atexit
import ctypes
import os
import sys
import warnings
from collections.abc import Callable
from types import ModuleType

HEADLESS_DRIVERS = frozenset({"offscreen", "dummy", ""})
_DISPLAYS = ("DISPLAY", "WAYLAND_DISPLAY", "SDL_VIDEODRIVER")
_kept: list[object] = []
"""Xlib calls the handler for as long as the process lives."""


def prepare_sdl() -> str | None:
    """Set SDL's defaults, before pygame is loaded; return why there can be no window, or None.

    Without a display SDL would take its driver `offscreen`, and draw for nobody.
    """
    if sys.platform == "linux" and not any(os.environ.get(name) for name in _DISPLAYS):
        return "set DISPLAY or WAYLAND_DISPLAY to see a window"
    os.environ.setdefault("PYGAME_HIDE_SUPPORT_PROMPT", "1")
    # SDL would take SIGTERM for itself, and put the screen saver off for good.
    os.environ.setdefault("SDL_NO_SIGNAL_HANDLERS", "1")
    os.environ.setdefault("SDL_VIDEO_ALLOW_SCREENSAVER", "1")
    if os.environ.get("DISPLAY"):
        # Pictures come from memory: sent as they are they cost less than as textures of a software OpenGL, and
        # OpenGL's library hangs at exit when the display is gone.
        os.environ.setdefault("SDL_FRAMEBUFFER_ACCELERATION", "0")
    # Of a window manager that knows better than we what size a window has.
    warnings.filterwarnings("ignore", "Requested window was forcibly resized", RuntimeWarning)
    return None


def outlive_display(pygame: ModuleType, say: Callable[[], None]) -> None:
    """Let a broken X connection call `say` and park the thread that met it, which is the one that draws.

    Xlib would end the whole process. Its handler must not return, and nobody may speak to that display again,
    so pygame's own end at the exit of the process is taken away.
    """
    try:
        xlib, system = ctypes.CDLL("libX11.so.6"), ctypes.CDLL(None)
    except OSError:
        return
    closed = ctypes.create_string_buffer(128)  # zeros are a mutex, on Linux

    def park(_: object) -> int:
        atexit.unregister(pygame.quit)
        say()
        # Waits in C for a lock that nobody opens: a wait in Python would wake when the interpreter ends, and be
        # unwound through Xlib, which aborts the process.
        system.pthread_mutex_lock(closed)
        system.pthread_mutex_lock(closed)
        return 0

    handler = ctypes.CFUNCTYPE(ctypes.c_int, ctypes.c_void_p)(park)
    _kept.append(handler)
    xlib.XSetIOErrorHandler(handler)
