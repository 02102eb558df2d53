"""How fast and how much: the slots and the budget that all clients of an event loop share."""

import asyncio
import time

import pytest

from flows.local.replica import Running
from lake.crawl import Client, Pace
from lake.errors import SourceError
from tests.lake.crawl import source


class Clock:
    """A clock that stands still until it is told to move."""

    now = 1000.0

    def monotonic(self) -> float:
        return self.now


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> Clock:
    clock = Clock()
    monkeypatch.setattr("lake.crawl.pace.time", clock)
    return clock


def test_slots_are_evenly_spaced(clock: Clock):
    pace = Pace(source(requests_per_second=4))
    assert [pace.reserve() for _ in range(4)] == [0, 0.25, 0.5, 0.75]


def test_the_wait_for_a_slot_shrinks_as_time_passes(clock: Clock):
    pace = Pace(source(requests_per_second=4))
    pace.reserve()
    clock.now += 0.125
    assert pace.reserve() == 0.125


def test_idle_time_is_not_saved_up(clock: Clock):
    """A burst after a pause is what a source would notice."""
    pace = Pace(source(requests_per_second=4))
    pace.reserve()
    clock.now += 60
    assert [pace.reserve() for _ in range(3)] == [0, 0.25, 0.5]


def test_a_rate_of_zero_means_no_limit(clock: Clock):
    pace = Pace(source(requests_per_second=0))
    assert [pace.reserve() for _ in range(100)] == [0] * 100


@pytest.mark.parametrize("rate", [0, 4])
def test_a_pause_moves_the_next_slot_and_is_not_shortened_by_another(clock: Clock, rate: float):
    pace = Pace(source(requests_per_second=rate))
    pace.pause(60)
    pace.pause(7)
    assert pace.reserve() == 60
    clock.now += 100
    assert pace.reserve() == 0


def test_whoever_waits_for_a_slow_slot_takes_another_when_the_pace_changes():
    """Eight connections at one request in 100 s have taken the slots of the next 13 minutes."""
    pace = Pace(source(requests_per_second=0.01))

    async def ask() -> None:
        await pace.turn()
        waiting = [asyncio.create_task(pace.turn()) for _ in range(8)]
        await asyncio.sleep(0)
        pace.set_rate(1000)
        await asyncio.wait_for(asyncio.gather(*waiting), 30)
        waiting = [asyncio.create_task(pace.turn()) for _ in range(8)]
        await asyncio.sleep(0)
        pace.set_rate(0)
        await asyncio.wait_for(asyncio.gather(*waiting), 30)
        assert asyncio.all_tasks() == {asyncio.current_task()}

    asyncio.run(ask())


def test_a_changed_pace_counts_from_the_last_request_and_ends_no_pause(clock: Clock):
    pace = Pace(source(requests_per_second=1))
    asyncio.run(pace.turn())
    pace.set_rate(0.1)
    assert pace.reserve() == 10
    pace.pause(60)
    pace.set_rate(100)
    assert pace.reserve() == 60


def test_a_pause_moves_slots_that_are_taken_far_ahead_at_a_slow_pace(clock: Clock):
    pace = Pace(source(requests_per_second=0.1))
    for _ in range(9):
        pace.reserve()
    pace.pause(60)
    assert pace.reserve() == 60


def test_a_spent_budget_stays_spent_and_says_what_to_do():
    pace = Pace(source(requests_per_run=1_000))

    async def spend() -> None:
        for _ in range(1_000):
            await pace.turn()
        for _ in range(2):
            with pytest.raises(SourceError, match=r"budget of 1,000 requests a run is spent.+raise requests_per_run"):
                await pace.turn()

    asyncio.run(spend())
    assert pace.requests == 1_000


@pytest.mark.parametrize(
    ("documents", "own", "expected"),
    [(0, 0, 50_000), (15_464, 0, 50_000), (60_000, 0, 181_000), (60_000, 50_000, 50_000), (0, 70_000, 70_000)],
)
def test_a_budget_follows_from_the_documents_unless_one_is_set(documents: int, own: int, expected: int):
    """Sixty thousand documents, three requests for each, and 1,000 more."""
    settings = source(requests_per_run=own)
    assert settings.bounded(documents).requests_per_run == expected
    assert settings.bounded(documents).bounded() == settings.bounded(documents)


def test_a_source_that_sets_no_budget_has_one(monkeypatch: pytest.MonkeyPatch):
    """A runaway ends also where nobody counted the documents, such as in listings."""
    monkeypatch.setattr("lake.source.LEAST_REQUESTS", 1_000)
    pace = Pace(source())

    async def spend() -> None:
        for _ in range(1_000):
            await pace.turn()
        with pytest.raises(SourceError, match=r"budget of 1,000 requests a run is spent.+3 for each document"):
            await pace.turn()

    asyncio.run(spend())


def test_clients_of_one_loop_keep_to_one_rate(running: Running):
    """Each connection has a client of its own, and several shards are at work."""
    settings = source(running.url, requests_per_second=20)
    pace = Pace(settings)

    async def ask() -> None:
        async with Client(settings, pace, 1) as client:
            for _ in range(3):
                await client.get(f"{running.url}pokemon/25/")

    async def ask_all() -> None:
        await asyncio.gather(ask(), ask(), ask())

    start = time.monotonic()
    asyncio.run(ask_all())
    # Timers may be early by a tick of the clock, but not by more.
    assert time.monotonic() - start >= 8 / 20 - 0.05
    assert (running.counters()["requests"], pace.requests) == (9, 9)


def test_every_try_of_a_request_takes_a_slot(running: Running):
    running.faults([{"kind": "status", "status": 503}])
    settings = source(running.url, attempts=4)
    pace = Pace(settings)

    async def ask() -> None:
        async with Client(settings, pace, 1) as client:
            with pytest.raises(Exception, match="status 503"):
                await client.get(f"{running.url}pokemon/25/")

    asyncio.run(ask())
    assert (running.counters()["requests"], pace.requests) == (4, 4)
