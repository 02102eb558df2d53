"""Fetching every shard of a crawl, a few at a time: one task a shard, whose small results make the crawl resumable."""

import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from datetime import timedelta
from hashlib import sha256
from typing import Any, cast

import msgspec
from prefect import get_run_logger, task, unmapped
from prefect.cache_policies import NO_CACHE, CacheKeyFnPolicy
from prefect.client.schemas import State
from prefect.context import TaskRunContext
from prefect.futures import as_completed
from prefect.states import Completed
from prefect.task_runners import ThreadPoolTaskRunner
from prefect.utilities.annotations import quote

from blocks.limit import Allowance
from blocks.secret import key_headers
from flows.steps.deadline import Deadline
from flows.steps.numbers import phase
from flows.steps.orders import Orders
from flows.steps.parameters import LakeLocation
from flows.steps.progress import CrawlReport, crawl_progress
from flows.steps.results import PLAIN_JSON, Results
from flows.steps.tally import Tally, titles
from lake.assemble.staging import Manifest, is_whole, second_round, stage
from lake.commit import Commit
from lake.crawl import CUT_SHORT, Fetched, Fetcher, Shard, Source
from lake.errors import LakeError, StoppedError
from lake.layout import RESULTS, SHARD_RESULTS
from lake.text import counted

# How long a killed or refused run can be taken up again; older documents are fetched anew.
RESUMABLE = timedelta(days=1)

# Tasks for each share of the connections: while one task's documents come, those of the other are staged and recorded.
TASKS_PER_SHARE = 2

# The name of the state of a shard of which nothing was fetched, because the run was told to stop.
STOPPED = "Stopped"

# A manifest as a task's result keeps it: plain JSON values.
Result = dict[str, Any]


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


def fetch_all(crawl: Crawl, shards: Sequence[Shard], results: Results) -> list[Manifest]:
    """Fetch every shard, a few at a time; take from S3 the shards that an earlier run of the same crawl has staged.

    Documents that failed are asked for in a second round, at the end.

    Raises:
        SourceError: The source fails as a whole, the budget of requests is spent, or it took too long.
        StoppedError: An operator told the run to stop.
    """
    store, source = crawl.lake.open(), crawl.source
    fetch = fetch_shard.with_options(result_storage=results)
    manifests: list[Manifest] = []
    documents, tally = sum(len(shard.wanted) for shard in shards), Tally(shards)
    report = CrawlReport(crawl.lake.place(), documents)
    with (
        phase("crawl", f"crawling {counted(documents, 'document')} in {counted(len(shards), 'shard')}"),
        _connected(crawl, tally, report) as fetcher,
        ThreadPoolTaskRunner[Result](max_workers=TASKS_PER_SHARE * source.shards_at_once) as runner,
        # The fetcher closes before the runner waits for its tasks, so a run that is told to end ends its tasks.
        fetcher,
        crawl_progress(report) as note_done,
    ):
        named = titles(shards)
        # Quoted, because Prefect would search every URL of every shard for futures.
        given = {"shard": [quote(shard) for shard in shards], "crawl": unmapped(crawl), "title": named}
        futures = runner.map(fetch, given)
        by_run = {future.task_run_id: place for place, future in enumerate(futures)}
        stopped, left, is_cut_short = list[int](), 0, False
        for future in as_completed(futures):
            future.wait()
            place, state = by_run[future.task_run_id], future.state
            shard, is_fetched = shards[place], state.name != "Cached"
            manifest = _manifest(state)
            if manifest and not is_fetched and not is_whole(store, source, crawl.id, shard, manifest):
                get_run_logger().warning("%s: the staged documents are damaged; they are fetched again", shard.name)
                state = fetch.with_options(refresh_cache=True)(shard, crawl, named[place], return_state=True)
                manifest, is_fetched = _manifest(state), True
            if manifest is None:
                stopped.append(place)
                continue
            manifests.append(manifest)
            tally.note(shard, manifest, is_fetched)
            left += (lacking := manifest.cut_short)
            is_cut_short |= is_fetched and lacking > 0
            note_done(len(shard.wanted) - lacking, is_fetched)
        if stopped or is_cut_short:
            # Prefect keeps a result of each, and there is none.
            store.delete([f"{RESULTS}{_key(crawl, shards[place])}" for place in stopped])
            raise _told_to_stop(report)
        # The second round's results are not kept, because the next run must ask again for what failed twice.
        once = fetch_shard.with_options(persist_result=False, cache_policy=NO_CACHE)
        again = second_round(manifests, shards)
        states = (once(shard, crawl, f"{shard.resource} again", return_state=True) for shard in again)
        second = [manifest for state in states if (manifest := _manifest(state))]
        tally.note_again(second)
        if len(second) < len(again) or any(manifest.cut_short for manifest in second):
            raise _told_to_stop(report)
        note_done(left, True)
        manifests += [msgspec.structs.replace(manifest, round=2) for manifest in second]
    return manifests


def _told_to_stop(report: CrawlReport) -> StoppedError:
    return StoppedError(
        f"an operator told the run to: {report.count()} are kept for a day, and the next run goes on from there"
    )


def _manifest(state: State[Any]) -> Manifest | None:
    """Return the manifest of a shard that was fetched, None if the run was told to stop before."""
    return None if state.name == STOPPED else msgspec.convert(state.result(), Manifest)


@dataclass(frozen=True, slots=True)
class _Connections:
    """The HTTP process of a crawl, how much it may ask, what it was told, and how many shards may use it at once."""

    fetcher: Fetcher
    allowance: Allowance
    orders: Orders
    shares: threading.BoundedSemaphore
    tally: Tally


# A task cannot be given a process, so it finds that of its crawl here.
_OPEN: dict[Crawl, _Connections] = {}


@contextmanager
def _connected(crawl: Crawl, tally: Tally, report: CrawlReport) -> Iterator[Fetcher]:
    """Let the crawl's tasks find its HTTP process while the block runs; the caller closes it."""
    fetcher = Fetcher(crawl.source, key_headers(crawl.source))
    orders = Orders(fetcher, crawl.source, report)
    orders.allowance = allowance = Allowance(crawl.source.global_limit, orders.require_wanted)
    with (
        allowance,
        orders,
        Deadline(fetcher, crawl.source, report.total, report.pace, crawl.lake.open().uri()),
    ):
        shares = threading.BoundedSemaphore(crawl.source.shards_at_once)
        _OPEN[crawl] = _Connections(fetcher, allowance, orders, shares, tally)
        try:
            yield fetcher
        finally:
            del _OPEN[crawl]


def _fetch(opened: _Connections, shard: Shard) -> Fetched:
    """Fetch a shard in portions as large as the allowance of all runs gives; a listing comes whole.

    When the run is told to stop, what has not come fails as `CUT_SHORT`; the second round of the next run asks for it.
    """
    fetched, wanted = Fetched(), shard.wanted
    while wanted:
        try:
            allowed = opened.allowance.take(1 if shard.is_inline else len(wanted))
        except StoppedError:
            fetched.failed += [(item.reference, CUT_SHORT) for item in wanted]
            break
        portion = wanted if shard.is_inline else wanted[:allowed]
        found = opened.fetcher.fetch(replace(shard, wanted=portion))
        opened.allowance.owe(found.requests - allowed)
        fetched.add(found)
        wanted = wanted[len(portion) :]
    return fetched


def _shard_key(context: TaskRunContext, arguments: dict[str, Any]) -> str:
    return _key(arguments["crawl"], arguments["shard"])


def _key(crawl: Crawl, shard: Shard) -> str:
    """Return the key of a shard's result, below that of all results."""
    return f"{SHARD_RESULTS}{crawl.id}/{shard.name}"


def _may_help(task: Any, run: Any, state: State) -> bool:
    """Tell whether running a shard again may help: it does not if the source or the bucket is at fault."""
    return not isinstance(state.result(raise_on_failure=False), LakeError)


@task(
    task_run_name="fetch {title}",
    # `with_options` cannot unset `cache_key_fn`.
    cache_policy=CacheKeyFnPolicy(cache_key_fn=_shard_key),
    cache_expiration=RESUMABLE,
    persist_result=True,
    result_serializer=PLAIN_JSON,
    retries=2,
    retry_delay_seconds=5,
    retry_condition_fn=_may_help,
)
def fetch_shard(shard: Shard, crawl: Crawl, title: str) -> Result:
    """Fetch a shard's documents into ``staging/``; return its manifest, as plain JSON values.

    The title is for people, who read it in the task's name. It ends as Stopped if the run was told to stop before
    anything came.
    """
    # Only fetching holds a share: another shard uses the connections while this one is staged and recorded.
    opened = _OPEN[crawl]
    with opened.shares:
        if not opened.orders.is_stopped:
            opened.tally.begin(shard.resource)
        fetched = _fetch(opened, shard)
    if len(fetched.failed) == len(shard.wanted) and all(why == CUT_SHORT for _, why in fetched.failed):
        # Prefect takes a returned state for the task's own.
        return cast("Result", Completed(name=STOPPED, message="the run was told to stop"))
    manifest: Result = msgspec.to_builtins(stage(crawl.lake.open(), crawl.id, shard, fetched))
    return manifest
