"""A source's key: it goes with each request to the source, to nobody else, and into no text that somebody reads."""

import json
import logging
import re
from base64 import b64encode
from collections.abc import Mapping
from dataclasses import dataclass, field
from urllib.parse import quote, quote_plus

import msgspec

from lake.address import spelled
from lake.crawl.items import UNREADABLE
from lake.errors import SourceError
from lake.source import Source

# A shorter key may stand in an answer by chance, and is taken out where the name of its parameter is before it alone.
_UNMISTAKABLE = 8

# What stands in the place of a key.
HIDDEN = "***"


class ClientSecret(msgspec.Struct, frozen=True):
    """Id and secret of a client of OAuth 2.0."""

    client_id: str
    client_secret: str


@dataclass(frozen=True, slots=True)
class Key:
    """What shows the source who asks: headers, parameters of the query, or a client that gets a token for a header."""

    headers: Mapping[str, str] = field(default_factory=dict, repr=False)
    query: Mapping[str, str] = field(default_factory=dict, repr=False)
    client: ClientSecret | None = field(default=None, repr=False)

    def __bool__(self) -> bool:
        return bool(self.headers or self.query or self.client)


def key_of(source: Source, secret: str, where: str = "") -> Key:
    """Return the key that a source's settings make of what its block holds, or another place that `where` names.

    Raises:
        SourceError: The settings want something else than the block holds, which is not repeated.
    """
    where = where or f"block {source.api_key_block!r}"
    if source.api_key_in == "header":
        return Key({source.api_key_header: f"{source.api_key_prefix}{secret}"})
    if not (secret.isprintable() and secret == secret.strip()) or not secret:
        raise SourceError(f"{where}: expected printable text without spaces around it", False)
    if source.api_key_in == "query":
        return Key(query={source.api_key_parameter: secret})
    if source.api_key_in == "basic":
        if ":" not in secret:
            raise SourceError(f"{where}: expected user:password, because api_key_in is 'basic', found no colon", False)
        return Key({"Authorization": basic(secret)})
    if spelled(source.oauth2_token_url) is None:
        raise SourceError(
            f"{source.base_url}: expected the address that gives tokens in oauth2_token_url, because api_key_in is"
            f" 'oauth2', found {source.oauth2_token_url[:200]!r}",
            False,
        )
    return Key(client=_client(secret, where))


def basic(secret: str) -> str:
    """Return the header Authorization of a user and a password.

    >>> basic("ash:pikachu")
    'Basic YXNoOnBpa2FjaHU='
    """
    return f"Basic {b64encode(secret.encode()).decode()}"


def _client(secret: str, where: str) -> ClientSecret:
    id_, _, own = secret.partition(":")
    try:
        found = msgspec.json.decode(secret, type=ClientSecret) if secret.startswith("{") else ClientSecret(id_, own)
    except UNREADABLE:
        found = ClientSecret("", "")
    if not found.client_id or not found.client_secret:
        raise SourceError(
            f"{where}: expected client_id:client_secret, or a JSON object with these two, because api_key_in is"
            " 'oauth2', found something else",
            False,
        ) from None
    return found


class Hider:
    """Takes a key of the query out of what a source or a package says; some sources repeat it in links to themselves.

    It also keeps two packages from logging the address of each request.
    """

    def __init__(self, query: Mapping[str, str]) -> None:
        self._spellings, self._pairs = set[bytes](), list[tuple[re.Pattern[bytes], re.Pattern[str]]]()
        for name, key in query.items():
            quoted = json.dumps(key)[1:-1]
            spellings = {key, quote(key), quote(key, safe=""), quote_plus(key), quoted, quoted.replace("/", "\\/")}
            self._spellings |= {one.encode() for one in spellings}
            names = "|".join(re.escape(one) for one in {name, quote_plus(name)})
            alike = "|".join(re.escape(one) for one in sorted(spellings, key=len, reverse=True))
            # As the value of the parameter in an address, or of a member of that name.
            before = rf'(?<!\w)(?P<before>(?:{names})(?:=|"\s*:\s*"))'
            found = rf"(?:{before})?(?:{alike})" if len(key) >= _UNMISTAKABLE else rf"{before}(?:{alike})(?![\w%~.-])"
            address = rf"""(?<!\w)(?P<before>(?:{names})=)[^&\s'"<>#]*"""
            self._pairs.append((re.compile(found.encode()), re.compile(address)))
        if query:
            for package in ("httpx", "httpcore"):
                logger = logging.getLogger(package)
                logger.setLevel(max(logger.level, logging.WARNING))

    def in_body(self, body: bytes) -> bytes:
        """Return a body without the key; JSON stays JSON."""
        if not any(one in body for one in self._spellings):
            return body
        for found, _ in self._pairs:
            body = found.sub(lambda match: (match["before"] or b"") + HIDDEN.encode(), body)
        return body

    def in_text(self, text: str) -> str:
        """Return a message, an address or a header without the key, and without any value of its parameter."""
        for _, address in self._pairs:
            text = address.sub(rf"\g<before>{HIDDEN}", text)
        return self.in_body(text.encode(errors="surrogateescape")).decode(errors="surrogateescape")
