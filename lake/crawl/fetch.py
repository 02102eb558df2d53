"""Fetches the documents of one shard."""

import asyncio
from collections import Counter
from collections.abc import Coroutine, Sequence
from contextlib import AsyncExitStack
from datetime import UTC, datetime
from typing import Any

import httpx

from lake.crawl import rest
from lake.crawl.client import Client
from lake.crawl.crawler import Crawler, crawler
from lake.crawl.key import Key
from lake.crawl.pace import Pace
from lake.crawl.reply import FetchError, NotFoundError
from lake.crawl.shard import CUT_SHORT, Fetched, Shard, Wanted
from lake.errors import BudgetError, SourceError, UnknownNameError
from lake.source import Source

# A shard of more bytes comes in portions, so that what is in memory does not follow from the length of documents.
PORTION_BYTES = 4 << 20


async def fetch(
    source: Source,
    pace: Pace,
    shard: Shard,
    key: Key | None = None,
    transport: httpx.AsyncBaseTransport | None = None,
    stop: asyncio.Event | None = None,
) -> Fetched:
    """Fetch a shard's documents over its share of the connections; a document that fails does not stop the others.

    When `PORTION_BYTES` have come, it ends with the first of the documents; the others are to be asked for by another
    call.

    The documents of a collection whose breaker is open fail without being asked for, but for the first one. Those that
    have not come when `stop` is set fail as `CUT_SHORT`, also those that are asked for right then.

    Raises:
        BudgetError: The budget of requests is spent.
        SourceDownError: The source's breaker was open before.
    """
    pace.breaker.require_source()
    fetched, stop, began = Fetched(), stop or asyncio.Event(), datetime.now(UTC)
    # No part of a `Crawler`: only `rest` makes such listings, and so such shards.
    if shard.is_inline:
        await _until(stop, [_fetch_inline(source, pace, shard, fetched, key, transport)])
        return _cut_short(fetched, shard) if stop.is_set() else fetched
    known = crawler(source.kind)
    pending, breaker, came = enumerate(shard.wanted), pace.breaker, Counter[str]()

    async def work(client: Client) -> None:
        while came["bytes"] < PORTION_BYTES and (following := next(pending, None)) is not None:
            place, item = following
            if item.problem is not None:
                fetched.failed.append((item.reference, item.problem))
            elif (why := breaker.reason(shard.resource, is_first=place == 0)) is not None:
                fetched.failed.append((item.reference, why))
            else:
                breaker.note(shard.resource, await _fetch_one(client, known, item, fetched, came))
            pace.documents += 1

    async with AsyncExitStack() as stack:
        # One client per connection, because a pool looks at all of its connections twice for every request.
        clients = [
            await stack.enter_async_context(Client(source, pace, 1, key, transport))
            for _ in range(source.connections_per_shard)
        ]
        await _until(stop, [work(client) for client in clients])
        fetched.requests = sum(client.requests for client in clients)
        fetched.began = min(client.by_its_clock(began) for client in clients)
    return _cut_short(fetched, shard) if stop.is_set() else fetched


async def _until(stop: asyncio.Event, work: Sequence[Coroutine[Any, Any, None]]) -> None:
    """Do work side by side; all of it ends when one part fails, or at once when `stop` is set."""
    tasks = [asyncio.create_task(part) for part in work]
    stopping = asyncio.create_task(stop.wait())
    try:
        pending = {stopping, *tasks}
        while stopping in pending and len(pending) > 1:
            done, pending = await asyncio.wait(pending, return_when=asyncio.FIRST_COMPLETED)
            for task in done:
                task.result()
    finally:
        # If one of them has spent the budget, the others must end before the connections close.
        for task in (stopping, *tasks):
            task.cancel()
        await asyncio.gather(stopping, *tasks, return_exceptions=True)


def _cut_short(fetched: Fetched, shard: Shard) -> Fetched:
    """Let the documents that have not come fail as `CUT_SHORT`."""
    answered = {reference.id for reference in (*fetched.unchanged, *fetched.gone)}
    answered |= {reference.id for reference, _ in fetched.failed} | {item.id for item in fetched.received}
    fetched.failed += [(item.reference, CUT_SHORT) for item in shard.wanted if item.reference.id not in answered]
    return fetched


async def _fetch_inline(
    source: Source,
    pace: Pace,
    shard: Shard,
    fetched: Fetched,
    key: Key | None,
    transport: httpx.AsyncBaseTransport | None,
) -> None:
    """Read a listing whose items are the documents; if it cannot be read, all of them failed."""
    began = datetime.now(UTC)
    async with Client(source, pace, 1, key, transport) as client:
        try:
            fetched.add(await rest.read_inline(client, shard))
        except (BudgetError, UnknownNameError):
            raise
        except SourceError as error:
            fetched.failed += [(item.reference, str(error)) for item in shard.wanted]
            fetched.requests += client.requests
        fetched.began = client.by_its_clock(began)
    pace.documents += len(shard.wanted)


async def _fetch_one(client: Client, known: Crawler, item: Wanted, fetched: Fetched, came: Counter[str]) -> str | None:
    """Fetch a document, and count its bytes; return why the source gave no answer about it, None if it did."""
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
        came["bytes"] += len(answer.body)
        fetched.received.append(reference.received(answer.etag, datetime.now(UTC), answer.body))
    return None
