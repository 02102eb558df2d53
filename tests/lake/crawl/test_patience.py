"""A source that asks the crawl to wait is obeyed, up to a bound, and then left alone; on a clock that is not real."""

import asyncio
from collections.abc import Callable
from types import SimpleNamespace

import httpx
import pytest

from lake.crawl import Fetched, Pace, Source, fetch
from lake.crawl.pace import WAITS_IN_A_ROW, WAITS_IN_ALL
from lake.errors import SourceDownError
from tests.lake.crawl import BASE, JSON, listings, shard, source, wanted

MANY = 500
_really_sleep = asyncio.sleep


class Clock:
    """A clock that only sleeping moves; whoever sleeps at the same time wakes in turn."""

    now = 1000.0

    def monotonic(self) -> float:
        return self.now

    async def sleep(self, seconds: float) -> None:
        until = self.now + seconds
        while self.now < until:
            await _really_sleep(0)
            self.now = min(until, self.now + 0.5)


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> Clock:
    clock = Clock()
    monkeypatch.setattr("lake.crawl.pace.time", clock)
    # Of the crawl alone: what else sleeps in this process, such as a thread of Prefect's, must not move the clock.
    slept = SimpleNamespace(**{**vars(asyncio), "sleep": clock.sleep})
    for module in ("client", "pace"):
        monkeypatch.setattr(f"lake.crawl.{module}.asyncio", slept)
    return clock


class Site:
    """Answers a document where it likes to, and asks to wait elsewhere; it notes who came before that time."""

    def __init__(self, clock: Clock, retry_after: int, likes: Callable[[int], bool]) -> None:
        self.asked = self.too_early = 0
        self.transport = httpx.MockTransport(self._answer)
        self._clock, self._retry_after, self._likes = clock, retry_after, likes
        self._not_before = 0.0

    def _answer(self, request: httpx.Request) -> httpx.Response:
        self.asked += 1
        self.too_early += self._clock.now < self._not_before
        if self._likes(self.asked):
            return httpx.Response(200, headers=JSON, content=b'{"id":%s}' % request.url.path.split("/")[-2].encode())
        self._not_before = self._clock.now + self._retry_after
        return httpx.Response(429, headers={"Retry-After": str(self._retry_after)})


def test_listings_that_never_come_are_given_up(monkeypatch: pytest.MonkeyPatch):
    """However many tries each of their pages has, and whatever each page brings."""
    monkeypatch.setattr("lake.crawl.listings.SPARE_SECONDS", 0.05)

    async def hang(request: httpx.Request) -> httpx.Response:
        if str(request.url) != BASE:
            await asyncio.sleep(60)
        return httpx.Response(200, headers=JSON, json={"pokemon": f"{BASE}pokemon/", "move": f"{BASE}move/"})

    with pytest.raises(
        SourceDownError, match="reading 2 listings took longer than 0 minutes, so nothing was published"
    ):
        listings(source(max_retry_after_seconds=0), ["pokemon", "move"], httpx.MockTransport(hang))


def crawl(settings: Source, served: Site) -> tuple[Fetched, Pace]:
    pace = Pace(settings)
    many = wanted(settings, *(f"pokemon/{id_}" for id_ in range(1, MANY + 1)))
    return asyncio.run(fetch(settings, pace, shard(many), transport=served.transport)), pace


@pytest.mark.parametrize("retry_after", [5, 120])
def test_a_source_that_only_asks_to_wait_is_left_alone_after_three_of_the_longest_waits(clock: Clock, retry_after: int):
    # With so many tries, and no breaker for what failed, only the bound ends it.
    settings = source(attempts=1000, requests_per_second=10)
    served = Site(clock, retry_after, lambda asked: False)
    began = clock.now
    found, pace = crawl(settings, served)
    assert WAITS_IN_A_ROW * 120 - retry_after <= clock.now - began <= (WAITS_IN_A_ROW + 1) * 120
    assert served.asked <= 1.1 * WAITS_IN_A_ROW * 120 / retry_after + settings.connections_per_shard
    assert (served.too_early, len(found.failed)) == (0, MANY)
    with pytest.raises(
        SourceDownError, match=r"more than 360 s and answered nothing between.+Run again later"
    ) as caught:
        pace.breaker.require_source()
    assert "\n" not in str(caught.value)


def test_a_source_that_answers_between_is_waited_for_thirty_times_as_long(clock: Clock):
    served = Site(clock, 60, lambda asked: asked % 2 == 0)
    began = clock.now
    found, pace = crawl(source(connections=1, requests_per_second=10), served)
    assert WAITS_IN_ALL * 120 <= clock.now - began <= (WAITS_IN_ALL + 1) * 120
    assert len(found.received) == WAITS_IN_ALL * 2
    assert (served.too_early, len(found.received) + len(found.failed)) == (0, MANY)
    with pytest.raises(SourceDownError, match=r"more than 3,600 s in all, the last time for 60 s"):
        pace.breaker.require_source()


def test_a_source_is_obeyed_at_a_slow_pace_too(clock: Clock):
    """Each connection has a slot minutes ahead when the source asks to wait."""
    served = Site(clock, 60, lambda asked: asked != 3)
    settings = source(connections=8, parallel_shards=1, requests_per_second=0.1, attempts=2)
    many = wanted(settings, *(f"pokemon/{id_}" for id_ in range(1, 20)))
    found = asyncio.run(fetch(settings, Pace(settings), shard(many), transport=served.transport))
    assert (served.too_early, len(found.received)) == (0, 19)


def test_listings_are_not_waited_for_any_longer(clock: Clock):
    names = [f"r{number}" for number in range(40)]
    asked = 0

    def answer(request: httpx.Request) -> httpx.Response:
        nonlocal asked
        asked += 1
        if str(request.url) == BASE:
            return httpx.Response(200, headers=JSON, json={name: f"{BASE}{name}/" for name in names})
        return httpx.Response(429, headers={"Retry-After": "120"})

    began = clock.now
    with pytest.raises(SourceDownError, match="listings could not be read"):
        listings(source(attempts=1000), names, httpx.MockTransport(answer))
    assert clock.now - began <= (WAITS_IN_A_ROW + 1) * 120
    assert asked <= 1 + 8 * (WAITS_IN_A_ROW + 1)
