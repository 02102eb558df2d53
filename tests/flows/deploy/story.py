"""The story that the automations are tested by: runs in every state at once, and what became of them."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from uuid import UUID

from prefect.automations import AutomationCore, EventTrigger
from prefect.events import Event
from prefect.states import (
    AwaitingRetry,
    Completed,
    Crashed,
    Failed,
    InfrastructurePending,
    Late,
    Pending,
    Running,
    Submitting,
    Suspended,
)

from flows.deploy.automations import Patience, automations
from flows.steps import events
from flows.steps.events import DRAFT_ENDED, DRAFT_HELD, DRIFT_FOUND, LAKE_CURRENT, MAY_GO_WELL
from lake.bucket import flags_of
from tests.flows.deploy.world import (
    HEALTHY_LAKE,
    LAKE,
    OTHER,
    OTHER_LAKE,
    OUR_LAKE,
    POOL,
    THEIR_LAKE,
    Propose,
    World,
)
from tests.waiting import until
from tests.webhook import Message

# Prefect takes nothing below ten seconds, and a server under load keeps events waiting for some.
WITHIN = timedelta(seconds=20)
PATIENCE = Patience(
    start=WITHIN,
    heartbeat=WITHIN,
    again=timedelta(seconds=10),
    # Much longer than until it is seen that a process is gone.
    run=2 * WITHIN,
    progress=WITHIN,
    refresh=WITHIN,
    discover=WITHIN,
    worker=WITHIN,
)

# How runs begin that are submitted to ECS.
SUBMITTED = (Pending, Submitting, InfrastructurePending)

FIRED = "prefect.automation.triggered"
DRAFT = "20260808T041200Z-1f3a9c02"


@dataclass(frozen=True)
class Outcome:
    """What became of the runs, by name; which automations fired when; what was said of lakes; and who was told what.

    `acted_on` has the automations that act, for each run.
    """

    world: World
    states: Mapping[str, list[str]]
    acted_on: Mapping[str, list[str]]
    offered: set[str]
    fired: Mapping[str, list[datetime]]
    messages: Sequence[Message]

    def said(self, *lakes: str) -> list[Event]:
        """Return when lakes were said to be current, the oldest first."""
        return self.world.events(LAKE_CURRENT, *lakes)

    def told(self, start: str) -> list[Message]:
        """Return the messages whose subject begins so."""
        return [message for message in self.messages if message.subject.startswith(f"Pokélake: {start}")]


def tell(world: World, messages: Sequence[Message]) -> Outcome:
    """Bring runs into every state at once, kill one, and wait until everything that can be acted on was."""
    world.run("killed", world.ours)
    world.run("failed", world.failing)
    with world.alive("killed", "failed"):
        world.run("alive", world.ours, *SUBMITTED, Running)
        world.run("stalled", world.ours, *SUBMITTED, Running, lake={"bucket": "stalled", "prefix": "a/b"})

        def others_go_on() -> None:
            world.beat("alive", "stalled")
            others = world.event(LAKE_CURRENT, THEIR_LAKE, tag="other"), world.event(LAKE_CURRENT, HEALTHY_LAKE)
            world.send(world.progress("alive"), *others)

        begin(world, others_go_on)

        def is_said() -> bool:
            alive = world.events("prefect.flow-run.heartbeat", world.about("killed"))
            return all((alive, world.events(LAKE_CURRENT, OUR_LAKE), world.events(MAY_GO_WELL, world.about("failed"))))

        until(lambda: others_go_on() or is_said(), every=1)
    # The last ones, so when they were acted on, the others' time is over.
    world.run("stuck again", world.ours, Pending, Running, AwaitingRetry, Pending)
    world.run("stuck", world.ours, *SUBMITTED)
    subjects = {f"{OTHER} is not current", "discover does not run", "no worker asks for runs"}
    ends = {
        **dict.fromkeys(("stuck", "stuck again"), ("AwaitingRetry", "pokelake-start-again")),
        **dict.fromkeys(("killed", "failed"), ("AwaitingRetry", "pokelake-try-again")),
        **dict.fromkeys(("alive", "stalled", "resumed"), ("Cancelling", "pokelake-too-long")),
    }

    def lacking() -> set[str]:
        """Return what has not happened yet, or is not on record; what an automation did is seen before its event is."""
        events = world.events(FIRED)
        fired = {
            (event.resource.name, event.payload["triggering_labels"].get("prefect.resource.id")) for event in events
        }
        found = {name: world.states(name)[-1] for name in ends}
        lacking = {f"{name}: {found[name]}" for name, (state, _) in ends.items() if found[name] != state}
        lacking |= {f"{name}: no {by}" for name, (_, by) in ends.items() if (by, world.about(name)) not in fired}
        lacking |= subjects - {message.subject.removeprefix("Pokélake: ") for message in messages}
        if not any(f"refresh of {LAKE} has" in said.body and "since" in said.body for said in messages):
            lacking.add(f"{LAKE} is not current")
        return lacking | ({"nobody"} - {str(name) for name, _ in fired})

    until(lambda: others_go_on() or lacking(), every=1, enough=lambda found: not found)
    return look(world, messages)


def begin(world: World, meanwhile: Callable[[], None]) -> None:
    """Bring runs into the states that they stay in, and say what is said only once."""
    world.send(world.event(LAKE_CURRENT, OTHER_LAKE, snapshot=DRAFT, flags=flags_of(OTHER)))
    # A worker that asks once, and then is gone.
    world.client.get_scheduled_flow_runs_for_work_pool(POOL)
    begun: tuple[tuple[str, UUID, tuple[Propose, ...]], ...] = (
        ("ended", world.ours, (Pending, Running)),
        ("rescheduled", world.ours, (Pending, Running)),
        ("silent of another project", world.theirs, (Pending, Running)),
        ("late", world.ours, (Late,)),
        ("first", world.one, (Pending, Running)),
        ("second", world.one, (Pending,)),
        ("stuck of another project", world.theirs, SUBMITTED),
        ("suspended", world.ours, (Pending, Running)),
        ("resumed", world.ours, (Pending, Running)),
        ("tried three times", world.ours, (Pending, *(Running, AwaitingRetry, Pending) * 2, Running)),
        ("no container", world.ours, (Pending, lambda: Crashed(message="stopped with a non-zero exit code"))),
        ("refused", world.ours, (Pending, Running)),
    )
    for name, deployment, states in begun:
        world.run(name, deployment, *states)
        meanwhile()
    world.beat("ended", "rescheduled", "suspended", "resumed")
    world.beat("silent of another project", tag="other")
    for name in ("suspended", "resumed"):
        world.go_on(name, lambda: Suspended(timeout_seconds=3600))
    world.go_on("ended", lambda: Completed(name="Unchanged"))
    world.go_on("rescheduled", AwaitingRetry)
    world.go_on("tried three times", Crashed)
    world.client.update_flow_run(world.runs["refused"], tags=["outcome:failed"])
    world.go_on("refused", lambda: Failed(message='2 findings ask for you: "moves"'))
    world.run_on_a_terminal("watched by a person", Pending, Running, Failed)
    of_lake, of_lake_label = {"lake": LAKE, "flags": flags_of(LAKE)}, {events.LAKE: LAKE}
    held = {**of_lake, "draft": DRAFT, "findings": 2, "first": ["moves: 3 rows", "pokemon: 1 row"]}
    way = {"command": f"pokelake approve {DRAFT} --bucket lake --prefix ''", "until": "2026-08-11 04:12 UTC"}
    drift = {**of_lake, "snapshot": DRAFT, "findings": 1, "first": ["moves: {{ 1 }}"]}
    verdict = {"by": "anna", "at": "2026-08-10 20:06 UTC", "reason": "half of the source is down"}
    end = {**of_lake, "draft": DRAFT, "outcome": "dropped", **verdict}
    world.send(
        world.event(
            DRAFT_HELD, f"pokelake.draft.{DRAFT}", labels=of_lake_label, run=str(world.runs["suspended"]), **held, **way
        ),
        world.event(DRAFT_ENDED, f"pokelake.draft.{DRAFT}", tag="none", labels=of_lake_label, **end),
        world.event(DRIFT_FOUND, f"pokelake.snapshot.{DRAFT}", **drift),
    )
    world.client.resume_flow_run(world.runs["resumed"])
    world.go_on("resumed", Pending, Running)


def look(world: World, messages: Sequence[Message]) -> Outcome:
    """Ask the server what became of everything."""
    names = {f"prefect.flow-run.{id_}": name for name, id_ in world.runs.items()}
    acted_on: dict[str, list[str]] = {name: [] for name in world.runs}
    fired: dict[str, list[datetime]] = {}
    for event in world.events(FIRED):
        automation, about = event.resource.name or "", event.payload["triggering_labels"].get("prefect.resource.id")
        fired.setdefault(automation, []).append(event.occurred)
        if about in names and not automation.startswith("pokelake-tell-"):
            acted_on[names[about]].append(automation)
    offered = world.client.get_scheduled_flow_runs_for_work_pool(POOL, scheduled_before=datetime.now(UTC))
    return Outcome(
        world,
        states={name: world.states(name) for name in world.runs},
        acted_on=acted_on,
        offered={response.flow_run.name for response in offered},
        fired=fired,
        messages=list(messages),
    )


def alarm_of_nobody() -> AutomationCore:
    """Return the alarm as it would be for deployments with a tag that none has."""
    alarm = next(found for found in automations(LAKE, PATIENCE) if found.name == "pokelake-not-current")
    assert isinstance(alarm.trigger, EventTrigger)
    trigger = alarm.trigger.model_copy(update={"match_related": {"prefect.resource.id": "prefect.tag.nobody"}})
    return alarm.model_copy(update={"name": "nobody", "trigger": trigger})
