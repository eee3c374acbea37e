"""The sink behind `--save`: what the window would show, as an MP4 with true times."""

from __future__ import annotations

import math
import re
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from ...models.errors import ConfigError
from ..overlay import annotate, natural_size
from ..results import Event, Step
from ..scene import Scene, SourceView
from ..sources.feed import FeedStatus
from .media_clock import MediaClock
from .mp4 import Mp4Writer
from .worker import Worker

WAITING = 16
"""Pictures that may wait for the encoder."""
LINGER_S = 5.0
"""After a source has ended its last pictures may still be on the way; then its file is finished."""


def output_path(pattern: str | Path, source: str, sources: Sequence[str]) -> Path:
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
    ended: float | None = None

    def finish(self) -> None:
        """Finish the file, if one was begun."""
        if self.writer is not None:
            self.writer.close()


@dataclass(frozen=True, slots=True)
class _Picture:
    """One picture on its way to the encoder."""

    recording: _Recording
    scene: Scene | None
    """None: the last one was written, finish the file."""
    time_s: float


class SavedVideo:
    """Draws and encodes in an own thread. A live source drops pictures when the encoder is too slow; a file waits.

    `pattern` is a file name, see `output_path`; `dropped` counts pictures that were left out. Raises ConfigError
    when a file cannot be opened, OSError from `step` or `close` when one cannot be written any more.
    """

    def __init__(
        self,
        pattern: str | Path,
        sources: Sequence[str],
        *,
        fps: float = 10.0,
        quiet: frozenset[str] = frozenset(),
    ) -> None:
        self.dropped = 0
        self._fps, self._quiet = fps, quiet
        self._recordings = {
            name: _Recording(output_path(pattern, name, sources), SourceView(name)) for name in sources
        }
        for path in {
            recording.path.parent: recording.path for recording in self._recordings.values()
        }.values():
            _check_writable(path)
        self._worker: Worker[_Picture] = Worker("actrec-save", self._write, self._finish, WAITING)

    @property
    def paths(self) -> tuple[Path, ...]:
        """The files, in the order of the sources."""
        return tuple(recording.path for recording in self._recordings.values())

    def step(self, step: Step) -> None:
        """Hand the frame, with all that is known now, to the encoder."""
        self._worker.check()
        frame = step.frame
        recording = self._recordings[frame.source]
        recording.view.step(step)
        picture = _Picture(recording, recording.view.scene(aged=False), recording.clock.time(frame))
        live = frame.wall_time != frame.media_time
        if not self._worker.put(picture, wait=not live):
            self.dropped += 1

    def events(self, events: tuple[Event, ...]) -> None:
        """Note events that ended without a frame."""
        for event in events:
            if event.source in self._recordings:
                self._recordings[event.source].view.events((event,))

    def statuses(self, statuses: Mapping[str, FeedStatus]) -> None:
        """Note the state of the sources."""
        self._worker.check()
        now = time.monotonic()
        for name, status in statuses.items():
            recording = self._recordings.get(name)
            if recording is None:
                continue
            recording.view.status(status)
            if status.state != "ended":
                recording.ended = None
            elif recording.ended is None:
                recording.ended = now
            elif now - recording.ended > LINGER_S and self._worker.put(_Picture(recording, None, 0.0)):
                recording.ended = math.inf

    def close(self) -> None:
        """Encode what waits and finish the files."""
        self._worker.close()

    def _write(self, picture: _Picture) -> None:
        recording, scene = picture.recording, picture.scene
        if scene is None:
            recording.finish()
            return
        if recording.writer is None:
            # The size of the first picture stays; later ones of another size are fitted into it.
            recording.size_hw = natural_size(scene)
            recording.writer = Mp4Writer(recording.path, recording.size_hw, fps=self._fps, title=scene.name)
        recording.writer.write(annotate(scene, recording.size_hw, self._quiet), picture.time_s)

    def _finish(self) -> None:
        failure: OSError | None = None
        for recording in self._recordings.values():
            try:
                recording.finish()
            except OSError as error:
                failure = failure or error
        if failure is not None:
            raise failure


def _check_writable(path: Path) -> None:
    # Better known at the start than at the first frame.
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        path.open("wb").close()
    except OSError as error:
        raise ConfigError(
            f"{path}: cannot be written ({error.strerror}), wanted a file for the video; choose another folder"
        ) from None
