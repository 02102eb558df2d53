"""A source, or one of its collections, that answers nothing is left alone after a few requests."""

import asyncio
from collections import Counter
from collections.abc import Callable

import httpx
import pytest

from flows.local.replica import Running
from lake.crawl import Fetched, Pace, Shard, Source, are_several, fetch
from lake.crawl.breaker import FAILED_IN_A_ROW, SOURCE_FAILED_IN_A_ROW, Breaker
from lake.errors import BudgetError, SourceDownError
from tests.lake.crawl import BASE, JSON, PATIENCE_SECONDS, listings, page, site, source, wanted

MANY = 200


class Site:
    """Answers documents unless `is_down` says otherwise of their path; it counts the requests of each resource."""

    def __init__(
        self, is_down: Callable[[str], bool], status: int = 500, headers: dict[str, str] | None = None
    ) -> None:
        self.asked = Counter[str]()
        self.transport = httpx.MockTransport(self._answer)
        self._is_down, self._status = is_down, status

    def _answer(self, request: httpx.Request) -> httpx.Response:
        path = request.url.path.removeprefix("/api/v2/")
        self.asked[path.split("/")[0]] += 1
        if self._is_down(path):
            return httpx.Response(self._status, headers={"Retry-After": "5"} if self._status == 429 else {})
        return httpx.Response(200, headers=JSON, content=b'{"id":%s}' % path.split("/")[1].encode())


def crawl(settings: Source, served: Site, *resources: str, size: int = MANY) -> list[Fetched]:
    """Crawl some collections, shard by shard, as one process does."""
    pace = Pace(settings)
    shards = [
        Shard(resource, 0, tuple(wanted(settings, *(f"{resource}/{id_}" for id_ in range(1, size + 1)))))
        for resource in resources
    ]

    async def every() -> list[Fetched]:
        return [await fetch(settings, pace, shard, transport=served.transport) for shard in shards]

    return asyncio.run(asyncio.wait_for(every(), PATIENCE_SECONDS))


def test_a_collection_that_answers_nothing_is_left_alone_and_the_others_are_not():
    served, settings = Site(lambda path: path.startswith("pokemon/")), source(attempts=3)
    broken, whole = crawl(settings, served, "pokemon", "type")
    # Two connections a shard: each may be at work when the breaker opens.
    assert FAILED_IN_A_ROW * 3 <= served.asked["pokemon"] <= (FAILED_IN_A_ROW + 1) * 3
    assert len(broken.failed) == MANY
    assert broken.failed[0][1] == "status 500"
    assert Counter(why for _, why in broken.failed)["not asked for, because pokemon answers nothing"] > MANY - 20
    assert (len(whole.received), whole.failed) == (MANY, [])


def test_an_open_breaker_lets_one_document_of_a_shard_through_and_closes_when_it_comes():
    is_down = True
    served = Site(lambda path: is_down)
    settings = source(attempts=1)
    pace = Pace(settings)

    async def shard(first: int) -> Fetched:
        paths = [f"pokemon/{id_}" for id_ in range(first, first + 50)]
        return await fetch(
            settings, pace, Shard("pokemon", 0, tuple(wanted(settings, *paths))), transport=served.transport
        )

    assert len(asyncio.run(shard(1)).failed) == 50
    served.asked.clear()
    assert len(asyncio.run(shard(100)).failed) == 50
    assert served.asked["pokemon"] <= settings.connections_per_shard
    is_down = False
    again = asyncio.run(shard(200))
    assert (len(again.received) >= 49, served.asked["pokemon"] > 49) == (True, True)


@pytest.mark.parametrize("size", [5, 30, MANY])
def test_a_source_that_is_dead_costs_a_few_requests(size: int):
    served, names = Site(lambda path: True), [f"r{number}" for number in range(40)]
    with pytest.raises(SourceDownError) as caught:
        crawl(source(attempts=3), served, *names, size=size)
    assert served.asked.total() <= (SOURCE_FAILED_IN_A_ROW + 2) * 3
    message = str(caught.value)
    assert "documents in a row could not be fetched, of " in message
    assert "what was fetched is kept" in message
    assert "\n" not in message


def test_what_came_before_the_source_died_is_kept():
    """The shards under way end as any other, and only those after them are refused."""
    served, settings = Site(lambda path: path != "a/1/"), source(attempts=1, connections=1)
    pace = Pace(settings)

    async def every() -> list[Fetched]:
        shards = [
            Shard(name, 0, tuple(wanted(settings, *(f"{name}/{id_}" for id_ in range(1, 51))))) for name in "abcde"
        ]
        under_way = [fetch(settings, pace, shard, transport=served.transport) for shard in shards[:4]]
        found = await asyncio.gather(*under_way)
        with pytest.raises(SourceDownError):
            await fetch(settings, pace, shards[4], transport=served.transport)
        return list(found)

    found = asyncio.run(every())
    assert [len(of.received) for of in found] == [1, 0, 0, 0]
    assert [len(of.failed) for of in found] == [49, 50, 50, 50]


def test_a_source_whose_documents_fail_here_and_there_is_asked_for_all_of_them():
    served = Site(lambda path: int(path.split("/")[1]) % 10 != 0)
    found = crawl(source(attempts=1), served, "pokemon", "type", "move", "item", size=50)
    assert [len(of.received) for of in found] == [5] * 4


def test_documents_that_are_listed_and_not_there_are_answers():
    """PokeAPI's caches keep a 404 for five days, longer than new documents need to come."""
    served = Site(lambda path: True, status=404)
    crawl(source(attempts=3), served, "pokemon", "type", "move")
    assert served.asked.total() == 3 * MANY


def test_a_source_that_asks_every_document_to_wait_is_left_alone(monkeypatch: pytest.MonkeyPatch):
    slept: list[float] = []

    async def sleep(seconds: float) -> None:
        slept.append(seconds)

    monkeypatch.setattr(asyncio, "sleep", sleep)
    served = Site(lambda path: True, 429)
    with pytest.raises(SourceDownError, match="status 429"):
        crawl(source(attempts=3), served, "pokemon", "type", "move", "item")
    assert served.asked.total() <= (SOURCE_FAILED_IN_A_ROW + 2) * 3


def test_what_is_not_asked_for_any_longer_does_not_hide_why():
    breaker = Breaker(BASE)
    for number in range(SOURCE_FAILED_IN_A_ROW):
        breaker.note(f"r{number % 3}", "status 429")
    breaker.note("r0", "not asked for, because the source answers nothing")
    with pytest.raises(SourceDownError, match="status 429"):
        breaker.require_source()


@pytest.mark.parametrize(
    ("troubled", "asked", "expected"), [(0, 0, False), (1, 1, True), (2, 3, False), (3, 12, True), (3, 13, False)]
)
def test_several_are_all_or_three_and_a_quarter(troubled: int, asked: int, expected: bool):
    assert are_several(troubled, asked) is expected


# Listings

NAMES = [f"r{number}" for number in range(12)]
PAGES = {
    "": {name: f"{BASE}{name}/" for name in NAMES},
    **{f"{name}/?limit=100000&offset=0": page(f"{BASE}{name}/1/") for name in NAMES},
}


@pytest.mark.parametrize(
    "odd",
    [
        [],
        "HTML",
        7,
        None,
        {"results": 1},
        page(f"{BASE}type/1/"),
        page(f"{BASE}r0/1/", next=f"{BASE}?x"),
        page(count=3),
    ],
    ids=repr,
)
def test_a_listing_that_is_odd_is_refused_by_name_and_the_others_are_read(odd: object):
    found = listings(source(), NAMES, site({**PAGES, "r0/?limit=100000&offset=0": odd}))
    assert [of.resource for of in found if of.refusal] == ["r0"]
    assert [len(of.references) for of in found] == [0] + [1] * 11


@pytest.mark.parametrize(
    "rule", [{"kind": "html"}, {"kind": "status", "status": 500}, {"kind": "drop"}, {"kind": "reset"}], ids=str
)
def test_a_listing_that_cannot_be_fetched_is_refused_by_name(running: Running, rule: dict[str, object]):
    running.faults([{**rule, "path": "^machine$"}])
    refused, whole = listings(source(running.url), ["machine", "move-ailment"])
    assert "listing of machine" in str(refused.refusal)
    assert whole.refusal is None


def test_where_several_listings_fail_the_rest_is_not_asked_for():
    asked = 0

    def answer(request: httpx.Request) -> httpx.Response:
        nonlocal asked
        if str(request.url) == BASE:
            return httpx.Response(200, json=PAGES[""])
        asked += 1
        return httpx.Response(503)

    with pytest.raises(SourceDownError, match="3 of 12 listings could not be read"):
        listings(source(connections=1, attempts=2), NAMES, httpx.MockTransport(answer))
    assert asked == 6


def test_a_budget_that_is_spent_is_no_fault_of_a_listing():
    with pytest.raises(BudgetError):
        listings(source(requests_per_run=5), NAMES, site(PAGES))
