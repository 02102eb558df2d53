"""A run that is killed and started again: nothing is lost, and what was staged is not fetched again."""

import os
import resource
import signal
import subprocess
import sys
from pathlib import Path

from flows.local.replica import Running
from lake.commit import head
from lake.read import Lake
from lake.store import Store
from tests.flows.conftest import core_paths
from tests.flows.lakeside import asked, asked_twice, tasks
from tests.lake import keys, snapshots_of
from tests.waiting import WAIT_SECONDS, until

# Three tasks: of 71 documents, of 24, and of 9 + 112.
CRAWLED = ("ability", "evolution-chain", "generation", "move")


def start(running: Running, environment: dict[str, str], *options: str) -> subprocess.Popen[bytes]:
    """Start `pokelake refresh` as a process of its own: one shard at a time over two connections."""
    command = [str(Path(sys.executable).with_name("pokelake")), "refresh", "--source", running.url]
    flags = ["--bucket", "lake", "--prefix", "pokelake", "--resources", ",".join(CRAWLED)]
    flags += ["--connections", "2", "--parallel-shards", "1", *options]
    return subprocess.Popen(
        [*command, *flags], env={**os.environ, **environment}, stdout=subprocess.PIPE, preexec_fn=fill_the_disk
    )


def crawling(parent: int) -> list[int]:
    """Return the processes of a crawl that a process has started."""
    children = [
        int(pid) for file in Path(f"/proc/{parent}/task").glob("*/children") for pid in file.read_text().split()
    ]
    return [pid for pid in children if "lake.crawl" in command(pid)]


def command(pid: int) -> str:
    """Return the command of a process; one that has ended has none."""
    try:
        return Path(f"/proc/{pid}/cmdline").read_text().replace("\0", " ")
    except OSError:
        return ""


def fill_the_disk() -> None:
    """Let no file of this process and its children grow: a run needs no disk."""
    resource.setrlimit(resource.RLIMIT_FSIZE, (0, 0))


def test_after_sigkill_only_the_task_in_flight_is_done_again(
    prefect_server: dict[str, str], store: Store, running: Running, documents: dict[str, bytes]
):
    paths = core_paths(documents, CRAWLED)
    running.faults([{"kind": "latency", "seconds": 0.01}])
    process = start(running, prefect_server)
    # Two tasks are staged, and a third is under way.
    until(lambda: process.poll() is not None or asked(running, paths).total() >= 130, every=0.01)
    assert process.poll() is None, "the run ended before it could be killed"
    fetching = crawling(process.pid)
    assert fetching
    os.kill(process.pid, signal.SIGKILL)
    process.wait()
    # Its pipe is closed, so that the process which fetches ends by itself.
    until(lambda: not [pid for pid in fetching if command(pid)])
    killed = asked(running, paths)
    assert head(store) is None
    running.faults([])

    second = start(running, prefect_server)
    output, _ = second.communicate(timeout=WAIT_SECONDS)
    assert second.returncode == 0, output
    twice = asked_twice(running, paths)
    assert any(twice <= task for task in tasks(paths)), f"{twice} were fetched twice; asked before the kill: {killed}"
    assert set(asked(running, paths)) == paths
    assert set(Lake(store).read("documents")["path"]) == paths


def test_sigterm_ends_a_run_without_a_trace_in_the_snapshots(
    prefect_server: dict[str, str], store: Store, running: Running, documents: dict[str, bytes]
):
    running.faults([{"kind": "latency", "seconds": 0.05}])
    process = start(running, prefect_server)
    paths = core_paths(documents, CRAWLED)
    until(lambda: process.poll() is not None or asked(running, paths), every=0.01)
    assert process.poll() is None
    process.terminate()
    assert process.wait(WAIT_SECONDS) != 0
    assert snapshots_of(keys(store)) == set()
    assert head(store) is None
