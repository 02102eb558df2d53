"""Waiting for what other processes and servers do in their own time."""

import time
from collections.abc import Callable
from typing import TypeVar

# A run takes ten seconds on a quiet machine. Asked more often, servers have less time for it.
WAIT_SECONDS, POLL_SECONDS = 120, 0.5

_T = TypeVar("_T")


def until(value: Callable[[], _T | None], every: float = POLL_SECONDS, seconds: float = WAIT_SECONDS) -> _T:
    """Return a value as soon as it is true; fail when it never is."""
    deadline = time.monotonic() + seconds
    while not (found := value()):
        assert time.monotonic() < deadline, f"{found!r} after {seconds} seconds"
        time.sleep(every)
    return found
