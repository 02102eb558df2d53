"""A `Wire` that heeds the proxies of the environment, of httpx."""

from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from http.cookiejar import CookieJar, DefaultCookiePolicy

import httpx

from lake.crawl.wire import KEEP_ALIVE_SECONDS, AddressError, Answer, WireError, tls
from lake.source import Source


class Proxied:
    """A wire that holds a client of httpx."""

    def __init__(self, source: Source, connections: int, transport: httpx.AsyncBaseTransport | None = None) -> None:
        self._http = httpx.AsyncClient(
            verify=tls(),
            timeout=source.timeout_seconds,
            limits=httpx.Limits(
                max_connections=connections,
                max_keepalive_connections=connections,
                keepalive_expiry=KEEP_ALIVE_SECONDS,
            ),
            follow_redirects=False,
            # None is kept, so that no request depends on those before.
            cookies=CookieJar(DefaultCookiePolicy(allowed_domains=[])),
            transport=transport,
        )

    async def close(self) -> None:
        """Close all connections."""
        await self._http.aclose()

    @asynccontextmanager
    async def send(self, url: str, headers: Mapping[str, str], body: bytes | None = None) -> AsyncIterator[Answer]:
        """Send one request; see `Wire`."""
        method = "GET" if body is None else "POST"
        # As bytes, because httpx refuses a text such as Pokélake.
        sent = {name.encode(): value.encode() for name, value in headers.items()}
        try:
            async with self._http.stream(method, url, headers=sent, content=body) as response:
                yield _Answer(response)
        # httpx decodes a host's name without a word of its own about one that cannot be.
        except (httpx.InvalidURL, UnicodeError) as error:
            raise AddressError(str(error)) from error
        except httpx.TransportError as error:
            reason = f"{type(error).__name__}: {error}" if str(error) else type(error).__name__
            raise WireError(reason) from error


class _Answer:
    def __init__(self, response: httpx.Response) -> None:
        self.status = response.status_code
        self._response = response

    def header(self, name: str) -> str | None:
        value: str | None = self._response.headers.get(name)
        return value

    def pieces(self) -> AsyncIterator[bytes]:
        """Yield the body; httpx itself would decompress a chunk before anyone can count its bytes."""
        assert isinstance(self._response.stream, httpx.AsyncByteStream)
        return aiter(self._response.stream)
