"""A thread behind a bounded queue: what a sink does slowly, it does here."""

from __future__ import annotations

import threading
from collections import deque
from collections.abc import Callable
from typing import Generic, TypeVar

T = TypeVar("T")


class Worker(Generic[T]):
    """Calls `handle` for each item in order, then `finish` once, all on one thread.

    An exception ends the work: `finish` is still called, further items are refused, and the next `check` or
    `close` raises it as an OSError.
    """

    def __init__(self, name: str, handle: Callable[[T], None], finish: Callable[[], None], size: int) -> None:
        self._handle, self._finish, self._size = handle, finish, size
        self._items: deque[T] = deque()
        self._changed = threading.Condition()
        self._closing = self._over = False
        self._failure: OSError | None = None
        self._thread = threading.Thread(target=self._run, name=name, daemon=True)
        self._thread.start()

    def put(self, item: T, *, wait: bool = False, must: bool = False) -> bool:
        """Hand an item over; False if it was refused: no room and not `wait`, or the work is over.

        `must` is for what is small, rare and not to be lost: it goes in even where there is no room.
        """
        with self._changed:
            while wait and len(self._items) >= self._size and not self._over:
                self._changed.wait()
            full = len(self._items) >= self._size and not must
            if self._over or self._closing or full:
                return False
            self._items.append(item)
            self._changed.notify_all()
            return True

    def check(self) -> None:
        """Raise, once, what ended the work."""
        failure, self._failure = self._failure, None
        if failure is not None:
            raise failure

    def close(self) -> None:
        """Let everything that was handed over be done, then end the thread; safe to call twice."""
        with self._changed:
            self._closing = True
            self._changed.notify_all()
        self._thread.join()
        self.check()

    def _run(self) -> None:
        self._guard(self._work)
        with self._changed:
            self._over = True
            self._items.clear()
            self._changed.notify_all()
        self._guard(self._finish)

    def _work(self) -> None:
        while True:
            with self._changed:
                while not self._items and not self._closing:
                    self._changed.wait()
                if not self._items:
                    return
                item = self._items.popleft()
                self._changed.notify_all()
            self._handle(item)

    def _guard(self, call: Callable[[], None]) -> None:
        try:
            call()
        except OSError as error:
            self._failure = self._failure or error
        except Exception as error:  # A bug here must not end recognition, and must not go unseen.
            self._failure = self._failure or OSError(f"{self._thread.name}: {type(error).__name__}: {error}")
