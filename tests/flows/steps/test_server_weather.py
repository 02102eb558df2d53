"""A crawl while Prefect's server hangs, dies, and comes back without what it held in memory."""

import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from prefect.settings import PREFECT_API_URL, temporary_settings

from flows.deploy.setup import setup
from flows.local.replica import Running
from lake.crawl import Source
from lake.store import Store
from tests.flows.conftest import core_paths
from tests.flows.lakeside import asked, current
from tests.prefect_servers import MortalServer
from tests.waiting import WAIT_SECONDS, until

CRAWLED = ("move", "type")


@pytest.fixture
def server(migrated: Path, tmp_path: Path) -> Iterator[MortalServer]:
    started = MortalServer(tmp_path, migrated)
    yield started
    started.kill()


def start(server: MortalServer) -> subprocess.Popen[str]:
    """Start `pokelake refresh` as a process of its own."""
    command = [str(Path(sys.executable).with_name("pokelake")), "refresh"]
    return subprocess.Popen(
        command, env={**os.environ, "PREFECT_API_URL": server.url}, stdout=subprocess.PIPE, text=True
    )


def test_a_crawl_goes_on_by_itself_and_the_next_one_is_not_affected(
    server: MortalServer, store: Store, running: Running, documents: dict[str, bytes]
):
    paths = core_paths(documents, CRAWLED)
    with temporary_settings({PREFECT_API_URL: server.url}):
        # 52 documents at once, and the others in six seconds.
        setup("lake", "pokelake", Source(running.url, resources=CRAWLED, requests_per_second=13))
    run = start(server)

    def goes_on() -> None:
        before = asked(running, paths).total()
        until(lambda: run.poll() is not None or asked(running, paths).total() > before, every=0.1)
        assert run.poll() is None

    def stands_still() -> None:
        """Wait until what was allowed before is asked for, and no more."""
        counts = [-1, asked(running, paths).total()]
        while counts[-1] != counts[-2]:
            time.sleep(1.5)
            counts.append(asked(running, paths).total())
        assert counts[-1] < len(paths), "nothing paces it, yet it went on"

    try:
        goes_on()
        server.send(signal.SIGSTOP)
        stands_still()
        server.send(signal.SIGCONT)
        goes_on()
        server.kill()
        server.start()
        goes_on()
        said, _ = run.communicate(timeout=WAIT_SECONDS)
    finally:
        run.kill()
    assert said.startswith("Completed")
    assert asked(running, paths) == dict.fromkeys(paths, 1)
    published = current(store)
    said, _ = start(server).communicate(timeout=WAIT_SECONDS)
    assert said.startswith("Unchanged")
    assert current(store) == published
