"""How the documents of a crawl are cut into shards: each of them into one."""

from dataclasses import replace

from hypothesis import given
from hypothesis import strategies as st

from lake.crawl import Listing, Rest, Wanted, believed, cut
from lake.crawl.cut import SHARD_DOCUMENTS
from lake.crawl.pokeapi import ENCOUNTERS
from lake.resource import AtHand, Reference
from tests.lake.crawl import BASE, reference, source

IDS = st.sets(st.integers(-999_999_999, 999_999_999), max_size=5) | st.sets(st.integers(-9, 400), max_size=300)


def listed(ids: set[int]) -> Listing:
    return Listing("pokemon", tuple(reference(f"pokemon/{id_}") for id_ in sorted(ids)))


def at_hand(ids: set[int]) -> dict[int, AtHand]:
    return {id_: AtHand(f'W/"{id_}"', f"pokemon/{id_}") for id_ in ids}


@given(there=IDS, here=IDS)
def test_shards_cover_what_is_listed_and_what_is_at_hand_once_by_ascending_id(there: set[int], here: set[int]):
    shards = cut(source(), listed(there), at_hand(here))
    items = [item for shard in shards for item in shard.wanted]
    assert [item.reference.id for item in items] == sorted(there | here)
    assert {item.reference.id for item in items if item.is_listed} == there
    assert {item.reference.id for item in items if item.etag} == there & here
    assert [shard.number for shard in shards] == list(range(len(shards)))
    assert all(1 <= len(shard.wanted) <= SHARD_DOCUMENTS for shard in shards)
    assert len({shard.name for shard in shards}) == len(shards)


@given(there=IDS, here=IDS)
def test_an_inline_listing_is_one_shard_whatever_its_size(there: set[int], here: set[int]):
    settings = source(kind="rest", rest=Rest((("pokemon", "pokemon"),)))
    shards = cut(settings, replace(listed(there), is_inline=True), at_hand(here))
    assert [item.reference.id for shard in shards for item in shard.wanted] == sorted(there | here)
    assert all(shard.is_inline for shard in shards)
    assert len(shards) == bool(there | here)


def test_a_document_that_vanished_is_asked_for_where_it_was_and_unconditionally():
    """Only a 404 says that it is gone; a 304 would say nothing about a document that is to be believed anew."""
    [shard] = cut(source(), listed({25}), at_hand({25, -1}))
    assert shard.wanted == (
        Wanted(reference("pokemon/-1"), None, is_listed=False),
        Wanted(reference("pokemon/25"), 'W/"25"', is_listed=True),
    )


def test_the_encounters_of_a_pokemon_that_vanished_are_asked_for_too():
    here = {25: AtHand('W/"1"', "pokemon/25/encounters")}
    [shard] = cut(source(), Listing(ENCOUNTERS), here)
    [item] = shard.wanted
    assert (item.reference.url, item.is_listed) == (f"{BASE}pokemon/25/encounters", False)


def test_nothing_is_asked_for_where_the_listing_was_refused():
    """What is at hand would otherwise count as gone."""
    assert cut(source(), Listing("pokemon", refusal="status 400"), at_hand({25})) == []


def test_a_document_without_an_etag_is_asked_for_unconditionally():
    [shard] = cut(source(), listed({25, 132}), {25: AtHand(None, "pokemon/25")})
    assert [item.etag for item in shard.wanted] == [None, None]


def test_nothing_makes_no_shard():
    assert cut(source(), Listing("pokemon"), {}) == []


def test_a_shard_is_called_the_same_when_it_asks_for_the_same():
    """A run that is started again finds by it what the one before has fetched."""
    [first], [second] = (cut(source(), listed({25, 132}), at_hand({25})) for _ in range(2))
    assert first.name == second.name
    assert first.name.startswith("pokemon-0000-")


def test_an_object_in_the_place_of_a_listing_is_refused():
    """An error page that passes for JSON must not become a document, beside those that it stands for."""
    passing = Listing("pokemon", (Reference("pokemon", 0, f"{BASE}pokemon/", "pokemon"),))
    refusal = str(believed(passing, at_hand({25, 132})).refusal)
    assert "expected a listing, as before, found one object" in refusal
    assert "the 2 documents at hand" in refusal


def test_an_object_that_always_was_one_is_asked_for_again():
    meta = Listing("meta", (Reference("meta", 0, f"{BASE}meta/", "meta"),))
    assert believed(meta, {0: AtHand(None, "meta")}) == believed(meta, {}) == meta
    [shard] = cut(source(), meta, {0: AtHand('W/"1"', "meta")})
    assert [item.etag for item in shard.wanted] == ['W/"1"']


def test_of_documents_without_an_etag_only_some_are_asked_for_again():
    """New ones are, those with an ETag, and those that are not listed any longer."""
    here = {**at_hand({1, 2, 3}), **{id_: AtHand(None, f"pokemon/{id_}") for id_ in (4, 5, 6)}}
    [shard] = cut(source(), listed({1, 2, 4, 5, 7}), here, again={5})
    assert [item.reference.id for item in shard.wanted] == [1, 2, 3, 5, 6, 7]
    assert cut(source(), listed({4}), {4: AtHand(None, "pokemon/4")}, again=()) == []
    [inline] = cut(source(), replace(listed({4}), is_inline=True), {4: AtHand(None, "pokemon/4")}, again=())
    assert [item.reference.id for item in inline.wanted] == [4]
