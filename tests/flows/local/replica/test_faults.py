"""Each way in which the replica misbehaves, as an HTTP client sees it."""

import json
import time

import httpx
import pytest

from flows.local.replica import Running
from tests.waiting import until


def raw_body(api: httpx.Client, path: str) -> bytes:
    """Return a body as it came, cut or not, without decompressing it."""
    body = b""
    with api.stream("GET", path) as response:
        try:
            for piece in response.iter_raw():
                body += piece
        except httpx.RemoteProtocolError:
            pass
    return body


def test_latency_delays_the_answer(running: Running, api: httpx.Client):
    running.faults([{"kind": "latency", "path": "^pokemon/25$", "seconds": 0.2}])
    start = time.monotonic()
    assert api.get("pokemon/25/").status_code == 200
    assert time.monotonic() - start >= 0.2


def test_latency_and_another_fault_add_up(running: Running, api: httpx.Client):
    running.faults([{"kind": "status", "status": 503}, {"kind": "latency", "seconds": 0.2}])
    start = time.monotonic()
    assert api.get("pokemon/25/").status_code == 503
    assert time.monotonic() - start >= 0.2


def test_a_client_that_gives_up_ends_its_request(running: Running, api: httpx.Client):
    """Concurrency would be overstated if the replica went on waiting for nobody."""
    running.faults([{"kind": "latency", "seconds": 60}])
    with pytest.raises(httpx.ReadTimeout):
        api.get("pokemon/25/", timeout=0.1)
    until(lambda: not running.counters()["in_flight"], every=0.01)
    assert running.counters()["by_path"] == {"pokemon/25": {"499": 1}}


@pytest.mark.parametrize("status", [403, 404, 418, 429, 500, 503, 599])
def test_any_status_can_be_answered(running: Running, api: httpx.Client, status: int):
    running.faults([{"kind": "status", "status": status}])
    assert api.get("pokemon/25/").status_code == status


def test_a_304_that_nobody_asked_for_has_no_body(running: Running, api: httpx.Client):
    running.faults([{"kind": "status", "status": 304, "times": 1}])
    assert (api.get("pokemon/25/").status_code, api.get("pokemon/25/").status_code) == (304, 200)


@pytest.mark.parametrize("retry_after", ["0", "2", "Sat, 08 Aug 2026 04:12:00 GMT"])
def test_retry_after_is_sent_as_given(running: Running, api: httpx.Client, retry_after: str):
    running.faults([{"kind": "status", "status": 429, "retry_after": retry_after}])
    assert api.get("pokemon/25/").headers["retry-after"] == retry_after


def test_a_dropped_document_is_listed_and_not_found(running: Running, api: httpx.Client):
    running.faults([{"kind": "drop", "path": "^pokemon/25$"}])
    assert api.get("pokemon/").json()["count"] == 3
    assert (api.get("pokemon/25/").status_code, api.get("pokemon/25/").text) == (404, "Not Found")


@pytest.mark.parametrize("variant", ["length", "chunked"])
def test_a_body_cut_short_of_its_framing_is_a_protocol_error(running: Running, api: httpx.Client, variant: str):
    whole = api.get("pokemon/25/").content
    running.faults([{"kind": "truncated", "variant": variant, "keep": 0.25}])
    with pytest.raises(httpx.RemoteProtocolError):
        api.get("pokemon/25/")
    assert raw_body(api, "pokemon/25/") == whole[: len(whole) // 4]


def test_a_body_cut_where_the_connection_ends_it_looks_whole_to_the_client(running: Running, api: httpx.Client):
    whole = api.get("pokemon/25/").content
    running.faults([{"kind": "truncated", "variant": "close"}])
    response = api.get("pokemon/25/")
    assert "content-length" not in response.headers
    assert "transfer-encoding" not in response.headers
    assert response.content == whole[: len(whole) // 2]


def test_a_cut_gzip_stream_is_framed_correctly(running: Running, api: httpx.Client):
    """httpx accepts it silently, so that only the parser can notice."""
    whole = api.get("machine/1/").content
    running.faults([{"kind": "truncated", "variant": "gzip"}])
    response = api.get("machine/1/")
    assert response.status_code == 200
    assert whole.startswith(response.content)
    assert len(response.content) < len(whole)


def test_invalid_json_comes_in_a_whole_answer(running: Running, api: httpx.Client):
    running.faults([{"kind": "invalid_json"}])
    response = api.get("pokemon/25/")
    assert (response.status_code, response.headers["content-type"]) == (200, "application/json; charset=utf-8")
    with pytest.raises(json.JSONDecodeError):
        response.json()


def test_an_html_page_comes_with_status_200(running: Running, api: httpx.Client):
    running.faults([{"kind": "html"}])
    response = api.get("pokemon/25/")
    assert (response.status_code, response.headers["content-type"]) == (200, "text/html; charset=utf-8")
    assert response.text.startswith("<!DOCTYPE html>")


def test_json_comes_with_another_content_type(running: Running, api: httpx.Client):
    running.faults([{"kind": "content_type", "value": "application/octet-stream"}])
    response = api.get("pokemon/25/")
    assert response.headers.get_list("content-type") == ["application/octet-stream"]
    assert response.json()["id"] == 25


@pytest.mark.parametrize("keep", [0, 0.5, None])
def test_a_connection_is_reset(running: Running, api: httpx.Client, keep: float | None):
    running.faults([{"kind": "reset", "keep": keep}])
    with pytest.raises(httpx.ReadError) as caught:
        api.get("pokemon/25/")
    assert "reset" in str(caught.value).lower()


def test_a_redirect_leads_where_it_is_told(running: Running, api: httpx.Client):
    location = "http://elsewhere.test/api/v2/pokemon/25/"
    running.faults([{"kind": "redirect", "location": location, "status": 301}])
    response = api.get("pokemon/25/")
    assert (response.status_code, response.headers["location"]) == (301, location)


def test_a_huge_body_is_streamed(running: Running, api: httpx.Client):
    running.faults([{"kind": "huge", "bytes": 5_000_000}])
    response = api.get("pokemon/25/")
    assert "content-length" not in response.headers
    assert len(response.content) == 5_000_000
    assert response.json()["id"] == 1


def test_a_client_may_leave_a_huge_body(running: Running, api: httpx.Client):
    running.faults([{"kind": "huge", "bytes": 500_000_000, "times": 1}])
    with api.stream("GET", "pokemon/25/") as response:
        next(response.iter_raw())
    assert api.get("pokemon/25/").json()["id"] == 25
    assert running.counters()["bytes"] < 100_000_000


def test_a_bomb_expands_to_its_size(running: Running, api: httpx.Client):
    running.faults([{"kind": "bomb", "bytes": 10_000_000}])
    response = api.get("pokemon/25/")
    assert int(response.headers["content-length"]) < 100_000
    assert len(response.content) == 10_000_000


@pytest.mark.parametrize(("given", "found"), [({}, 26), ({"id": 132}, 132), ({"id": -1}, -1)])
def test_a_document_has_another_id(running: Running, api: httpx.Client, given: dict[str, int], found: int):
    right = api.get("pokemon/25/")
    running.faults([{"kind": "wrong_id", **given}])
    wrong = api.get("pokemon/25/", headers={"If-None-Match": right.headers["etag"]})
    assert wrong.json() == {**right.json(), "id": found}


def test_a_listing_has_fewer_results_than_it_counts(running: Running, api: httpx.Client):
    running.faults([{"kind": "listing_short", "entries": 2}])
    listing = api.get("pokemon/").json()
    assert (listing["count"], [entry["name"] for entry in listing["results"]]) == (3, ["pikachu"])


def test_a_listing_counts_fewer_than_it_has_and_repeats_some(running: Running, api: httpx.Client):
    running.faults([{"kind": "listing_lie", "fewer": 2, "duplicates": 1}])
    listing = api.get("pokemon/").json()
    names = [entry["name"] for entry in listing["results"]]
    assert (listing["count"], names) == (1, ["pikachu", "ditto", "raichu-alola", "pikachu"])


def test_a_shrunk_listing_is_consistent(running: Running, api: httpx.Client):
    running.faults([{"kind": "listing_shrunk", "entries": 1}])
    listing = api.get("pokemon/?limit=2").json()
    names = [entry["name"] for entry in listing["results"]]
    assert (listing["count"], listing["next"], names) == (2, None, ["pikachu", "ditto"])


def test_faults_of_listings_leave_documents_alone(running: Running, api: httpx.Client):
    running.faults([{"kind": "listing_shrunk"}])
    assert api.get("pokemon/10100/").json()["id"] == 10100
    assert api.get("nope/").status_code == 404
