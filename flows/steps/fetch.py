"""Fetching every shard of a crawl, a few at a time, and what is tolerated on the way."""

from collections import Counter
from collections.abc import Sequence
from typing import Any, cast

from prefect import get_run_logger, unmapped
from prefect.cache_policies import NO_CACHE
from prefect.futures import as_completed
from prefect.task_runners import ThreadPoolTaskRunner
from prefect.utilities.annotations import quote
from prefect_aws import S3Bucket

from flows.steps.crawl import Crawl, fetch_shard, fetching
from flows.steps.progress import progress
from lake.assemble.staging import Manifest, failures, is_whole
from lake.crawl import Listing, Shard, Source, Upstream
from lake.errors import SourceError

# Tasks for each share of the connections: while one's documents come, the other is staged and recorded.
TASKS_PER_SHARE = 2


def fetch_all(crawl: Crawl, shards: Sequence[Shard], results: S3Bucket) -> list[Manifest]:
    """Fetch every shard, a few at a time; take from S3 what an earlier run of the same crawl has staged.

    Raises:
        SourceError: More documents of a resource failed than are tolerated.
    """
    store, source = crawl.lake.open(), crawl.source
    fetch = fetch_shard.with_options(result_storage=results)
    manifests: list[Manifest] = []
    with (
        fetching(crawl) as fetcher,
        ThreadPoolTaskRunner[Manifest](max_workers=TASKS_PER_SHARE * source.shards_at_once) as runner,
        # Closed before the runner waits for its tasks: a run that is told to end ends them.
        fetcher,
        progress("crawl", sum(len(shard.wanted) for shard in shards)) as advance,
    ):
        # Quoted, for Prefect would search every URL of every shard for futures.
        futures = runner.map(fetch, {"shard": [quote(shard) for shard in shards], "crawl": unmapped(crawl)})
        by_run = {future.task_run_id: shard for future, shard in zip(futures, shards, strict=True)}
        for future in as_completed(futures):
            shard, manifest = by_run[future.task_run_id], cast(Manifest, future.result())
            if future.state.name == "Cached" and not is_whole(store, manifest):
                get_run_logger().warning("%s: what was staged is damaged; fetched again", shard.name)
                manifest = fetch.with_options(refresh_cache=True)(shard, crawl)
            manifests.append(manifest)
            advance(len(shard.wanted))
        # Not kept as results: what failed twice must be asked for again by the next run.
        once_more = fetch_shard.with_options(persist_result=False, cache_policy=NO_CACHE)
        manifests += [{**once_more(shard, crawl), "again": True} for shard in again(manifests, shards)]
    check_tolerance(source, shards, manifests)
    return manifests


def again(manifests: Sequence[Manifest], shards: Sequence[Shard]) -> list[Shard]:
    """Return what to ask for once more at the end of a crawl: the documents that failed, resource by resource."""
    failed = {(entry["resource"], entry["id"]) for manifest in manifests for entry in manifest["failed"]}
    by_resource: dict[str, list[Any]] = {}
    for shard in shards:
        for wanted in shard.wanted:
            if (shard.resource, wanted.reference.id) in failed:
                by_resource.setdefault(shard.resource, []).append(wanted)
    return [Shard(resource, len(shards), tuple(wanted)) for resource, wanted in by_resource.items()]


def check_tolerance(source: Source, shards: Sequence[Shard], manifests: Sequence[Manifest]) -> None:
    """Raise `SourceError` when more of a resource's documents failed than the source's settings tolerate."""
    wanted = Counter(shard.resource for shard in shards for _ in shard.wanted)
    failed: dict[str, list[str]] = {}
    for entry in failures(manifests):
        failed.setdefault(entry["resource"], []).append(f"{entry['path']} ({entry['reason']})")
    for resource, named in failed.items():
        share = wanted[resource] * source.tolerated_failures
        # One document is more than the share of a resource that has only a few.
        if len(named) > (max(1, share) if share else 0):
            raise SourceError(
                f"{source.base_url}: {len(named)} of {wanted[resource]} documents of {resource} could not be fetched,"
                f" more than the tolerated {source.tolerated_failures:.0%}; nothing was published, and what was fetched"
                f" is kept for the next run. The first: {'; '.join(named[:5])}"
            )


def source_facts(
    source: Source, upstream: Upstream, listings: Sequence[Listing], manifests: Sequence[Manifest]
) -> dict[str, Any]:
    """Return what a commit says of its source; a crawl that met several versions belongs to none."""
    answers = Counter[str]()
    for manifest in manifests:
        answers.update(manifest["versions"])
    versions = answers.keys() | ({upstream.version} if upstream.version and answers else set())
    return {
        "base_url": source.base_url,
        "kind": source.kind,
        "version": None if len(versions) > 1 else upstream.version,
        "answers": dict(answers),
        "listed": sorted(upstream.resources),
        "resources": [listing.resource for listing in listings],
        "refused": {listing.resource: listing.refusal for listing in listings if listing.refusal},
        "requests": sum(manifest["requests"] for manifest in manifests),
    }
