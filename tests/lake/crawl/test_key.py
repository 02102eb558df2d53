"""A key: how requests carry it, what is no key, and that one of the query is nowhere to be read."""

import asyncio
import logging
import traceback
from typing import Any
from urllib.parse import quote, quote_plus

import httpx
import pytest
from hypothesis import given
from hypothesis import strategies as st

from lake.crawl import Client, Key, Pace, cut, fetch, key_of
from lake.crawl.key import ClientSecret, Hider
from lake.crawl.reply import FetchError
from lake.errors import SourceError
from tests.lake.crawl import BASE, JSON, PATIENCE_SECONDS, listing, rest, source

TOKENS = {"api_key_in": "oauth2", "oauth2_token_url": "https://league.test/token"}
KEY = "ceru/lean +7f3a"


@pytest.mark.parametrize(
    ("settings", "secret", "key"),
    [
        ({}, "plateau", Key({"Authorization": "Bearer plateau"})),
        ({"api_key_header": "X-Key", "api_key_prefix": ""}, "plateau", Key({"X-Key": "plateau"})),
        ({"api_key_in": "query", "api_key_parameter": "k"}, "a b&c", Key(query={"k": "a b&c"})),
        ({"api_key_in": "basic"}, "ash:a:b", Key({"Authorization": "Basic YXNoOmE6Yg=="})),
        ({"api_key_in": "basic"}, "plateau", r"expected user:password, because api_key_in is 'basic', found no colon"),
        ({"api_key_in": "query"}, "plateau\n", "expected printable text without spaces around it"),
        ({"api_key_in": "query"}, "", "expected printable text"),
        (TOKENS, "ash:a:b", Key(client=ClientSecret("ash", "a:b"))),
        (TOKENS, '{"client_id": "ash", "client_secret": "b", "c": 1}', Key(client=ClientSecret("ash", "b"))),
        (TOKENS, "plateau", "expected client_id:client_secret, or a JSON object with these two"),
        (TOKENS, '{"client_id": "plateau"}', "expected client_id:client_secret, or a JSON"),
        (
            {**TOKENS, "oauth2_token_url": "token"},
            "plateau:b",
            "that gives tokens in oauth2_token_url, .+'token'",
        ),
    ],
)
def test_a_key_is_what_the_settings_make_of_the_secret(settings: dict[str, Any], secret: str, key: Key | str):
    league = source(api_key_block="league-key", **settings)
    if isinstance(key, Key):
        assert key_of(league, secret) == key
        assert secret not in repr(key)
        return
    with pytest.raises(SourceError, match=key) as caught:
        key_of(league, secret)
    assert "plateau" not in "".join(traceback.format_exception(caught.value))


class Echo:
    """A source that repeats the key of the query wherever it can, and notes it."""

    def __init__(self) -> None:
        self.keys: list[str | None] = []

    def __call__(self, request: httpx.Request) -> httpx.Response:
        key = request.url.params.get("api_key")
        self.keys.append(key)
        mine = f"{BASE}trainers/1?api_key={quote_plus(str(key))}"
        if str(request.url).startswith(f"{BASE}trainers?api_key="):
            return httpx.Response(302, headers={"Location": f"trainers/?api_key={quote(str(key))}"})
        if "/t/" in request.url.path:
            return httpx.Response(200, headers=JSON, json={"id": 1, "self": mine, "of": {"api_key": key}})
        link = f'<?page=2&api_key={quote_plus(str(key))}>; rel="next"'
        page = {"results": [{"id": len(self.keys), "self": mine}, {"self": mine}]}
        headers = {} if "page" in request.url.params else {"Link": link}
        return httpx.Response(200, headers={**JSON, **headers}, json=page)


@pytest.mark.parametrize("document_path", ["", "t/{id}"])
@pytest.mark.parametrize("key", [KEY, "é", "7"])
def test_a_key_of_the_query_is_sent_and_kept_nowhere(key: str, document_path: str, caplog: pytest.LogCaptureFixture):
    caplog.set_level(logging.DEBUG)
    echo, league, query = Echo(), rest(paging="header", document_path=document_path), Key(query={"api_key": key})
    transport = httpx.MockTransport(echo)
    found = listing(league, "trainer", transport, query)
    [shard] = cut(league, found, {})
    fetched = asyncio.run(asyncio.wait_for(fetch(league, Pace(league), shard, query, transport), PATIENCE_SECONDS))
    assert len(fetched.received) == 2
    assert set(echo.keys) == {key}
    told = f"{found} {fetched} {caplog.text}"
    assert not any(
        f"api_key{between}{way}" in told for between in ("=", '":"') for way in (key, quote(key), quote_plus(key))
    )
    assert f"api_key={'***'}" in told


@pytest.mark.parametrize(
    "answer",
    [
        httpx.Response(302, headers={"Location": f"https://elsewhere.test/?api_key={quote(KEY)}"}),
        httpx.Response(200, headers=JSON, json={"error": f"no rights: {KEY}"}),
        httpx.ConnectError(f"cannot reach {BASE}?api_key={quote_plus(KEY)}"),
        httpx.InvalidURL(f"no URL: {BASE}?api_key={KEY}"),
        httpx.Response(
            200, headers=JSON, json={"results": [{"id": 1}], "next": f"https://a.test/?api_key={quote(KEY)}"}
        ),
    ],
    ids=str,
)
def test_no_error_repeats_a_key_of_the_query(answer: httpx.Response | Exception):
    def reply(request: httpx.Request) -> httpx.Response:
        if isinstance(answer, Exception):
            raise answer
        return answer

    with pytest.raises(SourceError) as caught:
        listing(rest(), "trainer", httpx.MockTransport(reply), Key(query={"api_key": KEY}))
    told = "".join(traceback.format_exception(caught.value))
    assert not any(way in told for way in (KEY, quote(KEY), quote_plus(KEY)))


def test_a_key_of_the_query_goes_to_no_other_origin():
    async def ask(url: str) -> None:
        async with Client(
            source(), Pace(source()), 1, Key(query={"api_key": KEY}), httpx.MockTransport(Echo())
        ) as client:
            await client.get(url)

    with pytest.raises(FetchError, match=f"expected a URL below {BASE}"):
        asyncio.run(ask("https://elsewhere.test/"))


@given(st.text(st.characters(exclude_categories=("C", "Z")), min_size=8), st.binary())
def test_a_long_key_is_taken_out_of_any_text_and_a_body_without_it_stays(key: str, body: bytes):
    hider = Hider({"$k": key})
    for spelled in (key, quote(key), quote(key, safe=""), quote_plus(key)):
        assert spelled not in hider.in_text(f"a{spelled}b $k={spelled}")
    assert hider.in_body(body) == body or key.encode() in body or quote(key).encode() in body


def test_a_short_key_is_taken_out_where_its_name_is_alone():
    hider, body = Hider({"k": "7"}), b'{"id":7,"k":"7","ok":"7","at":"?k=7&k=77&ok=7"}'
    assert hider.in_body(body) == b'{"id":7,"k":"***","ok":"7","at":"?k=***&k=77&ok=7"}'
    assert hider.in_text("7 ?k=78") == "7 ?k=***"
