"""One URL: a body that is cut, garbled, too large or not what was asked for is refused, by name."""

import gzip
import tracemalloc
from collections.abc import Callable, Iterator
from functools import partial
from itertools import repeat
from typing import Any

import httpx
import pytest

from flows.local.replica import Running
from lake.crawl.client import Check
from lake.crawl.pokeapi import problem
from lake.crawl.reply import FetchError
from tests.lake.crawl import JSON, Pieces, always, get, reference, refusal, source

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
        ({"kind": "truncated", "variant": "length"}, "RemoteProtocolError: "),
        ({"kind": "truncated", "variant": "chunked"}, "RemoteProtocolError: "),
        ({"kind": "truncated", "variant": "close"}, "invalid JSON: Input data was truncated"),
        ({"kind": "truncated", "variant": "gzip"}, "invalid gzip: it ends too early"),
        ({"kind": "reset"}, "RemoteProtocolError: "),
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


@pytest.mark.parametrize("coding", ["br", "zstd", "compress", "gzip, gzip", "gzip, br"])
def test_a_coding_that_was_not_asked_for_is_refused(coding: str):
    transport = always(headers={**JSON, "Content-Encoding": coding})
    assert refusal(source(), transport) == f"content encoding: expected gzip, found {coding!r}"


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
