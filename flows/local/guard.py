"""Ends the parts of a stack, with all that they have started; also if the process is gone that started the parts.

Run as a script by `guarded`, it reads what it is to end and to remove, a line each, and does so when its input ends.
"""

import os
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager, suppress

STOP_SECONDS = 10

Watch = Callable[[int | str], None]


@contextmanager
def guarded() -> Iterator[Watch]:
    """Yield what takes the id of a process, or a folder; both are gone soon after this process, whatever ended it."""
    # Nothing of it is imported from the working directory, and Ctrl-C is not for it.
    command = [sys.executable, "-I", "-S", __file__]
    quiet = subprocess.DEVNULL
    with subprocess.Popen(
        command, stdin=subprocess.PIPE, stdout=quiet, stderr=quiet, start_new_session=True
    ) as process:
        pipe = process.stdin
        assert pipe is not None

        def watch(what: int | str) -> None:
            pipe.write(f"{what}\n".encode())
            pipe.flush()

        yield watch


def family(*pids: int) -> set[int]:
    """Return the groups of processes and of all that they have started; Prefect gives each run a group of its own."""
    found = set(pids)
    # Without `ps`, as in a small container, what has another group is not found.
    with suppress(FileNotFoundError):
        told = subprocess.run(["ps", "-A", "-o", "pid=,ppid=,pgid="], capture_output=True, text=True, check=True)
        rows = [[int(cell) for cell in line.split()] for line in told.stdout.splitlines()]
        while more := {pid for pid, parent, _ in rows if parent in found} - found:
            found |= more
        found |= {group for pid, _, group in rows if pid in found}
    return found - {os.getpgid(0)}


def kill(groups: Iterable[int]) -> None:
    """End every process of these groups by force."""
    for group in groups:
        with suppress(ProcessLookupError, PermissionError):
            os.killpg(group, signal.SIGKILL)


def _end(pids: Iterable[int]) -> None:
    """End processes that another one started, in the time that they have for it."""
    waiting, groups = list(pids), family(*pids)
    for pid in reversed(waiting):
        with suppress(ProcessLookupError):
            os.kill(pid, signal.SIGTERM)
    deadline = time.monotonic() + STOP_SECONDS
    while waiting and time.monotonic() < deadline:
        time.sleep(0.05)
        waiting = [pid for pid in waiting if _lives(pid)]
    kill(groups)


def _lives(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    return True


if __name__ == "__main__":
    watched = sys.stdin.read().splitlines()
    _end([int(line) for line in watched if line.isdigit()])
    for folder in (line for line in watched if not line.isdigit()):
        shutil.rmtree(folder, ignore_errors=True)
