"""What the replica answers when nothing is wrong."""

import gzip
import json
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest

from flows.local.replica import Corpus, replica
from flows.local.replica.answers import Renderer, page
from tests.corpora import opened
from tests.flows.local.replica import DOCUMENTS, small_corpus


@pytest.fixture(scope="module")
def api() -> Iterator[httpx.Client]:
    with replica(small_corpus()) as running, httpx.Client(base_url=running.url) as client:
        yield client


@pytest.mark.parametrize("path", ["pokemon/25/", "pokemon/25", "pokemon/pikachu", "pokemon/PIKACHU/"])
def test_a_document_is_found_by_id_and_name_with_and_without_slash(api: httpx.Client, path: str):
    assert api.get(path).json()["id"] == 25


def test_urls_begin_with_the_host_that_the_client_asked(api: httpx.Client):
    assert api.get("pokemon/25/").json()["species"]["url"] == f"{api.base_url}pokemon-species/25/"
    other = api.get("pokemon/25/", headers={"Host": "pokeapi.test"})
    assert other.json()["species"]["url"] == "http://pokeapi.test/api/v2/pokemon-species/25/"


def test_encounters_are_a_document_of_their_own(api: httpx.Client):
    expected = [{"location_area": {"url": f"{api.base_url}location-area/321/"}}]
    assert api.get("pokemon/25/encounters").json() == api.get("pokemon/pikachu/encounters/").json() == expected


def test_ids_may_be_negative(api: httpx.Client):
    assert api.get("move-ailment/-1/").json() == DOCUMENTS["move-ailment/-1"]


def test_meta_is_a_plain_document(api: httpx.Client):
    assert api.get("meta/").json() == DOCUMENTS["meta"]


def test_the_root_index_names_every_endpoint(api: httpx.Client):
    names = ["machine", "meta", "move-ailment", "pokemon"]
    assert api.get("").json() == {name: f"{api.base_url}{name}/" for name in names}


def test_a_listing_is_in_order_of_id_with_names_and_absolute_urls(api: httpx.Client):
    assert api.get("pokemon/").json() == {
        "count": 3,
        "next": None,
        "previous": None,
        "results": [
            {"name": "pikachu", "url": f"{api.base_url}pokemon/25/"},
            {"name": "ditto", "url": f"{api.base_url}pokemon/132/"},
            {"name": "raichu-alola", "url": f"{api.base_url}pokemon/10100/"},
        ],
    }


def test_the_listing_of_an_unnamed_resource_has_urls_alone(api: httpx.Client):
    assert api.get("machine/").json()["results"] == [{"url": f"{api.base_url}machine/1/"}]


def test_following_next_visits_every_resource_once(api: httpx.Client):
    url, found = "pokemon/?limit=2", []
    while url:
        listing = api.get(url).json()
        found += [entry["name"] for entry in listing["results"]]
        url = listing["next"]
    assert found == ["pikachu", "ditto", "raichu-alola"]


def test_the_last_next_page_is_only_as_long_as_what_is_left(api: httpx.Client):
    assert api.get("pokemon?limit=2").json()["next"] == f"{api.base_url}pokemon?offset=2&limit=1"


def test_previous_leads_back_to_the_start(api: httpx.Client):
    assert api.get("pokemon/?offset=1&limit=2").json()["previous"] == f"{api.base_url}pokemon/?offset=0&limit=1"


@pytest.mark.parametrize("query", [b"", b"limit=0", b"limit=all", b"offset=0&limit="])
def test_twenty_results_are_a_page_when_no_other_number_is_given(query: bytes):
    entries = tuple({"url": f"/api/v2/machine/{id_}/"} for id_ in range(50))
    assert len(json.loads(page("machine/", query, entries))["results"]) == 20


def test_an_offset_past_the_end_gives_no_results(api: httpx.Client):
    listing = api.get("pokemon/?offset=10").json()
    assert (listing["results"], listing["next"]) == ([], None)


@pytest.mark.parametrize("path", ["nope/", "pokemon/26/", "pokemon/26/encounters", "pokemon/25/moves", "pokemon//25"])
def test_what_does_not_exist_is_not_found_in_plain_text(api: httpx.Client, path: str):
    """PokeAPI has its errors cached for five days."""
    response = api.get(path)
    assert (response.status_code, response.text) == (404, "Not Found")
    assert response.headers["content-type"] == "text/plain; charset=utf-8"
    assert response.headers["cache-control"] == "public, max-age=432000, s-maxage=432000"


def test_answers_carry_type_caching_and_upstream_version(api: httpx.Client):
    headers = api.get("pokemon/25/").headers
    assert headers["content-type"] == "application/json; charset=utf-8"
    assert headers["cache-control"] == "public, max-age=86400, s-maxage=86400"
    assert headers["x-pokeapi-hash"] == "0d8fe2bf"
    assert headers["x-pokeapi-deploy-date"] == "1786004122"


def test_a_corpus_without_meta_has_no_version():
    answer = Renderer(Corpus.from_documents({"pokemon/25": b"{}"})).answer(b"http://host", "pokemon/25/", b"")
    assert answer is not None
    assert not [name for name, _ in answer.plain_headers if name.startswith(b"x-pokeapi")]


def test_a_known_etag_is_answered_by_304_without_a_body(api: httpx.Client):
    etag = api.get("pokemon/25/").headers["etag"]
    assert etag.startswith('W/"')
    for known in (etag, etag.removeprefix("W/"), f'"other", {etag}', "*"):
        response = api.get("pokemon/25/", headers={"If-None-Match": known})
        assert (response.status_code, response.content, response.headers["etag"]) == (304, b"", etag)


def test_another_etag_is_answered_in_full(api: httpx.Client):
    assert api.get("pokemon/25/", headers={"If-None-Match": api.get("pokemon/132/").headers["etag"]}).status_code == 200


def test_the_etag_depends_on_the_body_alone(api: httpx.Client):
    assert api.get("pokemon/25/").headers["etag"] == api.get("pokemon/pikachu").headers["etag"]
    gzipped, plain = (api.get("machine/1/", headers={"Accept-Encoding": coding}) for coding in ("gzip", "identity"))
    assert gzipped.headers["etag"] == plain.headers["etag"]


@pytest.mark.parametrize(
    ("accepted", "coding"), [("gzip", "gzip"), ("br, *", "gzip"), ("gzip;q=0", None), ("br", None)]
)
def test_a_long_body_is_gzipped_where_the_client_accepts_it(api: httpx.Client, accepted: str, coding: str | None):
    with api.stream("GET", "machine/1/", headers={"Accept-Encoding": accepted}) as response:
        raw = b"".join(response.iter_raw())
    assert response.headers.get("content-encoding") == coding
    assert int(response.headers["content-length"]) == len(raw)
    assert json.loads(gzip.decompress(raw) if coding else raw)["id"] == 1


def test_head_has_the_headers_of_get_and_no_body(api: httpx.Client):
    for path in ("machine/1/", "pokemon/"):
        head, get = api.head(path), api.get(path)
        assert head.content == b""
        assert {**head.headers, "date": ""} == {**get.headers, "date": ""}


def test_other_methods_are_refused(api: httpx.Client):
    assert api.post("pokemon/25/").status_code == 405


@pytest.mark.corpus
def test_every_real_document_is_served_as_it_is(corpus_2026_08_08: Path):
    corpus = opened(corpus_2026_08_08)
    renderer = Renderer(corpus)
    for path in corpus.paths():
        answer = renderer.answer(b"http://host", path, b"")
        assert answer is not None
        assert answer.body().replace(b'"http://host/api/v2/', b'"/api/v2/') == corpus.document(path)


@pytest.mark.corpus
def test_each_real_resource_lists_what_it_serves(corpus_2026_08_08: Path):
    corpus = opened(corpus_2026_08_08)
    with replica(corpus) as running, httpx.Client() as client:
        for resource, entries in corpus.listings.items():
            listing = client.get(f"{running.url}{resource}/?limit={len(entries)}").json()
            assert listing["count"] == len(listing["results"]) == len(entries)
            spot = client.get(listing["results"][-1]["url"])
            path = listing["results"][-1]["url"].removeprefix(running.url).strip("/")
            assert spot.content.replace(running.url.encode(), b"/api/v2/") == corpus.document(path)
