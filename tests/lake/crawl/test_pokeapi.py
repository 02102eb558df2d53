"""What PokeAPI says there is, believed when it adds up, and what shape its documents have."""

import json
from itertools import pairwise
from pathlib import Path
from typing import Any

import httpx
import msgspec
import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from flows.local.replica import Corpus, Running, replica
from lake.crawl import Listing, chosen
from lake.crawl.pokeapi import ENCOUNTERS, encounters_of, problem, url
from lake.errors import SourceError, UnknownNameError
from lake.resource import Reference
from tests.corpora import opened
from tests.flows.local.replica import small_corpus
from tests.lake.crawl import BASE, JSON, always, is_pikachu, listing, reference, site, source, upstream

ROOT = {"pokemon": f"{BASE}pokemon/", "meta": f"{BASE}meta/"}
FIRST_PAGE = "pokemon/?limit=100000&offset=0"


def ids(found: Listing) -> list[int]:
    return [reference.id for reference in found.references]


def page(*urls: object, **members: object) -> dict[str, object]:
    """Return one page as PokeAPI words it."""
    return {"count": len(urls), "next": None, "previous": None, "results": [{"url": url} for url in urls], **members}


def pokemon(*ids: int) -> list[str]:
    return [f"{BASE}pokemon/{id_}/" for id_ in ids]


def listing_of(*pages: dict[str, object]) -> Listing:
    """Read a listing from a site that has these pages, each of them at the URL that the one before names."""
    named = {FIRST_PAGE: pages[0]}
    for before, after in pairwise(pages):
        named[str(before["next"]).removeprefix(BASE)] = after
    return listing(source(requests_per_run=50), transport=site({"": ROOT, **named}))


# The root and the version


def test_the_root_tells_the_resources_and_where_they_are(running: Running):
    found = upstream(source(running.url))
    listed = {name: f"{running.url}{name}/" for name in ("machine", "meta", "move-ailment", "pokemon")}
    assert found.resources == {**listed, ENCOUNTERS: listed["pokemon"]}


def test_resources_may_be_at_relative_urls():
    found = upstream(source(), site({"": {"machine": "/api/v2/machine/", "type": "type/"}}))
    assert found.resources == {"machine": f"{BASE}machine/", "type": f"{BASE}type/"}


def test_what_is_no_url_is_no_resource():
    found = upstream(source(), site({"": {"type": f"{BASE}type/", "count": 2, "links": {"self": BASE}}}))
    assert found.resources == {"type": f"{BASE}type/"}


def test_meta_tells_the_version(running: Running):
    assert upstream(source(running.url)).version == "0d8fe2bf"


def test_meta_is_asked_for_its_version_rather_than_the_header():
    pages = {"": ROOT, "meta/": {"hash": "0d8fe2bf"}}
    assert upstream(source(), site(pages, {**JSON, "X-PokeAPI-Hash": "of-the-edge"})).version == "0d8fe2bf"


@pytest.mark.parametrize("meta", [{}, {"hash": None}, {"hash": 7}, [], "0d8fe2bf", None])
def test_a_meta_without_a_hash_leaves_the_version_to_the_header(meta: object):
    pages = {"": ROOT, "meta/": meta}
    assert upstream(source(), site(pages, {**JSON, "X-PokeAPI-Hash": "of-the-edge"})).version == "of-the-edge"
    assert upstream(source(), site(pages)).version is None


def test_without_a_meta_the_header_tells_the_version():
    pages = {"": {"pokemon": f"{BASE}pokemon/"}}
    assert upstream(source(), site(pages, {**JSON, "X-PokeAPI-Hash": "of-the-edge"})).version == "of-the-edge"
    assert upstream(source(), site(pages)).version is None


@pytest.mark.parametrize("rule", [{"kind": "drop"}, {"kind": "status", "status": 500}, {"kind": "html"}])
def test_a_meta_that_cannot_be_read_means_no_version(running: Running, rule: dict[str, Any]):
    """The header may stem from another cache; with no version everything is asked for, which is safe."""
    running.faults([{**rule, "path": "^meta$"}])
    found = upstream(source(running.url))
    assert found.version is None
    assert "pokemon" in found.resources


def test_a_source_that_cannot_be_reached_is_one_readable_paragraph(running: Running):
    running.faults([{"kind": "reset", "keep": None}])
    with pytest.raises(SourceError) as caught:
        upstream(source(running.url))
    message = str(caught.value)
    assert message.startswith(f"{running.url}: could not be reached: ReadError")
    assert message.endswith("; check the address, or the network")
    assert "\n" not in message


@pytest.mark.parametrize(
    ("rule", "reason"),
    [
        ({"kind": "drop"}, "status 404"),
        ({"kind": "status", "status": 503}, "status 503"),
        ({"kind": "html"}, "content type: expected application/json, found 'text/html'"),
        ({"kind": "invalid_json"}, "invalid JSON: "),
        ({"kind": "redirect", "location": "https://elsewhere.test/"}, "redirected to another origin"),
    ],
    ids=str,
)
def test_a_root_that_cannot_be_read_is_refused(running: Running, rule: dict[str, Any], reason: str):
    running.faults([rule])
    with pytest.raises(SourceError, match=f"could not be reached: {reason}"):
        upstream(source(running.url))


@pytest.mark.parametrize("body", [b"[]", b'"pokemon"', b"null", b"7"])
def test_a_root_that_is_no_object_is_refused(body: bytes):
    with pytest.raises(SourceError, match=f"{BASE}: Expected `object`"):
        upstream(source(), always(body))


@pytest.mark.parametrize("name", ["../staging", "pokemon/25", "Pokemon", "", "a" * 64, "pokemon\n"])
def test_a_resource_whose_name_cannot_be_part_of_a_key_is_refused(name: str):
    with pytest.raises(SourceError, match="expected lower-case letters, digits and dashes"):
        upstream(source(), site({"": {name: f"{BASE}pokemon/"}}))


def test_an_address_that_is_none_is_refused():
    with pytest.raises(SourceError, match=r"could not be reached: UnsupportedProtocol.+check the address"):
        upstream(source("pokeapi.test/api/v2/"))


def test_a_root_with_half_an_address_is_refused():
    with pytest.raises(SourceError, match=f"{BASE}: expected URLs"):
        upstream(source(), site({"": {"pokemon": "http://[::1"}}))


# Listings that add up


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


# Listings that do not


def test_an_unknown_resource_is_answered_with_those_that_exist(running: Running):
    with pytest.raises(UnknownNameError) as caught:
        listing(source(running.url), "pokemons")
    known = "machine, meta, move-ailment, pokemon, pokemon-encounters"
    assert str(caught.value) == f"no resource 'pokemons'; there are: {known}"


@pytest.mark.parametrize("page_size", [2, 100])
def test_a_listing_that_lacks_documents_is_refused(running: Running, page_size: int):
    running.faults([{"kind": "listing_short"}])
    with pytest.raises(SourceError) as caught:
        listing(source(running.url, page_size=page_size))
    message = str(caught.value)
    assert message.startswith("listing of pokemon: expected as many documents as its count says, [3], found ")
    assert "nothing was deleted" in message


def test_a_listing_that_counts_too_few_is_refused(running: Running):
    running.faults([{"kind": "listing_lie", "fewer": 1, "duplicates": 0}])
    with pytest.raises(SourceError, match=r"as its count says, \[2\], found 3"):
        listing(source(running.url))


def test_a_listing_that_names_a_document_twice_is_refused(running: Running):
    running.faults([{"kind": "listing_lie", "fewer": 0, "duplicates": 1}])
    with pytest.raises(SourceError, match="expected every id once, found pokemon/25 twice"):
        listing(source(running.url))


def test_two_urls_of_one_document_are_the_same_document():
    with pytest.raises(SourceError, match="found pokemon/25 twice"):
        listing_of(page(f"{BASE}pokemon/25/", f"{BASE}pokemon/025/"))


def test_a_shrunken_listing_that_adds_up_is_believed(running: Running):
    """It deletes nothing by itself: what is at hand and not listed is asked for before it counts as gone."""
    running.faults([{"kind": "listing_shrunk", "entries": 2}])
    assert ids(listing(source(running.url))) == [25]


def test_a_listing_that_changes_between_its_pages_is_refused():
    second = f"{BASE}pokemon/?offset=1"
    with pytest.raises(SourceError, match=r"as its count says, \[2, 3\], found 2"):
        listing_of(page(*pokemon(25), count=3, next=second), page(*pokemon(132), count=2))


@pytest.mark.parametrize("following", [FIRST_PAGE, "pokemon/?limit=100000&offset=0", f"{BASE}{FIRST_PAGE}"])
def test_a_page_that_leads_to_itself_is_refused(following: str):
    pages = {"": ROOT, FIRST_PAGE: page(*pokemon(25), next=f"{BASE}{FIRST_PAGE}")}
    with pytest.raises(SourceError, match="expected the next page below"):
        listing(source(requests_per_run=50), transport=site(pages))


def test_pages_that_lead_in_a_circle_are_refused():
    second = f"{BASE}pokemon/?offset=1"
    with pytest.raises(SourceError, match="expected the next page below"):
        listing_of(page(*pokemon(25), count=2, next=second), page(*pokemon(132), count=2, next=f"{BASE}{FIRST_PAGE}"))


def test_empty_pages_without_end_are_refused():
    """Each of them is at another address, so that only what they hold gives them away."""
    asked = 0

    def answer(request: httpx.Request) -> httpx.Response:
        nonlocal asked
        asked += 1
        if str(request.url) == BASE:
            return httpx.Response(200, json={"pokemon": f"{BASE}pokemon/"})
        results = page(*(pokemon(25) if asked == 2 else []), count=2, next=f"{BASE}pokemon/?offset={asked}")
        return httpx.Response(200, json=results)

    with pytest.raises(SourceError, match="expected documents on every page but the last"):
        listing(source(requests_per_run=50), transport=httpx.MockTransport(answer))
    assert asked == 3


@pytest.mark.parametrize(
    "following",
    ["https://elsewhere.test/api/v2/pokemon/?offset=1", "http://pokeapi.test/api/v2/pokemon/?offset=1", "//a/", "ftp:"],
)
def test_a_next_page_elsewhere_is_refused(following: str):
    with pytest.raises(SourceError, match=f"listing of pokemon: expected the next page below {BASE}, found "):
        listing_of(page(*pokemon(25), count=2, next=following), page(*pokemon(132), count=2))


@pytest.mark.parametrize("following", ["http://[::1", "//[", f"{BASE}pokemon/?\x7f"])
def test_a_next_page_that_is_no_url_is_refused(following: str):
    with pytest.raises(SourceError, match=r"^listing of pokemon: .*URL"):
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
        f"{BASE}pokemon/%32%35/",
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


# Documents


@pytest.mark.parametrize(
    ("body", "expected"),
    [
        (b"", "invalid JSON: Input data was truncated"),
        (b'{"id":25', "invalid JSON: Input data was truncated"),
        (b'{"id":25}}', "invalid JSON: JSON is malformed: trailing characters"),
        (b'{"id":25,"weight":NaN}', "invalid JSON: JSON is malformed: invalid character"),
        (b'{"id":25,"weight":-Infinity}', "invalid JSON: JSON is malformed: invalid character"),
        (b'{"id":25,"name":"\\ud83d"}', "invalid JSON: "),
        (b'{"id":25,"name":"\\ude00\\ud83d"}', "invalid JSON: "),
        (b'{"id":25,"\\ud83d":[]}', "invalid JSON: "),
        (b'{"id":25,"name":"\xff"}', "invalid JSON: 'utf-8' codec can't decode byte 0xff"),
        (b'{"id":25,"\xff":1}', "invalid JSON: 'utf-8' codec can't decode byte 0xff"),
        (b'{"id":25,"name":"\xed\xa0\xbd"}', "invalid JSON: 'utf-8' codec can't decode byte 0xed"),
        (b'\xef\xbb\xbf{"id":25}', "invalid JSON: JSON is malformed: invalid character (byte 0)"),
        ('{"id":25}'.encode("utf-16"), "invalid JSON: "),
        (b'{"id":25,"a":' + b"[" * 100_000 + b"]" * 100_000 + b"}", "invalid JSON: maximum recursion depth"),
        (b'{"id":25,"a":' + b'{"a":' * 100_000 + b"1" + b"}" * 100_000 + b"}", "invalid JSON: maximum recursion depth"),
        (b"<!DOCTYPE html>", "invalid JSON: "),
        (b'[{"id":25}]', "unexpected JSON: Expected `object`, got `array`"),
        (b"null", "unexpected JSON: "),
        (b"{}", "unexpected JSON: Object missing required field `id`"),
        (b'{"id":"25"}', "unexpected JSON: Expected `int`, got `str`"),
        (b'{"id":25.0}', "unexpected JSON: Expected `int`, got `float`"),
        (b'{"id":true}', "unexpected JSON: Expected `int`, got `bool`"),
        (b'{"id":null}', "unexpected JSON: Expected `int`, got `null`"),
        (b'{"id":' + b"9" * 5000 + b"}", "unexpected JSON: "),
        (b'{"id":26}', "id: expected 25, found 26"),
        (b'{"id":25,"id":26}', "id: expected 25, found 26"),
        (b'{"id":25}', None),
        (b' {"name":"pikachu","id":25}\r\n', None),
        (b'{"id":25,"name":"\\ud83d\\ude00 \\u0000"}', None),
        ('{"id":25,"name":"\u202euhcakip \U0001f600"}'.encode(), None),
    ],
    ids=lambda value: repr(value)[:40],
)
def test_a_body_is_whole_json_with_the_id_asked_for(body: bytes, expected: str | None):
    found = is_pikachu(body)
    assert found is None if expected is None else (found or "").startswith(expected)


@given(st.binary() | st.binary().map(lambda tail: b'{"id":25,"name":"' + tail + b'"}'))
@example(b'{"id":25,"name":"\x80"}')
def test_a_body_that_is_accepted_can_be_read_by_all_that_comes_after(body: bytes):
    if is_pikachu(body) is None:
        assert msgspec.json.decode(body)["id"] == json.loads(body.decode())["id"] == 25


ENCOUNTERS_25 = Reference(ENCOUNTERS, 25, f"{BASE}pokemon/25/encounters", "pokemon/25/encounters")
META = Reference("meta", 0, f"{BASE}meta/", "meta")


@pytest.mark.parametrize(
    ("of", "body", "expected"),
    [
        (ENCOUNTERS_25, b"[]", None),
        (ENCOUNTERS_25, b'[{"location_area":{}}]', None),
        (ENCOUNTERS_25, b'{"id":25}', "unexpected JSON: Expected `array`, got `object`"),
        (ENCOUNTERS_25, b'[{"a":"\\ud83d"}]', "invalid JSON: "),
        (ENCOUNTERS_25, b'[{"a":1}', "invalid JSON: "),
        (META, b'{"hash":"0d8fe2bf"}', None),
        (META, b"[]", "unexpected JSON: Expected `object`, got `array`"),
        (META, b'{"hash":"\xff"}', "invalid JSON: "),
    ],
    ids=str,
)
def test_encounters_are_an_array_and_a_document_without_siblings_an_object(
    of: Reference, body: bytes, expected: str | None
):
    found = problem(of, body)
    assert found is None if expected is None else (found or "").startswith(expected)


@pytest.mark.parametrize("of", [reference("pokemon/25"), reference("move-ailment/-1"), META, ENCOUNTERS_25], ids=str)
def test_an_address_made_of_the_path_is_the_one_that_a_listing_gives(of: Reference):
    """With and without slash are different entries of PokeAPI's caches, and can disagree."""
    assert url(source(), of.resource, of.path) == of.url


@pytest.mark.corpus
def test_the_listings_of_the_real_pokeapi_name_every_document_of_it(corpus_2026_08_08: Path):
    corpus = opened(corpus_2026_08_08)
    with replica(corpus) as served:
        settings = source(served.url)
        listings = [listing(settings, name) for name in chosen(settings, upstream(settings))]
    named = [of.path for found in listings for of in found.references]
    assert (len(listings), len(named)) == (51, 15_464)
    assert set(named) == set(corpus.paths()) - {""}
