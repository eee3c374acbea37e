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
from .mp4 import Mp4Writer, may_replace
from .retention import Retention
from .worker import Worker

PART_S = 6 * 3600.0
"""A live source goes on in a new file after so long: no file of a run of months grows without end."""
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
    began_s: float = 0.0
    part: int = 1
    ended: float | None = None

    def begin(self, scene: Scene, time_s: float, fps: float) -> Mp4Writer:
        """Open the next file: `out.mp4`, then `out.002.mp4`."""
        if self.writer is None:
            # The size of the first picture stays; later ones of another size are fitted into it.
            self.size_hw = natural_size(scene)
        else:
            self.writer.close()
            self.part += 1
        path = self.path if self.part == 1 else self.path.with_suffix(f".{self.part:03d}{self.path.suffix}")
        self.writer, self.began_s = Mp4Writer(path, self.size_hw, fps=fps, title=scene.name), time_s
        return self.writer

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
    time_s: float = 0.0
    live: bool = True


class SavedVideo:
    """Draws and encodes in an own thread. A live source drops pictures when the encoder is too slow; a file waits.

    `pattern` is a file name, see `output_path`; `dropped` counts pictures that were left out. With `retention`
    the oldest parts of a long recording are deleted. Raises ConfigError when a file cannot be opened or is
    somebody else's, OSError from `step` or `close` when one cannot be written any more.
    """

    def __init__(
        self,
        pattern: str | Path,
        sources: Sequence[str],
        *,
        fps: float = 10.0,
        quiet: frozenset[str] = frozenset(),
        part_s: float = PART_S,
        retention: Retention | None = None,
    ) -> None:
        self.dropped = 0
        self._fps, self._quiet, self._part_s, self._retention = fps, quiet, part_s, retention
        self._recordings = {
            name: _Recording(output_path(pattern, name, sources), SourceView(name)) for name in sources
        }
        _check_writable([recording.path for recording in self._recordings.values()])
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
        live = frame.wall_time != frame.media_time
        picture = _Picture(recording, recording.view.scene(aged=False), recording.clock.time(frame), live)
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
            elif now - recording.ended > LINGER_S and self._worker.put(_Picture(recording, None)):
                recording.ended = math.inf

    def close(self) -> None:
        """Encode what waits and finish the files."""
        self._worker.close()

    def _write(self, picture: _Picture) -> None:
        recording, scene = picture.recording, picture.scene
        if scene is None:
            recording.finish()
            return
        writer = recording.writer
        if writer is None or (picture.live and picture.time_s - recording.began_s >= self._part_s):
            writer = recording.begin(scene, picture.time_s, self._fps)
            if picture.live:
                self._clean()
        writer.write(annotate(scene, recording.size_hw, self._quiet), picture.time_s)

    def _clean(self) -> None:
        if self._retention is None:
            return
        open_files = {r.writer.path for r in self._recordings.values() if r.writer is not None}
        for path in {recording.path for recording in self._recordings.values()}:
            pattern = re.compile(rf"{re.escape(path.stem)}(\.\d+)?{re.escape(path.suffix)}")
            self._retention.clean(path.parent, open_files, pattern, deep=False)

    def _finish(self) -> None:
        failure: OSError | None = None
        for recording in self._recordings.values():
            try:
                recording.finish()
            except OSError as error:
                failure = failure or error
        if failure is not None:
            raise failure


def _check_writable(paths: Sequence[Path]) -> None:
    # Better known at the start than at the first frame.
    for path in {path.parent: path for path in paths}.values():
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            path.open("ab").close()
        except OSError as error:
            raise ConfigError(
                f"{path}: cannot be written ({error.strerror}), wanted a file for the video; choose another folder"
            ) from None
    for path in paths:
        if not may_replace(path):
            raise ConfigError(
                f"{path}: is there and was not written by actrec, so it is not replaced; choose another name"
            )
