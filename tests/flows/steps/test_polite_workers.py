"""Several workers together are no less polite than one process: each task at work has a share of what is allowed."""

import threading
import time
from collections import deque
from collections.abc import Iterator

import pytest

from flows.local.replica import Running
from flows.steps.connected import Crawl, connected
from flows.steps.fetchers import FETCHERS
from flows.steps.parameters import LakeLocation
from flows.steps.shares import Shares
from flows.steps.told import Teller
from lake.crawl import Shard, Source, Wanted
from lake.layout import told_folder
from lake.resource import Reference
from lake.store import Store

LOCATION = LakeLocation(bucket="lake", prefix="pokelake")
FOLDER = told_folder("crawl", "run")
NUMBERS, PER_TASK = 24, 3


def tasks(source: Source) -> Iterator[Shard]:
    """Yield what is asked for, a few documents a task; the same document again and again counts as well."""
    url = f"{source.base_url}pokemon/25/"
    for number in range(NUMBERS // PER_TASK):
        wanted = tuple(Wanted(Reference("pokemon", 25, url, "pokemon/25")) for _ in range(PER_TASK))
        yield Shard("pokemon", number, wanted)


@pytest.mark.parametrize("workers", [1, 2, 4])
def test_the_sum_of_connections_and_requests_a_second_is_kept(
    workers: int, store: Store, small_replica: Running, prefect_server: dict[str, str]
):
    # It needs no server, and is as dear as the tests that do, because each worker starts a process.
    source = Source(small_replica.url, connections=4, requests_per_second=40, requests_per_run=NUMBERS + 20)
    crawl = Crawl("crawl", source, LOCATION)
    shares = Shares(source, workers, Teller(store, FOLDER), FOLDER)
    assert shares.count == workers
    todo, numbers = deque(tasks(source)), iter(range(NUMBERS))
    small_replica.reset()
    small_replica.faults([{"kind": "latency", "seconds": 0.05}])

    def work() -> None:
        """Do one task after the other, as a worker does."""
        while todo:
            shard, place = todo.popleft(), next(numbers)
            with connected(crawl, shares.give(place)) as connections:
                [found] = connections.fetch(shard)
            assert len(found.received) == PER_TASK
            shares.take_back(place, found.requests)

    began, threads = time.monotonic(), [threading.Thread(target=work) for _ in range(workers)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    seconds = time.monotonic() - began
    FETCHERS.close()
    small_replica.faults([])
    counted = small_replica.counters()
    assert counted["by_status"] == {"200": NUMBERS}
    assert counted["peak_concurrency"] <= 4
    assert counted["peak_connections"] <= 4
    # The first request of each task comes at once, the others in the pace of its share.
    assert 40 * seconds >= NUMBERS - NUMBERS / PER_TASK
