"""Listings of PokeAPI that add up: every document is found once."""

from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from flows.local.replica import Running, replica
from lake.crawl import Listing, chosen
from lake.crawl.pokeapi import ENCOUNTERS, encounters_of
from lake.resource import Reference
from tests.corpora import opened
from tests.flows.local.replica import small_corpus
from tests.lake.crawl import BASE, FIRST_PAGE, ROOT, ids, listing, listing_of, page, pokemon, site, source, upstream


def test_a_listing_is_one_request_and_comes_in_the_order_of_the_ids(running: Running):
    assert listing(source(running.url)).references == tuple(
        Reference("pokemon", id_, f"{running.url}pokemon/{id_}/", f"pokemon/{id_}") for id_ in (25, 132, 10100)
    )
    assert running.counters()["by_path"]["pokemon"] == {"200": 1}


def test_a_negative_id_is_an_id(running: Running):
    assert ids(listing(source(running.url), "move-ailment")) == [-1]


@pytest.mark.parametrize(("page_size", "pages"), [(1, 3), (2, 2), (3, 1), (4, 1)])
def test_a_listing_of_several_pages_is_read_to_its_end(running: Running, page_size: int, pages: int):
    assert ids(listing(source(running.url, page_size=page_size))) == [25, 132, 10100]
    assert running.counters()["by_path"]["pokemon"] == {"200": pages}


def test_an_empty_listing_is_empty():
    assert ids(listing_of(page())) == []


def test_urls_may_be_relative():
    assert listing_of(page("/api/v2/pokemon/25/", "pokemon/132")).references == (
        Reference("pokemon", 25, f"{BASE}pokemon/25/", "pokemon/25"),
        Reference("pokemon", 132, f"{BASE}pokemon/132", "pokemon/132"),
    )


def test_the_next_page_may_be_at_a_relative_url():
    pages = {
        "": ROOT,
        FIRST_PAGE: page(*pokemon(25), count=2, next="?offset=1"),
        "pokemon/?offset=1": page(*pokemon(132), count=2),
    }
    assert ids(listing(source(), transport=site(pages))) == [25, 132]


@pytest.mark.parametrize("name", ["../../commits/0", "a/b", "\x00\x1b[2J", "\u202eekumihc", "", "a" * 5000, None, 7])
def test_a_document_may_have_any_name(name: object):
    """What it is called upstream is data; what identifies it is its URL."""
    results = [{"name": name, "url": f"{BASE}pokemon/25/"}, {"name": name, "url": f"{BASE}pokemon/132/"}]
    assert ids(listing_of(page(count=2, results=results))) == [25, 132]


def test_a_listing_names_its_documents_where_it_can():
    results = [{"name": "pikachu", "url": f"{BASE}pokemon/25/"}, {"url": f"{BASE}pokemon/132/"}]
    assert listing_of(page(count=2, results=results)).names == {25: "pikachu"}


def test_an_entry_of_the_root_that_is_no_listing_is_one_document(running: Running):
    assert listing(source(running.url), "meta") == Listing(
        "meta", (Reference("meta", 0, f"{running.url}meta/", "meta"),)
    )


@pytest.mark.parametrize("slash", ["/", ""])
def test_every_pokemon_has_encounters_at_an_address_without_a_slash_at_its_end(slash: str):
    """That is how PokeAPI's documents refer to them."""
    of_pikachu = Reference("pokemon", 25, f"{BASE}pokemon/25{slash}", "pokemon/25")
    assert encounters_of(Listing("pokemon", (of_pikachu,), {25: "pikachu"})) == Listing(
        ENCOUNTERS, (Reference(ENCOUNTERS, 25, f"{BASE}pokemon/25/encounters", "pokemon/25/encounters"),)
    )


def test_encounters_can_be_listed_alone(running: Running):
    assert ids(listing(source(running.url), ENCOUNTERS)) == [25, 132, 10100]
    assert running.counters()["by_path"]["pokemon"] == {"200": 1}


def test_a_source_without_pokemon_has_no_encounters():
    assert upstream(source(), site({"": {"type": f"{BASE}type/"}})).resources == {"type": f"{BASE}type/"}


def test_a_base_url_may_lack_its_slash(running: Running):
    assert ids(listing(source(running.url.rstrip("/")))) == [25, 132, 10100]


def test_an_ipv6_address_can_be_listed():
    try:
        with replica(small_corpus(), host="::1") as running:
            assert ids(listing(source(running.url))) == [25, 132, 10100]
    except OSError:
        pytest.skip("this machine has no IPv6")


@pytest.mark.parametrize("rule", [{"kind": "invalid_json"}, {"kind": "truncated", "variant": "close"}], ids=str)
def test_a_spoilt_page_is_survived(running: Running, rule: dict[str, Any]):
    running.faults([{**rule, "path": "^pokemon$", "times": 2}])
    assert ids(listing(source(running.url))) == [25, 132, 10100]


@given(numbers=st.lists(st.integers(-999_999_999, 999_999_999), unique=True, max_size=30), size=st.integers(1, 40))
def test_every_listed_document_is_found_once_in_any_order_and_cut(numbers: list[int], size: int):
    cut = [numbers[start : start + size] for start in range(0, len(numbers), size)] or [[]]
    pages = [
        page(*pokemon(*found), count=len(numbers), next=f"{BASE}pokemon/?page={number}")
        for number, found in enumerate(cut, 1)
    ]
    pages[-1]["next"] = None
    assert ids(listing_of(*pages)) == sorted(numbers)


@pytest.mark.corpus
def test_the_listings_of_the_real_pokeapi_name_every_document_of_it(corpus_2026_08_08: Path):
    corpus = opened(corpus_2026_08_08)
    with replica(corpus) as served:
        settings = source(served.url)
        listings = [listing(settings, name) for name in chosen(settings, upstream(settings))]
    named = [of.path for found in listings for of in found.references]
    assert (len(listings), len(named)) == (51, 15_464)
    assert set(named) == set(corpus.paths()) - {""}
