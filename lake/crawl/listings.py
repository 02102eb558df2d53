"""Reads the listings of all collections of a crawl; one that is odd does not stop the others."""

import asyncio
from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, datetime

from lake.crawl.advice import RECOVERED, advice, may_pass
from lake.crawl.breaker import are_several
from lake.crawl.client import Client
from lake.crawl.crawler import crawler
from lake.crawl.listing import Listing, Upstream
from lake.crawl.pace import WAITS_IN_ALL
from lake.errors import BudgetError, SourceDownError, SourceError
from lake.source import Source

# All listings of PokeAPI take seconds. Beside the waiting that a source asks for, they may take this long.
SPARE_SECONDS = 30 * 60


def longest_listings(source: Source) -> float:
    """Return the most seconds that reading all listings of a source may take."""
    return WAITS_IN_ALL * source.max_retry_after_seconds + SPARE_SECONDS


async def read_listings(client: Client, upstream: Upstream, resources: Sequence[str]) -> list[Listing]:
    """Return the listing of every resource; one that cannot be read counts as refused, with the reason.

    Raises:
        SourceDownError: Several cannot be read, or all of them; or reading them took too long.
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
            began = datetime.now(UTC)
            try:
                found = await known.discover(client, upstream, resource)
                return replace(found, at=client.by_its_clock(began))
            except BudgetError:
                raise
            except SourceError as error:
                failed[resource] = str(error)
            require_source()
            return Listing(resource, refusal=failed[resource])

    reading = [asyncio.create_task(read(resource)) for resource in resources]
    seconds = longest_listings(client.source)
    try:
        async with asyncio.timeout(seconds):
            return list(await asyncio.gather(*reading))
    except TimeoutError as error:
        raise SourceDownError(
            f"{client.source.base_url}: reading {len(resources)} listings took longer than {seconds / 60:,.0f} minutes,"
            f" so nothing was published. {RECOVERED}"
        ) from error
    finally:
        for task in reading:
            task.cancel()
        await asyncio.gather(*reading, return_exceptions=True)
