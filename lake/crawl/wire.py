"""The wire of a crawl: a request goes out, and what comes back is handed over in pieces, as it was sent.

Two packages can do this. aiohttp takes 0.1 ms of CPU for a request, httpx 0.5; httpx alone knows what all settings of a
proxy mean, so it is asked where there is one.
"""

import ssl
from collections.abc import AsyncIterator, Mapping
from contextlib import AbstractAsyncContextManager
from functools import cache
from typing import TYPE_CHECKING, Protocol
from urllib.request import getproxies_environment

from lake.proxies import KINDS
from lake.source import Source

if TYPE_CHECKING:
    import httpx

# A connection that rests for longer is closed: servers close theirs as well, and the next request would meet that.
KEEP_ALIVE_SECONDS = 5


class WireError(Exception):
    """No answer came, or not all of it; another try may help. The message begins with the kind of the fault."""


class AddressError(Exception):
    """A text is no address that could be asked for."""


class Answer(Protocol):
    """An answer of which status and headers have come."""

    status: int

    def header(self, name: str) -> str | None:
        """Return a header's value, None if it was not sent; the values of one that came several times are joined."""

    def pieces(self) -> AsyncIterator[bytes]:
        """Yield the body as it comes, not decoded."""


class Wire(Protocol):
    """Connections that are kept open, within one event loop."""

    def send(
        self, url: str, headers: Mapping[str, str], body: bytes | None = None
    ) -> AbstractAsyncContextManager[Answer]:
        """Send one request, exactly once, and follow no redirect; the block must read a body whose connection is kept.

        It is a GET, or with a body a POST.

        Raises:
            AddressError: The URL is none; also while the body is read.
            WireError: No whole answer came; also while the body is read.
        """

    async def close(self) -> None:
        """Close all connections."""


def open_wire(source: Source, connections: int, transport: "httpx.AsyncBaseTransport | None" = None) -> Wire:
    """Return a wire with at most so many connections; `transport` stands in for the network.

    The two packages are loaded where they are used alone, because that takes a child process 0.1 s each.
    """
    if transport is None and not getproxies_environment().keys() & set(KINDS):
        from lake.crawl.direct import Direct

        return Direct(source, connections)
    from lake.crawl.proxied import Proxied

    return Proxied(source, connections, transport)


@cache
def tls() -> ssl.SSLContext:
    """Return one context for all connections, because loading the certificates takes longer than most requests."""
    import httpx

    return httpx.create_ssl_context()
