"""A whole process, measured from outside: its seconds, those of its CPU, and the memory of all that it starts."""

import os
import resource
import subprocess
import sys
import threading
import time
from collections.abc import Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

SAMPLE_SECONDS = 0.05

REPOSITORY = Path(__file__).parents[1]


class BenchError(Exception):
    """A process that is measured has failed; the message ends with what it said."""


@dataclass(frozen=True)
class Ended:
    """A process that has ended; the seconds of its CPU and its peak of memory in MB are with those of its children.

    The memory is the sum of the proportional set sizes, which count a page that processes share once.
    """

    seconds: float
    cpu: float
    peak_mb: float
    output: str


def python(
    *arguments: str,
    environment: Mapping[str, str | None] | None = None,
    interpreter: Path | str = sys.executable,
) -> Ended:
    """Run Python with this checkout's code to its end; a variable that is None is taken out of the environment.

    Raises:
        BenchError: It failed.
    """
    wanted = {**os.environ, "PYTHONPATH": str(REPOSITORY), **(environment or {})}
    given = {name: value for name, value in wanted.items() if value is not None}
    before = _cpu_of_children()
    started = time.perf_counter()
    with subprocess.Popen(
        [interpreter, *arguments], env=given, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True
    ) as process:
        watch = _Watch(process.pid)
        watch.start()
        try:
            output, _ = process.communicate()
        except BaseException:
            process.kill()
            raise
        finally:
            seconds = time.perf_counter() - started
            watch.end()
    if process.returncode:
        raise BenchError(f"{' '.join(arguments)} ended with {process.returncode}:\n{output[-4000:]}")
    return Ended(seconds, _cpu_of_children() - before, watch.peak_kb / 1024, output)


def _cpu_of_children() -> float:
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return used.ru_utime + used.ru_stime


class _Watch(threading.Thread):
    """Looks every `SAMPLE_SECONDS` how much memory a process and all that it has started hold."""

    def __init__(self, pid: int) -> None:
        super().__init__(name="memory", daemon=True)
        self._pid = pid
        self._ended = threading.Event()
        self.peak_kb = 0

    def run(self) -> None:
        while not self._ended.wait(SAMPLE_SECONDS):
            pids = list(tree(self._pid))
            # The kernel walks every page for a proportional size; the resident one is at hand, and never smaller.
            if sum(map(_rss_kb, pids)) > self.peak_kb:
                self.peak_kb = max(self.peak_kb, sum(map(_pss_kb, pids)))

    def end(self) -> None:
        """Stop looking."""
        self._ended.set()
        self.join()


def tree(pid: int) -> Iterator[int]:
    """Yield a process and all that it has started, and what these have started, as far as it still runs."""
    yield pid
    # A process may end while its threads are looked through.
    with suppress(OSError):
        for children in Path(f"/proc/{pid}/task").glob("*/children"):
            for child in children.read_text().split():
                yield from tree(int(child))


def _rss_kb(pid: int) -> int:
    with suppress(OSError):
        return int(Path(f"/proc/{pid}/statm").read_text().split()[1]) * resource.getpagesize() // 1024
    return 0


def _pss_kb(pid: int) -> int:
    with suppress(OSError):
        for line in Path(f"/proc/{pid}/smaps_rollup").read_text().splitlines():
            if line.startswith("Pss:"):
                return int(line.split()[1])
    return 0
