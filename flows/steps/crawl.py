"""The tasks of a crawl: what the source says there is, and one task a shard, whose small result makes it resumable."""

import asyncio
import threading
from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import Future, wait
from contextlib import contextmanager
from contextvars import copy_context
from dataclasses import dataclass
from datetime import timedelta
from hashlib import sha256
from typing import Any

import msgspec
from prefect import task
from prefect.cache_policies import NO_CACHE, CacheKeyFnPolicy
from prefect.client.schemas import State
from prefect.concurrency.sync import concurrency
from prefect.context import TaskRunContext

from blocks.secret import key_headers
from flows.steps.parameters import LakeLocation
from lake.assemble.staging import stage
from lake.commit import Commit
from lake.crawl import Client, Fetcher, Listing, Pace, Shard, Source, Upstream, crawler
from lake.errors import LakeError

# How long a killed or refused run can be taken up again; older documents are fetched anew.
RESUMABLE = timedelta(days=1)

# Prefect's cache keys of shards and listings, and so their places among the results.
SHARD_RESULTS = "shards/"
LISTING_RESULTS = "listings/"

# A slot of the global limit is free again this long after its holder was killed.
LEASE_SECONDS = 60

# While it waits for a slot, a shard looks this often whether its crawl was ended: a signal reaches no thread of a task.
SLOT_SECONDS = 2


@dataclass(frozen=True, slots=True)
class Crawl:
    """One crawl of one source into one lake; its id is the same when a killed run is started again."""

    id: str
    source: Source
    lake: LakeLocation


def crawl_id(flow: str, source: Source, parent: Commit | None, version: str | None) -> str:
    """Return the name of a crawl: the same flow, source, parent and upstream version are the same crawl."""
    facts = f"{flow} {source.base_url} {parent.snapshot if parent else None} {version}"
    return sha256(facts.encode()).hexdigest()[:16]


@dataclass(frozen=True, slots=True)
class _Connections:
    """The HTTP process of a crawl, and how many shards may use their share of its connections at once."""

    fetcher: Fetcher
    shares: threading.BoundedSemaphore


_OPEN: dict[Crawl, _Connections] = {}


@contextmanager
def fetching(crawl: Crawl) -> Iterator[Fetcher]:
    """Let the crawl's tasks find its HTTP process while the block runs; whoever asks closes it."""
    fetcher = Fetcher(crawl.source, key_headers(crawl.source))
    _OPEN[crawl] = _Connections(fetcher, threading.BoundedSemaphore(crawl.source.shards_at_once))
    try:
        yield fetcher
    finally:
        del _OPEN[crawl]


def probe(source: Source) -> tuple[Upstream, int]:
    """Ask the source for its version and its resources; return also how many requests that took."""
    # Here, for in an event loop Prefect would return something to be awaited.
    headers = key_headers(source)

    async def ask() -> tuple[Upstream, int]:
        async with Client(source, Pace(source), 1, headers) as client:
            return await crawler(source.kind).probe(client), client.requests

    return asyncio.run(ask())


def read_all(source: Source, upstream: Upstream, resources: Sequence[str]) -> tuple[list[Listing], int]:
    """Read the listing of every resource; return also how many requests that took."""
    headers = key_headers(source)

    async def read() -> tuple[list[Listing], int]:
        async with Client(source, Pace(source), source.connections, headers) as client:
            known = crawler(source.kind)
            listings = await asyncio.gather(*(known.discover(client, upstream, name) for name in resources))
            return listings, client.requests

    return asyncio.run(read())


@task(cache_policy=NO_CACHE, persist_result=False)
def ask_upstream(source: Source) -> Upstream:
    """Ask the source for its version and its resources."""
    return probe(source)[0]


def _listings_key(context: TaskRunContext, arguments: dict[str, Any]) -> str:
    source, upstream = arguments["source"], arguments["upstream"]
    settings = f"{source.base_url} {source.rest} {source.listing_ttl_seconds}"
    asked = f"{settings} {upstream.version} {' '.join(arguments['resources'])}"
    return f"{LISTING_RESULTS}{sha256(asked.encode()).hexdigest()[:32]}"


@task(cache_key_fn=_listings_key, persist_result=True, result_serializer="json")
def read_listings(source: Source, upstream: Upstream, resources: tuple[str, ...]) -> list[dict[str, Any]]:
    """Read the listing of every resource; as plain JSON values, for the result is kept for the source's listing TTL."""
    listings, _ = read_all(source, upstream, resources)
    return [msgspec.to_builtins(listing, str_keys=True) for listing in listings]


def listings_of(result: list[dict[str, Any]]) -> list[Listing]:
    """Return the listings in a result of `read_listings`."""
    return msgspec.convert(result, list[Listing], strict=False)


def _shard_key(context: TaskRunContext, arguments: dict[str, Any]) -> str:
    return f"{SHARD_RESULTS}{arguments['crawl'].id}/{arguments['shard'].name}"


def _may_help(task: Any, run: Any, state: State) -> bool:
    """Tell whether running a shard again may help: not against what is wrong with the source or the bucket."""
    return not isinstance(state.result(raise_on_failure=False), LakeError)


@task(
    task_run_name="fetch {shard.name}",
    # Not as `cache_key_fn`, which the options of a task cannot take back.
    cache_policy=CacheKeyFnPolicy(cache_key_fn=_shard_key),
    cache_expiration=RESUMABLE,
    persist_result=True,
    result_serializer="json",
    retries=2,
    retry_delay_seconds=5,
    retry_condition_fn=_may_help,
)
def fetch_shard(shard: Shard, crawl: Crawl) -> Mapping[str, Any]:
    """Fetch a shard's documents into ``staging/``; return where they lie and what became of the others."""
    # Staging and Prefect's records take their time, in which another shard uses the connections.
    with _OPEN[crawl].shares, _slot(crawl):
        fetched = _OPEN[crawl].fetcher.fetch(shard)
    return stage(crawl.lake.open(), crawl.id, shard, fetched)


@contextmanager
def _slot(crawl: Crawl) -> Iterator[None]:
    """Hold a slot of the source's global limit, which bounds the shards at work over all runs and workers.

    A thread of its own waits for the slot, which nothing can interrupt: a run that is told to end leaves it behind.

    Raises:
        SourceError: The crawl was ended before there was a slot.
    """
    limit = crawl.source.global_limit
    if not limit:
        yield
        return
    is_held, is_done = Future[None](), threading.Event()

    def hold() -> None:
        try:
            with concurrency(limit, strict=True, lease_duration=LEASE_SECONDS):
                is_held.set_result(None)
                is_done.wait()
        # Whatever it is, for nobody else would tell the shard that waits.
        except BaseException as error:
            # A slot that cannot be given back is free again when its lease ends.
            if not is_held.done():
                is_held.set_exception(error)

    # Prefect finds its settings in the context.
    holder = threading.Thread(target=copy_context().run, args=(hold,), name="slot", daemon=True)
    holder.start()
    try:
        while not wait([is_held], SLOT_SECONDS).done:
            _OPEN[crawl].fetcher.require_open()
        is_held.result()
        yield
    finally:
        is_done.set()
        if is_held.done():
            holder.join()
