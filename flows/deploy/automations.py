"""Prefect's automations of a lake: each acts when a run gets stuck, dies, or does not come at all.

To be told, make an automation of your own with the action `SendNotification`. It expects the event
``prefect.automation.triggered``, which every automation emits that fires, and has
``match={"prefect.resource.name": "pokelake-not-current"}``, or a list of such names. Do not change the automations
below: the next `setup` puts them back.

Each concerns only the runs of deployments with the tag `pokelake`, because a Prefect server is shared with others. The
automation that starts `report` for each published snapshot stands in `prefect.yaml`, because it needs that
deployment's id.
"""

from dataclasses import dataclass
from datetime import timedelta

from prefect.automations import AutomationCore, ChangeFlowRunState, DoNothing, EventTrigger, Posture
from prefect.client.orchestration import SyncPrefectClient, get_client
from prefect.client.schemas.objects import StateType

from flows.steps.events import LAKE_CURRENT

TAG = "pokelake"

# Made by `prefect deploy` from the triggers in `prefect.yaml`, because it holds the deployment's id.
REPORT_AUTOMATION = "pokelake-report-on-published"

# Only the crash of a run that never started has this message, so that run starts again, and no other crashed run does.
NEVER_STARTED = "it was submitted but never started; it goes back into the queue"
HEARTBEAT_LOST = "its heartbeats ended before it did, so its process is gone"


@dataclass(frozen=True, slots=True)
class Patience:
    """How long each automation waits before it fires."""

    # Fargate starts a container within two minutes. But Prefect holds an event back for up to 15 minutes while the one
    # before it has not arrived, and until then a run that has started looks as if it had not.
    start: timedelta = timedelta(minutes=20)
    # Heartbeats are half a minute apart, but a server misses all of them while it restarts. While it runs, the events
    # of ECS say within seconds that a container is gone.
    heartbeat: timedelta = timedelta(minutes=5)
    # A refresh starts every 24 hours; it may wait for another crawl, and take its time.
    refresh: timedelta = timedelta(hours=26)


_RUNS: dict[str, str | list[str]] = {"prefect.resource.id": "prefect.flow-run.*"}
_OURS: dict[str, str | list[str]] = {"prefect.resource.id": f"prefect.tag.{TAG}", "prefect.resource.role": "tag"}
_EACH = {"prefect.resource.id"}


def automations(patience: Patience) -> tuple[AutomationCore, ...]:
    """Return the wanted automations."""
    submitted = {f"prefect.flow-run.{name}" for name in ("Pending", "Submitting", "InfrastructurePending")}
    return (
        AutomationCore(
            name="pokelake-never-started",
            description="A run that was submitted and does not start is taken for crashed.",
            trigger=_silence(submitted, patience.start),
            actions=[ChangeFlowRunState(state=StateType.CRASHED, name=None, message=NEVER_STARTED, force=False)],
            tags=[TAG],
        ),
        # This is not a second action of the automation above, because Prefect carries out all actions of one automation
        # at the same time.
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
            description="No refresh has ended well for too long; somebody must look why.",
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
    """Return a trigger that fires for each run that emits nothing for this long after one of these events.

    Every event of the run counts, because Prefect names the event of its end by the state's name, which may be one of
    ours, such as Unchanged. An event that is both in `after` and expected starts the time anew.
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
    """Save the automations; return for each: created, changed or left.

    An automation that somebody switched off stays off.
    """
    with get_client(sync_client=True) as client:
        return {f"automation/{wanted.name}": _save(client, wanted) for wanted in automations(patience)}


def _save(client: SyncPrefectClient, wanted: AutomationCore) -> str:
    found = client.read_automations_by_name(wanted.name)
    if not found:
        client.create_automation(wanted)
        return "created"
    saved = found[0]
    # Prefect's client sends only the fields that were given by name, and its server wants all of them but the owner.
    wanted = AutomationCore(**{**wanted.model_dump(exclude={"owner_resource"}), "enabled": saved.enabled})
    if AutomationCore(**saved.model_dump()) == wanted:
        return "left"
    client.update_automation(saved.id, wanted)
    return "changed"
