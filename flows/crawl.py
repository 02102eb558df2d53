"""The tasks of a crawl: what the source lists, and one task a shard, whose small result in S3 makes it resumable."""

import asyncio
import secrets
import threading
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta
from functools import cache, lru_cache
from hashlib import sha256
from typing import Any

from prefect import task
from prefect.cache_policies import NO_CACHE
from prefect.client.schemas import State
from prefect.context import TaskRunContext
from prefect_aws import S3Bucket

from flows.parameters import LakeLocation
from lake.commit import Commit
from lake.crawl import Client, Fetched, Pace, Shard, Source, Upstream, cut, fetch, read_listing, read_upstream
from lake.documents import Document, digest, pack, to_arrow
from lake.errors import LakeError, StoreError
from lake.layout import RESULTS, staging_key
from lake.store import Store

# How long a killed or refused run can be taken up again; older documents are fetched anew.
RESUMABLE = timedelta(days=1)

# Prefect's cache keys of shards, and so their place among the results.
SHARD_RESULTS = "shards/"


@dataclass(frozen=True, slots=True)
class Crawl:
    """One crawl of one source into one lake; its id is the same when a killed run is started again."""

    id: str
    source: Source
    lake: LakeLocation


def crawl_id(source: Source, parent: Commit | None, version: str | None) -> str:
    """Return the name of a crawl: the same source, the same parent and the same upstream version are the same crawl."""
    facts = f"{source.base_url} {parent.snapshot if parent else None} {version}"
    return sha256(facts.encode()).hexdigest()[:16]


@lru_cache(maxsize=4)
def _pace(crawl: Crawl) -> Pace:
    """Return the allowance that all shards of a crawl share in this process."""
    return Pace(crawl.source)


@cache
def _loop() -> asyncio.AbstractEventLoop:
    """Return the one event loop that talks to sources: one a shard would contend for the interpreter lock."""
    loop = asyncio.new_event_loop()
    threading.Thread(target=loop.run_forever, name="crawl", daemon=True).start()
    return loop


def prove_results(results: S3Bucket, store: Store) -> None:
    """Prove that Prefect's results can be written, read and deleted, for Prefect itself swallows such failures.

    Raises:
        StoreError: They cannot, or lie elsewhere than in the lake.
    """
    name = f"probe-{secrets.token_hex(8)}"
    try:
        results.write_path(name, b"probe")
        found = store.find(RESULTS + name)
    except Exception as error:
        raise StoreError(
            f"results block: {results.bucket_name}/{results.bucket_folder} cannot be used: {error}"
        ) from error
    if found != b"probe":
        raise StoreError(
            f"results block: expected the results in {store.uri(RESULTS)}, found them in"
            f" s3://{results.bucket_name}/{results.bucket_folder}; run `pokelake setup`"
        )
    store.delete([RESULTS + name])


def forget_shards(store: Store, crawl: Crawl) -> None:
    """Delete the shard results of a crawl that came to its end, so that the next run asks the source again."""
    store.delete([item.key for item in store.list(f"{RESULTS}{SHARD_RESULTS}{crawl.id}/")])


@task(cache_policy=NO_CACHE, persist_result=False)
def ask_upstream(source: Source) -> Upstream:
    """Ask the source for its version and its resources."""

    async def ask() -> Upstream:
        async with Client(source, Pace(source), 1) as client:
            return await read_upstream(client)

    return asyncio.run(ask())


@task(cache_policy=NO_CACHE, persist_result=False)
def plan_shards(crawl: Crawl, upstream: Upstream, etags: Mapping[str, Mapping[int, str | None]]) -> list[Shard]:
    """Read the listing of every resource and cut the documents, listed ones and those at hand, into shards."""
    source = crawl.source

    async def plan() -> list[Shard]:
        async with Client(source, _pace(crawl), source.connections) as client:
            listings = await asyncio.gather(*(read_listing(client, upstream, name) for name in source.resources))
        shards = []
        for resource, listed in zip(source.resources, listings, strict=True):
            shards += cut(listed, etags.get(resource, {}), source.base_url, resource)
        return shards

    return asyncio.run(plan())


def _shard_key(context: TaskRunContext, arguments: dict[str, Any]) -> str:
    return f"{SHARD_RESULTS}{arguments['crawl'].id}/{arguments['shard'].name}"


def _may_help(task: Any, run: Any, state: State) -> bool:
    """Tell whether running a shard again may help: not against what is wrong with the source or the bucket."""
    return not isinstance(state.result(raise_on_failure=False), LakeError)


@task(
    task_run_name="fetch {shard.name}",
    cache_key_fn=_shard_key,
    cache_expiration=RESUMABLE,
    persist_result=True,
    result_serializer="json",
    retries=2,
    retry_delay_seconds=5,
    retry_condition_fn=_may_help,
)
def fetch_shard(shard: Shard, crawl: Crawl) -> dict[str, Any]:
    """Fetch a shard's documents into ``staging/``; return where they lie and what became of the others."""
    work = fetch(crawl.source, _pace(crawl), shard.wanted)
    fetched = asyncio.run_coroutine_threadsafe(work, _loop()).result()
    return stage(crawl.lake.open(), crawl.id, shard, fetched)


def stage(store: Store, crawl: str, shard: Shard, fetched: Fetched) -> dict[str, Any]:
    """Put a shard's received documents into one staged object, and return its manifest as plain JSON values."""
    manifest: dict[str, Any] = {
        "resource": shard.resource,
        "number": shard.number,
        "again": False,
        "last_id": shard.wanted[-1].reference.id,
        "key": None,
        "sha256": None,
        "documents": len(fetched.received),
        "json_bytes": sum(len(item.body) for item in fetched.received),
        "unchanged": len(fetched.unchanged),
        "gone": [reference.id for reference in fetched.gone],
        "failed": [
            {"resource": reference.resource, "id": reference.id, "path": reference.path, "reason": reason}
            for reference, reason in fetched.failed
        ],
        "requests": fetched.requests,
        "versions": dict(fetched.versions),
    }
    if fetched.received:
        documents = [
            Document(item.reference.resource, item.reference.id, item.reference.path, item.etag, item.at, item.body)
            for item in fetched.received
        ]
        rows = to_arrow(documents)
        documents.clear()
        fetched.received.clear()
        body = pack(rows)
        manifest["key"] = staging_key(crawl, shard.resource, shard.number)
        manifest["sha256"] = digest(body)
        store.create(manifest["key"], body)
    return manifest


def is_whole(store: Store, manifest: Mapping[str, Any]) -> bool:
    """Tell whether a shard's staged object still is what its manifest says."""
    if manifest["key"] is None:
        return True
    body = store.find(manifest["key"])
    return body is not None and digest(body) == manifest["sha256"]


def again(manifests: Sequence[Mapping[str, Any]], shards: Sequence[Shard]) -> list[Shard]:
    """Return what to ask for once more at the end of a crawl: the documents that failed, resource by resource."""
    failed = {(entry["resource"], entry["id"]) for manifest in manifests for entry in manifest["failed"]}
    by_resource: dict[str, list[Any]] = {}
    for shard in shards:
        for wanted in shard.wanted:
            if (shard.resource, wanted.reference.id) in failed:
                by_resource.setdefault(shard.resource, []).append(wanted)
    return [Shard(resource, len(shards), tuple(wanted)) for resource, wanted in by_resource.items()]


def failures(manifests: Sequence[Mapping[str, Any]]) -> list[dict[str, Any]]:
    """Return the documents that could not be fetched even when asked once more: resource, id, path and reason."""
    return [entry for manifest in manifests if manifest["again"] for entry in manifest["failed"]]
