"""Fetches the documents of one shard."""

import asyncio
from collections.abc import Mapping
from contextlib import AsyncExitStack
from datetime import UTC, datetime

import httpx

from lake.crawl import rest
from lake.crawl.client import Client, FetchError, NotFoundError
from lake.crawl.crawler import Crawler, crawler
from lake.crawl.pace import Pace
from lake.crawl.shard import Fetched, Shard, Wanted
from lake.errors import BudgetError, SourceError, UnknownNameError
from lake.source import Source


async def fetch(
    source: Source,
    pace: Pace,
    shard: Shard,
    headers: Mapping[str, str] | None = None,
    transport: httpx.AsyncBaseTransport | None = None,
) -> Fetched:
    """Fetch a shard's documents over its share of the connections; a document that fails does not stop the others.

    The documents of a collection whose breaker is open fail without being asked for, but for the first one.

    Raises:
        BudgetError: The budget of requests is spent.
        SourceDownError: The source's breaker was open before.
    """
    pace.breaker.require_source()
    # No part of a `Crawler`: only `rest` makes such listings, and so such shards.
    if shard.is_inline:
        return await _fetch_inline(source, pace, shard, headers, transport)
    known, fetched = crawler(source.kind), Fetched()
    pending, breaker = enumerate(shard.wanted), pace.breaker

    async def work(client: Client) -> None:
        for place, item in pending:
            if item.problem is not None:
                fetched.failed.append((item.reference, item.problem))
            elif (why := breaker.reason(shard.resource, is_first=place == 0)) is not None:
                fetched.failed.append((item.reference, why))
            else:
                breaker.note(shard.resource, await _fetch_one(client, known, item, fetched))

    async with AsyncExitStack() as stack:
        # One client per connection, because a pool looks at all of its connections twice for every request.
        clients = [
            await stack.enter_async_context(Client(source, pace, 1, headers, transport))
            for _ in range(source.connections_per_shard)
        ]
        workers = [asyncio.create_task(work(client)) for client in clients]
        try:
            await asyncio.gather(*workers)
        finally:
            # If one of them has spent the budget, the others must end before the connections close.
            for worker in workers:
                worker.cancel()
            await asyncio.gather(*workers, return_exceptions=True)
        fetched.requests = sum(client.requests for client in clients)
    return fetched


async def _fetch_inline(
    source: Source,
    pace: Pace,
    shard: Shard,
    headers: Mapping[str, str] | None,
    transport: httpx.AsyncBaseTransport | None,
) -> Fetched:
    """Read a listing whose items are the documents; if it cannot be read, all of them failed."""
    async with Client(source, pace, 1, headers, transport) as client:
        try:
            return await rest.read_inline(client, shard)
        except (BudgetError, UnknownNameError):
            raise
        except SourceError as error:
            failed = [(item.reference, str(error)) for item in shard.wanted]
            return Fetched(failed=failed, requests=client.requests)


async def _fetch_one(client: Client, known: Crawler, item: Wanted, fetched: Fetched) -> str | None:
    """Fetch a document; return why the source gave no answer about it, None if it did."""
    reference = item.reference
    try:
        answer = await client.get(reference.url, item.etag, lambda body: known.problem(reference, body))
    except NotFoundError as error:
        # PokeAPI has listed documents that did not exist, so a 404 means deleted only if the document is unlisted.
        if item.is_listed:
            fetched.failed.append((reference, f"listed, but {error}"))
        else:
            fetched.gone.append(reference)
        return None
    except FetchError as error:
        fetched.failed.append((reference, str(error)))
        return str(error)
    if answer.version is not None:
        fetched.versions[answer.version] += 1
    if answer.body is None:
        fetched.unchanged.append(reference)
    else:
        fetched.received.append(reference.received(answer.etag, datetime.now(UTC), answer.body))
    return None
