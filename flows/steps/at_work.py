"""A crawl under way: what submits its tasks, over which connections they fetch, what it was told, and who counts."""

from collections import deque
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

from prefect import runtime
from prefect.client.schemas import State
from prefect.futures import PrefectFuture
from prefect.task_runners import ThreadPoolTaskRunner
from prefect.tasks import Task

from blocks.limit import Allowance
from blocks.secret import source_key
from flows.steps.batch import Result, manifests_of
from flows.steps.connected import Connections, Crawl, shared
from flows.steps.deadline import Deadline
from flows.steps.lanes import in_lanes
from flows.steps.orders import Orders
from flows.steps.progress import CrawlReport
from flows.steps.runner import workers_of_run
from flows.steps.shares import Shares
from flows.steps.tally import Tally, titles
from flows.steps.told import Teller
from flows.steps.workers import Workers
from lake.assemble.plan import write_plan
from lake.crawl import Batch, Fetcher
from lake.layout import told_folder

# A batch, and the task that fetches it.
Todo = tuple[Batch, Task[..., Result]]

# Submits a task with what it is given.
Submit = Callable[[Task[..., Result], dict[str, Any]], PrefectFuture[Any]]


@dataclass(frozen=True, slots=True)
class AtWork:
    """A crawl under way; `lanes` are the tasks that it may have at work, in threads or on workers with a share each.

    Threads find the batches with their `connections`; for workers elsewhere they are written as a plan.
    """

    crawl: Crawl
    orders: Orders
    tally: Tally
    submit: Submit
    lanes: int
    connections: Connections | None = None
    shares: Shares | None = None
    more: dict[str, Any] = field(default_factory=dict)

    def run(self, cut: Sequence[Batch], todo: deque[Todo], note: str = "") -> Iterator[tuple[Todo, State[Any]]]:
        """Plan some batches, and fetch those that are to be fetched; more of them may be added."""
        plan, named = None, titles(cut)
        if self.connections is not None:
            self.connections.batches.update((batch.name, batch) for batch in cut)
        else:
            plan = write_plan(self.crawl.lake.open(), self.crawl.id, cut)

        def submit(item: Todo) -> PrefectFuture[Any]:
            batch, fetch = item
            given = {"crawl": self.crawl, "plan": plan, "number": batch.number, "name": batch.name, **self.more}
            if self.shares is not None:
                given["share"] = self.shares.give(batch.number)
                for resource in batch.resources:
                    self.tally.begin(resource)
            return self.submit(fetch, {**given, "title": f"{named[batch.number]}{note}"})

        if self.shares is None:
            yield from in_lanes(todo, self.lanes, submit)
            return
        for item, state in in_lanes(todo, self.lanes, submit, self.shares.require_open):
            # What an earlier run asked for is no part of this run's budget.
            found = None if state.name == "Cached" else manifests_of(state)
            self.shares.take_back(item[0].number, sum(manifest.requests for manifest in found or ()))
            yield item, state


@contextmanager
def at_work(crawl: Crawl, tally: Tally, report: CrawlReport) -> Iterator[AtWork]:
    """Let a crawl's tasks work while the block runs, where the run's runner says; then end those that still work."""
    workers = workers_of_run()
    with _in_threads(crawl, tally, report) if workers is None else _on(workers, crawl, tally, report) as working:
        yield working


@contextmanager
def _in_threads(crawl: Crawl, tally: Tally, report: CrawlReport) -> Iterator[AtWork]:
    """Let tasks work in threads of this process, all over the connections of one HTTP process."""
    fetcher = Fetcher(crawl.source, source_key(crawl.source))
    orders = Orders(fetcher, crawl.source, report)
    orders.allowance = allowance = Allowance(crawl.source.global_limit, orders.require_wanted)
    lanes = crawl.source.shards_at_once

    def begin(resource: str) -> None:
        if not orders.is_stopped:
            tally.begin(resource)

    connections = Connections(fetcher, allowance, begin)
    with (
        allowance,
        orders,
        Deadline(fetcher, crawl.source, report.total, report.pace, crawl.lake.open().uri()),
        shared(crawl, connections),
        ThreadPoolTaskRunner[Result](max_workers=lanes) as runner,
        # The fetcher closes before the runner waits for its tasks, so a run that is told to end ends its tasks.
        fetcher,
    ):
        yield AtWork(crawl, orders, tally, runner.submit, lanes, connections)


@contextmanager
def _on(workers: Workers, crawl: Crawl, tally: Tally, report: CrawlReport) -> Iterator[AtWork]:
    """Let tasks work on the workers of a cluster, each over connections of its own, which are its share."""
    store = crawl.lake.open()
    folder = told_folder(crawl.id, str(runtime.flow_run.id))
    shares = Shares(crawl.source, workers.count(), Teller(store, folder), folder)
    orders = Orders(shares, crawl.source, report)
    with orders, Deadline(shares, crawl.source, report.total, report.pace, store.uri()):
        try:
            yield AtWork(
                crawl, orders, tally, workers.runner.submit, shares.count, None, shares, {"code": workers.code}
            )
        except BaseException:
            shares.close()
            raise
