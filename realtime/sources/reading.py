"""The thread that opens connections and reads them, one session after another."""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable
from queue import SimpleQueue

from ...models.errors import SourceError
from ..threads import MayHang, lower_priority
from .address import redact_text
from .connection import Capture, Connection, Session

log = logging.getLogger(__name__)


class ReadingThread:
    """Reads session after session; a call into a driver or a network that blocks holds this thread alone.

    connect: opens the source. take: called with each picture. turn: set at the end of each session.
    gives_way: decode at a lower priority than the recogniser.
    """

    def __init__(
        self,
        name: str,
        connect: Callable[[], Connection],
        take: Callable[[Session, Capture], None],
        turn: threading.Event,
        *,
        gives_way: bool = False,
    ) -> None:
        self._name, self._connect, self._take, self._turn = name, connect, take, turn
        self._gives_way = gives_way
        self._desk: SimpleQueue[Session | None] = SimpleQueue()
        self._thread = MayHang(target=self._serve, name=f"read {name}")
        self._thread.start()

    def read(self, session: Session) -> None:
        """Have a session read after those before it."""
        self._desk.put(session)

    def dismiss(self) -> None:
        """Let the thread end after the sessions that it was given."""
        self._desk.put(None)

    def join(self, timeout_s: float) -> None:
        """Wait for the end of a thread that was dismissed."""
        self._thread.join(timeout_s)

    def _serve(self) -> None:
        if self._gives_way:
            lower_priority()
        while (session := self._desk.get()) is not None:
            self._run(session)

    def _run(self, session: Session) -> None:
        connection: Connection | None = None
        try:
            if not session.abandoned:
                connection = self._connect()
            while connection is not None and not session.abandoned:
                capture = connection.read()
                if capture is None:
                    session.ended = True
                    break
                self._take(session, capture)
        except SourceError as error:
            # The traceback holds this frame, and with it the connection, until the garbage is collected.
            session.error = error.with_traceback(None)
            error.__context__ = None
        except Exception as error:  # a fault in a driver must not end the program
            session.error = SourceError(redact_text(f"{self._name}: {type(error).__name__}: {error}"))
        finally:
            try:
                if connection is not None:
                    connection.close()
            except Exception as error:
                log.debug("%s: %s while closing", self._name, error)
            session.over.set()
            self._turn.set()
