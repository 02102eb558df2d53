"""Tests of the crawl: against the replica over loopback, and against answers that no server would let us send."""

import asyncio
import json
import sys
from collections.abc import AsyncIterator, Iterable, Mapping, Sequence
from itertools import pairwise
from pathlib import Path
from typing import Any

import httpx
import pytest

from lake.crawl import (
    Client,
    Fetched,
    Key,
    Listing,
    Pace,
    Rest,
    Shard,
    Source,
    Upstream,
    Wanted,
    crawler,
    fetch,
    read_listings,
)
from lake.crawl.client import Check
from lake.crawl.pokeapi import problem
from lake.crawl.reply import FetchError, Reply
from lake.resource import Reference

# Where no test asks for anything; answers come from a transport.
BASE = "https://pokeapi.test/api/v2/"

# Long enough for the slowest machine; a test that needs it has failed.
PATIENCE_SECONDS = 60

JSON = {"Content-Type": "application/json; charset=utf-8"}

# A root of PokeAPI, and where the first page of its pokemon is.
ROOT = {"pokemon": f"{BASE}pokemon/", "meta": f"{BASE}meta/"}
FIRST_PAGE = "pokemon/?limit=100000&offset=0"

# The ids of the documents that `dozen` serves.
NUMBERS = range(1, 13)


def source(base_url: str = BASE, **settings: Any) -> Source:
    """Return a source that is asked as fast as it can answer, and again at once when it fails."""
    return Source(base_url, **{"requests_per_second": 0, "retry_delay_seconds": 0.001, "attempts": 3, **settings})


def get(
    settings: Source,
    path: str = "pokemon/25/",
    etag: str | None = None,
    check: Check | None = None,
    transport: httpx.AsyncBaseTransport | None = None,
) -> Reply:
    """Fetch one path, or URL, over a client of its own."""

    async def ask() -> Reply:
        async with Client(settings, Pace(settings), 1, transport=transport) as client:
            return await client.get(str(httpx.URL(settings.base_url).join(path)), etag, check)

    return asyncio.run(asyncio.wait_for(ask(), PATIENCE_SECONDS))


def refusal(settings: Source, transport: httpx.AsyncBaseTransport | None = None, **asked: Any) -> str:
    """Return why Pikachu could not be fetched."""
    with pytest.raises(FetchError) as caught:
        get(settings, check=is_pikachu, transport=transport, **asked)
    return str(caught.value)


def is_pikachu(body: bytes) -> str | None:
    """Check a body as a crawl checks that of Pikachu."""
    return problem(reference("pokemon/25"), body)


def fetch_all(settings: Source, wanted: Iterable[Wanted], transport: httpx.AsyncBaseTransport | None = None) -> Fetched:
    """Fetch documents as one shard."""
    work = fetch(settings, Pace(settings), shard(wanted), transport=transport)
    return asyncio.run(asyncio.wait_for(work, PATIENCE_SECONDS))


def shard(wanted: Iterable[Wanted]) -> Shard:
    """Return what is wanted as the one shard of its resource."""
    return Shard("pokemon", 0, tuple(wanted))


def upstream(settings: Source, transport: httpx.AsyncBaseTransport | None = None, key: Key | None = None) -> Upstream:
    """Ask a source for its version and resources, over a client of its own."""

    async def ask() -> Upstream:
        async with Client(settings, Pace(settings), 1, key, transport) as client:
            return await crawler(settings.kind).probe(client)

    return asyncio.run(asyncio.wait_for(ask(), PATIENCE_SECONDS))


def listing(
    settings: Source,
    resource: str = "pokemon",
    transport: httpx.AsyncBaseTransport | None = None,
    key: Key | None = None,
) -> Listing:
    """Read one listing, over a client of its own."""

    async def ask() -> Listing:
        known = crawler(settings.kind)
        async with Client(settings, Pace(settings), 1, key, transport) as client:
            return await known.discover(client, await known.probe(client), resource)

    return asyncio.run(asyncio.wait_for(ask(), PATIENCE_SECONDS))


def listings(
    settings: Source, resources: Sequence[str], transport: httpx.AsyncBaseTransport | None = None
) -> list[Listing]:
    """Read some listings as a crawl does, over a client of its own."""

    async def ask() -> list[Listing]:
        async with Client(settings, Pace(settings), settings.connections, transport=transport) as client:
            return await read_listings(client, await crawler(settings.kind).probe(client), resources)

    return asyncio.run(asyncio.wait_for(ask(), PATIENCE_SECONDS))


def listing_of(*pages: dict[str, object]) -> Listing:
    """Read a listing from a site that has these pages, each of them at the URL that the one before names."""
    named = {FIRST_PAGE: pages[0]}
    for before, after in pairwise(pages):
        named[str(before["next"]).removeprefix(BASE)] = after
    return listing(source(requests_per_run=50), transport=site({"": ROOT, **named}))


def page(*urls: object, **members: object) -> dict[str, object]:
    """Return one page as PokeAPI words it."""
    return {"count": len(urls), "next": None, "previous": None, "results": [{"url": url} for url in urls], **members}


def pokemon(*ids: int) -> list[str]:
    """Return the URLs of the Pokémon with these ids."""
    return [f"{BASE}pokemon/{id_}/" for id_ in ids]


def ids(found: Listing) -> list[int]:
    """Return the ids of a listing, in its order."""
    return [reference.id for reference in found.references]


def reference(path: str, base_url: str = BASE) -> Reference:
    """Return the reference of a document of a collection, by a path such as "pokemon/25"."""
    resource, _, id_ = path.partition("/")
    return Reference(resource, int(id_), f"{base_url}{path}/", path)


def wanted(settings: Source, *paths: str, etag: str | None = None, is_listed: bool = True) -> list[Wanted]:
    """Return what to ask for, by paths such as "pokemon/25"."""
    return [Wanted(reference(path, settings.base_url), etag, is_listed) for path in paths]


def install(
    folder: Path, monkeypatch: pytest.MonkeyPatch, kind: str, code: str, group: str = "pokelake.crawlers"
) -> None:
    """Install a package in a folder that brings the crawler, or the tables, of a kind of source along."""
    module = f"{kind}_{group.rpartition('.')[2]}"
    (folder / f"{module}.py").write_text(code)
    metadata = folder / f"{kind}-1.dist-info"
    metadata.mkdir()
    (metadata / "METADATA").write_text(f"Metadata-Version: 2.1\nName: {kind}\nVersion: 1\n")
    (metadata / "entry_points.txt").write_text(f"[{group}]\n{kind} = {module}\n")
    monkeypatch.syspath_prepend(folder)
    monkeypatch.delitem(sys.modules, module, raising=False)


def always(
    body: bytes = b'{"id":25}', status: int = 200, headers: Mapping[str, str | bytes] = JSON
) -> httpx.MockTransport:
    """Answer every request alike."""
    raw = [(name.encode(), value if isinstance(value, bytes) else value.encode()) for name, value in headers.items()]
    return httpx.MockTransport(lambda request: httpx.Response(status, headers=raw, stream=Pieces([body])))


def site(pages: Mapping[str, object], headers: Mapping[str, str] = JSON) -> httpx.MockTransport:
    """Answer each path and query below `BASE` with the JSON of its page, and all others with 404."""

    def answer(request: httpx.Request) -> httpx.Response:
        path = str(request.url).removeprefix(BASE)
        if path not in pages:
            return httpx.Response(404)
        return httpx.Response(200, headers=headers, content=json.dumps(pages[path]).encode())

    return httpx.MockTransport(answer)


class Pieces(httpx.AsyncByteStream):
    """A body that arrives in pieces; it counts those that were taken, and knows whether it was closed."""

    def __init__(self, pieces: Iterable[bytes]) -> None:
        self._pieces = pieces
        self.taken = 0
        self.is_closed = False

    async def __aiter__(self) -> AsyncIterator[bytes]:
        for piece in self._pieces:
            self.taken += 1
            yield piece

    async def aclose(self) -> None:
        self.is_closed = True


class Ports(httpx.AsyncHTTPTransport):
    """The real transport; it notes the client's port, and so the connection, of every answer."""

    def __init__(self) -> None:
        super().__init__()
        self.seen: list[int] = []

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        response = await super().handle_async_request(request)
        self.seen.append(response.extensions["network_stream"].get_extra_info("client_addr")[1])
        return response


def rest(**changes: Any) -> Source:
    """Return a source of trainers, with some settings of `Rest` changed."""
    return source(kind="rest", rest=Rest(**{"collections": (("trainer", "trainers"),), **changes}))


def listed(pages: Mapping[str, object], **changes: Any) -> Listing:
    """Read the listing of trainers from a site that has these pages."""
    return listing(rest(**changes), "trainer", site(pages))
