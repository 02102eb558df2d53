"""Tokens of OAuth 2.0: asked for when first needed, shared, renewed, and what is said where there is none."""

import asyncio
import traceback
from collections.abc import Callable
from itertools import count
from typing import Any
from urllib.parse import parse_qs

import httpx
import pytest

from lake.crawl import Client, Key, Pace, Source
from lake.crawl import oauth2 as tokens
from lake.crawl.advice import advice
from lake.crawl.key import ClientSecret, basic
from lake.crawl.reply import FetchError
from tests.lake.crawl import BASE, JSON, PATIENCE_SECONDS, source

SECRET = "indigo-51c8"
_clients = count()


class League:
    """A source, and beside it a server that gives tokens, of which some are valid for so many seconds."""

    def __init__(self, expires_in: Any = 3600, only_in_form: bool = False) -> None:
        self.id, self.expires_in, self.only_in_form = f"ash {next(_clients)}", expires_in, only_in_form
        self.given = 0
        self.revoked = set[str]()
        self.asked: list[httpx.Request] = []
        self.answers: list[httpx.Response] = []

    def __call__(self, request: httpx.Request) -> httpx.Response:
        if request.url.host != "auth.test":
            token = request.headers["Authorization"].removeprefix("Bearer ")
            return httpx.Response(401 if token in self.revoked else 200, headers=JSON, content=token.join('""'))
        self.asked.append(request)
        if self.answers:
            return self.answers.pop(0)
        form = parse_qs(request.content.decode())
        mine = form.get("client_secret") == [SECRET] and form["client_id"] == [self.id]
        if not (mine if self.only_in_form else request.headers.get("Authorization") == basic(self.quoted)):
            return httpx.Response(401, json={"error": "invalid_client", "error_description": f"not {SECRET}"})
        self.given += 1
        return httpx.Response(200, json={"access_token": f"t{self.given}", "expires_in": self.expires_in})

    @property
    def quoted(self) -> str:
        """Id and secret as RFC 6749 wants them in a header, encoded as in a form."""
        return f"{self.id.replace(' ', '+')}:{SECRET}"

    def get(self, *paths: str, clients: int = 1, **settings: Any) -> list[str]:
        """Ask for paths over each of some clients, side by side; return the tokens that were shown."""
        league = source(api_key_in="oauth2", oauth2_token_url="https://auth.test/token", **settings)
        key = Key(client=ClientSecret(self.id, SECRET))

        async def answer(request: httpx.Request) -> httpx.Response:
            # Other clients go on while this one waits for its answer.
            await asyncio.sleep(0)
            return self(request)

        async def ask() -> list[str]:
            async with Client(league, Pace(league), 1, key, httpx.MockTransport(answer)) as client:
                return [(await client.get(f"{BASE}{path}")).content.decode().strip('"') for path in paths]

        async def all_of_them() -> list[str]:
            return [token for found in await asyncio.gather(*(ask() for _ in range(clients))) for token in found]

        return asyncio.run(asyncio.wait_for(all_of_them(), PATIENCE_SECONDS))


def test_one_token_is_asked_for_and_shared_by_all_clients_of_the_process():
    league = League()
    assert league.get("a", "b", clients=3, oauth2_scope="read write") == ["t1"] * 6
    assert league.get("c", oauth2_scope="read write") == ["t1"]
    [asked] = league.asked
    assert parse_qs(asked.content.decode()) == {"grant_type": ["client_credentials"], "scope": ["read write"]}
    assert (asked.method, asked.headers["User-Agent"]) == ("POST", Source().user_agent)


@pytest.mark.parametrize(
    ("lives", "expected"), [(120, ["t1", "t1", "t2"]), ("100", ["t1", "t1", "t2"]), (None, ["t1"] * 3)]
)
def test_a_token_is_renewed_before_it_ends(lives: Any, expected: list[str], monkeypatch: pytest.MonkeyPatch):
    league, now = League(lives), [1000.0]
    monkeypatch.setattr(tokens, "time", type("Clock", (), {"monotonic": staticmethod(lambda: now[0])}))
    found = league.get("a")
    for seconds in (45, 20):
        now[0] += seconds
        found += league.get("a")
    assert found == expected


def test_a_token_that_is_refused_is_renewed_once():
    league = League()
    assert league.get("a") == ["t1"]
    league.revoked = {"t1"}
    assert league.get("a", "b") == ["t2", "t2"]
    league.revoked = {"t2", "t3", "t4"}
    with pytest.raises(FetchError, match="status 401"):
        league.get("a")
    assert league.given == 3


def test_a_server_that_wants_the_secret_in_the_form_gets_it_there():
    league = League(expires_in=0, only_in_form=True)
    assert league.get("a", "b") == ["t1", "t2"]
    # What worked is remembered.
    assert [("Authorization" in asked.headers) for asked in league.asked] == [True, False, False]


def test_trouble_with_the_server_that_may_pass_is_tried_again():
    league = League()
    league.answers = [httpx.Response(503), httpx.Response(503)]
    assert league.get("a") == ["t1"]


@pytest.mark.parametrize(
    ("answers", "message"),
    [
        (
            lambda: [httpx.Response(401, json={"error": "invalid_client", "error_description": f"no {SECRET}"})] * 2,
            r"a token, found status 401 \(invalid_client no \*\*\*\), then with the secret in the form status 401",
        ),
        (
            lambda: [httpx.Response(403)],
            r"found status 403; check oauth2_token_url, oauth2_scope and the id",
        ),
        (lambda: [httpx.Response(302, headers={"Location": "/login"})], "found status 302; check oauth2_token_url"),
        (lambda: [httpx.Response(200, json={"token": SECRET})], "found no text access_token .+, in: token; check"),
        (lambda: [httpx.Response(200, text=f"<p>{SECRET}")], "found no text access_token .+, in: no object"),
        (lambda: [httpx.Response(200, json={"access_token": "a\nb"})], "found no text access_token that a header can"),
        (
            lambda: [httpx.Response(200, json={"access_token": "a", "token_type": "mac"})],
            "the type 'mac', which",
        ),
        (lambda: [httpx.Response(200, content=b" " * (2 << 20))], "found more than 1,048,576 bytes"),
        (lambda: [httpx.Response(503)] * 3, "found status 503"),
    ],
)
def test_where_there_is_no_token_the_setting_is_named_and_nothing_asked(
    answers: Callable[[], list[httpx.Response]], message: str
):
    league = League()
    league.answers = answers()
    with pytest.raises(FetchError, match=rf"oauth2_token_url https://auth\.test/token: expected .*{message}") as caught:
        league.get("a")
    assert SECRET not in "".join(traceback.format_exception(caught.value))
    assert league.given == 0
    assert advice(str(caught.value))
