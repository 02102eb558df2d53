"""The questions to a source: its version, its resources, and the listing of each."""

import asyncio
from collections.abc import Coroutine, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from hashlib import sha256
from itertools import pairwise
from typing import Any, TypeVar

from prefect import task
from prefect.cache_policies import NO_CACHE
from prefect.context import TaskRunContext

from blocks.secret import source_key
from flows.steps.numbers import numbers
from flows.steps.results import PLAIN_JSON, pack_listings
from lake.address import same_origin
from lake.crawl import Client, Listing, Pace, Source, Upstream, crawler
from lake.crawl import read_listings as every_listing
from lake.layout import LISTING_RESULTS
from lake.resource import Reference

_T = TypeVar("_T")

# The resource whose documents an event names.
NAMED = "pokemon"


def probe(source: Source) -> tuple[Upstream, int]:
    """Ask the source for its version and its resources; return also how many requests that took."""
    # Outside the event loop: inside one, Prefect returns an awaitable.
    key = source_key(source)

    async def ask() -> tuple[Upstream, int]:
        async with Client(source, Pace(source), 1, key) as client:
            return await crawler(source.kind).probe(client), client.requests

    return _run(ask())


def read_all(source: Source, upstream: Upstream, resources: Sequence[str]) -> tuple[list[Listing], int]:
    """Read the listing of every resource; return also how many requests that took."""
    key = source_key(source)

    async def read() -> tuple[list[Listing], int]:
        async with Client(source, Pace(source), source.connections, key) as client:
            return await every_listing(client, upstream, resources), client.requests

    return _run(read())


def _run(questions: Coroutine[Any, Any, _T]) -> _T:
    """Run a coroutine to its end, also where an event loop runs, as in a notebook: then in another thread."""
    try:
        asyncio.get_running_loop()
    except RuntimeError:
        return asyncio.run(questions)
    with ThreadPoolExecutor(1) as pool:
        return pool.submit(asyncio.run, questions).result()


@task(task_run_name="ask {source.base_url}", cache_policy=NO_CACHE, persist_result=False)
def ask_upstream(source: Source) -> Upstream:
    """Ask the source for its version and its resources."""
    upstream, requests = probe(source)
    numbers().requests += requests
    return upstream


def _listings_key(context: TaskRunContext, arguments: dict[str, Any]) -> str:
    source, upstream = arguments["source"], arguments["upstream"]
    settings = f"xz {source.base_url} {source.rest} {source.listing_ttl_seconds}"
    listings = " ".join(f"{name} {upstream.resources.get(name)}" for name in arguments["resources"])
    asked = f"{settings} {upstream.version} {listings}"
    return f"{LISTING_RESULTS}{sha256(asked.encode()).hexdigest()[:32]}"


@task(
    task_run_name="read listings of {source.base_url}",
    cache_key_fn=_listings_key,
    persist_result=True,
    result_serializer=PLAIN_JSON,
)
def read_listings(source: Source, upstream: Upstream, resources: tuple[str, ...]) -> str:
    """Read the listing of every resource; packed, because the result is kept for as long as the TTL."""
    listings, requests = read_all(source, upstream, resources)
    numbers().requests += requests
    return pack_listings(listings)


def are_listings_of(source: Source, resources: Sequence[str], listings: Sequence[Listing]) -> bool:
    """Tell whether kept listings can be of this source: they come from the bucket, and may lead anywhere."""
    inline = source.rest is not None and not source.rest.document_path
    return [listing.resource for listing in listings] == list(resources) and all(
        (listing.is_inline == inline or listing.refusal is not None)
        and all(
            reference.resource == listing.resource and _stays(source, reference) for reference in listing.references
        )
        and all(one.id < other.id for one, other in pairwise(listing.references))
        for listing in listings
    )


def lean(listings: Sequence[Listing]) -> list[Listing]:
    """Return listings as a run holds them: with one text for the name of their resource, and no names but Pokémon's.

    A crawl holds them until its last document has come, and without this, a quarter of a kilobyte more of each.
    """
    return [
        replace(
            listing,
            references=tuple(Reference(listing.resource, one.id, one.url, one.path) for one in listing.references),
            names=listing.names if listing.resource == NAMED else {},
        )
        for listing in listings
    ]


def _stays(source: Source, reference: Reference) -> bool:
    is_below = same_origin(source.base_url, reference.url)
    return is_below and reference.path.isprintable() and -(1 << 63) <= reference.id < 1 << 63
