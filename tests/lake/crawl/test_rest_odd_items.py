"""One odd item of a listing is named, by its id or by its place, and the others land."""

import asyncio

import httpx
import pytest

from lake.assemble.staging import is_whole, stage
from lake.crawl import Fetched, Listing, Pace, Shard, Source, Wanted, cut, fetch
from lake.crawl.items import opened
from lake.errors import SourceError
from lake.resource import AtHand, Reference
from lake.store import Store
from tests.lake.crawl import BASE, JSON, PATIENCE_SECONDS, always, listing, rest, source

# Where it lies among the items of `around`.
PLACE = "trainer[2]"

# An item, by what is odd about it, and what names it.
ODD = {
    "half a surrogate pair": (b'{"id":"ash","name":"\\ud83d"}', "trainer/ash"),
    "half a surrogate pair in its id": (b'{"id":"\\ud83d"}', PLACE),
    "no UTF-8": (b'{"id":"ash","name":"\xff"}', "trainer/ash"),
    "no UTF-8 in its id": (b'{"id":"\xff"}', PLACE),
    "no id": (b'{"name":"ash"}', PLACE),
    "an id that is none": (b'{"id":1.5}', PLACE),
    "two ids": (b'{"id":1,"id":2}', PLACE),
    "a name twice": (b'{"id":1,"a":[{"b":1,"b":2}]}', "trainer/1"),
    "a number": (b"7", PLACE),
    "null": (b"null", PLACE),
    "NaN": (b'{"id":5,"height":NaN}', "trainer/5"),
    "no JSON": (b"{'id':5}", PLACE),
    "a bracket in a text": (b'{"id":5,"name":"]}\\"[{","height":NaN}', "trainer/5"),
    "much too deep": (b'{"id":5,"a":' + b"[" * 100_000 + b"]" * 100_000 + b"}", PLACE),
}


def around(*items: bytes) -> bytes:
    """Return a page with some items between two good ones."""
    return b'{"results": [ %s ], "next": null}' % b" , ".join((b'{"id":7 , "a":1}', *items, b'{"id":"gary"}'))


def read(settings: Source, body: bytes) -> Listing:
    return listing(settings, "trainer", always(body))


def crawl(settings: Source, shard: Shard, body: bytes) -> Fetched:
    work = fetch(settings, Pace(settings), shard, transport=always(body))
    return asyncio.run(asyncio.wait_for(work, PATIENCE_SECONDS))


@pytest.mark.parametrize("what", ODD)
def test_an_odd_item_is_named_and_the_others_land(what: str, store: Store):
    settings, (item, path) = rest(), ODD[what]
    [shard] = cut(settings, read(settings, around(item)), {})
    fetched = crawl(settings, shard, around(item))
    assert {of.body for of in fetched.received} == {b'{"id":7 , "a":1}', b'{"id":"gary"}'}
    [(reference, why)] = fetched.failed
    assert (reference.path, fetched.gone, "\n" in why) == (path, [], False)
    assert is_whole(store, settings, "crawl", shard, stage(store, "crawl", shard, fetched))


@pytest.mark.parametrize("what", ODD)
def test_a_document_whose_item_is_odd_is_not_gone(what: str):
    """An item without an id may be any of those that vanished."""
    settings, (item, _) = rest(), ODD[what]
    at_hand = {5: AtHand(None, "trainer/5"), 7: AtHand(None, "trainer/7")}
    [shard] = cut(settings, read(settings, around(item)), at_hand)
    fetched = crawl(settings, shard, around(item))
    named = {reference.path: why for reference, why in fetched.failed}
    if ODD[what][1] == PLACE:
        assert (list(named), fetched.gone) == (["trainer/5"], [])
        assert named["trainer/5"].startswith(f"not among the items, of which 1 cannot be told, such as {PLACE}: ")
    else:
        assert [of.path for of in fetched.gone] == ([] if ODD[what][1] == "trainer/5" else ["trainer/5"])


def test_an_odd_entry_whose_document_has_an_address_is_not_asked_for():
    settings = rest(document_path="t/{id}")
    [shard] = cut(settings, read(settings, around(b"null", b'{"id":5,"height":1e400}')), {})

    def answer(request: httpx.Request) -> httpx.Response:
        return httpx.Response(200, headers=JSON, content=b'{"url":"%s"}' % str(request.url).encode())

    work = fetch(settings, Pace(settings), shard, transport=httpx.MockTransport(answer))
    fetched = asyncio.run(asyncio.wait_for(work, PATIENCE_SECONDS))
    assert sorted(of.path for of in fetched.received) == ["trainer/5", "trainer/7", "trainer/gary"]
    assert [(of.path, why) for of, why in fetched.failed] == [(PLACE, "expected something at 'id', found nothing")]
    assert fetched.requests == 3


def test_an_entry_that_cannot_be_asked_for_is_kept_out_of_the_breaker():
    settings = rest(document_path="t/{id}")
    odd = [Wanted(Reference("trainer", id_, BASE, f"trainer[{id_}]"), problem="odd") for id_ in range(100)]
    good = Wanted(Reference("trainer", 100, f"{BASE}t/100", "trainer/100"))
    fetched = crawl(settings, Shard("trainer", 0, (*odd, good)), b'{"id":100}')
    assert (len(fetched.failed), len(fetched.received), fetched.requests) == (100, 1, 1)


@pytest.mark.parametrize("body", [b'{"results": [{"name":"ash"}, 7]}', b'{"results": [null]}'])
def test_a_listing_of_which_no_item_has_an_id_is_refused(body: bytes):
    """The settings are wrong, or it is none."""
    with pytest.raises(SourceError, match=r"listing of trainer: trainer\[1\]: "):
        read(rest(), body)


def test_ids_that_clash_are_both_named_beside_an_odd_item():
    with pytest.raises(SourceError, match="found trainer/7 twice, as a number and as a text"):
        read(rest(), around(b"null", b'{"id":"7"}'))


# The page around the items


@pytest.mark.parametrize("escaped", [b"users", b"\\u0075sers"])
@pytest.mark.parametrize("second", [b"[]", b'[{"id":2}]', b"null"])
def test_a_member_of_a_page_that_stands_there_twice_is_refused(second: bytes, escaped: bytes):
    body = b'{"of": {"%s": [{"id": 1}], "users": %s}}' % (escaped, second)
    with pytest.raises(SourceError, match="expected every name once in an object, found 'users' twice"):
        read(rest(results_path="of.users"), body)


@pytest.mark.parametrize(
    "more", [b'"next": null, "next": "?page=2"', b'"a": {"b": 1, "b": 2}', b'"a": 1e400', b'"a": "\\ud83d"']
)
def test_what_is_odd_outside_the_items_refuses_the_page(more: bytes):
    with pytest.raises(SourceError, match=r"listing of trainer: .+ could not be fetched: invalid JSON: "):
        read(rest(), b'{"results": [{"id": 1}], %s}' % more)


def test_a_page_of_pokeapi_that_lists_twice_is_refused():
    twice = b'{"count": 1, "next": null, "results": [], "results": [{"url": "%spokemon/1/"}]}' % BASE.encode()

    def answer(request: httpx.Request) -> httpx.Response:
        body = b'{"pokemon": "pokemon/"}' if str(request.url) == BASE else twice
        return httpx.Response(200, headers=JSON, content=body)

    with pytest.raises(SourceError, match="found 'results' twice"):
        listing(source(), transport=httpx.MockTransport(answer))


@pytest.mark.parametrize(
    "body", [b'{"results": [[1], [1]], "a": [[1], [1]]}', b"[NaN]", b'{"results": [1}', b'{"results": [1']
)
def test_a_page_that_is_taken_apart_loses_nothing(body: bytes):
    found = opened(body, "" if body.startswith(b"[") else "results")
    inside = b", ".join(found.items or [])
    assert found.envelope.replace(b"[]", b"[%s]" % inside, 1) == body or found.items is None
