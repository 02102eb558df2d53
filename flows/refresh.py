"""The flow that brings the lake up to date: crawl what may have changed, and publish if something did."""

from collections import Counter
from collections.abc import Sequence
from typing import Any

from prefect import flow, get_run_logger, unmapped
from prefect.cache_policies import NO_CACHE
from prefect.futures import as_completed
from prefect.states import Completed, State
from prefect.task_runners import ThreadPoolTaskRunner
from prefect.utilities.annotations import quote
from prefect_aws import S3Bucket

from flows.build import Manifest, parent_documents
from flows.crawl import (
    Crawl,
    again,
    ask_upstream,
    crawl_id,
    failures,
    fetch_shard,
    forget_shards,
    is_whole,
    plan_shards,
    prove_results,
)
from flows.memory import return_freed_memory
from flows.parameters import LakeLocation, SourceChoice
from flows.progress import progress
from flows.publish import Publication, publish
from lake import tables
from lake.commit import Commit, head
from lake.crawl import Shard, Source, Upstream
from lake.errors import ConflictError, SourceError
from lake.store import Store

# A run that loses this many races in a row has a rival that publishes all the time.
PUBLISH_ATTEMPTS = 3


@flow(name="refresh", persist_result=False)
def refresh(
    lake: LakeLocation = LakeLocation(),  # noqa: B008
    source: SourceChoice = SourceChoice(),  # noqa: B008
    allow_shrink: Sequence[str] = (),
) -> State[Any]:
    """Crawl the source and publish a new snapshot if anything changed.

    Ends as Completed, as Unchanged when nothing did, or as Partial when some documents could not be fetched.

    Args:
        lake: Where the lake lies.
        source: What to crawl.
        allow_shrink: Tables and resources that may lose more rows or documents than the audits tolerate.
    """
    return_freed_memory()
    store, settings, results = lake.open(), source.resolve(), lake.results()
    store.probe()
    prove_results(results, store)
    parent = head(store)
    upstream = ask_upstream(settings)
    if is_known(parent, upstream, settings):
        assert parent is not None
        return _unchanged(parent, f"upstream is still at {upstream.version}")

    crawl = Crawl(crawl_id(settings, parent, upstream.version), settings, lake)
    manifests = fetch_all(crawl, parent, upstream, results)
    facts = source_facts(settings, upstream, manifests)
    if parent is not None and not any(m["key"] or m["gone"] for m in manifests) and _same_code(parent):
        _end(store, crawl, upstream)
        return _unchanged(parent, f"{sum(m['unchanged'] for m in manifests):,} documents are as they were")
    publication = _publish_on_head(lake, facts, manifests, allow_shrink)
    if not publication.is_new:
        _end(store, crawl, upstream)
    return _finished(publication)


def _end(store: Store, crawl: Crawl, upstream: Upstream) -> None:
    """Let the next crawl from the same head ask the source anew, unless a version tells when that is needless."""
    if upstream.version is None:
        forget_shards(store, crawl)


def is_known(parent: Commit | None, upstream: Upstream, source: Source) -> bool:
    """Tell whether the parent already holds, whole, everything that the source has at this version."""
    return (
        parent is not None
        and upstream.version is not None
        and parent.source["base_url"] == source.base_url
        and parent.source["version"] == upstream.version
        and set(source.resources) <= set(parent.source["resources"])
        and not parent.stale
        and not parent.missing
        and _same_code(parent)
    )


def _same_code(parent: Commit) -> bool:
    return parent.fingerprint == tables.fingerprint()


def fetch_all(crawl: Crawl, parent: Commit | None, upstream: Upstream, results: S3Bucket) -> list[Manifest]:
    """Fetch every shard, a few at a time; take from S3 what an earlier run of the same crawl has staged.

    Raises:
        SourceError: More documents of a resource failed than are tolerated.
    """
    store, source = crawl.lake.open(), crawl.source
    etags = {resource: parent_documents(store, parent, resource).etags() for resource in source.resources}
    shards = plan_shards(crawl, upstream, etags)
    fetch = fetch_shard.with_options(result_storage=results)
    manifests: list[Manifest] = []
    with (
        ThreadPoolTaskRunner(max_workers=source.shards_at_once) as runner,
        progress("crawl", sum(len(shard.wanted) for shard in shards)) as advance,
    ):
        # Quoted, for Prefect would search every URL of every shard for futures.
        futures = runner.map(fetch, {"shard": [quote(shard) for shard in shards], "crawl": unmapped(crawl)})
        by_run = {future.task_run_id: shard for future, shard in zip(futures, shards, strict=True)}
        for future in as_completed(futures):
            shard, manifest = by_run[future.task_run_id], future.result()
            if future.state.name == "Cached" and not is_whole(store, manifest):
                get_run_logger().warning("%s: what was staged is damaged; fetched again", shard.name)
                manifest = fetch.with_options(refresh_cache=True)(shard, crawl)
            manifests.append(manifest)
            advance(len(shard.wanted))
    # Not kept as results: what failed twice must be asked for again by the next run.
    once_more = fetch_shard.with_options(
        persist_result=False, cache_key_fn=None, cache_expiration=None, cache_policy=NO_CACHE
    )
    manifests += [{**once_more(shard, crawl), "again": True} for shard in again(manifests, shards)]
    check_tolerance(source, shards, manifests)
    return manifests


def check_tolerance(source: Source, shards: Sequence[Shard], manifests: Sequence[Manifest]) -> None:
    """Raise `SourceError` when more of a resource's documents failed than the source's settings tolerate."""
    wanted = Counter(shard.resource for shard in shards for _ in shard.wanted)
    failed: dict[str, list[str]] = {}
    for entry in failures(manifests):
        failed.setdefault(entry["resource"], []).append(f"{entry['path']} ({entry['reason']})")
    for resource, named in failed.items():
        if len(named) > wanted[resource] * source.tolerated_failures:
            raise SourceError(
                f"{source.base_url}: {len(named)} of {wanted[resource]} documents of {resource} could not be fetched,"
                f" more than the tolerated {source.tolerated_failures:.0%}; nothing was published, and what was fetched"
                f" is kept for the next run. The first: {'; '.join(named[:5])}"
            )


def source_facts(source: Source, upstream: Upstream, manifests: Sequence[Manifest]) -> dict[str, Any]:
    """Return what a commit says of its source; a crawl that met several versions belongs to none."""
    answers = Counter[str]()
    for manifest in manifests:
        answers.update(manifest["versions"])
    mixed = len(answers.keys() | ({upstream.version} if upstream.version and answers else set())) > 1
    return {
        "base_url": source.base_url,
        "version": None if mixed else upstream.version,
        "answers": dict(answers),
        "resources": list(source.resources),
        "requests": sum(manifest["requests"] for manifest in manifests),
    }


def _publish_on_head(
    lake: LakeLocation, facts: dict[str, Any], manifests: Sequence[Manifest], allow_shrink: Sequence[str]
) -> Publication:
    """Publish on the current head; when another run was faster, take the staged documents to its head."""
    for _ in range(PUBLISH_ATTEMPTS - 1):
        try:
            return publish(lake, head(lake.open()), facts, manifests, allow_shrink)
        except ConflictError:
            get_run_logger().warning("another run published first; going on from its snapshot")
    return publish(lake, head(lake.open()), facts, manifests, allow_shrink)


def _unchanged(parent: Commit, why: str) -> State[Any]:
    return Completed(name="Unchanged", message=f"{why}; readers see {parent.snapshot}")


def _finished(publication: Publication) -> State[Any]:
    commit = publication.commit
    if not publication.is_new:
        return _unchanged(commit, "all files came out as they were")
    summary = f"published {commit.snapshot}: {describe_changes(commit)}"
    failed = [*commit.stale, *commit.missing]
    if failed:
        named = ", ".join(entry["path"] for entry in failed[:10])
        kinds = f"{len(commit.stale)} kept from before, {len(commit.missing)} missing"
        return Completed(name="Partial", message=f"{summary}; {len(failed)} could not be fetched ({kinds}): {named}")
    return Completed(message=summary)


def describe_changes(commit: Commit) -> str:
    """Say how many documents of a commit are new, changed and gone."""
    totals = Counter[str]()
    for counts in commit.changes.values():
        totals.update(counts)
    return ", ".join(f"{totals[kind]:,} documents {kind}" for kind in ("added", "modified", "deleted"))
