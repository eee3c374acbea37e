"""The sinks of a run, opened as the user asked; one that fails is closed and the run goes on."""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Protocol

from .command import say_error, stderr
from .report import EventReport, RunReport
from .results import Event, Step
from .sinks.sink import Sink
from .sources import FeedStatus

log = logging.getLogger(__name__)


class OutputOptions(Protocol):
    """The part of the options of a run that says where its results go."""

    @property
    def headless(self) -> bool:
        """No window."""

    @property
    def tui(self) -> bool:
        """A dashboard in the terminal."""

    @property
    def events(self) -> str | None:
        """File of event lines, `-` for stdout."""

    @property
    def predictions(self) -> str | None:
        """File of prediction lines, `-` for stdout."""

    @property
    def save(self) -> Path | None:
        """Annotated video."""

    @property
    def clips(self) -> Path | None:
        """Folder of event clips."""

    @property
    def pre_roll_s(self) -> float:
        """Seconds before an event in its clip."""

    @property
    def post_roll_s(self) -> float:
        """Seconds after an event in its clip."""

    @property
    def keep_days(self) -> float:
        """Days that clips, and the parts of a camera's recording, are kept."""

    @property
    def keep_gb(self) -> float:
        """Gigabytes (1e9 bytes) that clips, or the parts of a recording, may take together; the oldest go first."""


class Outputs:
    """The sinks of a run. One that fails is reported, closed and left out; recognition goes on.

    append: continue files of lines instead of replacing them, so that a restart loses nothing.
    """

    def __init__(
        self, options: OutputOptions, names: Sequence[str], quiet: frozenset[str], *, append: bool
    ) -> None:
        self._report = RunReport()
        self._sinks: list[Sink] = [self._report]
        self._closed: list[threading.Event] = []
        self.failed = False
        self._unread = False
        try:
            self._open(options, names, quiet, append)
        except BaseException:
            self.close()
            raise

    def _open(
        self, options: OutputOptions, names: Sequence[str], quiet: frozenset[str], append: bool
    ) -> None:
        from .sinks.jsonl import EventLines, PredictionLines
        from .sinks.retention import Retention

        retention = Retention(options.keep_days, int(options.keep_gb * 1e9))
        if options.events is not None:
            self._sinks.append(EventLines(options.events, append=append))
        if options.predictions is not None:
            self._sinks.append(PredictionLines(options.predictions, append=append))
        if options.save is not None:
            from .sinks.video import SavedVideo

            self._sinks.append(SavedVideo(options.save, names, quiet=quiet, retention=retention))
        if options.clips is not None:
            from .sinks.clips import ClipRule, EventClips

            rule = ClipRule(before_s=options.pre_roll_s, after_s=options.post_roll_s)
            self._sinks.append(EventClips(options.clips, rule=rule, retention=retention))
        if options.tui:
            from .sinks.dashboard import Dashboard

            self._sinks.append(Dashboard(names, quiet=quiet, console=stderr))
        elif options.events != "-" and options.predictions != "-":
            self._sinks.append(EventReport())
        if not options.headless and not options.tui:
            from .sinks.window import open_window

            window = open_window(stderr.print, quiet=quiet)
            if window is not None:
                self._sinks.append(window)
                self._closed.append(window.closed)

    @property
    def closed(self) -> bool:
        """True once somebody closed the window, or the reader of stdout went away."""
        return self._unread or any(event.is_set() for event in self._closed)

    def take(self, item: Step | tuple[Event, ...]) -> None:
        """Give a step, or events that no frame caused, to every sink."""
        if isinstance(item, Step):
            self._each(lambda sink: sink.step(item))
        elif item:
            self._each(lambda sink: sink.events(item))

    def statuses(self, statuses: Mapping[str, FeedStatus]) -> None:
        """Give the state of the sources to every sink."""
        self._each(lambda sink: sink.statuses(statuses))

    def close(self) -> None:
        """Close every sink, the report last."""
        self._each(lambda sink: sink.close(), last_first=True)
        self._sinks.clear()

    def __enter__(self) -> Outputs:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def _each(self, call: Callable[[Sink], None], *, last_first: bool = False) -> None:
        for sink in self._sinks[:: -1 if last_first else 1]:
            try:
                call(sink)
            except BrokenPipeError:
                self._unread = True
                self._sinks.remove(sink)
            except OSError as error:
                self.failed = True
                where = f" ({error.filename})" if error.filename else ""
                say_error(f"{type(sink).__name__}: {error.strerror or error}{where}; going on without it")
                self._sinks.remove(sink)
                with _quietly():
                    sink.close()


@contextmanager
def _quietly() -> Iterator[None]:
    try:
        yield
    except OSError as error:
        log.debug("while closing: %s", error)
