"""Puts a source's key on the requests to it, and takes it out of what comes back."""

import asyncio
from collections.abc import Mapping

from lake.address import with_query
from lake.crawl.key import Hider, Key
from lake.crawl.oauth2 import TokenError, grant_of
from lake.crawl.wire import Wire
from lake.errors import SourceError
from lake.source import Source


class Signing:
    """What the requests of one client need; it holds the token, which it shares with the other clients of the process.

    Raises:
        SourceError: A header has characters that HTTP does not allow.
    """

    def __init__(self, source: Source, key: Key) -> None:
        self._source, self._key = source, key
        self._headers = {name: _header_value(name, value) for name, value in key.headers.items()}
        self._hider = Hider(key.query) if key.query else None
        client = key.client
        self._grant = grant_of(source.oauth2_token_url, source.oauth2_scope, client) if client else None

    def __bool__(self) -> bool:
        return bool(self._key)

    async def headers(self, wire: Wire) -> Mapping[str, str]:
        """Return the headers that carry the key.

        Raises:
            TokenError: There is no token.
        """
        if self._grant is None:
            return self._headers
        seconds = self._source.deadline_seconds
        try:
            async with asyncio.timeout(seconds):
                token = await self._grant.token(wire, self._source.user_agent)
        except TimeoutError as error:
            raise TokenError(f"oauth2_token_url: no whole answer within {seconds:g} s", may_pass=True) from error
        return {self._source.api_key_header: f"{self._source.api_key_prefix}{token}"}

    def renew(self, headers: Mapping[str, str]) -> bool:
        """Forget the token in headers that the source refused; false if there is none, and so no other key."""
        if self._grant is None:
            return False
        self._grant.drop(headers[self._source.api_key_header].removeprefix(self._source.api_key_prefix))
        return True

    def address(self, url: str) -> str:
        """Return the address to ask, which has the key if that goes into the query."""
        return with_query(url, self._key.query)

    def hidden(self, text: str) -> str:
        """Return a message, an address or a header without a key of the query."""
        return self._hider.in_text(text) if self._hider else text

    def hidden_body(self, body: bytes) -> bytes:
        """Return a body without a key of the query."""
        return self._hider.in_body(body) if self._hider else body

    def cause(self, error: Exception) -> Exception | None:
        """Return an error as the cause of another; None if it may show a key of the query."""
        return None if self._hider else error


def _header_value(name: str, value: str) -> str:
    """Return a header's value. It is checked here because a library would quote the key in its error."""
    if not (value.isascii() and value.isprintable() and value == value.strip()):
        raise SourceError(
            f"header {name}: expected printable ASCII without spaces around it; check the key's block", may_pass=False
        )
    return value
