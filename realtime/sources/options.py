"""The choices that a user has about sources."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal


@dataclass(frozen=True, slots=True)
class SourceOptions:
    """How sources are opened and read; times in seconds."""

    transport: Literal["tcp", "udp"] = "tcp"
    """How RTSP carries its packets. UDP is quicker to recover from loss and does not pass most firewalls."""
    open_timeout_s: float = 5.0
    """From the start of an attempt to the first picture."""
    stall_timeout_s: float = 3.0
    """A live source without a new picture for so long is released and opened again."""
    retry_max_s: float = 10.0
    """The longest pause between two attempts to reconnect; the first ones are much shorter."""
    camera_size: tuple[int, int] | None = None
    """Wanted (width, height) of a local camera; None: what the driver offers."""
    camera_fps: float | None = None
    camera_format: Literal["MJPG", "YUYV"] | None = None
    images_fps: float = 25.0
    """Rate at which a folder or glob of images is played."""
    pace: bool = False
    """Play files at their own speed instead of as fast as possible."""
    live_demo: bool = True
    """True: `demo` behaves like a camera. False: every due frame of it, in order."""
    lazy: bool = False
    """Convert a picture only if it differs from the last that did, or when somebody asks: for a motion gate."""
    max_staleness_s: float = 0.5
    """Frames of a live source that are older are not handed out any more."""
