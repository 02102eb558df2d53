"""The flow that brings the lake up to date: crawl what may have changed, and publish if something did."""

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

from prefect import flow
from prefect.client.schemas import State

from blocks.knobs import is_frozen
from flows.steps.crawl import Crawl, crawl_id, fetch_all
from flows.steps.events import report_current
from flows.steps.memory import return_freed_memory
from flows.steps.outcome import finished, frozen, publish_on_head, unchanged
from flows.steps.parameters import LakeLocation, SourceChoice
from flows.steps.results import SHARD_RESULTS, forget_results
from flows.steps.start import start
from lake.assemble.merge import document_files
from lake.assemble.settle import settle
from lake.assemble.staging import final_failures


@flow(name="refresh", persist_result=False)
def refresh(
    lake: LakeLocation = LakeLocation(),  # noqa: B008
    source: SourceChoice = SourceChoice(),  # noqa: B008
    allow_shrink: Sequence[str] = (),
) -> State[Any]:
    """Crawl the source and publish a new snapshot if anything changed.

    A refresh ends as published, as unchanged when nothing changed, as partial when some documents could not be fetched,
    or as frozen when the operator wants nothing to be touched.

    Requires: the S3Bucket blocks of the lake and of Prefect's results, or `lake.bucket` and AWS credentials in the
    environment; the Pokélake Source block, or `source.base_url`; the Secret block and the global concurrency limit that
    the source names, if any. Optional: the Variables `pokelake_frozen` and `pokelake_requests_per_run`.

    Args:
        lake: Where the lake lies.
        source: The source to crawl.
        allow_shrink: Tables and resources that may lose more rows or documents than the audits tolerate. A resource
            that is named is also taken as it came, although more of its documents failed than are tolerated.
    """
    if is_frozen():
        return frozen()
    return_freed_memory()
    results = lake.results()
    begun = start(lake, results, source.resolve())
    settings, parent, version = begun.source, begun.parent, begun.upstream.version
    dropped = set(allow_shrink) & (document_files(parent).keys() - begun.upstream.resources.keys())
    if parent is not None and begun.is_known() and not dropped:
        report_current(begun.store.uri(), parent.snapshot)
        return unchanged(parent, f"upstream is still at {version}")

    listings, shards, _, anew = begun.shards(begun.listings(results, is_fresh=True))
    crawl = Crawl(crawl_id("refresh", settings, parent, version), settings, lake)
    manifests = fetch_all(crawl, shards, results)
    crawled = settle(settings, begun.upstream, listings, shards, manifests, parent, allow_shrink)
    crawled = replace(crawled, anew=anew)
    publication = publish_on_head(lake, parent, crawled, allow_shrink)
    if not publication.is_new and not final_failures(manifests) and not publication.rejected:
        if crawled.source.version is None:
            # Without a version, the next run from this head is the same crawl: it would take these results for the
            # source's answers, and not ask it again.
            forget_results(begun.store, f"{SHARD_RESULTS}{crawl.id}/")
        elif not begun.uncrawled(crawled.source):
            begun.note_equal()
    report_current(begun.store.uri(), publication.commit.snapshot)
    return finished(lake, publication, crawled, listings)
