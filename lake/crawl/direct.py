"""A `Wire` without a proxy, of aiohttp."""

import re
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager

import aiohttp
from yarl import URL

from lake.crawl.wire import KEEP_ALIVE_SECONDS, AddressError, Answer, WireError, tls
from lake.source import Source

# A header may be as long as httpx takes it.
_MAX_HEADER_BYTES = 100_000

# An address that stays as it is, whoever reads it: no other alphabet, nothing to escape, no folder that is left again.
_PLAIN = re.compile(r"https?://(?![^/]*xn--)[a-z0-9.-]+(:[0-9]+)?(/[A-Za-z0-9_~-][A-Za-z0-9_.~-]*)*/?")

# The first that fits.
_KINDS = (
    (aiohttp.ConnectionTimeoutError, "ConnectTimeout"),
    (aiohttp.ServerTimeoutError, "ReadTimeout"),
    (aiohttp.ClientConnectorError, "ConnectError"),
    (aiohttp.ClientConnectorCertificateError, "ConnectError"),
    (aiohttp.ClientOSError, "ReadError"),
    (aiohttp.ClientError, "RemoteProtocolError"),
)


class Direct:
    """A wire that holds a session of aiohttp."""

    def __init__(self, source: Source, connections: int) -> None:
        self._session = aiohttp.ClientSession(
            connector=aiohttp.TCPConnector(limit=connections, keepalive_timeout=KEEP_ALIVE_SECONDS),
            timeout=aiohttp.ClientTimeout(
                total=None, sock_connect=source.timeout_seconds, sock_read=source.timeout_seconds
            ),
            cookie_jar=aiohttp.DummyCookieJar(),
            auto_decompress=False,
            max_line_size=_MAX_HEADER_BYTES,
            max_field_size=_MAX_HEADER_BYTES,
        )
        # Otherwise it sends a request again, unpaced and uncounted, whose connection was cut.
        self._session._retry_connection = False

    async def close(self) -> None:
        """Close all connections."""
        await self._session.close()

    @asynccontextmanager
    async def send(self, url: str, headers: Mapping[str, str], body: bytes | None = None) -> AsyncIterator[Answer]:
        """Send one request; see `Wire`."""
        method = "GET" if body is None else "POST"
        context = tls() if url.startswith("https") else True
        try:
            async with self._session.request(
                method, _address(url), headers=headers, data=body, allow_redirects=False, ssl=context
            ) as found:
                yield _Answer(found)
        except aiohttp.InvalidURL as error:
            raise AddressError(str(error)) from error
        except (aiohttp.ClientError, ValueError) as error:
            raise WireError(_reason(error)) from error


class _Answer:
    def __init__(self, response: aiohttp.ClientResponse) -> None:
        self.status = response.status
        self._response = response

    def header(self, name: str) -> str | None:
        values = self._response.headers.getall(name, ())
        if not values:
            return None
        value = ", ".join(values)
        try:
            value.encode()
        except UnicodeEncodeError:
            # Bytes that are no UTF-8 came as halves of surrogate pairs.
            return value.encode(errors="surrogateescape").decode("latin-1")
        return value

    def pieces(self) -> AsyncIterator[bytes]:
        return self._response.content.iter_any()


def _address(url: str) -> URL:
    """Return an address as yarl has it, spelled as httpx spells it."""
    if _PLAIN.fullmatch(url):
        return URL(url, encoded=True)
    import httpx

    try:
        address = httpx.URL(url)
        # Decodes the name, without a word of its own about one that cannot be.
        if not address.host:
            raise AddressError("expected a host")
        return URL(str(address), encoded=True)
    except (httpx.InvalidURL, ValueError) as error:
        raise AddressError(str(error)) from error


def _reason(error: Exception) -> str:
    """Return the kind of a fault, named as httpx names it, and what is known about it."""
    kind = next((name for type_, name in _KINDS if isinstance(error, type_)), type(error).__name__)
    if isinstance(error, aiohttp.ClientConnectorCertificateError):
        return f"{kind}: {error.certificate_error}"
    if isinstance(error, aiohttp.ClientConnectorError):
        # Its own text has the address of an object in it.
        return f"{kind}: {error.os_error}"
    return f"{kind}: {error}" if str(error) else kind
