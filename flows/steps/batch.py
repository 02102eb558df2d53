"""The task that fetches a batch of shards; its small result is what makes a crawl resumable."""

from collections import deque
from collections.abc import Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from typing import Any, cast

import msgspec
from prefect import task
from prefect.cache_policies import CacheKeyFnPolicy
from prefect.client.schemas import State
from prefect.context import TaskRunContext
from prefect.states import Completed

from flows.steps.connected import Connections, Crawl, connected
from flows.steps.results import PLAIN_JSON
from flows.steps.shares import Share
from flows.steps.shipped import require_code
from lake.assemble.bundle import Bundle
from lake.assemble.plan import Plan, read_batch
from lake.assemble.staging import Manifest, Staging
from lake.crawl import Batch
from lake.errors import LakeError
from lake.layout import SHARD_RESULTS
from lake.store import Store

# The name of the state of a batch of which nothing was fetched, because the run was told to stop.
STOPPED = "Stopped"

# The manifests of a batch as a task's result keeps them: plain JSON values.
Result = list[dict[str, Any]]


def result_key(crawl: Crawl, batch: str) -> str:
    """Return the key of a batch's result, below that of all results."""
    return f"{SHARD_RESULTS}{crawl.id}/{batch}"


def manifests_of(state: State[Any]) -> list[Manifest] | None:
    """Return the manifests of a batch that was fetched, None if the run was told to stop before."""
    return None if state.name == STOPPED else msgspec.convert(state.result(), list[Manifest])


def _batch_key(context: TaskRunContext, arguments: dict[str, Any]) -> str:
    return result_key(arguments["crawl"], arguments["name"])


def may_help(task: Any, run: Any, state: State) -> bool:
    """Tell whether running a batch again may help: it does not if the source or the bucket is at fault."""
    return not isinstance(state.result(raise_on_failure=False), LakeError)


@task(
    task_run_name="fetch {title}",
    # `with_options` cannot unset `cache_key_fn`.
    cache_policy=CacheKeyFnPolicy(cache_key_fn=_batch_key),
    persist_result=True,
    result_serializer=PLAIN_JSON,
    retries=2,
    retry_delay_seconds=5,
    retry_condition_fn=may_help,
)
def fetch_batch(
    crawl: Crawl,
    plan: Plan | None,
    number: int,
    name: str,
    title: str,
    share: Share | None = None,
    code: str | None = None,
) -> Result:
    """Fetch a batch's documents into ``staging/``; return the manifests of its shards, as plain JSON values.

    What it asks for lies in the plan, or with the connections of this process if there is none; its name is that of its
    result. The title is for people, who read it in the task's name. It ends as Stopped if the run was told to stop
    before anything came. On a worker it has a share of what the crawl may ask, and the worker must have loaded the
    run's code.
    """
    require_code(code)
    store = crawl.lake.open()
    with connected(crawl, share) as connections:
        batch = connections.batches[name] if plan is None else read_batch(store, plan, number)
        manifests = list(_staged(store, crawl, batch, connections))
    if all(not manifest.answered and manifest.cut_short == len(manifest.failed) for manifest in manifests):
        # Prefect takes a returned state for the task's own.
        return cast("Result", Completed(name=STOPPED, message="the run was told to stop"))
    manifested: Result = msgspec.to_builtins(manifests)
    return manifested


def _staged(store: Store, crawl: Crawl, batch: Batch, connections: Connections) -> Iterator[Manifest]:
    """Yield the manifest of each shard; what came is packed while more is fetched, so the connections do not rest.

    What comes next waits until what came before is packed, because both are in memory.
    """
    waiting, bundle = deque[Future[Any]](), Bundle(store)
    with ThreadPoolExecutor(1, "staging") as thread:
        for shard in batch.shards:
            staging = Staging(store, crawl.id, shard)
            for fetched in connections.fetch(shard):
                yield from _results(waiting)
                waiting.append(thread.submit(staging.add, fetched))
            # The thread does one thing after the other, so all has been packed by then; what failed raises here.
            waiting.append(thread.submit(staging.end, bundle))
        waiting.append(thread.submit(bundle.write))
        yield from _results(waiting)


def _results(waiting: deque[Future[Any]]) -> Iterator[Manifest]:
    """Wait for what is done with shards, raise what failed, and yield the manifests of those that ended."""
    while waiting:
        found = waiting.popleft().result()
        if isinstance(found, Manifest):
            yield found
