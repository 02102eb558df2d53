"""Tokens of OAuth 2.0 for a client that acts for itself (RFC 6749, 4.4), shared by all connections of a process."""

import asyncio
import math
import time
from functools import lru_cache
from typing import Any
from urllib.parse import quote_plus, urlencode
from weakref import WeakKeyDictionary

import msgspec

from lake.address import without_user
from lake.crawl.items import UNREADABLE
from lake.crawl.key import ClientSecret, basic
from lake.crawl.wire import AddressError, Wire, WireError
from lake.text import shown

# A token is renewed so many seconds before it ends, or when half of a shorter life is over, because a request with it
# takes a while.
SPARE_SECONDS = 60

# An answer with a token takes two kilobytes at most.
_MOST_BYTES = 1 << 20

_HEADERS = {
    "Accept": "application/json",
    "Accept-Encoding": "identity",
    "Content-Type": "application/x-www-form-urlencoded",
}


class TokenError(Exception):
    """No token could be had; `may_pass` tells whether another try can help."""

    def __init__(self, reason: str, may_pass: bool) -> None:
        super().__init__(reason)
        self.may_pass = may_pass


class Grant:
    """The token of one client; it is asked for when it is first needed, and again before it ends.

    It remembers in which of two ways the server takes the client's secret: in a header, as the standard wants it, or
    in the form, as some servers do.
    """

    def __init__(self, url: str, scope: str, client: ClientSecret) -> None:
        self._url, self._scope, self._client = url, scope, client
        self._ways: tuple[bool, ...] = (True, False)
        self._held: tuple[str, float] | None = None
        # Several event loops of a process may share a token, but no lock.
        self._asking: WeakKeyDictionary[asyncio.AbstractEventLoop, asyncio.Lock] = WeakKeyDictionary()

    async def token(self, wire: Wire, user_agent: str) -> str:
        """Return a token that is valid for a while.

        Raises:
            TokenError: None could be had; the message names the setting, and repeats no secret.
        """
        if (token := self._valid()) is not None:
            return token
        async with self._asking.setdefault(asyncio.get_running_loop(), asyncio.Lock()):
            if (token := self._valid()) is not None:
                return token
            token, seconds = await self._ask(wire, user_agent)
            self._held = token, time.monotonic() + seconds - min(SPARE_SECONDS, seconds / 2)
            return token

    def drop(self, token: str) -> None:
        """Forget a token that the source refused, unless there is another one already."""
        if self._held is not None and self._held[0] == token:
            self._held = None

    def _valid(self) -> str | None:
        held = self._held
        return held[0] if held is not None and time.monotonic() < held[1] else None

    async def _ask(self, wire: Wire, user_agent: str) -> tuple[str, float]:
        """Return a token, and the seconds that it lives."""
        refusals = list[str]()
        for in_header in self._ways:
            status, found = await self._post(wire, user_agent, in_header)
            if status == 200:
                self._ways = (in_header,)
                return self._token(found), _seconds(found.get("expires_in"))
            said = " ".join(str(found[name]) for name in ("error", "error_description") if found.get(name))
            refusals.append(f"status {status}{f' ({self._hidden(said)})' if said else ''}")
            if status not in (400, 401):
                break
        passing = status in (408, 425, 429) or status >= 500
        raise self._error(f"found {', then with the secret in the form '.join(refusals)}", passing)

    async def _post(self, wire: Wire, user_agent: str, in_header: bool) -> tuple[int, dict[str, Any]]:
        """Ask for a token; return the answer's status, and its object, empty if it has none."""
        form = {"grant_type": "client_credentials"} | ({"scope": self._scope} if self._scope else {})
        headers = {"User-Agent": user_agent, **_HEADERS}
        if in_header:
            names = (self._client.client_id, self._client.client_secret)
            headers["Authorization"] = basic(":".join(quote_plus(name) for name in names))
        else:
            form |= {"client_id": self._client.client_id, "client_secret": self._client.client_secret}
        body = bytearray()
        try:
            async with wire.send(self._url, headers, urlencode(form).encode()) as answer:
                async for piece in answer.pieces():
                    body += piece
                    if len(body) > _MOST_BYTES:
                        raise self._error(f"found more than {_MOST_BYTES:,} bytes", False)
        except AddressError as error:
            raise self._error(f"found an address that is none: {error}", False) from error
        except WireError as error:
            raise self._error(f"found none: {error}", True) from error
        try:
            return answer.status, msgspec.json.decode(bytes(body), type=dict[str, Any])
        except UNREADABLE:
            return answer.status, {}

    def _token(self, found: dict[str, Any]) -> str:
        token, kind = found.get("access_token"), found.get("token_type", "bearer")
        if not isinstance(token, str) or not (token.isascii() and token.isprintable() and token.strip() == token != ""):
            members = ", ".join(found) or "no object"
            raise self._error(f"found no text access_token that a header can carry, in: {shown(members)}", False)
        if str(kind).lower() != "bearer":
            raise self._error(f"found one of the type {shown(repr(kind))}, which is not bearer", False)
        return token

    def _error(self, found: str, may_pass: bool) -> TokenError:
        where = f"oauth2_token_url {without_user(self._url)}: expected a token"
        advice = "" if may_pass else "; check oauth2_token_url, oauth2_scope and the id and secret in api_key_block"
        return TokenError(f"{where}, {found}{advice}", may_pass)

    def _hidden(self, said: str) -> str:
        return shown(said.replace(self._client.client_secret, "***"))


def _seconds(expires_in: Any) -> float:
    """Return the seconds that a token lives; one without a number lives until it is refused."""
    try:
        seconds = float(expires_in)
    except (TypeError, ValueError):
        return math.inf
    return max(0.0, seconds) if math.isfinite(seconds) else math.inf


@lru_cache(maxsize=64)
def grant_of(url: str, scope: str, client: ClientSecret) -> Grant:
    """Return the one grant of a client, so that all clients of a process share its token."""
    return Grant(url, scope, client)
