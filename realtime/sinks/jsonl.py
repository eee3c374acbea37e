"""Events and predictions as JSON lines, to a file or to stdout."""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any, BinaryIO

from ...models.errors import ConfigError
from ..results import Event, Step
from ..sources.feed import FeedStatus


class JsonLines:
    """Writes one object a line, UTF-8, flushed at once, so that a reader at the other end is never behind.

    `target` is a path or `-` for stdout. An existing file is replaced, or continued with `append`. Raises
    ConfigError when it cannot be opened, OSError with its name when it cannot be written any more: a full
    disk, a pipe whose reader went away.
    """

    def __init__(self, target: str, *, append: bool = False) -> None:
        self._name = "stdout" if target == "-" else target
        self._owned = target != "-"
        self._stream: BinaryIO | None
        if self._owned:
            _check_ours(Path(target))
            # Unbuffered: what could not be written must not come back as a second error at close.
            try:
                self._stream = Path(target).open("ab" if append else "wb", buffering=0)  # noqa: SIM115
            except OSError as error:
                raise ConfigError(
                    f"{target}: cannot be written ({error.strerror}), wanted a file for JSON lines or - for "
                    "stdout; choose another file"
                ) from None
        else:
            self._stream = sys.stdout.buffer

    def write(self, item: Mapping[str, Any]) -> None:
        """Write one line."""
        if self._stream is None:
            return
        line = json.dumps(item, ensure_ascii=False, separators=(",", ":")) + "\n"
        # A lone half of a surrogate pair can stand in a file name that became a source name.
        rest = memoryview(line.encode(errors="backslashreplace"))
        try:
            while rest:
                rest = rest[self._stream.write(rest) :]
            self._stream.flush()
        except OSError as error:
            self._give_up(error)
            raise OSError(error.errno, error.strerror, self._name) from error

    def close(self) -> None:
        """Close the file; stdout stays open."""
        if self._stream is not None and self._owned:
            self._stream.close()
        self._stream = None

    def _give_up(self, error: OSError) -> None:
        if not self._owned and isinstance(error, BrokenPipeError):
            # Python flushes stdout once more at exit and would complain; let it flush into nothing.
            nothing = os.open(os.devnull, os.O_WRONLY)
            os.dup2(nothing, sys.stdout.fileno())
            os.close(nothing)
        self.close()


def _check_ours(path: Path) -> None:
    """Raise ConfigError for a file that holds something else: `--events film.mp4` must not cost the film."""
    try:
        if path.is_file() and path.stat().st_size:
            with path.open("rb") as file:
                ours = file.read(1) == b"{"
        else:
            ours = True
    except OSError:
        return  # opening it will say what is wrong
    if not ours:
        raise ConfigError(
            f"{path}: is there and holds no JSON lines, so it is not replaced; choose another name"
        )


class EventLines:
    """The sink behind `--events`."""

    def __init__(self, target: str, *, append: bool = False) -> None:
        self._lines = JsonLines(target, append=append)

    def step(self, step: Step) -> None:
        """Write the events that the frame caused."""
        self.events(step.events)

    def events(self, events: tuple[Event, ...]) -> None:
        """Write the events."""
        for event in events:
            self._lines.write(event.to_dict())

    def statuses(self, statuses: Mapping[str, FeedStatus]) -> None:
        """Nothing to do."""

    def close(self) -> None:
        """Close the file."""
        self._lines.close()


class PredictionLines:
    """The sink behind `--predictions`: one line for each head step of each model."""

    def __init__(self, target: str, *, append: bool = False) -> None:
        self._lines = JsonLines(target, append=append)

    def step(self, step: Step) -> None:
        """Write what the heads said of this frame."""
        for prediction in step.predictions.values():
            self._lines.write(prediction.to_dict())

    def events(self, events: tuple[Event, ...]) -> None:
        """Nothing to do."""

    def statuses(self, statuses: Mapping[str, FeedStatus]) -> None:
        """Nothing to do."""

    def close(self) -> None:
        """Close the file."""
        self._lines.close()
