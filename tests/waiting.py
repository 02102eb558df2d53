"""Waiting for what other processes and servers do in their own time."""

import subprocess
import time
from collections.abc import Callable
from typing import Any, TypeVar

# A run takes ten seconds on a quiet machine. Asked more often, servers have less time for it.
WAIT_SECONDS, POLL_SECONDS = 120, 0.5

_T = TypeVar("_T")


def until(
    value: Callable[[], _T | None],
    every: float = POLL_SECONDS,
    seconds: float = WAIT_SECONDS,
    enough: Callable[[_T], Any] = bool,
) -> _T:
    """Return a value as soon as it is true, or enough; fail, and say what it is, when it never is."""
    deadline = time.monotonic() + seconds
    while (found := value()) is None or not enough(found):
        assert time.monotonic() < deadline, f"{found!r} after {seconds} seconds"
        time.sleep(every)
    return found


def is_gone(pid: int) -> bool:
    """Tell whether a process has ended, whether or not somebody has asked how."""
    said = subprocess.run(["ps", "-o", "stat=", "-p", str(pid)], capture_output=True, text=True)
    return said.stdout.strip()[:1] in ("", "Z")
