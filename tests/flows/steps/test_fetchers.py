"""The HTTP processes of a worker: kept from task to task of a crawl, and never used by two at once."""

from collections.abc import Iterator
from dataclasses import replace

import pytest

from flows.local.replica import Running
from flows.steps import fetchers
from flows.steps.fetchers import Fetchers
from lake.crawl import Fetcher, Shard, Source, Wanted
from lake.errors import BudgetError
from lake.resource import Reference
from tests.waiting import until


@pytest.fixture
def kept() -> Iterator[Fetchers]:
    one = Fetchers()
    yield one
    one.close()


def test_two_tasks_have_two_and_the_next_task_has_one_of_them(kept: Fetchers):
    source = Source(connections=2)
    with kept.one("crawl", source) as one, kept.one("crawl", source) as other:
        assert one is not other
    with kept.one("crawl", source) as third:
        assert third in (one, other)
    with kept.one("another crawl", source) as fourth, kept.one("crawl", replace(source, connections=1)) as fifth:
        assert not {fourth, fifth} & {one, other}


def test_one_that_failed_was_stopped_or_waits_for_long_is_ended(kept: Fetchers, monkeypatch: pytest.MonkeyPatch):
    def left() -> Fetcher:
        with kept.one("crawl", Source()) as one:
            return one

    with pytest.raises(ZeroDivisionError), kept.one("crawl", Source()) as failed:
        raise ZeroDivisionError
    with kept.one("crawl", Source()) as stopped:
        assert stopped is not failed
        stopped.stop()
    waiting = left()
    assert waiting is not stopped
    assert left() is waiting
    monkeypatch.setattr(fetchers, "IDLE_SECONDS", 0.01)
    assert left() is waiting
    until(lambda: not waiting.is_open, every=0.01)
    assert not failed.is_open


def test_each_task_has_the_budget_of_its_own_share(kept: Fetchers, small_replica: Running):
    small_replica.faults([])
    item = Wanted(Reference("pokemon", 25, f"{small_replica.url}pokemon/25/", "pokemon/25"))
    source = Source(small_replica.url, requests_per_second=0, requests_per_run=3)
    shard = Shard("pokemon", 0, (item, item))
    for _ in range(2):
        with kept.one("crawl", source) as one:
            # A request that was tried again counts.
            assert one.fetch(shard).requests in {2, 3}
    with kept.one("crawl", replace(source, requests_per_run=1)) as same:
        assert same is one
        with pytest.raises(BudgetError):
            same.fetch(shard)
