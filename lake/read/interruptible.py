"""Work that Ctrl-C ends in order.

DuckDB and Arrow, met by the signal while they work, print tracebacks, raise errors of other kinds, and may go on. So
they work in a thread, which never gets it, and are told to stop.
"""

from collections.abc import Callable
from concurrent.futures import Future, wait
from contextlib import suppress
from threading import Event, Thread
from typing import TypeVar

import duckdb

T = TypeVar("T")

# What begins just after it was told to stop is told again so soon. And a signal that comes just before Python begins to
# wait is seen when the wait ends, so no wait takes longer.
_AGAIN_SECONDS = 0.1


class _Stopped(Exception):
    """Work was told to stop, and ends by this."""


class Stop:
    """Whether work of many steps is to stop, and the connection that it has, if any."""

    def __init__(self) -> None:
        self._is_asked = False
        self.connection: duckdb.DuckDBPyConnection | None = None

    def ask(self) -> None:
        """Let the work stop soon."""
        self._is_asked = True
        if self.connection is not None:
            with suppress(duckdb.Error):
                self.connection.interrupt()

    def check(self) -> None:
        """Stop the work if that was asked.

        Raises:
            _Stopped: It was.
        """
        if self._is_asked:
            raise _Stopped


def interruptible(work: Callable[[], T], stop: Callable[[], None]) -> T:
    """Return what work returns; at Ctrl-C, call `stop` until the work has ended, however often it is pressed.

    Raises:
        KeyboardInterrupt: It was interrupted, and has ended.
    """
    outcome, is_stopped = Future[T](), Event()

    def run() -> None:
        # A thread may begin only after it was stopped.
        if not is_stopped.is_set():
            try:
                outcome.set_result(work())
            except BaseException as error:
                outcome.set_exception(error)

    thread = Thread(target=run, name="interruptible")
    try:
        thread.start()
        while not outcome.done():
            wait([outcome], _AGAIN_SECONDS)
        return outcome.result()
    except KeyboardInterrupt:
        is_stopped.set()
        while thread.is_alive():
            with suppress(KeyboardInterrupt):
                stop()
                thread.join(_AGAIN_SECONDS)
        raise
