"""Shards: the pieces that a crawl's work is cut into, each fetched, staged and resumed as one."""

import asyncio
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from contextlib import AsyncExitStack
from dataclasses import dataclass, field
from datetime import UTC, datetime
from hashlib import sha256

import httpx
import msgspec

from lake.crawl.client import Client, FetchError, NotFoundError
from lake.crawl.pace import Pace
from lake.crawl.source import Source
from lake.resource import Reference

# A killed run loses at most the shards at work. One task run each, all of PokeAPI makes 150 of them, and a
# shard of the longest documents stays below 30 MB.
SHARD_DOCUMENTS = 128


@dataclass(frozen=True, slots=True)
class Wanted:
    """One document to ask for: where, the ETag of the version at hand, and whether the source still lists it."""

    reference: Reference
    etag: str | None = None
    is_listed: bool = True


@dataclass(frozen=True, slots=True)
class Shard:
    """Some documents of one resource, by ascending id."""

    resource: str
    number: int
    wanted: tuple[Wanted, ...]

    @property
    def name(self) -> str:
        """What the shard is called in logs and keys: its place, and a hash of what it asks for."""
        asked = "\n".join(f"{item.reference.url} {item.etag} {item.is_listed}" for item in self.wanted)
        return f"{self.resource}-{self.number:04d}-{sha256(asked.encode()).hexdigest()[:12]}"


@dataclass(frozen=True, slots=True)
class Received:
    """One document that came: its reference, ETag, time of receipt and body."""

    reference: Reference
    etag: str | None
    at: datetime
    body: bytes


@dataclass(slots=True)
class Fetched:
    """What became of a shard's documents; every one of them stands in exactly one of the four places.

    `failed` gives the reason for each; `versions` counts the answers of each upstream version.
    """

    received: list[Received] = field(default_factory=list)
    unchanged: list[Reference] = field(default_factory=list)
    gone: list[Reference] = field(default_factory=list)
    failed: list[tuple[Reference, str]] = field(default_factory=list)
    requests: int = 0
    versions: Counter[str] = field(default_factory=Counter)


def cut(listed: Sequence[Reference], etags: Mapping[int, str | None], base_url: str, resource: str) -> list[Shard]:
    """Cut a resource's documents, those listed and those at hand, into shards.

    `etags` belongs to the documents at hand; one that is no longer listed is asked for too, for only
    a 404 says that it is gone.
    """
    ids = {reference.id for reference in listed}
    vanished = [
        Wanted(Reference(resource, id_, f"{base_url}{resource}/{id_}/"), None, is_listed=False)
        for id_ in etags.keys() - ids
    ]
    wanted = [Wanted(reference, etags.get(reference.id)) for reference in listed] + vanished
    wanted.sort(key=lambda item: item.reference.id)
    return [
        Shard(resource, number, tuple(wanted[start : start + SHARD_DOCUMENTS]))
        for number, start in enumerate(range(0, len(wanted), SHARD_DOCUMENTS))
    ]


async def fetch(
    source: Source, pace: Pace, wanted: Iterable[Wanted], transport: httpx.AsyncBaseTransport | None = None
) -> Fetched:
    """Ask for documents over a shard's share of the connections; a document that fails does not stop the others."""
    fetched = Fetched()
    pending = iter(wanted)

    async def work(client: Client) -> None:
        for item in pending:
            await _fetch_one(client, item, fetched)

    async with AsyncExitStack() as stack:
        # One client for each connection: a pool looks at all of its connections twice for every request.
        clients = [
            await stack.enter_async_context(Client(source, pace, 1, transport))
            for _ in range(source.connections_per_shard)
        ]
        workers = [asyncio.create_task(work(client)) for client in clients]
        try:
            await asyncio.gather(*workers)
        finally:
            # When the budget is spent for one of them, the others end before the connections close.
            for worker in workers:
                worker.cancel()
            await asyncio.gather(*workers, return_exceptions=True)
        fetched.requests = sum(client.requests for client in clients)
    return fetched


async def _fetch_one(client: Client, item: Wanted, fetched: Fetched) -> None:
    reference = item.reference
    try:
        answer = await client.get(reference.url, item.etag, lambda body: document_problem(body, reference.id))
    except NotFoundError as error:
        # PokeAPI has listed documents that did not exist; only one that is also unlisted was deleted.
        if item.is_listed:
            fetched.failed.append((reference, f"listed, but {error}"))
        else:
            fetched.gone.append(reference)
        return
    except FetchError as error:
        fetched.failed.append((reference, str(error)))
        return
    if answer.version is not None:
        fetched.versions[answer.version] += 1
    if answer.body is None:
        fetched.unchanged.append(reference)
    else:
        fetched.received.append(Received(reference, answer.etag, datetime.now(UTC), answer.body))


class _Identity(msgspec.Struct):
    id: int


_decoder = msgspec.json.Decoder(_Identity)


def document_problem(body: bytes, expected_id: int) -> str | None:
    """Say what is wrong with a document's body, None when it is whole JSON in UTF-8 with the id asked for."""
    try:
        found = _decoder.decode(body).id
        body.decode("utf-8", errors="strict")
    except msgspec.ValidationError as error:
        return f"expected an object with an integer id: {error}"
    except (msgspec.DecodeError, RecursionError, UnicodeDecodeError) as error:
        return f"invalid JSON: {error}"
    return None if found == expected_id else f"id: expected {expected_id}, found {found}"
