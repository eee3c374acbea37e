"""One clip and one snapshot for each event, with the seconds before it and after it."""

from __future__ import annotations

import errno
import re
import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from ...models.errors import ConfigError
from ..command import stderr
from ..frame import Frame
from ..results import Event, Step
from ..ring import Kept, Ring
from ..sources.feed import FeedStatus
from .media_clock import MediaClock
from .mp4 import Mp4Writer, even_size, fitted
from .retention import Retention
from .worker import Worker

WAITING = 32
MAX_OPEN = 8
"""Clips of one source that are written at the same time."""
SAY_EVERY_S = 60.0
CLEAN_EVERY_S = 600.0


@dataclass(frozen=True, slots=True)
class ClipRule:
    """What a clip holds; times in seconds."""

    before_s: float = 3.0
    after_s: float = 3.0
    longest_s: float = 300.0
    """Of an event that does not end, so much is kept."""
    ring_bytes: int = 32 << 20
    """For the pictures before an event, of each source."""


@dataclass(slots=True)
class _Clip:
    """An open clip."""

    event: Event
    path: Path
    size_hw: tuple[int, int]
    writer: Mp4Writer
    began_s: float
    until: float | None = None
    """Wall time of the last frame, once the event has ended."""
    best: tuple[float, Kept] | None = None


@dataclass(slots=True)
class _Source:
    """What is known of one source."""

    ring: Ring
    clock: MediaClock = field(default_factory=MediaClock)
    clips: dict[str, _Clip] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class _Item:
    """What the recognising thread hands over."""

    frame: Frame | None
    events: tuple[Event, ...]
    active: tuple[Event, ...] = ()
    lost: frozenset[str] = frozenset()


class EventClips:
    """Writes `FOLDER/<source>/<when>_<label>_<event id>.mp4` and `.jpg` in an own thread.

    A clip has the name ending in `.part` until it is whole. A disk that is full costs the clips that did not
    fit; that is said once a minute and counted in `failed`, and later events get their clips again. Raises
    ConfigError when the folder cannot be used.
    """

    def __init__(
        self, folder: Path, *, rule: ClipRule | None = None, retention: Retention | None = None
    ) -> None:
        self.saved = self.failed = self.dropped = 0
        self._folder, self._rule, self._retention = Path(folder), rule or ClipRule(), retention or Retention()
        try:
            self._folder.mkdir(parents=True, exist_ok=True)
            probe = self._folder / ".actrec-writable"
            probe.touch()
            probe.unlink()
        except OSError as error:
            raise ConfigError(
                f"{folder}: cannot be written ({error.strerror}), wanted a folder for clips; choose another one"
            ) from None
        self._sources: dict[str, _Source] = {}
        self._said = self._cleaned = -1e9
        self._worker: Worker[_Item] = Worker("actrec-clips", self._handle, self._finish, WAITING)

    def step(self, step: Step) -> None:
        """Keep the frame, and begin or end what its events say."""
        self._worker.check()
        frame = step.frame
        live = frame.wall_time != frame.media_time
        # With a full queue a live frame is left out, but never what happened.
        if not self._worker.put(_Item(frame, step.events, step.active), wait=not live):
            self.dropped += 1
            if step.events:
                self._worker.put(_Item(None, step.events), must=True)

    def events(self, events: tuple[Event, ...]) -> None:
        """End what ended without a frame."""
        self._worker.put(_Item(None, events), must=True)

    def statuses(self, statuses: Mapping[str, FeedStatus]) -> None:
        """Close the clips of sources that give no frames."""
        self._worker.check()
        lost = frozenset(name for name, status in statuses.items() if status.state != "running")
        if lost:
            self._worker.put(_Item(None, (), lost=lost))

    def close(self) -> None:
        """Finish the clips that are open."""
        self._worker.close()

    def _handle(self, item: _Item) -> None:
        self._close_overdue(item.lost)
        if item.frame is not None:
            self._take(item.frame, item.active)
        for event in item.events:
            source = self._source(event.source)
            if event.type == "new":
                self._begin(source, event)
            elif event.type == "end" and event.id in source.clips:
                clip = source.clips[event.id]
                clip.event, clip.until = event, (event.end_time or event.frame_time) + self._rule.after_s
        if time.monotonic() - self._cleaned > CLEAN_EVERY_S:
            self._clean()

    def _take(self, frame: Frame, active: tuple[Event, ...]) -> None:
        source = self._source(frame.source)
        kept = source.ring.add(frame, source.clock.time(frame))
        scores = {event.id: event.score for event in active}
        for clip in list(source.clips.values()):
            long = kept.time_s - clip.began_s > self._rule.longest_s
            if long or (clip.until is not None and frame.wall_time > clip.until):
                self._end(source, clip)
                continue
            score = scores.get(clip.event.id, 0.0)
            if clip.best is None or score > clip.best[0]:
                clip.best = (score, kept)
            self._write(source, clip, frame.image, kept.time_s)

    def _begin(self, source: _Source, event: Event) -> None:
        before = [kept for kept in source.ring if kept.wall_time >= event.start_time - self._rule.before_s]
        if not before or len(source.clips) >= MAX_OPEN:
            return
        newest = before[-1]
        path = self._folder / _safe(event.source) / f"{_when(event)}_{_safe(event.label)}_{event.id}.part"
        size_hw = even_size(newest.image())
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            path.with_suffix(".jpg").write_bytes(newest.jpeg)
            writer = Mp4Writer(path, size_hw, title=f"{event.label}, {event.source}")
        except OSError as error:
            self._fail(error, path.with_suffix(".jpg"))
            return
        clip = _Clip(event, path, size_hw, writer, before[0].time_s, best=(event.score, newest))
        source.clips[event.id] = clip
        for kept in before:
            if event.id in source.clips:
                self._write(source, clip, kept.image(), kept.time_s)

    def _write(self, source: _Source, clip: _Clip, image: NDArray[np.uint8], time_s: float) -> None:
        try:
            clip.writer.write(fitted(image, clip.size_hw), time_s)
        except OSError as error:
            del source.clips[clip.event.id]
            self._fail(error, clip.path)

    def _end(self, source: _Source, clip: _Clip) -> None:
        del source.clips[clip.event.id]
        try:
            clip.writer.close()
            if clip.best is not None:
                clip.path.with_suffix(".jpg").write_bytes(clip.best[1].jpeg)
            clip.path.replace(clip.path.with_suffix(".mp4"))
            self.saved += 1
        except OSError as error:
            self._fail(error, clip.path)
        self._clean()

    def _close_overdue(self, lost: frozenset[str]) -> None:
        """End the clips whose time is over though no frame comes that could say so."""
        now = time.time()
        for name in lost & self._sources.keys():
            source = self._sources[name]
            for clip in list(source.clips.values()):
                live = clip.event.start_time != clip.event.media_start
                if live and clip.until is not None and now > clip.until:
                    self._end(source, clip)

    def _clean(self) -> None:
        self._cleaned = time.monotonic()
        open_files = {clip.path for source in self._sources.values() for clip in source.clips.values()}
        keep = open_files | {path.with_suffix(".jpg") for path in open_files}
        try:
            self._retention.clean(self._folder, keep)
        except OSError as error:
            self._say(error)

    def _finish(self) -> None:
        for source in self._sources.values():
            for clip in list(source.clips.values()):
                self._end(source, clip)

    def _source(self, name: str) -> _Source:
        source = self._sources.get(name)
        if source is None:
            # Room for a late `new`: it is said once the event has lasted its minimum duration.
            ring = Ring(self._rule.before_s + 5.0, self._rule.ring_bytes)
            source = self._sources[name] = _Source(ring)
        return source

    def _fail(self, error: OSError, path: Path) -> None:
        self.failed += 1
        if error.errno == errno.ENOSPC and path.exists() and path.stat().st_size == 0:
            path.unlink(missing_ok=True)
        self._say(error)

    def _say(self, error: OSError) -> None:
        now = time.monotonic()
        if now - self._said >= SAY_EVERY_S:
            self._said = now
            words = f"event clips: {error.strerror or error} ({error.filename}); {self.failed} lost so far"
            stderr.print(words, style="yellow", markup=False)


def _safe(text: str) -> str:
    return re.sub(r"[^\w.-]+", "-", text).strip("-.")[:60] or "unnamed"


def _when(event: Event) -> str:
    """Return the local time of a live event, the media time of one in a file."""
    if event.start_time == event.media_start:
        return f"{event.media_start:09.3f}s"
    return time.strftime("%Y%m%d-%H%M%S", time.localtime(event.start_time))
