"""Fetching every shard of a crawl, a few batches at a time: one task a batch, whose small results let it be resumed."""

from collections import deque
from collections.abc import Sequence
from dataclasses import replace
from datetime import timedelta
from hashlib import sha256

import msgspec
from prefect import get_run_logger
from prefect.cache_policies import NO_CACHE

from flows.steps.at_work import AtWork, at_work
from flows.steps.batch import fetch_batch, manifests_of, result_key
from flows.steps.connected import Crawl
from flows.steps.deadline import kept, resumable
from flows.steps.numbers import phase
from flows.steps.progress import CrawlReport, Note, crawl_progress
from flows.steps.results import Results
from flows.steps.tally import Tally
from lake.assemble.staging import Manifest, is_whole, second_round
from lake.commit import Commit
from lake.crawl import Batch, Shard, Source, batches
from lake.errors import StoppedError
from lake.layout import RESULTS
from lake.text import counted


def crawl_id(flow: str, source: Source, parent: Commit | None, version: str | None) -> str:
    """Return the name of a crawl: the same flow, source, parent and upstream version are the same crawl."""
    facts = f"{flow} {source.base_url} {parent.snapshot if parent else None} {version}"
    return sha256(facts.encode()).hexdigest()[:16]


def fetch_all(crawl: Crawl, shards: Sequence[Shard], results: Results) -> list[Manifest]:
    """Fetch every shard, a few batches at a time; take from S3 the batches that an earlier run of the crawl has staged.

    Documents that failed are asked for in a second round, at the end.

    Raises:
        SourceError: The source fails as a whole, the budget of requests is spent, or it took too long.
        StoppedError: An operator told the run to stop.
    """
    documents, cut, tally = sum(len(shard.wanted) for shard in shards), batches(shards), Tally(shards)
    crawl = replace(crawl, source=crawl.source.bounded(documents))
    report = CrawlReport(crawl.lake.place(), documents)
    with (
        phase("crawl", f"crawling {counted(documents, 'document')} in {counted(len(cut), 'task')}"),
        at_work(crawl, tally, report) as working,
        crawl_progress(report) as note_done,
    ):
        if len(cut) > 1:
            results.look(crawl.lake.open(), result_key(crawl, ""))
        manifests = _first_round(working, cut, results, resumable(crawl.source, documents), note_done)
        if manifests is None:
            raise _told_to_stop(report, crawl.source)
        again = second_round(manifests, shards)
        second = _second_round(working, batches(again))
        tally.note_again(second)
        if len(second) < len(again) or any(manifest.cut_short for manifest in second):
            raise _told_to_stop(report, crawl.source)
        note_done(sum(manifest.cut_short for manifest in manifests), True)
    return manifests + [msgspec.structs.replace(manifest, round=2) for manifest in second]


def _first_round(
    working: AtWork, cut: Sequence[Batch], results: Results, expiration: timedelta, note_done: Note
) -> list[Manifest] | None:
    """Fetch all batches that no earlier run has fetched; return the manifests of all, None if told to stop before."""
    store, crawl, manifests = working.crawl.lake.open(), working.crawl, list[Manifest]()
    fetch = fetch_batch.with_options(result_storage=results, cache_expiration=expiration)
    todo = deque((batch, fetch) for batch in cut)
    stopped, is_cut_short = list[Batch](), False
    for (batch, _), state in working.run(cut, todo):
        is_fetched, found = state.name != "Cached", manifests_of(state)
        if found is None:
            stopped.append(batch)
        elif not is_fetched and not _are_whole(crawl, batch, found):
            get_run_logger().warning(
                "%s: the staged documents are damaged; they are fetched again", ", ".join(batch.resources)
            )
            todo.append((batch, fetch.with_options(refresh_cache=True)))
        else:
            manifests += found
            for shard, manifest in zip(batch.shards, found, strict=True):
                working.tally.note(shard, manifest, is_fetched)
                note_done(len(shard.wanted) - manifest.cut_short, is_fetched)
                is_cut_short |= is_fetched and manifest.cut_short > 0
        if working.orders.is_stopped and todo:
            is_cut_short = True
            todo.clear()
    # Prefect keeps a result of each, and there is none.
    store.delete([f"{RESULTS}{result_key(crawl, batch.name)}" for batch in stopped])
    return None if stopped or is_cut_short else manifests


def _second_round(working: AtWork, cut: Sequence[Batch]) -> list[Manifest]:
    """Ask once more for what failed; of a batch that was told to stop before, there is nothing."""
    if not cut:
        return []
    # No result is kept, because the next run must ask again for what failed twice.
    once = fetch_batch.with_options(persist_result=False, cache_policy=NO_CACHE)
    states = working.run(cut, deque((batch, once) for batch in cut), " again")
    return [manifest for _, state in states for manifest in manifests_of(state) or ()]


def _are_whole(crawl: Crawl, batch: Batch, manifests: Sequence[Manifest]) -> bool:
    """Tell whether the manifests that were kept are this batch's, and what they name is whole in the bucket."""
    return len(manifests) == len(batch.shards) and all(
        is_whole(crawl.lake.open(), crawl.source, crawl.id, shard, manifest)
        for shard, manifest in zip(batch.shards, manifests, strict=True)
    )


def _told_to_stop(report: CrawlReport, source: Source) -> StoppedError:
    return StoppedError(
        f"an operator told the run to: {report.count()} are {kept(source, report.total)}, and the next run goes on from"
        " there"
    )
