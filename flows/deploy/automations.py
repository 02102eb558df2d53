"""Prefect's automations of a lake: what is done when a run gets stuck, dies, or does not come at all.

Each concerns the runs of deployments with the tag `pokelake` alone, for a Prefect server is shared with others. That
`report` starts for each published snapshot is said in `prefect.yaml`, for it needs that deployment's id.

Whatever fires emits the event ``prefect.automation.triggered``. To be told, make an automation of your own with the
action `SendNotification`, that expects this event and has ``match={"prefect.resource.name": "pokelake-not-current"}``,
or a list of such names. One of these here, when it is changed, is put back by the next `setup`.
"""

from dataclasses import dataclass
from datetime import timedelta

from prefect.automations import AutomationCore, ChangeFlowRunState, DoNothing, EventTrigger, Posture
from prefect.client.orchestration import SyncPrefectClient, get_client
from prefect.client.schemas.objects import StateType

from flows.steps.events import LAKE_CURRENT

TAG = "pokelake"

# Made by `prefect deploy` from the triggers in `prefect.yaml`, for it holds the deployment's id.
REPORT_AUTOMATION = "pokelake-report-on-published"

# By this message, which no other crash has, a run that never started is told from those that must not start again.
NEVER_STARTED = "it was submitted but never started; it goes back into the queue"
HEARTBEAT_LOST = "its heartbeats ended before it did, so its process is gone"


@dataclass(frozen=True, slots=True)
class Patience:
    """How long each automation waits until it fires."""

    # Fargate starts a container within two minutes. But Prefect keeps an event for up to 15 if the one that it follows
    # has not arrived, and until it is looked at, a run that has started seems not to have.
    start: timedelta = timedelta(minutes=20)
    # Heartbeats are half a minute apart, but a server that restarts misses all of them; while it is there, the events
    # of ECS say within seconds that a container is gone.
    heartbeat: timedelta = timedelta(minutes=5)
    # A refresh starts every 24 hours; it may wait for another crawl, and take its time.
    refresh: timedelta = timedelta(hours=26)


_RUNS: dict[str, str | list[str]] = {"prefect.resource.id": "prefect.flow-run.*"}
_OURS: dict[str, str | list[str]] = {"prefect.resource.id": f"prefect.tag.{TAG}", "prefect.resource.role": "tag"}
_EACH = {"prefect.resource.id"}


def automations(patience: Patience) -> tuple[AutomationCore, ...]:
    """Return the automations as they are to be."""
    submitted = {f"prefect.flow-run.{name}" for name in ("Pending", "Submitting", "InfrastructurePending")}
    return (
        AutomationCore(
            name="pokelake-never-started",
            description="A run that was submitted and does not start is taken for crashed.",
            trigger=_silence(submitted, patience.start),
            actions=[ChangeFlowRunState(state=StateType.CRASHED, name=None, message=NEVER_STARTED, force=False)],
            tags=[TAG],
        ),
        # No second action of the first one: Prefect carries out the actions of one automation side by side.
        AutomationCore(
            name="pokelake-start-again",
            description="A run that never started goes back into the queue, with its parameters.",
            trigger=EventTrigger(
                match={**_RUNS, "prefect.state-message": NEVER_STARTED},
                match_related=_OURS,
                for_each=_EACH,
                expect={"prefect.flow-run.Crashed"},
            ),
            actions=[
                ChangeFlowRunState(state=StateType.SCHEDULED, name="AwaitingRetry", message=NEVER_STARTED, force=False)
            ],
            tags=[TAG],
        ),
        AutomationCore(
            name="pokelake-heartbeat-lost",
            description="A run whose heartbeats end before it does is taken for crashed.",
            trigger=_silence({"prefect.flow-run.heartbeat"}, patience.heartbeat),
            actions=[ChangeFlowRunState(state=StateType.CRASHED, name=None, message=HEARTBEAT_LOST, force=False)],
            tags=[TAG],
        ),
        AutomationCore(
            name="pokelake-not-current",
            description="No refresh has ended well for too long; it is for somebody to look why.",
            # Without `for_each`, Prefect counts the time from the start, even if the event never came.
            trigger=EventTrigger(
                match={"prefect.resource.id": "pokelake.lake.*"},
                match_related=_OURS,
                posture=Posture.Proactive,
                after={LAKE_CURRENT},
                expect={LAKE_CURRENT},
                within=patience.refresh,
            ),
            actions=[DoNothing()],
            tags=[TAG],
        ),
    )


def _silence(after: set[str], within: timedelta) -> EventTrigger:
    """Return what fires for each run of which nothing is heard for so long after such an event.

    Prefect names these events by the state's name, which for a run's end may be one of our own, so any event of the
    run counts. An event that is expected as well as waited for starts the time anew.
    """
    return EventTrigger(
        match=_RUNS,
        match_related=_OURS,
        for_each=_EACH,
        posture=Posture.Proactive,
        after=after,
        expect={"prefect.flow-run.*"},
        within=within,
    )


def save_automations(patience: Patience = Patience()) -> dict[str, str]:
    """Save the automations; return for each what was done: created, changed or left.

    One that somebody switched off stays off.
    """
    with get_client(sync_client=True) as client:
        return {f"automation/{wanted.name}": _save(client, wanted) for wanted in automations(patience)}


def _save(client: SyncPrefectClient, wanted: AutomationCore) -> str:
    found = client.read_automations_by_name(wanted.name)
    if not found:
        client.create_automation(wanted)
        return "created"
    saved = found[0]
    # Of an update Prefect's client sends what was given by name, and its server wants all but the owner.
    wanted = AutomationCore(**{**wanted.model_dump(exclude={"owner_resource"}), "enabled": saved.enabled})
    if AutomationCore(**saved.model_dump()) == wanted:
        return "left"
    client.update_automation(saved.id, wanted)
    return "changed"
