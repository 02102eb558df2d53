"""Any JSON API that pages, crawled by its settings alone."""

import asyncio
from collections.abc import Mapping
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any, get_args

import httpx
import msgspec
import pytest

from lake.crawl import (
    Client,
    Fetched,
    Key,
    Listing,
    Pace,
    Shard,
    Source,
    Upstream,
    Wanted,
    cut,
    cut_changes,
    fetch,
    only_changed,
)
from lake.crawl.rest import discover, hashed_id, problem, url
from lake.errors import SourceError, UnknownNameError
from lake.resource import AtHand, Reference
from tests.lake.crawl import BASE, PATIENCE_SECONDS, listing, rest, site, source, upstream
from tests.second_source import KEY, Style, second_source, settings, trainers

AUTHORIZED = Key({"Authorization": f"Bearer {KEY}"})
IDS = {"ash", "cerulean%2Fmisty", "brock", "gary", "%C3%A9"}


def crawl(settings: Source, at_hand: Mapping[int, AtHand] | None = None) -> Fetched:
    """Crawl all trainers as one shard."""
    [shard] = cut(settings, listing(settings, "trainer", key=AUTHORIZED), at_hand or {})
    work = fetch(settings, Pace(settings), shard, AUTHORIZED)
    return asyncio.run(asyncio.wait_for(work, PATIENCE_SECONDS))


def by_id(fetched: Fetched) -> dict[str, Any]:
    documents = [msgspec.json.decode(item.body) for item in fetched.received]
    return {document["id"]: document for document in documents}


# A whole source, by configuration


@pytest.mark.parametrize("style", get_args(Style))
@pytest.mark.parametrize("inline", [False, True])
def test_a_source_is_crawled_by_its_settings(style: Style, inline: bool):
    with second_source(style, inline) as base:
        fetched = crawl(settings(base, style, inline))
    assert by_id(fetched) == trainers()
    assert {item.path for item in fetched.received} == {f"trainer/{id_}" for id_ in IDS}
    assert (fetched.gone, fetched.failed, fetched.unchanged) == ([], [], [])


def test_an_unchanged_document_is_not_received_again():
    with second_source() as base:
        first = crawl(settings(base))
        here = {item.id: AtHand(item.etag, item.path) for item in first.received}
        assert len(crawl(settings(base), here).unchanged) == len(here)


@pytest.mark.parametrize("inline", [False, True])
def test_a_document_that_vanished_is_gone(inline: bool):
    served = trainers()
    with second_source("next", inline, served) as base:
        first = crawl(settings(base, "next", inline))
        here = {item.id: AtHand(None, item.path) for item in first.received}
        del served["cerulean/misty"]
        fetched = crawl(settings(base, "next", inline), here)
    assert [reference.path for reference in fetched.gone] == ["trainer/cerulean%2Fmisty"]
    assert len(fetched.received) == 4


def test_an_inline_document_that_vanished_since_the_listing_was_read_is_gone():
    served = trainers()
    with second_source("next", True, served) as base:
        league = settings(base, "next", True)
        [shard] = cut(league, listing(league, "trainer", key=AUTHORIZED), {})
        del served["gary"]
        served["may"] = {"id": "may"}
        fetched = asyncio.run(fetch(league, Pace(league), shard, AUTHORIZED))
    assert [reference.path for reference in fetched.gone] == ["trainer/gary"]
    assert "may" in by_id(fetched)
    assert fetched.requests == 3


@pytest.mark.parametrize("inline", [False, True])
def test_of_a_listing_of_changes_nothing_is_gone(inline: bool):
    """Neither what it lacks, nor what has left it since it was first read."""
    served = {**trainers(), **{id_: {"id": id_, "updated": "2026-08-08T12:00:00Z"} for id_ in ("ash", "may", "max")}}
    with second_source("next", inline, served) as base:
        league = settings(base, "next", inline, complete_every=9)
        whole = listing(league, "trainer", key=AUTHORIZED)
        here = {of.id: AtHand(None, of.path) for of in whole.references if of.path != "trainer/may"}
        up = only_changed(league, upstream(league), {"trainer": datetime(2026, 8, 8, 12, 0, 0, 999, UTC)})
        client = Client(league, Pace(league), 1, AUTHORIZED)
        found = asyncio.run(discovered(client, up))
        assert [of.path for of in found.references] == sorted_paths("ash", "may", "max")
        [shard] = cut_changes(league, up, found, here)
        served["max"]["updated"] = "2026-08-07T12:00:00Z"
        fetched = asyncio.run(fetch(league, Pace(league), shard, AUTHORIZED))
    assert (fetched.gone, fetched.failed) == ([], [])
    assert by_id(fetched).keys() == ({"ash", "may"} if inline else {"ash", "may", "max"})
    assert [of.path for of in fetched.unchanged] == (["trainer/max"] if inline else [])
    assert cut(league, found, here)[0].name != shard.name or not inline


async def discovered(client: Client, up: Upstream) -> Listing:
    async with client:
        return await discover(client, up, "trainer")


def sorted_paths(*ids: str) -> list[str]:
    """Return the paths of trainers in the order of a listing."""
    return [f"trainer/{id_}" for id_ in sorted(ids, key=hashed_id)]


def test_a_key_that_is_not_accepted_is_an_error_that_does_not_repeat_it():
    with second_source() as base, pytest.raises(SourceError, match="could not be fetched: status 401") as caught:
        listing(settings(base), "trainer", key=Key({"Authorization": "Bearer of-someone-else"}))
    assert "someone" not in str(caught.value)


# Its settings


def test_the_resources_are_those_of_the_settings_without_a_request():
    def refuse(request: httpx.Request) -> httpx.Response:
        raise AssertionError("expected no request")

    assert upstream(rest(), httpx.MockTransport(refuse)).resources == {"trainer": f"{BASE}trainers"}


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        (source(kind="rest"), "expected the settings `rest`"),
        (rest(collections=()), r"expected the paths of its listings in rest\.collections"),
        (
            rest(collections=(("Gym_Leader", "gym_leaders"), ("trainer", "trainers"), ("../x", "x"))),
            r"rest\.collections: expected lower-case letters, digits and dashes in .+, found 'Gym_Leader', '\.\./x';"
            r' .+, so write "gym-leader": "gym_leaders", "x": "x"$',
        ),
        (
            replace(rest(), base_url="ftp://trainers.test/"),
            "^base_url .+: expected an address of http or https, .+ found 'ftp://trainers",
        ),
        (rest(collections=(("trainer", "https://elsewhere.test/trainers"),)), "expected listings below it"),
        (rest(collections=(("trainer", "//[::1"),)), "expected URLs"),
    ],
    ids=lambda value: "" if isinstance(value, Source) else value,
)
def test_settings_that_cannot_be_crawled_are_refused(settings: Source, message: str):
    with pytest.raises(SourceError, match=message):
        upstream(settings, site({}))


def test_an_unknown_resource_is_answered_with_those_that_exist():
    with pytest.raises(UnknownNameError, match="no resource 'trainers'; there are: trainer"):
        listing(rest(), "trainers", site({}))


# Documents


def test_an_inline_document_is_kept_as_it_was_sent():
    body = b'{"results": [ {"id":1 ,  "name":"\\u0061sh", "level": 1.50} ] }'
    headers = {"Content-Type": "application/json"}
    transport = httpx.MockTransport(lambda request: httpx.Response(200, headers=headers, content=body))
    settings = rest()
    [shard] = cut(settings, listing(settings, "trainer", transport), {})
    fetched = asyncio.run(fetch(settings, Pace(settings), shard, transport=transport))
    assert [item.body for item in fetched.received] == [b'{"id":1 ,  "name":"\\u0061sh", "level": 1.50}']


def test_an_inline_listing_of_another_crawler_is_refused():
    """Only `rest` knows how to read one again."""
    pokeapi, wanted = source(), Wanted(Reference("pokemon", 25, f"{BASE}pokemon/25/", "pokemon/25"))
    shard = Shard("pokemon", 0, (wanted,), is_inline=True)
    [(_, why)] = asyncio.run(fetch(pokeapi, Pace(pokeapi), shard, transport=site({}))).failed
    assert "expected the settings `rest` with kind 'rest', found none" in why


@pytest.mark.parametrize(
    ("body", "expected"),
    [(b'{"a":1}', None), (b"[]", "unexpected JSON: Expected `object`"), (b'{"a":1', "invalid JSON: ")],
)
def test_a_document_is_a_whole_object(body: bytes, expected: str | None):
    found = problem(Reference("trainer", 1, f"{BASE}t/1", "trainer/1"), body)
    assert found is None if expected is None else (found or "").startswith(expected)


def test_an_inline_document_that_is_odd_fails_alone():
    body = b'{"results":[{"id":1,"a":1e400},{"id":2,"a":1,"a":2},{"id":3,"a":[NESTED]},{"id":4}]}'
    body = body.replace(b"NESTED", b"[" * 200 + b"]" * 200)
    transport = httpx.MockTransport(
        lambda request: httpx.Response(200, headers={"Content-Type": "application/json"}, content=body)
    )
    settings = rest()
    [shard] = cut(settings, listing(settings, "trainer", transport), {})
    fetched = asyncio.run(fetch(settings, Pace(settings), shard, transport=transport))
    assert [item.id for item in fetched.received] == [4]
    assert [reference.id for reference, why in fetched.failed if why.startswith("invalid JSON: ")] == [1, 2, 3]


@pytest.mark.parametrize("document_path", ["", "t/{id}", "{listing}/{id}?full=1"])
def test_an_address_made_of_the_path_is_the_one_that_a_listing_gives(document_path: str):
    settings = rest(document_path=document_path)
    found = listing(settings, "trainer", site({"trainers": {"results": [{"id": "a/b"}, {"id": 7}]}}))
    assert [url(settings, "trainer", of.path) for of in found.references] == [of.url for of in found.references]
