"""The sink behind `--save`: what the window would show, as an MP4 with true times."""

from __future__ import annotations

import queue
import re
import threading
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from ..frame import Frame
from ..overlay import annotate, natural_size
from ..results import Event, Step
from ..scene import Scene, SourceView
from ..sources.feed import FeedStatus
from .media_clock import MediaClock
from .mp4 import Mp4Writer

WAITING = 16
"""Pictures that may wait for the encoder."""


def output_path(pattern: str, source: str, sources: Sequence[str]) -> Path:
    """Return the file of one source: `NAME` in the pattern becomes its name, as fit for a file name.

    With several sources and no `NAME`, the name is put before the suffix: `out.mp4` -> `out-door.mp4`.
    """
    path = Path(pattern)
    named = path if "NAME" in path.name else path.with_name(f"{path.stem}-NAME{path.suffix}")
    if named is not path and len(sources) == 1:
        return path
    names = [re.sub(r"[^\w.-]+", "_", name).strip("._") or "source" for name in sources]
    place = list(sources).index(source)
    name = names[place]
    if names.count(name) > 1:
        name = f"{name}-{names[: place + 1].count(name)}"
    return named.with_name(named.name.replace("NAME", name))


@dataclass(slots=True)
class _Recording:
    """What is written of one source."""

    path: Path
    view: SourceView
    clock: MediaClock = field(default_factory=MediaClock)
    writer: Mp4Writer | None = None
    size_hw: tuple[int, int] = (0, 0)


class VideoSink:
    """Draws and encodes in an own thread. A live source drops pictures when the encoder is too slow; a file waits.

    `pattern` is a file name, see `output_path`; `dropped` counts pictures that were left out. Raises OSError
    from `step` or `close` when a file cannot be written.
    """

    def __init__(
        self, pattern: str, sources: Sequence[str], *, fps: float = 10.0, quiet: frozenset[str] = frozenset()
    ) -> None:
        self.dropped = 0
        self._fps, self._quiet = fps, quiet
        self._recordings = {
            name: _Recording(output_path(pattern, name, sources), SourceView(name)) for name in sources
        }
        for recording in self._recordings.values():
            recording.path.parent.mkdir(parents=True, exist_ok=True)
            # A folder that cannot be written is better known at the start than at the first frame.
            recording.path.open("wb").close()
        self._queue: queue.Queue[tuple[_Recording, Scene, float] | None] = queue.Queue(WAITING)
        self._failure: OSError | None = None
        self._broken = threading.Event()
        self._thread: threading.Thread | None = threading.Thread(
            target=self._run, name="actrec-save", daemon=True
        )
        self._thread.start()

    @property
    def paths(self) -> tuple[Path, ...]:
        """The files, in the order of the sources."""
        return tuple(recording.path for recording in self._recordings.values())

    def step(self, step: Step) -> None:
        """Hand the frame, with all that is known now, to the encoder."""
        self._check()
        if self._thread is None:
            return
        frame = step.frame
        recording = self._recordings[frame.source]
        recording.view.step(step)
        item = (recording, recording.view.scene(aged=False), recording.clock.time(frame))
        if _is_live(frame):
            try:
                self._queue.put_nowait(item)
            except queue.Full:
                self.dropped += 1
            return
        while not self._broken.is_set():
            try:
                self._queue.put(item, timeout=0.5)
                return
            except queue.Full:
                continue

    def events(self, events: tuple[Event, ...]) -> None:
        """Note events that ended without a frame."""
        for event in events:
            if event.source in self._recordings:
                self._recordings[event.source].view.events((event,))

    def statuses(self, statuses: Mapping[str, FeedStatus]) -> None:
        """Note the state of the sources."""
        self._check()
        for name, status in statuses.items():
            if name in self._recordings:
                self._recordings[name].view.status(status)

    def close(self) -> None:
        """Encode what waits and finish the files."""
        thread, self._thread = self._thread, None
        if thread is None:
            return
        while thread.is_alive():
            try:
                self._queue.put(None, timeout=0.5)
                break
            except queue.Full:
                continue
        thread.join()
        self._check()

    def _check(self) -> None:
        if self._failure is not None:
            failure, self._failure = self._failure, None
            raise failure

    def _run(self) -> None:
        try:
            while (item := self._queue.get()) is not None:
                self._write(*item)
        except OSError as error:
            self._failure = error
        except Exception as error:
            self._failure = OSError(f"saving video: {error}")
        finally:
            self._finish()
            self._broken.set()

    def _write(self, recording: _Recording, scene: Scene, time_s: float) -> None:
        if recording.writer is None:
            # The size of the first picture stays; later ones of another size are fitted into it.
            recording.size_hw = natural_size(scene)
            recording.writer = Mp4Writer(recording.path, recording.size_hw, fps=self._fps, title=scene.name)
        recording.writer.write(annotate(scene, recording.size_hw, self._quiet), time_s)

    def _finish(self) -> None:
        for recording in self._recordings.values():
            if recording.writer is None:
                continue
            try:
                recording.writer.close()
            except OSError as error:
                self._failure = self._failure or error


def _is_live(frame: Frame) -> bool:
    return frame.wall_time != frame.media_time
