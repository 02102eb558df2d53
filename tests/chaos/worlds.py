"""Slices of a part that run at the same time, each in a process and in a world of its own."""

import multiprocessing
import queue
import signal
import sys
import tempfile
from collections.abc import Iterator, Sequence
from importlib import import_module
from pathlib import Path

from tests.chaos.checks import Point
from tests.chaos.choice import Choice
from tests.chaos.world import local_world


def end_with_context() -> None:
    """Have this process leave its contexts when it is told to end, because what was started must end with it."""
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(128 + signal.SIGTERM))


def at_once(part: str, seed: int, choices: Sequence[Choice]) -> Iterator[Point | str]:
    """Run slices of a part at the same time, and yield what they yield.

    Raises:
        RuntimeError: A process ended before its slice did.
    """
    # Forked ones would hold each other's pipes.
    start = multiprocessing.get_context("spawn")
    said: multiprocessing.Queue[Point | str | None] = start.Queue()
    # The end of this process ends daemons.
    processes = [start.Process(target=run_part, args=(part, seed, of, said), daemon=True) for of in choices]
    for process in processes:
        process.start()
    open_ = len(processes)
    while open_:
        try:
            heard = said.get(timeout=1)
        except queue.Empty:
            if any(process.exitcode for process in processes):
                raise RuntimeError(f"{part}: a process of the harness ended before its points did") from None
            continue
        if heard is None:
            open_ -= 1
        else:
            yield heard
    for process in processes:
        process.join()


def run_part(part: str, seed: int, choice: Choice, said: "multiprocessing.Queue[Point | str | None]") -> None:
    """Run one slice in this process, in a world that ends with it."""
    end_with_context()
    with (
        tempfile.TemporaryDirectory(prefix="pokelake-chaos-", ignore_cleanup_errors=True) as home,
        local_world(Path(home) / "world", seed) as world,
    ):
        for point in import_module(f"tests.chaos.{part}").run(world, choice):
            said.put(point)
    said.put(None)
