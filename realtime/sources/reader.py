"""A lossless source: a thread decodes a little ahead, the recogniser takes every due frame in order."""

from __future__ import annotations

import logging
import threading
import time
from collections import deque
from collections.abc import Callable, Iterable
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from ...models.errors import SourceError
from ..frame import Frame
from ..threads import MayHang
from .feed import FeedStatus, Handoff

log = logging.getLogger(__name__)
AHEAD = 8
"""Due frames that wait converted: enough to hide the decoder, small in memory."""


@dataclass(frozen=True, slots=True)
class Picture:
    """A decoded picture that nobody has converted to RGB yet."""

    media_time: float
    size_hw: tuple[int, int]
    convert: Callable[[], NDArray[np.uint8]]
    """Return uint8 [H, W, 3] RGB; call it before the next picture is read."""


@dataclass(slots=True)
class Faults:
    """What a decoder counts while it reads."""

    count: int = 0
    detail: str = ""


class ReaderFeed:
    """Pictures of `read`, each due one exactly once and in order; see `Feed`.

    With `after`, reading begins when that feed is done, so a folder of a thousand clips holds one decoder.
    """

    live = False

    def __init__(
        self,
        name: str,
        read: Callable[[Faults], Iterable[Picture]],
        *,
        pace: bool = False,
        after: ReaderFeed | None = None,
    ) -> None:
        self.name = name
        self._read = read
        self._pace = pace
        self.after = after
        self._next: ReaderFeed | None = None
        if after is not None:
            after._next = self
        self._handoff = Handoff(AHEAD, lossless=True)
        self._faults = Faults()
        self._status = FeedStatus(detail="waits for its turn" if after is not None else "")
        self._arrivals: deque[float] = deque(maxlen=60)
        self._due: Callable[[float], bool] | None = None
        self._wake = threading.Event()
        self._lock = threading.Lock()
        self._thread: threading.Thread | None = None
        self._finished = False
        self._stop = threading.Event()
        self._error: Exception | None = None

    def start(self, due: Callable[[float], bool], wake: threading.Event) -> None:
        """See `Feed.start`."""
        self._due, self._wake = due, wake
        if self.after is None or self.after.done:
            self._begin()

    def poll(self) -> Frame | None:
        """See `Feed.poll`."""
        frame = self._handoff.take()
        if frame is not None and self._finished and not len(self._handoff):
            self._pass_on()
        return frame

    @property
    def done(self) -> bool:
        """See `Feed.done`."""
        return self._finished and not len(self._handoff)

    @property
    def error(self) -> Exception | None:
        """See `Feed.error`."""
        return self._error

    def status(self) -> FeedStatus:
        """See `Feed.status`."""
        arrivals = list(self._arrivals)
        span = arrivals[-1] - arrivals[0] if len(arrivals) > 1 else 0.0
        fps = (len(arrivals) - 1) / span if span > 0 else 0.0
        detail = self._faults.detail or self._status.detail
        return replace(self._status, fps_in=fps, faults=self._faults.count, detail=detail)

    def halt(self) -> None:
        """See `Feed.halt`."""
        self._stop.set()
        self._handoff.close()

    def stop(self) -> None:
        """See `Feed.stop`."""
        self.halt()
        thread = self._thread
        if thread is not None and thread is not threading.current_thread():
            thread.join(timeout=5.0)
        self._finished = True
        self._pass_on()

    def _begin(self) -> None:
        with self._lock:
            if self._thread is not None or self._stop.is_set() or self._due is None:
                return
            self._thread = MayHang(target=self._run, name=f"read {self.name}")
        self._thread.start()

    def _pass_on(self) -> None:
        if self._next is not None:
            self._next._begin()

    def _run(self) -> None:
        try:
            self._read_all()
            self._status = replace(self._status, state="ended", detail="")
        except SourceError as error:
            self._error = error
            self._status = replace(self._status, state="failed", detail=str(error))
        except Exception as error:  # a fault of a decoder must end this source only, and be told
            self._error = SourceError(f"{self.name}: reading broke off ({type(error).__name__}: {error})")
            self._status = replace(self._status, state="failed", detail=str(self._error))
        finally:
            self._finished = True
            if self.done:
                self._pass_on()
            self._wake.set()

    def _read_all(self) -> None:
        assert self._due is not None
        began: float | None = None
        size_hw: tuple[int, int] | None = None
        epoch = 0
        for index, picture in enumerate(self._read(self._faults)):
            if self._stop.is_set():
                return
            if size_hw is not None and picture.size_hw != size_hw:
                epoch += 1
            size_hw = picture.size_hw
            began = time.monotonic() - picture.media_time if began is None else began
            self._arrivals.append(time.monotonic())
            due = self._due(picture.media_time)
            self._status = replace(
                self._status,
                state="running",
                detail="",
                size_hw=size_hw,
                frames_in=index + 1,
                sampled=self._status.sampled + due,
            )
            if not due:
                continue
            if self._pace and self._stop.wait(max(0.0, began + picture.media_time - time.monotonic())):
                return
            frame = Frame(
                picture=picture.convert(),
                source=self.name,
                index=index,
                media_time=picture.media_time,
                wall_time=picture.media_time,
                captured=time.monotonic(),
                epoch=epoch,
            )
            if not self._handoff.put(frame):
                return
            self._wake.set()
