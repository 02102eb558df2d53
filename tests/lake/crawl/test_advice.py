"""What a person is told to do about trouble with a source follows from the fault."""

import asyncio
import pickle

import httpx
import pytest

from flows.local.replica import Running
from lake.crawl import Client, Pace, Shard, advice, crawler, fetch
from lake.crawl.advice import RECOVERED
from lake.crawl.breaker import Breaker
from lake.errors import SourceDownError, SourceError
from tests.lake.crawl import JSON, always, listings, refusal, rest, source, upstream, wanted


def fails(error: Exception) -> httpx.MockTransport:
    def answer(request: httpx.Request) -> httpx.Response:
        raise error

    return httpx.MockTransport(answer)


@pytest.mark.parametrize(
    ("answer", "expected"),
    [
        (always(status=401), "api_key_block"),
        (always(status=403), "api_key_block"),
        (always(status=404), "base_url"),
        (always(status=410), "base_url"),
        (always(status=302, headers={"Location": "https://elsewhere.test/"}), "base_url"),
        (always(status=302, headers={"Location": "/api/v2/pokemon/25/"}), "base_url"),
        (always(b"<p>", headers={"Content-Type": "text/html"}), "base_url"),
        (always(b'{"id":25,"a":"%s"}' % (b"a" * 2000)), "max_document_bytes"),
        (always(status=429, headers={"Retry-After": "1000"}), "requests_per_second"),
        (always(status=429), "requests_per_second"),
        (always(status=500), RECOVERED),
        (always(b'{"id":25'), RECOVERED),
        (fails(httpx.ReadTimeout("")), RECOVERED),
        (fails(httpx.ConnectError("[Errno -2] Name or service not known")), "the network"),
        (fails(httpx.ProxyError("403 Forbidden")), "HTTP_PROXY"),
    ],
)
def test_the_advice_follows_from_why_a_document_was_refused(answer: httpx.MockTransport, expected: str):
    assert expected in advice(refusal(source(max_document_bytes=1000), answer))


@pytest.mark.parametrize(
    ("answer", "expected"),
    [
        (always(status=401), False),
        (always(status=404), False),
        (always(status=429, headers={"Retry-After": "1000"}), True),
        (always(status=503), True),
        (fails(httpx.ConnectError("[Errno -2] Name or service not known")), True),
    ],
)
def test_what_nobody_mends_cannot_pass_and_the_error_says_so_also_behind_a_pipe(
    answer: httpx.MockTransport, expected: bool
):
    """Of a first answer, and of documents in a row; a refused key is refused again."""

    async def ask() -> None:
        given = source(attempts=1)
        async with Client(given, Pace(given), 1, transport=answer) as client:
            await crawler(given.kind).probe(client)

    with pytest.raises(SourceError) as found:
        asyncio.run(ask())
    assert pickle.loads(pickle.dumps(found.value)).may_pass == expected
    breaker = Breaker("https://pokeapi.co/api/v2/")
    for number in range(30):
        breaker.note(f"collection-{number % 3}", refusal(source(attempts=1), answer))
    with pytest.raises(SourceDownError) as down:
        breaker.require_source()
    assert down.value.may_pass == expected


def test_an_address_that_speaks_no_tls_is_to_be_checked(running: Running):
    why = refusal(source(running.url.replace("http:", "https:"), attempts=1))
    assert "https or http, and the certificates" in advice(why)


def test_an_answer_that_takes_its_time_may_be_given_more():
    async def answer(request: httpx.Request) -> httpx.Response:
        await asyncio.sleep(60)
        return httpx.Response(200)

    why = refusal(source(attempts=1, deadline_seconds=0.01), httpx.MockTransport(answer))
    assert "raise deadline_seconds" in advice(why)


@pytest.mark.parametrize(
    ("status", "expected"), [(401, "Check the source's key"), (404, "Check base_url"), (503, RECOVERED)]
)
def test_every_message_about_a_source_that_is_left_alone_gives_it(status: int, expected: str):
    answer = always(status=status)
    if status != 404:
        settings = source(attempts=1, requests_per_second=0)
        pace = Pace(settings)

        async def crawl() -> None:
            for name in ("a", "b", "c", "d"):
                some = wanted(settings, *(f"{name}/{id_}" for id_ in range(1, 20)))
                await fetch(settings, pace, Shard(name, 0, tuple(some)), transport=answer)

        with pytest.raises(SourceDownError, match=expected):
            asyncio.run(crawl())
    with pytest.raises(SourceDownError, match=f"listings could not be read, so nothing was published. {expected}"):
        listings(rest(), ["trainer"], answer)
    with pytest.raises(SourceError, match=f"could not be reached: status {status}. {expected}"):
        upstream(source(), answer)


def test_settings_that_find_no_items_are_to_be_checked():
    answer = httpx.MockTransport(lambda request: httpx.Response(200, headers=JSON, json={"users": [{"key": 1}]}))
    for changes in ({}, {"results_path": "users"}):
        with pytest.raises(SourceDownError, match="Check the settings `rest` in the source block, then run again"):
            listings(rest(**changes), ["trainer"], answer)
