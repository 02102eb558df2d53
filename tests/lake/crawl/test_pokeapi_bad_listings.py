"""Listings of PokeAPI that do not add up, or lead astray, are refused."""

import json
from collections.abc import Callable

import httpx
import pytest

from flows.local.replica import Corpus, Running, replica
from lake.crawl import Listing
from lake.crawl.pokeapi import ENCOUNTERS
from lake.errors import SourceError, UnknownNameError
from tests.lake.crawl import BASE, FIRST_PAGE, ROOT, ids, listing, listing_of, page, pokemon, site, source


def test_an_unknown_resource_is_answered_with_those_that_exist(running: Running):
    with pytest.raises(UnknownNameError) as caught:
        listing(source(running.url), "pokemons")
    known = "machine, meta, move-ailment, pokemon, pokemon-encounters"
    assert str(caught.value) == f"no resource 'pokemons'; there are: {known}. Did you mean pokemon?"


@pytest.mark.parametrize("page_size", [2, 100])
def test_a_listing_that_lacks_documents_is_refused(running: Running, page_size: int):
    running.faults([{"kind": "listing_short"}])
    with pytest.raises(SourceError) as caught:
        listing(source(running.url, page_size=page_size))
    message = str(caught.value)
    assert message.startswith("listing of pokemon: expected as many documents as its count says, 3, found ")
    assert "nothing was deleted" in message


def test_a_listing_that_counts_too_few_is_refused(running: Running):
    running.faults([{"kind": "listing_lie", "fewer": 1, "duplicates": 0}])
    with pytest.raises(SourceError, match=r"as its count says, 2, found 3"):
        listing(source(running.url))


def test_a_listing_that_names_a_document_twice_is_refused(running: Running):
    running.faults([{"kind": "listing_lie", "fewer": 0, "duplicates": 1}])
    with pytest.raises(SourceError, match="expected every id once, found pokemon/25 twice"):
        listing(source(running.url))


@pytest.mark.parametrize("other", ["pokemon/025/", "pokemon//25/", "pok%65mon/25", "pokemon/%32%35/"])
def test_two_urls_of_one_document_are_the_same_document(other: str):
    with pytest.raises(SourceError, match="found pokemon/25 twice"):
        listing_of(page(f"{BASE}pokemon/25/", f"{BASE}{other}"))


@pytest.mark.parametrize(
    "second",
    ["HTTPS://PokeAPI.test:443/api/v2/pokemon/?offset=1", "?offset=%31", "//pokeapi.test/api//v2/pokemon/?offset=1"],
)
def test_a_page_in_another_spelling_is_the_page_that_was_read(second: str):
    pages = {"": ROOT, FIRST_PAGE: page(*pokemon(25), count=3, next=f"{BASE}pokemon/?offset=1")}
    pages["pokemon/?offset=1"] = page(*pokemon(132), count=3, next=second)
    with pytest.raises(SourceError, match="found one that was read before"):
        listing(source(requests_per_run=50), transport=site(pages))


def test_a_shrunken_listing_that_adds_up_is_believed(running: Running):
    """It deletes nothing by itself: what is at hand and not listed is asked for before it counts as gone."""
    running.faults([{"kind": "listing_shrunk", "entries": 2}])
    assert ids(listing(source(running.url))) == [25]


def test_a_listing_that_changes_between_its_pages_is_refused():
    second = f"{BASE}pokemon/?offset=1"
    with pytest.raises(SourceError, match=r"as its count says, 2 and 3, found 2"):
        listing_of(page(*pokemon(25), count=3, next=second), page(*pokemon(132), count=2))


@pytest.mark.parametrize("following", [FIRST_PAGE, "pokemon/?limit=100000&offset=0", f"{BASE}{FIRST_PAGE}"])
def test_a_page_that_leads_to_itself_is_refused(following: str):
    pages = {"": ROOT, FIRST_PAGE: page(*pokemon(25), next=f"{BASE}{FIRST_PAGE}")}
    with pytest.raises(SourceError, match="expected another page, found one that was read before"):
        listing(source(requests_per_run=50), transport=site(pages))


def test_pages_that_lead_in_a_circle_are_refused():
    second = f"{BASE}pokemon/?offset=1"
    with pytest.raises(SourceError, match="expected another page, found one that was read before"):
        listing_of(page(*pokemon(25), count=2, next=second), page(*pokemon(132), count=2, next=f"{BASE}{FIRST_PAGE}"))


class Endless:
    """A listing whose pages lead on for ever, each at another address; `asked` counts the requests."""

    def __init__(self, entries: Callable[[int], list[str]]) -> None:
        self.entries = entries
        self.asked = 0

    def transport(self) -> httpx.MockTransport:
        """Return what answers the root, and then pages with the entries that belong to the request's number."""
        return httpx.MockTransport(self._answer)

    def _answer(self, request: httpx.Request) -> httpx.Response:
        self.asked += 1
        if str(request.url) == BASE:
            return httpx.Response(200, json={"pokemon": f"{BASE}pokemon/"})
        following = f"{BASE}pokemon/?offset={self.asked}"
        return httpx.Response(200, json=page(*self.entries(self.asked), count=2, next=following))


def test_empty_pages_without_end_are_refused():
    """Each of them is at another address, so that only what they hold gives them away."""
    endless = Endless(lambda asked: pokemon(25) if asked == 2 else [])
    with pytest.raises(SourceError, match="expected documents on every page but the last"):
        listing(source(requests_per_run=50), transport=endless.transport())
    assert endless.asked == 3


def test_full_pages_without_end_are_refused_by_the_count():
    endless = Endless(pokemon)
    with pytest.raises(SourceError, match=r"as its count says, 2, found 3"):
        listing(source(requests_per_run=50), transport=endless.transport())
    assert endless.asked == 4


@pytest.mark.parametrize(
    "following",
    ["https://elsewhere.test/api/v2/pokemon/?offset=1", "http://pokeapi.test/api/v2/pokemon/?offset=1", "//a/", "ftp:"],
)
def test_a_next_page_elsewhere_is_refused(following: str):
    with pytest.raises(SourceError, match=f"listing of pokemon: expected the next page below {BASE}, found "):
        listing_of(page(*pokemon(25), count=2, next=following), page(*pokemon(132), count=2))


@pytest.mark.parametrize("following", ["http://[::1", "//[", f"{BASE}pokemon/?\x7f"])
def test_a_next_page_that_is_no_url_is_refused(following: str):
    with pytest.raises(SourceError, match=r"^listing of pokemon: expected .*(URL|page below)"):
        listing_of(page(*pokemon(25), count=2, next=following), page(*pokemon(132), count=2))


def test_a_long_url_is_not_repeated_in_full():
    following = "https://elsewhere.test/" + "a" * 5000
    with pytest.raises(SourceError) as caught:
        listing_of(page(*pokemon(25), count=2, next=following))
    assert len(str(caught.value)) < 500


@pytest.mark.parametrize(
    "url",
    [
        "https://elsewhere.test/api/v2/pokemon/25/",
        "http://pokeapi.test/api/v2/pokemon/25/",
        "https://pokeapi.test:8443/api/v2/pokemon/25/",
        "https://ash@pokeapi.test/api/v2/pokemon/25/",
        "//elsewhere.test/api/v2/pokemon/25/",
        "https://pokeapi.test/api/v1/pokemon/25/",
        f"{BASE}pokemon-species/25/",
        f"{BASE}pokemon/pikachu/",
        f"{BASE}pokemon/25/encounters/",
        f"{BASE}pokemon/25/?a=b",
        f"{BASE}pokemon/25/../../staging/",
        f"{BASE}pokemon/٢٥/",
        f"{BASE}pokemon/9999999999/",
        f"{BASE}pokemon/--1/",
        f"{BASE}pokemon/",
        BASE,
        "http://[::1",
        "",
        None,
        25,
        {},
    ],
)
def test_a_document_elsewhere_or_without_an_id_is_refused(url: object):
    with pytest.raises(SourceError, match="listing of pokemon: expected "):
        listing_of(page(*pokemon(132), url))


def test_a_result_without_a_url_is_refused():
    with pytest.raises(SourceError, match="listing of pokemon: expected a URL"):
        listing_of(page(count=1, results=[{"name": "pikachu"}]))


@pytest.mark.parametrize(
    "body",
    [[], None, {"count": 0}, {"results": []}, {"next": None},
     page(count="0"), page(count=None), page(results={}), page(next=7),
     page(results=["pokemon/25"])],
    ids=str,
)  # fmt: skip
def test_what_is_no_page_is_refused(body: object):
    pages = {"": ROOT, FIRST_PAGE: body}
    with pytest.raises(SourceError, match=r"^listing of pokemon: (Expected|Object missing)"):
        listing(source(), transport=site(pages))


def test_a_listing_elsewhere_is_refused():
    """A root that leads away would otherwise lead all of the crawl away."""
    pages = {"": {"pokemon": "https://elsewhere.test/api/v2/pokemon/"}}
    with pytest.raises(SourceError, match=f"expected the next page below {BASE}"):
        listing(source(), transport=site(pages))


@pytest.mark.parametrize("status", [429, 500, 503])
def test_a_page_that_cannot_be_fetched_is_named(running: Running, status: int):
    running.faults([{"kind": "status", "path": "^pokemon$", "status": status}])
    with pytest.raises(SourceError) as caught:
        listing(source(running.url))
    address = f"{running.url}pokemon/?limit=100000&offset=0"
    assert str(caught.value) == f"listing of pokemon: {address} could not be fetched: status {status}"


def test_a_source_that_asks_to_come_back_later_has_not_refused(running: Running):
    running.faults([{"kind": "status", "path": "^pokemon$", "status": 429, "retry_after": "3600"}])
    with pytest.raises(SourceError, match="come back in 3600 s"):
        listing(source(running.url))


@pytest.mark.parametrize("status", [400, 403, 404])
@pytest.mark.parametrize("resource", ["pokemon", ENCOUNTERS])
def test_a_listing_that_is_refused_says_so_and_nothing_of_its_documents(running: Running, resource: str, status: int):
    """The real root has listed collections that its front end did not know and answered with 400."""
    running.faults([{"kind": "status", "path": "^pokemon$", "status": status}])
    found = listing(source(running.url), resource)
    address = f"{running.url}pokemon/?limit=100000&offset=0"
    refusal = f"listing of pokemon: {address} could not be fetched: status {status}"
    assert found == Listing(resource, refusal=refusal)


def test_a_listing_that_is_refused_in_the_middle_is_incomplete():
    second = f"{BASE}pokemon/?offset=1"
    pages = {"": ROOT, FIRST_PAGE: page(*pokemon(25), count=2, next=second)}
    with pytest.raises(SourceError, match="could not be fetched: status 404"):
        listing(source(), transport=site(pages))


def test_a_listing_spends_the_budget_too():
    corpus = Corpus.from_documents({f"pokemon/{id_}": json.dumps({"id": id_}).encode() for id_ in range(1, 21)})
    with replica(corpus) as running:
        with pytest.raises(SourceError, match="budget of 5 requests"):
            listing(source(running.url, page_size=1, requests_per_run=5))
        assert running.counters()["requests"] == 5
