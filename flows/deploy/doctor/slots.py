"""The question about slots: is each one that a run of the pool takes held by a run that is alive?"""

from collections.abc import Iterator
from datetime import UTC, datetime

from prefect.client.schemas.filters import (
    FlowRunFilter,
    FlowRunFilterState,
    FlowRunFilterStateType,
    FlowRunFilterTags,
    WorkPoolFilter,
    WorkPoolFilterName,
)
from prefect.client.schemas.objects import FlowRun, StateType
from prefect.events.filters import (
    EventFilter,
    EventNameFilter,
    EventOccurredFilter,
    EventResourceFilter,
)

from flows.deploy.automations.trigger import USUAL
from flows.deploy.doctor.check import Verdict, judge
from flows.deploy.doctor.installation import Installation
from flows.deploy.pool import CRAWL_QUEUE
from lake.text import counted, minute

_HEARTBEAT = "prefect.flow-run.heartbeat"

# A run has a slot of its pool and its queue in these states; one that is suspended has none. A task has one of each of
# its tags, and ours have no tags.
_HOLDING = [StateType.PENDING, StateType.RUNNING]

_CRASHED = '{"state": {"type": "CRASHED"}, "force": true}'


def slots(at: Installation) -> Verdict:
    """Has no dead run a slot that others wait for?"""
    state = FlowRunFilterState(type=FlowRunFilterStateType(any_=_HOLDING))
    holding = at.client.read_flow_runs(
        # Of another project's run, nobody knows whether it would send heartbeats.
        flow_run_filter=FlowRunFilter(state=state, tags=FlowRunFilterTags(all_=[at.names.tag])),
        work_pool_filter=WorkPoolFilter(name=WorkPoolFilterName(any_=[at.pool_name])),
    )
    wrong = [*_shut(at), *(flaw for run in holding for flaw in _dead(at, run))]
    alive = f"are held by {counted(len(holding), 'run')}, and all of them are alive" if holding else "are free"
    return judge(wrong, f"those of the lake's runs {alive}")


def _shut(at: Installation) -> Iterator[tuple[str, str]]:
    """Yield each limit that lets nothing run, with the way to mend it."""
    if at.pool.concurrency_limit == 0:
        way = f"`prefect work-pool clear-concurrency-limit {at.pool_name}`"
        yield f"the pool {at.pool_name} has a limit of 0, so it gives out no run", way
    for name, queue in at.queues.items():
        # Those of the queues for crawls are looked at by themselves.
        if queue.concurrency_limit == 0 and not name.startswith(CRAWL_QUEUE):
            way = f"`prefect work-queue clear-concurrency-limit {name} --pool {at.pool_name}`"
            yield f"its queue {name} has a limit of 0, so it gives out no run", way


def _dead(at: Installation, run: FlowRun) -> Iterator[tuple[str, str]]:
    """Yield that a run has a slot and is dead, if it is, with the way to mend it."""
    assert run.state is not None
    now, since = datetime.now(UTC), run.state.timestamp
    silence = USUAL.start if run.state.type is StateType.PENDING else USUAL.heartbeat
    if now - since < silence or (run.state.type is StateType.RUNNING and _is_heard(at, run, now - silence)):
        return
    lacking = "does not start" if run.state.type is StateType.PENDING else "sends no heartbeats"
    yield (
        f"{run.name} has a slot of the queue {run.work_queue_name}, is {run.state.name} since {minute(since)},"
        f" and {lacking}",
        f"`prefect api POST /flow_runs/{run.id}/set_state --data '{_CRASHED}'`",
    )


def _is_heard(at: Installation, run: FlowRun, since: datetime) -> bool:
    """Tell whether a run has said since then that it is alive."""
    wanted = EventFilter(
        event=EventNameFilter(name=[_HEARTBEAT]),
        resource=EventResourceFilter(id=[f"prefect.flow-run.{run.id}"]),
        occurred=EventOccurredFilter(since=since),
    )
    return bool(at.client.read_events(wanted, limit=1).events)
