"""A live source: newest wins, a watchdog that gives up on a blocked read, and reconnection for ever."""

from __future__ import annotations

import logging
import random
import threading
import time
from collections import deque
from collections.abc import Callable
from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from ...models.errors import SourceError
from ..frame import Frame
from ..gate import MotionCounter, MotionGate
from ..picture import LazyPicture
from .clock import StreamClock
from .connection import Capture, Connection, Session
from .feed import FeedStatus, Handoff
from .options import SourceOptions
from .reading import ReadingThread
from .spells import Spells

log = logging.getLogger(__name__)

WAITING = 2
"""Due frames that may wait: one to be taken, one that just came."""
FIRST_RETRY_S = 0.25
RETRY_GROWTH = 1.6
STEADY_S = 2.0
"""A connection with pictures that has lasted so long starts the pauses anew."""
JOIN_S = 1.0
"""How long the end waits for a read that is under way."""
MAX_ABANDONED = 4
"""Blocked readers that may linger; the next attempt waits until one of them comes back."""


class LiveFeed:
    """Pictures of a source that does not wait; see `Feed`.

    Two threads: one opens and reads, the other watches it. A read that blocks for longer than the stall timeout is
    left behind (it closes its own connection when it comes back) and a new connection is tried at once.
    The first attempt decides whether the source exists: if it fails, `error` is set. After a first picture,
    the source is tried again for ever.
    """

    live = True
    after = None

    def __init__(
        self,
        name: str,
        connect: Callable[[], Connection],
        options: SourceOptions,
        *,
        jitter: Callable[[], float] = random.random,
    ) -> None:
        self.name = name
        self._connect = connect
        self._options = options
        self._jitter = jitter
        self._handoff = Handoff(WAITING, lossless=False)
        self._stale = 0
        self._clock = StreamClock()
        self._lock = threading.Lock()
        self._status = FeedStatus()
        self._arrivals: deque[float] = deque(maxlen=120)
        self._session = Session()
        self._abandoned: list[Session] = []
        self._index = -1
        self._epoch = 0
        self._shape: tuple[tuple[int, int], str] | None = None
        self._taken_time: float | None = None
        self._due: Callable[[float], bool] = lambda _: True
        self._wake = threading.Event()
        self._stop = threading.Event()
        self._turn = threading.Event()
        self._thread: threading.Thread | None = None
        self._reader: ReadingThread | None = None
        self._done = False
        self._error: Exception | None = None
        self._reported = ""
        self._spells = Spells(name)
        self._motion, self._gate = MotionCounter(), MotionGate()

    def start(self, due: Callable[[float], bool], wake: threading.Event) -> None:
        """See `Feed.start`."""
        self._due, self._wake = due, wake
        self._thread = threading.Thread(target=self._watch, name=f"watch {self.name}", daemon=True)
        self._thread.start()

    def poll(self) -> Frame | None:
        """See `Feed.poll`; frames older than `max_staleness_s` are passed over and counted as dropped."""
        while (frame := self._handoff.take()) is not None:
            if time.monotonic() - frame.captured <= self._options.max_staleness_s:
                return frame
            self._stale += 1
        return None

    @property
    def done(self) -> bool:
        """See `Feed.done`."""
        return self._done and not len(self._handoff)

    @property
    def error(self) -> Exception | None:
        """See `Feed.error`."""
        return self._error

    def status(self) -> FeedStatus:
        """See `Feed.status`."""
        now = time.monotonic()
        recent = [at for at in list(self._arrivals) if now - at <= 3.0]
        fps = (len(recent) - 1) / max(now - recent[0], 1e-3) if len(recent) > 1 else 0.0
        return replace(self._status, fps_in=fps, dropped=self._handoff.dropped + self._stale)

    def halt(self) -> None:
        """See `Feed.halt`."""
        self._stop.set()
        self._turn.set()
        with self._lock:
            self._session.abandoned = True
        self._handoff.close()

    def stop(self) -> None:
        """See `Feed.stop`; a reader that is blocked just then ends on its own when its read comes back."""
        self.halt()
        if self._thread is not None and self._thread is not threading.current_thread():
            self._thread.join(2.0 * JOIN_S)
        self._done = True

    # The watching thread.

    def _watch(self) -> None:
        pause_s = FIRST_RETRY_S
        while not self._stop.is_set():
            session = self._open_session()
            self._await(session)
            if self._stop.is_set():
                break
            seen = self._status.frames_in > 0
            if session.ended and session.error is None:
                self._set(state="ended", detail="")
                break
            reason = str(session.error) if session.error else self._stall_text(session)
            if not seen:
                self._error = session.error or SourceError(reason)
                self._set(state="failed", detail=reason)
                break
            if session.pictures and session.progress - session.first_picture > STEADY_S:
                pause_s = FIRST_RETRY_S
            wait_s = pause_s * (0.8 + 0.4 * self._jitter())
            stalled = session.error is None
            self._report_loss(reason, stalled, wait_s)
            if not (stalled and session.pictures):
                self._stop.wait(wait_s)
                pause_s = min(pause_s * RETRY_GROWTH, self._options.retry_max_s)
        self._leave()

    def _open_session(self) -> Session:
        self._abandoned = [old for old in self._abandoned if not old.over.is_set()]
        while len(self._abandoned) >= MAX_ABANDONED and not self._stop.wait(0.1):
            self._abandoned = [old for old in self._abandoned if not old.over.is_set()]
        with self._lock:
            session = self._session = Session(abandoned=self._stop.is_set())
        if self._reader is None:
            # One thread reads session after session; only a blocked one is left behind and replaced.
            # A recogniser behind a gate needs little, but soon; without one it would starve the decoders.
            self._reader = ReadingThread(
                self.name, self._connect, self._take, self._turn, gives_way=self._options.lazy
            )
        self._reader.read(session)
        return session

    def _await(self, session: Session) -> None:
        """Wait until the session is over or has shown no sign of life for too long; then abandon it."""
        while not self._stop.is_set():
            allowed_s = self._options.stall_timeout_s if session.pictures else self._options.open_timeout_s
            left_s = session.progress + allowed_s - time.monotonic()
            if left_s <= 0 or session.over.is_set():
                break
            # Not the whole time at once: the first picture shortens what is allowed.
            self._turn.wait(min(left_s, 0.25))
            self._turn.clear()
        with self._lock:
            session.abandoned = True
        if not session.over.is_set():
            self._abandoned.append(session)
            if self._reader is not None:
                self._reader.dismiss()
                self._reader = None

    def _stall_text(self, session: Session) -> str:
        if session.pictures:
            return f"no frame for {time.monotonic() - session.progress:.1f} s"
        return (
            f"{self.name}: no picture within {self._options.open_timeout_s:g} s, wanted a stream; "
            "check the address, the camera and the open timeout"
        )

    def _report_loss(self, reason: str, stalled: bool, wait_s: float) -> None:
        if stalled and self._session.pictures:
            detail = f"{reason}, opening again"
            self._set(state="stalled", detail=detail, faults=self._status.faults + 1)
        else:
            detail = f"{reason}, again in {wait_s:.1f} s"
            self._set(
                state="reconnecting", detail=detail, faults=self._status.faults + bool(self._session.pictures)
            )
        # A camera that is dead for a month says so once, not at each attempt.
        log.log(logging.DEBUG if reason == self._reported else logging.WARNING, "%s: %s", self.name, detail)
        self._reported = reason
        self._wake.set()

    def _set(self, **changes: object) -> None:
        with self._lock:
            self._status = replace(self._status, **changes)  # type: ignore[arg-type]

    def _leave(self) -> None:
        if self._reader is not None:
            self._reader.dismiss()
            self._reader.join(JOIN_S)
        self._done = True
        self._wake.set()

    # The reading thread.

    def _take(self, session: Session, capture: Capture) -> None:
        with self._lock:
            if session.abandoned:
                return
            session.progress = time.monotonic()
            frame_due = self._note(session, capture, capture.arrived_s)
        if frame_due is None:
            return
        picture, motion = self._look(capture)
        with self._lock:
            if session.abandoned:
                return
        captured, media_time, index, epoch = frame_due
        wall_time = time.time() - (time.monotonic() - captured)
        self._handoff.put(Frame(picture, self.name, index, media_time, wall_time, captured, epoch, motion))
        if not self._wake.is_set():
            self._wake.set()

    def _look(self, capture: Capture) -> tuple[NDArray[np.uint8] | LazyPicture, int | None]:
        """Return the picture, and how often it has changed if a gate wants to know."""
        if not self._options.lazy or capture.luma is None:
            return capture.convert(), None
        picture = LazyPicture(capture.convert, capture.luma)
        count = self._motion.count(picture.glance())
        # What the recogniser's gate will let in is converted here, beside the encoder and not before it.
        if not self._gate.still(count):
            picture.rgb()
        return picture, count

    def _note(self, session: Session, capture: Capture, now: float) -> tuple[float, float, int, int] | None:
        """Count a picture and return (captured, media_time, index, epoch) if it is to be converted."""
        first = session.pictures == 0
        session.pictures += 1
        session.first_picture = session.first_picture or now
        self._index += 1
        status = self._status
        if first and self._index > 0:
            self._clock.restart()
            self._epoch += 1
            status = replace(status, reconnects=status.reconnects + 1)
            log.warning("%s: back again after %.1f s", self.name, now - self._arrivals[-1])
            self._reported = ""
        self._arrivals.append(now)
        tick = self._clock.tick(capture.stamp_s, now)
        shape = (capture.size_hw, capture.codec)
        reshaped = self._shape is not None and shape != self._shape
        fault = tick.fault or ("corrupt picture" if capture.corrupt else "")
        faulty = bool(fault) and self._spells.begins(fault, now)
        if not first and (tick.gap or reshaped or faulty):
            self._epoch += 1
        if reshaped:
            log.warning("%s: now %dx%d", self.name, capture.size_hw[1], capture.size_hw[0])
        self._shape = shape
        faults = status.faults + bool(tick.fault) + capture.corrupt
        status = replace(
            status,
            state="running",
            detail=self._spells.shown(now),
            size_hw=capture.size_hw,
            frames_in=self._index + 1,
            faults=faults,
        )
        wanted = capture.fresh and self._due(tick.media_time)
        if wanted and tick.lag_s > self._options.max_staleness_s:
            self._stale += 1
            wanted = False
        self._status = replace(status, sampled=status.sampled + wanted)
        return (now - tick.lag_s, tick.media_time, self._index, self._epoch) if wanted else None
