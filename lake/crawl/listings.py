"""Reads the listings of all collections of a crawl; one that is odd does not stop the others."""

import asyncio
from collections.abc import Sequence

from lake.crawl.advice import advice, may_pass
from lake.crawl.breaker import are_several
from lake.crawl.client import Client
from lake.crawl.crawler import crawler
from lake.crawl.listing import Listing, Upstream
from lake.errors import BudgetError, SourceDownError, SourceError


async def read_listings(client: Client, upstream: Upstream, resources: Sequence[str]) -> list[Listing]:
    """Return the listing of every resource; one that cannot be read counts as refused, with the reason.

    Raises:
        SourceDownError: Several cannot be read, or all of them.
        BudgetError: The budget of requests is spent.
    """
    known = crawler(client.source.kind)
    # A source that is dead must cost no more than the tries of the first few.
    at_once = asyncio.Semaphore(client.source.connections)
    failed: dict[str, str] = {}

    def require_source() -> None:
        if are_several(len(failed), len(resources)):
            first = next(iter(failed.values()))
            raise SourceDownError(
                f"{client.source.base_url}: {len(failed)} of {len(resources)} listings could not be read, so nothing"
                f" was published. {advice(first)} The first: {first}",
                may_pass(first),
            )

    async def read(resource: str) -> Listing:
        async with at_once:
            require_source()
            try:
                return await known.discover(client, upstream, resource)
            except BudgetError:
                raise
            except SourceError as error:
                failed[resource] = str(error)
            require_source()
            return Listing(resource, refusal=failed[resource])

    reading = [asyncio.create_task(read(resource)) for resource in resources]
    try:
        return list(await asyncio.gather(*reading))
    finally:
        for task in reading:
            task.cancel()
        await asyncio.gather(*reading, return_exceptions=True)
