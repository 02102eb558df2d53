"""How politely documents are asked for: connections, rate and budget, and an end that leaves nothing behind."""

import asyncio
import time
from concurrent.futures import ThreadPoolExecutor

import pytest

from flows.local.replica import Running
from lake.crawl import CUT_SHORT, Fetched, Fetcher, Pace, fetch
from lake.errors import SourceError
from tests.lake.crawl import NUMBERS, PATIENCE_SECONDS, fetch_all, shard, source, wanted
from tests.waiting import until


@pytest.mark.parametrize(("connections", "parallel_shards", "share"), [(4, 1, 4), (4, 2, 2), (3, 8, 1)])
def test_a_shard_uses_no_more_than_its_share_of_the_connections(
    dozen: Running, connections: int, parallel_shards: int, share: int
):
    polite = source(dozen.url, connections=connections, parallel_shards=parallel_shards)
    dozen.faults([{"kind": "latency", "seconds": 0.02}])
    fetch_all(polite, wanted(polite, *(f"pokemon/{id_}" for id_ in NUMBERS)))
    counters = dozen.counters()
    assert counters["peak_concurrency"] <= share
    assert counters["peak_connections"] <= share


def test_shards_in_several_threads_stay_within_the_limit_and_the_rate(dozen: Running):
    polite = source(dozen.url, connections=5, parallel_shards=2, requests_per_second=60)
    pace = Pace(polite)
    dozen.faults([{"kind": "latency", "seconds": 0.1}, {"kind": "status", "status": 503, "per_path_times": 1}])
    start = time.monotonic()
    with ThreadPoolExecutor(polite.shards_at_once) as threads:
        halves = [wanted(polite, *(f"pokemon/{id_}" for id_ in NUMBERS if id_ % 2 == half)) for half in (0, 1)]
        fetched = list(threads.map(lambda half: asyncio.run(fetch(polite, pace, shard(half))), halves))
    seconds = time.monotonic() - start
    counters = dozen.counters()
    assert [len(half.received) for half in fetched] == [6, 6]
    assert counters["requests"] == pace.requests == 24
    assert counters["peak_concurrency"] <= 4
    # Timers may be early by a tick of the clock, but not by more.
    assert seconds >= 23 / 60 - 0.05


@pytest.mark.parametrize("budget", [1, 5])
def test_a_budget_that_is_spent_ends_the_shard_and_all_that_it_had_begun(dozen: Running, budget: int):
    polite = source(dozen.url, requests_per_run=budget, connections=4, parallel_shards=1)
    dozen.faults([{"kind": "latency", "seconds": 0.05}])

    async def spend() -> None:
        with pytest.raises(SourceError, match=f"budget of {budget} requests a run is spent"):
            await fetch(polite, Pace(polite), shard(wanted(polite, *(f"pokemon/{id_}" for id_ in NUMBERS))))
        assert asyncio.all_tasks() == {asyncio.current_task()}

    asyncio.run(spend())
    assert dozen.counters()["requests"] <= budget


def test_a_spent_budget_does_not_wait_for_those_that_wait(dozen: Running):
    """A source that asked one request to come back in a minute would hold up the message for as long."""
    dozen.faults([{"kind": "status", "path": "^pokemon/1$", "status": 429, "retry_after": "60"}])
    polite = source(dozen.url, requests_per_run=3, connections=2, parallel_shards=1)

    async def spend() -> None:
        with pytest.raises(SourceError, match="budget of 3 requests"):
            await fetch(polite, Pace(polite), shard(wanted(polite, *(f"pokemon/{id_}" for id_ in NUMBERS))))

    asyncio.run(asyncio.wait_for(spend(), 30))


def test_a_budget_is_spent_to_the_last_request(dozen: Running):
    polite = source(dozen.url, requests_per_run=7, connections=1)
    with pytest.raises(SourceError, match="budget of 7 requests a run is spent"):
        fetch_all(polite, wanted(polite, *(f"pokemon/{id_}" for id_ in NUMBERS)))
    assert dozen.counters()["requests"] == 7


@pytest.mark.parametrize("rate", [0, 0.01])
def test_a_crawl_that_is_told_to_stop_keeps_what_has_come_and_waits_for_nothing(dozen: Running, rate: float):
    """Neither for answers, nor for slots, which lie minutes ahead at a slow pace."""
    dozen.faults([{"kind": "latency", "path": "^pokemon/(?!1$)", "seconds": 60}])
    polite = source(dozen.url, connections=3, parallel_shards=1, requests_per_second=rate)
    items = wanted(polite, *(f"pokemon/{id_}" for id_ in NUMBERS))

    async def stop() -> Fetched:
        stop, pace = asyncio.Event(), Pace(polite)
        fetching = asyncio.create_task(fetch(polite, pace, shard(items), stop=stop))
        while not pace.documents:
            await asyncio.sleep(0.01)
        stop.set()
        found = await asyncio.wait_for(fetching, 30)
        assert asyncio.all_tasks() == {asyncio.current_task()}
        return found

    found = asyncio.run(stop())
    assert [item.id for item in found.received] == [1]
    assert found.failed == [(item.reference, CUT_SHORT) for item in items[1:]]


def test_a_fetcher_that_is_told_to_stop_gives_back_what_has_come_and_asks_for_nothing_more(running: Running):
    running.faults([{"kind": "latency", "path": "^pokemon/(?!25$)", "seconds": 60}])
    polite = source(running.url, connections=2, parallel_shards=1)
    items = wanted(polite, "pokemon/25", "pokemon/26", "pokemon/132")
    with Fetcher(polite) as fetcher, ThreadPoolExecutor(1) as threads:
        under_way = threads.submit(fetcher.fetch, shard(items))
        until(lambda: fetcher.documents == 1, every=0.05)
        fetcher.stop()
        found = under_way.result(PATIENCE_SECONDS)
        assert [item.path for item in found.received] == ["pokemon/25"]
        assert found.failed == [(item.reference, CUT_SHORT) for item in items[1:]]
        asked = running.counters()["requests"]
        assert fetcher.fetch(shard(items)).failed == [(item.reference, CUT_SHORT) for item in items]
        assert running.counters()["requests"] == asked


def test_a_shard_that_is_called_off_leaves_nothing_behind(dozen: Running):
    dozen.faults([{"kind": "latency", "seconds": 60}])
    polite = source(dozen.url, connections=4)

    async def call_off() -> None:
        with pytest.raises(TimeoutError):
            await asyncio.wait_for(fetch(polite, Pace(polite), shard(wanted(polite, "pokemon/1", "pokemon/2"))), 0.1)
        assert asyncio.all_tasks() == {asyncio.current_task()}

    asyncio.run(call_off())
