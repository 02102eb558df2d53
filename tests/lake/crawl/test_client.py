"""One URL: what is accepted, what is asked for again, and what is refused, by name."""

import asyncio
import gzip
import socket
import threading
import tracemalloc
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from functools import partial
from itertools import repeat
from typing import Any

import httpx
import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from flows.local.replica import Running, replica
from lake.crawl import Client, Pace, Source
from lake.crawl.client import Check, FetchError, NotFoundError, retry_after_seconds
from lake.crawl.pokeapi import problem
from lake.errors import SourceError
from tests.flows.local.replica import small_corpus
from tests.lake.crawl import BASE, JSON, PATIENCE_SECONDS, Pieces, Ports, always, get, is_pikachu, reference, source

NOW = datetime(2026, 8, 8, 4, 12, tzinfo=UTC)


@pytest.fixture
def delays(monkeypatch: pytest.MonkeyPatch) -> list[float]:
    """Note how long is slept, without sleeping."""
    noted: list[float] = []
    sleep, here = asyncio.sleep, threading.current_thread()

    async def note(seconds: float) -> None:
        if threading.current_thread() is not here:
            # The replica sleeps too.
            await sleep(seconds)
        elif seconds:
            noted.append(seconds)

    monkeypatch.setattr(asyncio, "sleep", note)
    return noted


def refusal(settings: Source, transport: httpx.AsyncBaseTransport | None = None, **asked: Any) -> str:
    """Return why Pikachu could not be fetched."""
    with pytest.raises(FetchError) as caught:
        get(settings, check=is_pikachu, transport=transport, **asked)
    return str(caught.value)


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


# Manners


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
        async with Client(settings, Pace(settings), 1, {"Authorization": key}, transport) as client:
            await client.get(url)

    asyncio.run(ask())


def test_no_more_connections_are_open_than_allowed(running: Running):
    running.faults([{"kind": "latency", "seconds": 0.02}])
    settings = source(running.url)

    async def ask() -> None:
        async with Client(settings, Pace(settings), 2) as client:
            await asyncio.gather(*(client.get(f"{running.url}pokemon/25/") for _ in range(8)))

    asyncio.run(ask())
    counters = running.counters()
    assert counters["requests"] == 8
    assert counters["peak_concurrency"] <= 2
    assert counters["peak_connections"] <= 2


@pytest.mark.parametrize("path", ["pokemon/25/", "machine/1/"])
@pytest.mark.parametrize("conditional", [False, True])
def test_a_connection_serves_many_requests(running: Running, path: str, conditional: bool):
    """A refresh of all of PokeAPI in which nothing changed would otherwise shake hands 15,500 times."""
    settings, ports = source(running.url), Ports()
    etag = get(settings, path).etag if conditional else None

    async def ask() -> None:
        async with Client(settings, Pace(settings), 1, transport=ports) as client:
            for _ in range(5):
                await client.get(f"{running.url}{path}", etag)

    asyncio.run(ask())
    assert (len(ports.seen), len(set(ports.seen))) == (5, 1)


@pytest.mark.parametrize(
    "rule",
    [
        {"kind": "huge", "bytes": 50_000_000},
        {"kind": "bomb", "bytes": 50_000_000},
        {"kind": "drop"},
        {"kind": "status", "status": 403},
        {"kind": "status", "status": 503},
        {"kind": "html"},
        {"kind": "redirect", "location": "http://elsewhere.test/"},
        {"kind": "reset"},
        {"kind": "truncated", "variant": "chunked"},
    ],
    ids=lambda rule: str(rule["kind"]),
)
def test_a_refused_answer_gives_its_connection_back(running: Running, rule: dict[str, Any]):
    """With only one, the next request would wait for it forever."""
    running.faults([{**rule, "times": 1}])
    settings = source(running.url, attempts=1, max_document_bytes=10_000, timeout_seconds=10)

    async def ask() -> bytes | None:
        async with Client(settings, Pace(settings), 1) as client:
            with pytest.raises(FetchError):
                await client.get(f"{running.url}pokemon/25/")
            return (await client.get(f"{running.url}pokemon/25/")).body

    assert asyncio.run(asyncio.wait_for(ask(), PATIENCE_SECONDS))


def test_a_request_that_is_called_off_ends_and_gives_its_connection_back(running: Running):
    running.faults([{"kind": "latency", "seconds": 60, "times": 1}])
    settings = source(running.url, timeout_seconds=10)

    async def ask() -> bytes | None:
        async with Client(settings, Pace(settings), 1) as client:
            with pytest.raises(TimeoutError):
                await asyncio.wait_for(client.get(f"{running.url}pokemon/25/"), 0.1)
            return (await client.get(f"{running.url}pokemon/25/")).body

    assert asyncio.run(asyncio.wait_for(ask(), PATIENCE_SECONDS))


def test_a_spent_budget_is_no_fault_of_the_document(running: Running):
    with pytest.raises(SourceError, match="budget of 0 requests"):
        get(source(running.url, requests_per_run=0))
    assert running.counters()["requests"] == 0


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


# Statuses


@pytest.mark.parametrize("status", [408, 425, 429, 500, 502, 503, 504, 520, 599])
def test_what_may_pass_is_asked_for_again(running: Running, status: int):
    running.faults([{"kind": "status", "status": status, "times": 2}])
    assert get(source(running.url), check=is_pikachu).body
    assert running.counters()["by_status"] == {"200": 1, str(status): 2}


@pytest.mark.parametrize("status", [408, 425, 429, 500, 502, 503, 504, 520, 599])
def test_what_does_not_pass_is_refused_after_the_last_try(running: Running, status: int):
    running.faults([{"kind": "status", "status": status}])
    assert refusal(source(running.url, attempts=4)) == f"status {status}"
    assert running.counters()["requests"] == 4


@pytest.mark.parametrize("status", [201, 204, 206, 300, 400, 401, 403, 405, 410, 418, 451])
def test_any_other_refusal_is_final(running: Running, status: int):
    running.faults([{"kind": "status", "status": status}])
    assert refusal(source(running.url)) == f"status {status}"
    assert running.counters()["requests"] == 1


def test_a_404_is_told_apart_and_final(running: Running):
    """PokeAPI's caches keep a 404 for five days; asking again would only make it last."""
    with pytest.raises(NotFoundError, match="status 404"):
        get(source(running.url), "pokemon/9999/")
    assert running.counters()["requests"] == 1


# Waiting


def test_the_delay_between_tries_is_random_within_a_doubling_window(delays: list[float]):
    for _ in range(20):
        refusal(source(attempts=5, retry_delay_seconds=1), always(status=503))
    by_try = [delays[first::4] for first in range(4)]
    for window, found in zip((1, 2, 4, 8), by_try, strict=True):
        assert window / 4 < max(found) <= window
        assert len(set(found)) == 20


def test_retry_after_in_seconds_is_waited_for(delays: list[float]):
    refusal(source(attempts=3), always(status=429, headers={"Retry-After": "7"}))
    # Less what has passed since.
    assert delays == [pytest.approx(7, abs=1)] * 2


def test_retry_after_as_a_date_is_waited_for(delays: list[float]):
    until = format_datetime(datetime.now(UTC) + timedelta(seconds=100), usegmt=True)
    refusal(source(attempts=2), always(status=503, headers={"Retry-After": until}))
    [delay] = delays
    # Less what has passed since, and the part of a second that the date has lost.
    assert 100 - PATIENCE_SECONDS <= delay <= 100


@pytest.mark.parametrize("value", ["0", "Sat, 08 Aug 2020 04:12:00 GMT"])
def test_retry_after_of_no_time_means_at_once(delays: list[float], value: str):
    refusal(source(retry_delay_seconds=3600), always(status=429, headers={"Retry-After": value}))
    assert delays == []


def test_retry_after_holds_back_every_document(delays: list[float]):
    """A source that is overloaded says so to whoever comes next, but means all."""
    settings = source()
    pace = Pace(settings)

    async def ask(transport: httpx.AsyncBaseTransport) -> None:
        async with Client(settings, pace, 1, transport=transport) as client:
            await client.get(f"{BASE}pokemon/25/")

    with pytest.raises(FetchError):
        asyncio.run(ask(always(status=429, headers={"Retry-After": "7"})))
    delays.clear()
    asyncio.run(ask(always()))
    assert delays == [pytest.approx(7, abs=1)]


def test_retry_after_zero_is_survived_over_the_wire(running: Running):
    running.faults([{"kind": "status", "status": 429, "retry_after": "0", "times": 2}])
    assert get(source(running.url, retry_delay_seconds=3600)).body


@pytest.mark.parametrize("value", ["121", "9" * 400, "Fri, 31 Dec 9999 23:59:59 GMT"])
def test_retry_after_far_away_is_refused_at_once(running: Running, value: str):
    running.faults([{"kind": "status", "status": 429, "retry_after": value}])
    assert refusal(source(running.url)).startswith("status 429, come back in ")
    assert running.counters()["requests"] == 1


@pytest.mark.parametrize("value", ["", "soon", "-1", "1.5", "²", "1 Jan 99999999999 00:00:00 GMT", "Sat, 99"])
def test_retry_after_that_says_nothing_leaves_the_usual_delay(running: Running, value: str):
    running.faults([{"kind": "status", "status": 503, "retry_after": value, "times": 1}])
    assert get(source(running.url)).body


@pytest.mark.parametrize(
    ("value", "seconds"),
    [
        (None, None),
        ("120", 120),
        (" 3 ", 3),
        ("Sat, 08 Aug 2026 04:12:30 GMT", 30),
        ("Sat, 08 Aug 2026 06:12:30 +0200", 30),
        ("Sat, 08 Aug 2026 04:12:30", 30),
        ("Saturday, 08-Aug-26 04:12:30 GMT", 30),
        ("Sat Aug  8 04:12:30 2026", 30),
        ("Sat, 08 Aug 2026 04:11:30 GMT", 0),
    ],
)
def test_retry_after_is_read_in_every_form_the_standard_has(value: str | None, seconds: float | None):
    assert retry_after_seconds(value, NOW) == seconds


@given(st.text() | st.from_regex(r"(Sat, )?[0-9]{1,12} Aug [0-9]{1,12} [0-9:]{1,12} ([+-]?[0-9]{1,9}|GMT|Z)?"))
@example("²")
@example("0\x1f")
@example("1 Jan 99999999999 00:00:00 GMT")
def test_retry_after_is_never_negative_and_never_a_reason_to_fail(value: str):
    seconds = retry_after_seconds(value, NOW)
    assert seconds is None or seconds >= 0


# Answers that are cut, garbled, or not what was asked for

CUT: list[dict[str, Any]] = [
    *(
        {"kind": "truncated", "variant": variant, "keep": keep}
        for variant in ("length", "chunked", "close", "gzip")
        for keep in (0, 0.5, 0.99)
    ),
    *({"kind": "reset", "keep": keep} for keep in (0, 0.5, None)),
]
GARBLED = [
    {"kind": "invalid_json"},
    {"kind": "html"},
    {"kind": "content_type", "value": "text/plain"},
    {"kind": "wrong_id"},
]


def document_check(path: str) -> Check:
    """Return the check that a crawl makes of the document at a path; without it, nobody sees where a body was cut."""
    return partial(problem, reference(path.strip("/")))


@pytest.mark.parametrize("rule", [*CUT, *GARBLED], ids=str)
@pytest.mark.parametrize("path", ["pokemon/25/", "machine/1/"])
def test_a_spoilt_answer_is_survived(running: Running, rule: dict[str, Any], path: str):
    """The machine is long enough to be sent compressed."""
    whole = httpx.get(f"{running.url}{path}").content
    running.reset()
    running.faults([{**rule, "times": 2}])
    assert get(source(running.url), path, check=document_check(path)).body == whole
    assert running.counters()["requests"] == 3


@pytest.mark.parametrize("rule", CUT, ids=str)
@pytest.mark.parametrize("path", ["pokemon/25/", "machine/1/"])
def test_a_cut_answer_is_never_accepted(running: Running, rule: dict[str, Any], path: str):
    running.faults([rule])
    with pytest.raises(FetchError):
        get(source(running.url), path, check=document_check(path))
    assert running.counters()["requests"] == 3


@pytest.mark.parametrize(
    ("rule", "reason"),
    [
        ({"kind": "truncated", "variant": "length"}, "RemoteProtocolError: peer closed connection without"),
        ({"kind": "truncated", "variant": "chunked"}, "RemoteProtocolError: peer closed connection without"),
        ({"kind": "truncated", "variant": "close"}, "invalid JSON: Input data was truncated"),
        ({"kind": "truncated", "variant": "gzip"}, "invalid gzip: it ends too early"),
        ({"kind": "reset"}, "ReadError"),
        ({"kind": "reset", "keep": None}, "ReadError"),
        ({"kind": "invalid_json"}, "invalid JSON: "),
        ({"kind": "html"}, "content type: expected application/json, found 'text/html'"),
        ({"kind": "content_type"}, "content type: expected application/json, found 'text/plain'"),
        ({"kind": "wrong_id"}, "id: expected 25, found 26"),
        ({"kind": "wrong_id", "id": -1}, "id: expected 25, found -1"),
    ],
    ids=str,
)
def test_a_spoilt_answer_is_refused_by_its_name(running: Running, rule: dict[str, Any], reason: str):
    running.faults([rule])
    assert refusal(source(running.url)).startswith(reason)
    assert running.counters()["requests"] == 3


def test_an_answer_without_a_content_type_is_refused():
    assert refusal(source(), always(headers={})) == "content type: expected application/json, found 'none'"


def test_what_is_not_gzip_is_refused():
    transport = always(b'{"id":25}', headers={**JSON, "Content-Encoding": "gzip"})
    assert refusal(source(), transport).startswith("invalid gzip: ")


def test_a_gzip_stream_whose_checksum_is_wrong_is_refused():
    packed = bytearray(gzip.compress(b'{"id":25}'))
    packed[-8] ^= 1
    transport = always(bytes(packed), headers={**JSON, "Content-Encoding": "gzip"})
    assert refusal(source(), transport).startswith("invalid gzip: ")


@pytest.mark.parametrize("coding", ["br", "zstd", "deflate", "gzip, gzip"])
def test_a_coding_that_was_not_asked_for_is_refused(coding: str):
    transport = always(headers={**JSON, "Content-Encoding": coding})
    assert refusal(source(), transport) == f"content encoding: expected gzip, found {coding!r}"


def test_a_silent_source_is_given_up_and_asked_again(running: Running):
    running.faults([{"kind": "latency", "seconds": 60}])
    assert "Timeout" in refusal(source(running.url, timeout_seconds=0.1, attempts=2))


def test_a_source_that_is_not_there_is_named(unused_port: int):
    assert refusal(source(f"http://127.0.0.1:{unused_port}/api/v2/")).startswith("ConnectError")


@pytest.fixture
def unused_port() -> Iterator[int]:
    with socket.socket() as bound:
        # Bound but not listening: nobody else can take it, and connections are refused.
        bound.bind(("127.0.0.1", 0))
        yield bound.getsockname()[1]


@pytest.mark.parametrize("url", ["ftp://pokeapi.test/", "http://[::1", "http://pokeapi.test/\x7f", "http://a:b/"])
def test_what_is_no_url_is_refused_at_once(url: str, delays: list[float]):
    settings = source()

    async def ask() -> None:
        async with Client(settings, Pace(settings), 1) as client:
            with pytest.raises(FetchError, match=r"InvalidURL|UnsupportedProtocol"):
                await client.get(url)
            assert client.requests == 1

    asyncio.run(ask())
    assert delays == []


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
        "ftp://pokeapi.test/",
    ],
)
def test_another_scheme_host_port_or_user_is_another_origin(location: str):
    transport = always(status=302, headers={"Location": location})
    assert refusal(source(), transport).startswith("redirected to another origin, ")


def test_redirects_that_do_not_end_are_refused(running: Running):
    running.faults([{"kind": "redirect", "location": "/api/v2/pokemon/25/"}])
    assert refusal(source(running.url)) == "more than 3 redirects"
    assert running.counters()["requests"] == 4


@pytest.mark.parametrize("location", ["http://[::1", "http://pokeapi.test:port/", "https://é" + "a" * 70 + ".test/"])
def test_a_redirect_to_nowhere_is_refused(running: Running, location: str):
    running.faults([{"kind": "redirect", "location": location}])
    assert refusal(source(running.url))


# Sizes


def packed(body: bytes) -> httpx.MockTransport:
    return always(gzip.compress(body), headers={**JSON, "Content-Encoding": "gzip"})


@pytest.mark.parametrize("transport", [always, packed])
def test_a_body_of_exactly_the_limit_is_accepted_and_one_byte_more_is_not(
    transport: Callable[[bytes], httpx.MockTransport],
):
    body = b'{"id":25,"name":"' + b"a" * 1000 + b'"}'
    assert get(source(max_document_bytes=len(body)), transport=transport(body)).body == body
    reason = refusal(source(max_document_bytes=len(body) - 1), transport(body))
    assert reason == f"more than {len(body) - 1:,} bytes"


def test_a_huge_body_is_stopped_at_the_limit(running: Running):
    running.faults([{"kind": "huge", "bytes": 500_000_000}])
    assert refusal(source(running.url, max_document_bytes=100_000)) == "more than 100,000 bytes"
    counters = running.counters()
    # What both ends buffer has left the replica all the same.
    assert counters["bytes"] < 50_000_000
    assert counters["requests"] == 1


def test_a_bomb_is_stopped_at_the_limit(running: Running):
    running.faults([{"kind": "bomb", "bytes": 50_000_000}])
    assert refusal(source(running.url, max_document_bytes=100_000)) == "more than 100,000 bytes"
    assert running.counters()["requests"] == 1


@pytest.mark.parametrize("layers", [1, 2])
def test_a_bomb_does_not_fill_the_memory(layers: int):
    """One read from the network brings 64 kB; that is 64 MB decompressed once, and 64 GB twice."""
    bomb = b"a" * 50_000_000
    for _ in range(layers):
        bomb = gzip.compress(bomb)
    headers = {**JSON, "Content-Encoding": ", ".join(["gzip"] * layers)}
    transport = always(bomb, headers=headers)
    tracemalloc.start()
    try:
        refusal(source(max_document_bytes=1_000_000), transport)
        assert tracemalloc.get_traced_memory()[1] < 10_000_000
    finally:
        tracemalloc.stop()


def test_a_compressed_body_that_comes_to_nothing_does_not_go_on_forever():
    """Empty blocks decompress to no bytes, so that only those that arrive can be counted."""
    header, empty_blocks = gzip.compress(b"")[:10], b"\x00\x00\x00\xff\xff" * 1000
    body = Pieces(chain_forever(header, empty_blocks))
    headers = {**JSON, "Content-Encoding": "gzip"}
    transport = httpx.MockTransport(lambda request: httpx.Response(200, headers=headers, stream=body))
    assert refusal(source(max_document_bytes=100_000), transport) == "more than 100,000 bytes"
    assert body.taken == 21
    assert body.is_closed


def chain_forever(first: bytes, then: bytes) -> Iterator[bytes]:
    yield first
    yield from repeat(then)
