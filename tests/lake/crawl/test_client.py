"""One URL: what is sent, what comes back, and where a redirect may lead."""

import asyncio
import gzip

import httpx
import pytest

from flows.local.replica import Running, replica
from lake.crawl import Client, Key, Pace, Source
from lake.crawl.reply import FetchError
from lake.errors import SourceError
from tests.flows.local.replica import small_corpus
from tests.lake.crawl import BASE, JSON, Pieces, always, get, is_pikachu, refusal, source

# What comes back


def test_an_answer_has_the_body_its_etag_and_the_version(running: Running):
    plain = httpx.get(f"{running.url}pokemon/25/")
    answer = get(source(running.url))
    assert (answer.body, answer.etag, answer.version) == (plain.content, plain.headers["etag"], "0d8fe2bf")


def test_a_compressed_body_comes_back_as_it_was(running: Running):
    plain = httpx.get(f"{running.url}machine/1/")
    assert plain.headers["content-encoding"] == "gzip"
    assert get(source(running.url), "machine/1/").body == plain.content


def test_a_compressed_body_may_come_in_small_pieces():
    packed = gzip.compress(b'{"id":25,"name":"pikachu"}')
    pieces = Pieces(bytes([byte]) for byte in packed)
    headers = {**JSON, "Content-Encoding": "GZIP"}
    transport = httpx.MockTransport(lambda request: httpx.Response(200, headers=headers, stream=pieces))
    assert get(source(), transport=transport).body == b'{"id":25,"name":"pikachu"}'


@pytest.mark.parametrize("value", ["application/json", "Application/JSON;charset=utf-8", "application/hal+json"])
def test_json_may_be_called_what_the_standards_allow(value: str):
    assert get(source(), transport=always(headers={"Content-Type": value})).body == b'{"id":25}'


def test_an_ipv6_address_can_be_crawled():
    try:
        with replica(small_corpus(), host="::1") as running:
            assert get(source(running.url)).body
    except OSError:
        pytest.skip("this machine has no IPv6")


# Headers


@pytest.mark.parametrize("agent", ["pokelake/0.1 (+mailto:ash@pallet.test)", "Pokélake"])
def test_requests_say_who_calls(running: Running, agent: str):
    get(source(running.url, user_agent=agent))
    assert running.counters()["user_agents"] == [agent.encode().decode("latin-1")]


def test_headers_are_sent_along():
    sent: list[str | None] = []

    def answer(request: httpx.Request) -> httpx.Response:
        sent.append(request.headers.get("Authorization"))
        return httpx.Response(200, json={"id": 25})

    ask_with_key(source(), f"{BASE}pokemon/25/", httpx.MockTransport(answer))
    assert sent == ["Bearer cerulean"]


@pytest.mark.parametrize("url", ["https://elsewhere.test/", "http://pokeapi.test/", "https://pokeapi.test:8443/"])
def test_headers_are_sent_to_no_other_origin(url: str):
    def refuse(request: httpx.Request) -> httpx.Response:
        raise AssertionError("expected no request")

    with pytest.raises(FetchError, match=f"expected a URL below {BASE}, found "):
        ask_with_key(source(), url, httpx.MockTransport(refuse))


def test_headers_do_not_follow_a_redirect_to_another_origin():
    transport = always(status=302, headers={"Location": "https://elsewhere.test/"})
    with pytest.raises(FetchError, match="redirected to another origin"):
        ask_with_key(source(), f"{BASE}pokemon/25/", transport)


@pytest.mark.parametrize("key", ["cerulean\n", "ceru\r\nlean", " cerulean", "cerulean ", "ceruléan", "\x00"])
def test_a_key_that_is_no_header_is_refused_without_repeating_it(key: str):
    """What libraries say of it would quote it, and errors are kept and shown."""
    with pytest.raises(SourceError, match="header Authorization: expected printable ASCII") as caught:
        ask_with_key(source(), f"{BASE}pokemon/25/", always(), key)
    assert "lean" not in str(caught.value)


@pytest.mark.parametrize("status", [401, 403, 500])
def test_a_refusal_does_not_repeat_the_key(status: int):
    with pytest.raises(FetchError) as caught:
        ask_with_key(source(), f"{BASE}pokemon/25/", always(status=status))
    assert (str(caught.value), caught.value.status) == (f"status {status}", None if status == 500 else status)


def ask_with_key(settings: Source, url: str, transport: httpx.AsyncBaseTransport, key: str = "Bearer cerulean") -> None:
    """Fetch one URL over a client of its own that sends a key along."""

    async def ask() -> None:
        async with Client(settings, Pace(settings), 1, Key({"Authorization": key}), transport) as client:
            await client.get(url)

    asyncio.run(ask())


# Conditional requests


def test_an_unchanged_document_has_no_body_and_keeps_its_etag(running: Running):
    etag = get(source(running.url)).etag
    answer = get(source(running.url), etag=etag)
    assert (answer.body, answer.etag, answer.version) == (None, etag, "0d8fe2bf")
    assert running.counters()["by_path"] == {"pokemon/25": {"200": 1, "304": 1}}


def test_a_changed_document_comes_with_its_own_etag(running: Running):
    answer = get(source(running.url), etag='W/"of-last-year"')
    assert is_pikachu(answer.body or b"") is None
    assert answer.etag == httpx.get(f"{running.url}pokemon/25/").headers["etag"]


def test_a_304_that_was_not_asked_for_is_refused(running: Running):
    running.faults([{"kind": "status", "status": 304}])
    assert refusal(source(running.url)) == "status 304"
    assert running.counters()["requests"] == 1


@pytest.mark.parametrize("sent", ['"é"'.encode(), '"é"'.encode("latin-1"), b'W/"a b"', b"bare"])
def test_any_etag_that_was_received_can_be_sent_back(sent: bytes):
    etag = get(source(), transport=always(headers={**JSON, "ETag": sent})).etag
    assert get(source(), etag=etag, transport=always(b"", 304)).body is None


def test_an_etag_that_is_none_is_not_kept():
    assert get(source(), transport=always(headers={**JSON, "ETag": "a" * 2000})).etag is None


def test_a_reason_is_one_short_line():
    reason = refusal(source(), always(status=302, headers={"Location": "\x1b[1m" + "a" * 60_000}))
    assert len(reason) <= 500
    assert reason.isprintable()


# Redirects


@pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
def test_a_redirect_within_the_source_is_followed(running: Running, status: int):
    location = "/api/v2/pokemon/132/"
    running.faults([{"kind": "redirect", "path": "^pokemon/25$", "location": location, "status": status}])
    assert b"ditto" in (get(source(running.url)).body or b"")
    assert running.counters()["requests"] == 2


def test_a_redirect_to_another_origin_is_refused_and_not_followed(running: Running):
    with replica(small_corpus()) as other:
        running.faults([{"kind": "redirect", "location": f"{other.url}pokemon/25/"}])
        assert refusal(source(running.url)) == f"redirected to another origin, '{other.url}pokemon/25/'"
        assert (running.counters()["requests"], other.counters()["requests"]) == (1, 0)


@pytest.mark.parametrize(
    "location",
    [
        "http://pokeapi.test/api/v2/pokemon/25/",
        "//elsewhere.test/api/v2/pokemon/25/",
        "https://pokeapi.test:8443/",
        "https://ash@pokeapi.test/",
        "https://pokeapi.test.elsewhere.test/",
    ],
)
def test_another_scheme_host_port_or_user_is_another_origin(location: str):
    transport = always(status=302, headers={"Location": location})
    assert refusal(source(), transport).startswith("redirected to another origin, ")


def test_redirects_that_do_not_end_are_refused(running: Running):
    running.faults([{"kind": "redirect", "location": "/api/v2/pokemon/25/"}])
    assert refusal(source(running.url)) == "more than 3 redirects"
    assert running.counters()["requests"] == 4


@pytest.mark.parametrize(
    "location",
    [
        "http://[::1",
        "http://pokeapi.test:port/",
        "https://pokeapi.test:99999/",
        "https://pokeapi.test:-1/",
        "https://pokeapi.test:0/",
        "https://é" + "a" * 70 + ".test/",
        "http://xn--/",
        "//xn--zzzzzz99999/",
        "ftp://pokeapi.test/",
        "mailto:ash@pallet.test",
        "javascript:alert(1)",
        "https:///",
        "/pokemon/2 5/",
        "https://pokeapi.test\\@elsewhere.test/",
        "\t/",
        "",
    ],
)
def test_a_redirect_to_nowhere_is_the_failure_of_that_document(location: str):
    assert refusal(source(), always(status=302, headers={"Location": location.encode()}))


def test_a_redirect_without_an_address_is_the_failure_of_that_document(running: Running):
    running.faults([{"kind": "status", "status": 302}])
    assert refusal(source(running.url)) == "redirected to no HTTP address, ''"
    assert running.counters()["requests"] == 1


@pytest.mark.parametrize(
    "location", ["HTTPS://PokeAPI.test:443/api/v2/pokemon/132/", "//POKEAPI.test/api/v2//pokemon/132/"]
)
def test_a_redirect_to_another_spelling_of_the_source_stays_within_it(location: str):
    def answer(request: httpx.Request) -> httpx.Response:
        if "132" in request.url.path:
            return httpx.Response(200, json={"id": 25})
        return httpx.Response(302, headers={"Location": location})

    assert get(source(), transport=httpx.MockTransport(answer)).body
