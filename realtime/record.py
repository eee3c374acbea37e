"""Records labelled clips from a source: a countdown, some seconds, the next countdown."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

from ..models.errors import ConfigError
from .command import DONE, FAULT, stderr
from .frame import Frame
from .preview import draw_preview
from .record_folder import RecordFolder
from .results import Step
from .sampler import Sampler
from .sinks.media_clock import MediaClock
from .sinks.mp4 import Mp4Writer, even_size, fitted
from .sinks.window import Window, open_window
from .sources import Feed, SourceOptions, open_feeds, parse_source

TICK_S = 0.05
STATUS_EVERY_S = 0.25
CRF = 20


@dataclass(frozen=True, slots=True)
class RecordOptions:
    """What a user asked `actrec-record` for; times in seconds."""

    label: str
    out: Path
    source: str = "0"
    clips: int = 5
    seconds: float = 3.0
    countdown_s: float = 3.0
    """0 cuts the clips back to back out of one unbroken take."""
    fps: float = 25.0
    """At most so many frames a second are kept."""
    group: str | None = None
    """None: every take, from one countdown to the next, is a group of its own."""
    headless: bool = False
    open: SourceOptions = field(default_factory=SourceOptions)


@dataclass(slots=True)
class _Take:
    """The clip that is being recorded."""

    path: Path
    writer: Mp4Writer
    size_hw: tuple[int, int]
    epoch: int
    began: float
    last: float
    frames: int = 0


def run_record(options: RecordOptions, stop: threading.Event, say: Callable[[Path], None]) -> int:
    """Record until all clips are there, the source ends or `stop` is set; return the exit code.

    `say` gets the path of each finished clip. What was recorded when it stops is kept. Raises SourceError,
    ConfigError, and OSError when the disk is full.
    """
    folder = RecordFolder(options.out, options.label)
    feeds = open_feeds([parse_source(options.source)], options.open)
    if len(feeds) != 1:
        raise ConfigError(f"--source {options.source}: {len(feeds)} sources, wanted one to record from")
    window = None if options.headless else open_window(stderr.print, title=f"actrec: {options.label}")
    recorder = Recorder(options, folder, feeds[0].name, say)
    try:
        _record(recorder, feeds[0], window, stop, options.fps)
    finally:
        try:
            recorder.close()
        finally:
            feeds[0].stop()
            if window is not None:
                window.close()
    closed = stop.is_set() or (window is not None and window.closed.is_set())
    error = feeds[0].error
    if error is not None and not recorder.done and not feeds[0].status().frames_in:
        raise error
    if recorder.done or closed:
        return DONE
    reason = f": {error}" if error is not None else ""
    stderr.print(f"the source ended after {recorder.finished} of {options.clips} clips{reason}", markup=False)
    return FAULT


def _record(recorder: Recorder, feed: Feed, window: Window | None, stop: threading.Event, fps: float) -> None:
    wake = threading.Event()
    feed.start(Sampler(fps).due, wake)
    said = 0.0
    while not (stop.is_set() or recorder.done or (window is not None and window.closed.is_set())):
        frame = feed.poll()
        if frame is not None:
            recorder.see(frame)
            if window is not None:
                window.step(Step(draw_preview(frame, recorder.view), {}, (), ()))
        elif feed.done:
            return
        else:
            wake.wait(TICK_S)
            wake.clear()
        if window is not None and time.monotonic() - said >= STATUS_EVERY_S:
            said = time.monotonic()
            window.statuses({feed.name: feed.status()})


@dataclass(frozen=True, slots=True)
class RecordView:
    """What the preview shows; `left_s` counts down to the start, or to the end while it records."""

    label: str
    clip: int
    clips: int
    recording: bool
    left_s: float
    share: float
    """How much of the clip is recorded."""


class Recorder:
    """Turns frames into clips, by the frames' own time: a source that stands still records nothing."""

    def __init__(
        self, options: RecordOptions, folder: RecordFolder, source: str, say: Callable[[Path], None]
    ) -> None:
        self._options, self._folder, self._source, self._say = options, folder, source, say
        self._clock = MediaClock()
        self._session = f"{options.label}-{time.strftime('%Y%m%d-%H%M%S')}"
        self._take: _Take | None = None
        self._takes = 0
        self._starts: float | None = None
        self._epoch = 0
        self.finished = 0
        self.view = RecordView(options.label, 1, options.clips, False, options.countdown_s, 0.0)

    @property
    def done(self) -> bool:
        """True once all clips are there."""
        return self.finished >= self._options.clips

    def see(self, frame: Frame) -> None:
        """Take the next frame; raises OSError if it cannot be written."""
        now = self._clock.time(frame)
        if self._take is not None and frame.epoch != self._take.epoch:
            stderr.print("[yellow]the source was interrupted: this clip is short, once more[/]")
            self._end(now)
        if self._take is not None and now - self._take.began >= self._options.seconds - 1e-3:
            self._end(now)
        if self.done:
            return
        if self._starts is None:
            self._starts = now + self._options.countdown_s
            if self._options.countdown_s:
                stderr.print(
                    f"clip {self.finished + 1} of {self._options.clips} in {self._options.countdown_s:g} s"
                )
        if self._take is None and now >= self._starts:
            self._begin(frame, now)
        if self._take is not None:
            self._write(self._take, frame, now)
        self.view = self._look(now)

    def close(self) -> None:
        """Keep what was recorded so far; safe to call twice."""
        if self._take is not None:
            self._end(None)

    def _begin(self, frame: Frame, now: float) -> None:
        self._bell()
        if self._takes == 0 or self._options.countdown_s or frame.epoch != self._epoch:
            self._takes += 1
        self._epoch = frame.epoch
        size_hw = even_size(frame.image)
        path = self._folder.claim()
        try:
            writer = Mp4Writer(path, size_hw, fps=self._options.fps, crf=CRF, title=self._options.label)
        except OSError:
            path.unlink(missing_ok=True)
            raise
        self._take = _Take(path, writer, size_hw, frame.epoch, now, now)

    def _write(self, take: _Take, frame: Frame, now: float) -> None:
        try:
            take.writer.write(fitted(frame.image, take.size_hw), now)
        except OSError:
            self._take = None
            raise
        take.last, take.frames = now, take.frames + 1

    def _end(self, now: float | None) -> None:
        """Finish the clip; `now` is the time of the frame after it, None if there is none."""
        take, self._take = self._take, None
        assert take is not None
        self._starts = None if self._options.countdown_s or now is None else now
        take.writer.close()
        interval = (take.last - take.began) / (take.frames - 1) if take.frames > 1 else 1 / self._options.fps
        seconds = take.last - take.began + interval
        group = self._options.group or f"{self._session}-{self._takes}"
        recorded = time.strftime("%Y-%m-%dT%H:%M:%S%z")
        self._folder.add(
            take.path,
            {"group": group, "seconds": f"{seconds:.2f}", "source": self._source, "recorded": recorded},
        )
        # One that was broken off is kept, but does not count as one that was asked for.
        self.finished += seconds >= 0.9 * self._options.seconds
        self._bell()
        stderr.print(f"saved {take.path} ({seconds:.1f} s, {take.frames} frames)", markup=False)
        self._say(take.path)

    def _look(self, now: float) -> RecordView:
        options, take = self._options, self._take
        if take is not None:
            passed = now - take.began
            left_s, share = max(0.0, options.seconds - passed), min(1.0, passed / options.seconds)
        else:
            left_s, share = max(0.0, (self._starts or now) - now), 0.0
        clip = min(self.finished + 1, options.clips)
        return RecordView(options.label, clip, options.clips, take is not None, left_s, share)

    @staticmethod
    def _bell() -> None:
        # Who acts stands away from the screen.
        if stderr.is_terminal:
            stderr.bell()
