"""The automations that act on runs: they end one that is stuck or dead, and start again what may go well the next time.

A suspended run waits for a person. Each of these spares it: the event of that state ends every wait, and the time
begins anew when the run goes on.
"""

from collections.abc import Sequence

from prefect.automations import AutomationCore, ChangeFlowRunState, EventTrigger
from prefect.client.schemas.objects import StateType
from prefect.events.actions import SendNotification

from blocks.names import Names
from flows.deploy.automations.message import NEVER_STARTED
from flows.deploy.automations.trigger import EACH, RUNS, STATES, TRIES, Patience, ours, silence
from flows.steps.events import MAY_GO_WELL
from flows.steps.predecessors import LONG_RUNS

HEARTBEAT_LOST = "its heartbeats ended before it did, so its process is gone"
TOO_LONG = "it took far longer than its predecessors, so it is cancelled; the next one goes on from its shards"
AGAIN = "it starts again by itself, and goes on from what was done"


def acting(names: Names, patience: Patience, tell: Sequence[SendNotification]) -> tuple[AutomationCore, ...]:
    """Return the automations that act on the runs of a lake's deployments; `tell` says that a run was cancelled."""
    runs, tags = ours(names), [names.tag]
    submitted = {f"prefect.flow-run.{name}" for name in ("Pending", "Submitting", "InfrastructurePending")}
    return (
        AutomationCore(
            name=names.own("pokelake-never-started"),
            description="A run that was submitted and does not start is taken for crashed.",
            trigger=silence(RUNS, submitted, patience.start, runs),
            actions=[ChangeFlowRunState(state=StateType.CRASHED, name=None, message=NEVER_STARTED, force=False)],
            tags=tags,
        ),
        # This is not a second action of the automation above, because Prefect carries out all actions of one automation
        # at the same time.
        AutomationCore(
            name=names.own("pokelake-start-again"),
            description="A run that never started goes back into the queue, with its parameters.",
            trigger=EventTrigger(
                match={**RUNS, "prefect.state-message": NEVER_STARTED},
                match_related=runs,
                for_each=EACH,
                expect={"prefect.flow-run.Crashed"},
            ),
            actions=[_scheduled(NEVER_STARTED)],
            tags=tags,
        ),
        AutomationCore(
            name=names.own("pokelake-try-again"),
            description="A run that crashed, or failed so that trying again may help, starts again after a while.",
            # Nothing else of the run has the label of how often it began, except its states; so a run that somebody
            # started again before, or that only seemed to be dead, does not start again here.
            trigger=silence(
                {**RUNS, "prefect.run-count": TRIES}, {"prefect.flow-run.Crashed", MAY_GO_WELL}, patience.again, runs
            ),
            actions=[_scheduled(AGAIN)],
            tags=tags,
        ),
        AutomationCore(
            name=names.own("pokelake-heartbeat-lost"),
            description="A run whose heartbeats end before it does is taken for crashed.",
            trigger=silence(RUNS, {"prefect.flow-run.heartbeat"}, patience.heartbeat, runs),
            actions=[ChangeFlowRunState(state=StateType.CRASHED, name=None, message=HEARTBEAT_LOST, force=False)],
            tags=tags,
        ),
        AutomationCore(
            name=names.own(LONG_RUNS),
            description="A run that takes far longer than its predecessors is cancelled.",
            trigger=silence(STATES, {"prefect.flow-run.Running"}, patience.run, runs),
            actions=[ChangeFlowRunState(state=StateType.CANCELLING, name=None, message=TOO_LONG, force=False), *tell],
            tags=tags,
        ),
    )


def _scheduled(message: str) -> ChangeFlowRunState:
    return ChangeFlowRunState(state=StateType.SCHEDULED, name="AwaitingRetry", message=message, force=False)
