"""The ways of paging of any JSON API: what is asked for, where a listing ends, and what wrong settings come to."""

import asyncio
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import httpx
import pytest

from lake.crawl import Client, Pace, Source
from lake.crawl.first import FirstPage, first_page
from lake.errors import SourceError
from tests.lake.crawl import BASE, PATIENCE_SECONDS, ids, listed, listing, rest

OFFSET = {"paging": "offset", "page_size_parameter": "limit"}
PAGE = {"paging": "page", "page_size_parameter": "limit"}
COUNT, HEADER, MORE = {"count_path": "of.total"}, {"count_header": "X-Total-Count"}, {"more_path": "of.more"}


class League:
    """An API of so many trainers that notes what it was asked.

    It sends as many a page as it likes (`most`), and begins to count pages at `first`. Beyond the last one it says
    404 if it is `strict`. It `ignores` some parameters.
    """

    def __init__(
        self, trainers: int = 5, most: int = 100, first: int = 1, strict: bool = False, ignores: str = ""
    ) -> None:
        self.trainers, self.most, self.first, self.strict, self.ignores = trainers, most, first, strict, ignores
        self.asked: list[str] = []

    def __call__(self, request: httpx.Request) -> httpx.Response:
        asked = {name: int(value) for name, value in request.url.params.items() if name != self.ignores}
        self.asked.append(request.url.query.decode())
        size = min(asked.get("limit", 2), self.most)
        start = asked.get("offset", size * (max(asked.get("page", self.first), self.first) - self.first))
        if self.strict and start >= self.trainers:
            return httpx.Response(404, json={"detail": "no such page"})
        items = [{"id": id_} for id_ in range(self.trainers)[start : start + size]]
        more = start + size < self.trainers
        page = {"results": items, "of": {"total": self.trainers, "more": more}}
        return httpx.Response(200, headers={"X-Total-Count": str(self.trainers)}, json=page)

    def read(self, page_size: int = 2, **changes: Any) -> list[int]:
        """Return the ids that a crawl with these settings lists."""
        settings = replace(rest(**changes), page_size=page_size)
        return ids(listing(settings, "trainer", httpx.MockTransport(self)))


@pytest.mark.parametrize(
    ("league", "settings", "asked"),
    [
        (League(), OFFSET | COUNT, [0, 2, 4]),
        (League(), OFFSET | HEADER, [0, 2, 4]),
        (League(), OFFSET | MORE, [0, 2, 4]),
        # A short page after a full one is the last, and after an exact number of pages comes one that is empty.
        (League(), OFFSET, [0, 2, 4]),
        (League(6), OFFSET, [0, 2, 4, 6]),
        (League(6), OFFSET | COUNT, [0, 2, 4]),
        (League(6, strict=True), OFFSET, [0, 2, 4, 6]),
        # A source that sends fewer than it was asked for: the offset follows what came.
        (League(most=1), OFFSET | COUNT, [0, 1, 2, 3, 4]),
        (League(most=1), OFFSET | MORE, [0, 1, 2, 3, 4]),
        (League(most=1), OFFSET, [0, 1, 2, 3, 4, 5]),
        (League(0), OFFSET, [0]),
        (League(0), OFFSET | COUNT, [0]),
        (League(1), OFFSET, [0, 1]),
        (League(), PAGE | COUNT, [1, 2, 3]),
        (League(), PAGE | HEADER, [1, 2, 3]),
        (League(), PAGE | MORE, [1, 2, 3]),
        (League(), PAGE, [1, 2, 3]),
        (League(first=0), PAGE | {"first_page": 0}, [0, 1, 2]),
        (League(), {"paging": "page"}, [1, 2, 3, 4]),
        (League(strict=True), {"paging": "page"}, [1, 2, 3, 4]),
        (League(most=1), PAGE, [1, 2, 3, 4, 5, 6]),
    ],
    ids=lambda value: "" if isinstance(value, League) else str(value),
)
def test_numbered_pages_are_asked_for_until_the_last(league: League, settings: dict[str, Any], asked: list[int]):
    league.asked.clear()
    assert league.read(**settings) == list(range(league.trainers))
    size = "limit=2&" if "page_size_parameter" in settings else ""
    assert league.asked == [f"{size}{settings['paging']}={number}" for number in asked]


def test_the_parameters_are_those_of_the_settings_and_stand_once():
    """A path of a collection may have a query of its own, also with one of them."""
    asked = list[str]()

    def answer(request: httpx.Request) -> httpx.Response:
        asked.append(str(request.url).removeprefix(BASE))
        return httpx.Response(200, json=[{"id": len(asked)}] if len(asked) < 3 else [])

    settings = rest(
        collections=(("trainer", "trainers?sort=a&skip=7"),),
        results_path="",
        paging="offset",
        offset_parameter="skip",
        page_size_parameter="take",
    )
    assert ids(listing(settings, "trainer", httpx.MockTransport(answer))) == [1, 2]
    assert asked == [f"trainers?sort=a&take=100000&skip={skip}" for skip in (0, 1, 2)]


@pytest.mark.parametrize(
    "following",
    ["?page=2", "/api/v2/trainers?page=2", f"{BASE}trainers?page=2"],
)
def test_the_header_link_leads_on_also_over_several_lines(following: str):
    def answer(request: httpx.Request) -> httpx.Response:
        number = int(request.url.params.get("page", 1))
        lines = [("Link", '<?page=1>; rel="first prev"'), ("Link", f'<{following}>; title="a, b"; rel="last next"')]
        return httpx.Response(200, headers=lines[: 3 - number], json=[{"id": number}])

    settings = rest(results_path="", paging="header")
    assert ids(listing(settings, "trainer", httpx.MockTransport(answer))) == [1, 2]


@pytest.mark.parametrize("paging", ["next", "cursor"])
def test_whether_more_follows_decides_where_the_settings_name_it(paging: str):
    """Some sources send a cursor on their last page as well."""
    end = {"next": "a", "more": False}
    pages = {"trainers": {"results": [{"id": 1}], **end}}
    assert ids(listed(pages, paging=paging, more_path="more")) == [1]
    with pytest.raises(SourceError, match=r"because rest.more_path 'more' says that more follow, found none"):
        listed({"trainers": {"results": [{"id": 1}], "more": True}}, paging=paging, more_path="more")


@pytest.mark.parametrize(
    ("league", "settings", "message"),
    [
        # The source ignores a parameter, or counts pages from 1.
        (
            League(ignores="offset"),
            OFFSET,
            r"those of the page before .+; check rest\.paging and rest\.offset_p",
        ),
        (
            League(ignores="page"),
            PAGE,
            r"those of the page before .+; check rest\.page_parameter 'page' and",
        ),
        (League(), PAGE | {"first_page": 0}, r"those of the page before .+ and rest\.first_page 0"),
        (League(), PAGE | COUNT | {"first_page": 2}, r"as its count says, 5, found 3"),
        (League(), {"next_path": "nxt", **COUNT}, r"found 2.+ look at rest\.paging and rest\.next_path 'nxt'"),
        (League(), {"next_path": "of.next.page"}, None),
        (League(), {"paging": "header", **COUNT}, r"found 2.+ look at rest\.paging and the header Link"),
        (
            League(),
            {"count_path": "total"},
            r"of all items at 'total', found nothing; the page is \{\"results\"",
        ),
        (League(), {"count_path": "of"}, r"at 'of', found \{\"total\": 5, \"more\": true\}; check rest\.count_path"),
        (League(), {"count_path": "of.more"}, r"found true; check rest\.count_path"),
        (League(), {"count_header": "X-Count"}, "in the header X-Count, found no such header; check rest.count_header"),
        (
            League(),
            {"count_header": "Content-Type"},
            "header Content-Type, found 'application/json'; check",
        ),
        (
            League(),
            {"more_path": "of.next"},
            r"true or false at 'of.next', found nothing; 'of' is .+; check rest\.m",
        ),
        (League(), {"more_path": "of.total"}, r"found 5; check rest\.more_path"),
        (
            League(),
            OFFSET | {"page_size_parameter": ""},
            r"in rest\.page_size_parameter, because rest\.paging is",
        ),
    ],
    ids=lambda value: "" if isinstance(value, League) else str(value)[:60],
)
def test_settings_that_do_not_fit_are_named_with_what_was_found(
    league: League, settings: dict[str, Any], message: str | None
):
    if message is None:
        # Nothing tells this apart from a listing of one page; its first page can be looked at.
        assert len(league.read(**settings)) == 2
        return
    with pytest.raises(SourceError, match=message):
        league.read(**settings)


def test_an_offset_that_leads_nowhere_is_refused():
    page = {"results": [], "more": True}
    with pytest.raises(SourceError, match=r"expected items on this page, because rest\.more_path 'more' says"):
        listing(
            rest(**OFFSET, more_path="more"), "trainer", httpx.MockTransport(lambda _: httpx.Response(200, json=page))
        )


def test_numbered_pages_never_run_away(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr("lake.crawl.pages.MAX_PAGES", 20)
    league = League(1000)
    with pytest.raises(SourceError, match="expected at most 20 pages, found another one"):
        league.read(**PAGE)
    assert len(league.asked) == 20


@pytest.mark.parametrize("status", [400, 404])
def test_a_refused_page_ends_no_listing_that_says_that_it_is_there(status: int):
    def answer(request: httpx.Request) -> httpx.Response:
        page = {"results": [{"id": 1}, {"id": 2}], "total": 4}
        return httpx.Response(200, json=page) if request.url.params["page"] == "1" else httpx.Response(status)

    with pytest.raises(SourceError, match=f"status {status}"):
        listing(rest(paging="page", count_path="total"), "trainer", httpx.MockTransport(answer))


# One page


def first(settings: Source, answer: Callable[[httpx.Request], httpx.Response], leads_on: bool = False) -> FirstPage:
    async def ask() -> FirstPage:
        async with Client(settings, Pace(settings), 1, transport=httpx.MockTransport(answer)) as client:
            return await first_page(client, "trainer", leads_on)

    return asyncio.run(asyncio.wait_for(ask(), PATIENCE_SECONDS))


def test_the_first_page_is_read_alone():
    body = b'{"results": [ {"id":7 ,"a":1}, {"name":"ash"}], "count": 9, "next": "?page=2"}'
    sent = {"Content-Type": "application/json", "ETag": '"a"', "X-RateLimit-Remaining": "59", "Via": "b", "X-Sum": "9"}
    asked = list[httpx.Request]()

    def answer(request: httpx.Request) -> httpx.Response:
        asked.append(request)
        return httpx.Response(200, headers=sent, content=body)

    found = first(rest(count_header="X-Sum", document_path="t/{id}"), answer)
    assert found.items == (b'{"id":7 ,"a":1}', b'{"name":"ash"}')
    assert [of.path for of in found.references] == ["trainer/7", "trainer[2]"]
    assert (found.count, found.follows, found.bytes, found.etag) == (9, True, len(body), '"a"')
    assert found.rate_limit == {"X-RateLimit-Remaining": "59"}
    assert len(asked) == 1
    with pytest.raises(SourceError, match=r"at 'data', found nothing; the page is .+; check rest\.results_path"):
        first(rest(results_path="data"), answer)


@pytest.mark.parametrize(
    ("league", "settings", "follows", "asked"),
    [
        (League(), OFFSET | COUNT, True, 2),
        (League(2), OFFSET | COUNT, False, 1),
        # A short page does not say that it is the last.
        (League(1), OFFSET, False, 2),
        (League(1, strict=True), OFFSET, False, 2),
    ],
)
def test_the_second_page_shows_whether_the_settings_lead_on(
    league: League, settings: dict[str, Any], follows: bool, asked: int
):
    league.asked.clear()
    found = first(replace(rest(**settings), page_size=2), league, leads_on=True)
    assert (found.follows, len(found.items), len(league.asked)) == (follows, min(2, league.trainers), asked)


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        (PAGE | {"first_page": 0}, r"those of the page before .+ and rest\.first_page 0"),
        (
            COUNT | {"next_path": "nxt"},
            r"'of\.total' says 5 and this has 2 items, found none after \{.+; check rest\.pag",
        ),
    ],
)
def test_settings_that_do_not_lead_on_are_named(settings: dict[str, Any], message: str):
    with pytest.raises(SourceError, match=message):
        first(replace(rest(**settings), page_size=2), League(), leads_on=True)
