"""Trying collections: what comes of pages that are not as they should be, and what a crawl of them will take."""

import asyncio
from datetime import UTC, datetime, timedelta
from typing import Any

import httpx
import pytest

from lake.crawl import Client, Pace, Source
from lake.crawl.estimate import Estimate, estimate, too_many
from lake.crawl.trial import Trial, try_collections
from lake.source import Rest
from tests.lake.crawl import BASE, PATIENCE_SECONDS, rest


def tried(settings: Source, pages: dict[str, Any]) -> tuple[list[Trial], dict[str, str]]:
    """Try a source that has some answers by their paths; what is bytes is no JSON that a library would write."""

    def answer(request: httpx.Request) -> httpx.Response:
        found = pages.get(str(request.url).removeprefix(BASE))
        if found is None:
            return httpx.Response(404)
        content = {"content": found} if isinstance(found, bytes) else {"json": found}
        return httpx.Response(200, headers={"Content-Type": "application/json"}, **content)

    async def ask() -> tuple[list[Trial], dict[str, str]]:
        async with Client(settings, Pace(settings), 1, transport=httpx.MockTransport(answer)) as client:
            return await try_collections(client)

    return asyncio.run(asyncio.wait_for(ask(), PATIENCE_SECONDS))


def test_odd_items_are_named_and_the_others_are_documents():
    body = b'{"results": [{"id": 1}, {"name": "ash"}, {"id": 3, "a": NaN}, {"id": 2}], "next": null}'
    [trial], wrong = tried(rest(), {"trainers": body})
    assert wrong == {}
    assert [document.path for document in trial.documents] == ["trainer/1", "trainer/2"]
    assert trial.remarks[0].startswith(
        "trainer: item 2 of the page: expected something at 'id', found nothing; the item"
    )
    assert trial.remarks[1].startswith("trainer: item 3 of the page: ")
    assert (trial.items, trial.count, trial.follows, trial.is_inline) == (4, 4, False, True)


def test_a_page_of_which_no_item_can_land_is_refused():
    trials, wrong = tried(rest(), {"trainers": b'{"results": [{"id": 1, "a": NaN}, {}, {}], "next": null}'})
    assert trials == []
    [said] = wrong.values()
    assert said.startswith(
        f"trainer: expected documents on the page {BASE}trainers, found none that can land among 3 items: item 1 of the"
    )


def test_a_total_that_is_none_may_be_left_out():
    _, wrong = tried(rest(count_path="of"), {"trainers": {"results": [{"id": 1}], "next": None, "of": 9}})
    assert wrong["trainer"].endswith(
        "'next', and rest.count_path 'of', which must be empty if what it finds is not the number of all items"
    )


def test_more_odd_items_than_somebody_reads_are_counted():
    [trial], _ = tried(rest(), {"trainers": {"results": [{"id": 1}, *[{}] * 5], "next": None}})
    assert (len(trial.remarks), trial.remarks[-1]) == (4, "and 2 more like this")


@pytest.mark.parametrize(
    ("settings", "page", "remark"),
    [
        ({}, {"results": [{"id": 1}], "links": {}}, "nothing at rest.next_path 'next', so no page follows; it is {"),
        ({"next_path": "links.next"}, {"results": [{"id": 1}]}, "nothing at rest.next_path 'links.next', so no page"),
        ({"paging": "header"}, {"results": [{"id": 1}]}, 'no header Link with rel="next", so no page follows; check'),
        # Null is nothing, a count says that it is the last page, and so does an empty path.
        ({}, {"results": [{"id": 1}], "next": None}, None),
        ({"count_path": "of"}, {"results": [{"id": 1}], "of": 1}, None),
        ({"next_path": ""}, {"results": [{"id": 1}]}, None),
    ],
)
def test_a_page_that_says_nothing_of_another_may_be_read_by_wrong_settings(
    settings: dict[str, Any], page: dict[str, Any], remark: str | None
):
    [trial], _ = tried(rest(**settings), {"trainers": page})
    assert not trial.follows
    assert [remark in said for said in trial.remarks if remark] == [True] * (remark is not None)
    assert len(trial.remarks) == (remark is not None)


def test_some_documents_are_fetched_and_one_that_is_not_there_is_named():
    pages = {"trainers": {"results": [{"id": id_} for id_ in range(1, 6)], "next": None}, "t/1": {"id": 1}}
    pages |= {"t/3": {"id": 3}, "t/4": {"id": 4}}
    [trial], _ = tried(rest(document_path="t/{id}"), pages)
    assert [document.path for document in trial.documents] == ["trainer/1", "trainer/3"]
    assert trial.remarks == (
        f"trainer: {BASE}t/2 could not be fetched: status 404; check rest.document_path 't/{{id}}' and rest.id_path"
        " 'id'; the item is {\"id\": 2}",
    )


def test_a_collection_that_cannot_be_read_does_not_hide_the_others():
    settings = rest(collections=(("trainer", "trainers"), ("gym", "gyms"), ("badge", "badges")))
    trials, wrong = tried(settings, {"trainers": {"results": [], "next": None}, "badges": {"results": {}}})
    assert [(trial.resource, trial.items, trial.count) for trial in trials] == [("trainer", 0, 0)]
    assert wrong == {
        "gym": f"listing of gym: {BASE}gyms could not be fetched: status 404; check base_url and rest.collections",
        "badge": "listing of badge: expected a list of items at 'results', found {}; check rest.results_path",
    }


@pytest.mark.parametrize("answered", ["nothing", "all", "refused"])
def test_a_listing_of_changes_is_read_as_well(answered: str):
    """A source that does not know the parameter lists everything; the clock is that of this machine."""
    settings = rest(since_parameter="since", since_format="date")
    since = f"trainers?since={datetime.now(UTC) - timedelta(days=1):%Y-%m-%d}"
    whole = {"results": [{"id": 1}, {"id": 2}], "next": None}
    pages = {"nothing": {since: {"results": [], "next": None}}, "all": {since: whole}, "refused": {}}[answered]
    trials, wrong = tried(settings, {"trainers": whole, **pages})
    named = "check rest.since_parameter 'since' and rest.since_format 'date'"
    if answered == "refused":
        [said] = wrong.values()
        assert f"{since} could not be fetched: status 404; " in said
        assert said.endswith(named)
    else:
        said = f"trainer: the listing of what has just changed begins with the same 2 items as that of all, {BASE}"
        assert trials[0].remarks == ((f"{said}{since}; {named}",) if answered == "all" else ())


# What it takes

PAGE = Trial("trainer", BASE, items=20, count=95, is_inline=True, bytes=2_000)
LISTED = Trial("trainer", BASE, items=20, count=95, bytes=2_000)
UNKNOWN = Trial("gym", BASE, items=50, count=None, follows=True, is_inline=True, bytes=500)


def settings(**changes: Any) -> Source:
    return Source(BASE, "rest", rest=Rest(document_path=changes.pop("document_path", "")), **changes)


@pytest.mark.parametrize(
    ("source", "trials", "first", "refresh"),
    [
        # Each page twice, at ten requests a second.
        (settings(), [PAGE], (10, 1, 19_000), (10, 1, 19_000)),
        (settings(requests_per_second=0), [PAGE], (10, None, 19_000), (10, None, 19_000)),
        (settings(document_path="t/{id}"), [LISTED], (100, 10, 9_500), (100, 10, None)),
        # Without an ETag they are left alone for a while.
        (settings(document_path="t/{id}", reask_seconds=60), [LISTED], (100, 10, 9_500), (5, 0.5, None)),
        (settings(), [PAGE, UNKNOWN], (50, 5, 39_000), (50, 5, 39_000)),
        (settings(), [Trial("trainer", BASE, items=0, count=0, is_inline=True, bytes=30)], (2, 0.2, 60), (2, 0.2, 60)),
        (Source(), [Trial("type", BASE, items=21, count=21)], (22, 2.2, None), (22, 2.2, None)),
    ],
)
def test_what_crawls_take(source: Source, trials: list[Trial], first: tuple[Any, ...], refresh: tuple[Any, ...]):
    found = estimate(source, trials)
    assert [(one.requests, one.seconds, one.bytes) for one in found] == [first, refresh]
    assumed = "for 1,000 items of gym, because no answer says how many there are" if UNKNOWN in trials else ""
    assert [one.assumed for one in found] == [assumed] * 2


def test_a_source_that_lists_changes_says_how_often_it_lists_all():
    rest = Rest(since_parameter="since", complete_every=7)
    _, refresh = estimate(Source(BASE, "rest", rest=rest), [PAGE])
    assert refresh.why == "the same; 6 of 7 refreshes list only what changed since the last, by rest.since_parameter"


def test_a_limit_that_a_first_crawl_exceeds_is_named():
    trial = Trial("trainer", BASE, 1, 1, rate_limit={"X-RateLimit-Limit": "60", "X-RateLimit-Remaining": "59"})
    assert too_many(Estimate(59, None, None, ""), [trial]) == []
    [said] = too_many(Estimate(60, None, None, ""), [trial])
    assert said.startswith("X-RateLimit-Remaining is 59, and a first crawl makes 60: ")
