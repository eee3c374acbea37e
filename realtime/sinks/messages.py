"""Keeps what would be written to stderr while the terminal belongs to the dashboard."""

from __future__ import annotations

import io
import logging
from collections import deque
from typing import IO, cast

from ..command import stderr

KEPT = 200


class Messages(logging.Handler):
    """Catches the log and what the commands print to stderr, from `begin` to `end`, as plain lines."""

    def __init__(self) -> None:
        super().__init__()
        self.setFormatter(logging.Formatter("%(message)s"))
        self._lines: deque[str] = deque(maxlen=KEPT)
        self._silenced: list[logging.Handler] = []

    def begin(self) -> None:
        """Take the place of the handlers that write to a stream, and of the commands' console."""
        root = logging.getLogger()
        self._silenced = [
            h for h in root.handlers if not isinstance(h, (logging.FileHandler, logging.NullHandler))
        ]
        for handler in self._silenced:
            root.removeHandler(handler)
        root.addHandler(self)
        stderr.file = _Writer(self)

    def end(self) -> None:
        """Give both back."""
        root = logging.getLogger()
        root.removeHandler(self)
        for handler in self._silenced:
            root.addHandler(handler)
        stderr.file = cast(IO[str], None)  # again whatever sys.stderr is

    def emit(self, record: logging.LogRecord) -> None:
        """Keep the first line of a log record."""
        self.add(self.format(record).split("\n", 1)[0])

    def add(self, line: str) -> None:
        """Keep a line."""
        self._lines.append(line)

    def newest(self, count: int) -> list[str]:
        """Return up to `count` lines, the newest last."""
        return list(self._lines)[-count:]


class _Writer(io.StringIO):
    """A file whose lines become messages."""

    def __init__(self, messages: Messages) -> None:
        super().__init__()
        self._messages = messages
        self._rest = ""

    def write(self, text: str) -> int:
        *lines, self._rest = (self._rest + text).split("\n")
        for line in lines:
            if line.strip():
                self._messages.add(line.strip())
        return len(text)
