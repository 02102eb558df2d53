"""The automations on a real server, with the shortest patience that Prefect allows: what they act on, and what not."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from uuid import UUID

import pytest
from prefect.automations import AutomationCore, EventTrigger
from prefect.client.orchestration import SyncPrefectClient
from prefect.events import Event
from prefect.settings import PREFECT_API_URL, temporary_settings
from prefect.states import AwaitingRetry, Completed, InfrastructurePending, Late, Pending, Running, Submitting

from flows.deploy.automations import TAG, Patience, automations, save_automations
from flows.local.stack import Stack
from flows.steps.events import LAKE_CURRENT
from tests.flows.deploy.world import OTHER_LAKE, OUR_LAKE, POOL, THEIR_LAKE, Propose, World
from tests.prefect_servers import ONE_CONNECTION, quiet_stack
from tests.waiting import until

# Prefect takes nothing below ten seconds, and a server under load keeps events waiting for some.
WITHIN = timedelta(seconds=20)
PATIENCE = Patience(start=WITHIN, heartbeat=WITHIN, refresh=WITHIN)

# How runs begin that are submitted to ECS.
SUBMITTED = (Pending, Submitting, InfrastructurePending)

FIRED = "prefect.automation.triggered"

Save = Callable[[Patience], dict[str, str]]


@pytest.fixture(scope="module")
def stack(migrated: Path) -> Iterator[Stack]:
    """Start a Prefect server that looks every second whether something did not happen."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("PREFECT_SERVER_EVENTS_PROACTIVE_GRANULARITY", "PT1S")
        # On a file, writes that meet wait for two seconds, and events come later than the patience above.
        with quiet_stack(migrated, ONE_CONNECTION) as started:
            yield started


@pytest.fixture(scope="module")
def client(stack: Stack) -> Iterator[SyncPrefectClient]:
    """Talk to the server."""
    with SyncPrefectClient(stack.environment["PREFECT_API_URL"]) as opened:
        yield opened


@pytest.fixture(scope="module")
def save(stack: Stack) -> Save:
    """Return what saves the automations on this server."""

    def save(patience: Patience) -> dict[str, str]:
        with temporary_settings({PREFECT_API_URL: stack.environment["PREFECT_API_URL"]}):
            return save_automations(patience)

    return save


@dataclass(frozen=True)
class Outcome:
    """What became of the runs, by name; when automations fired, by name; and what was said of lakes of ours."""

    states: Mapping[str, list[str]]
    acted_on: Mapping[str, list[str]]
    offered: set[str]
    fired: Mapping[str, list[datetime]]
    said: Sequence[Event]


@pytest.fixture(scope="module")
def outcome(stack: Stack, client: SyncPrefectClient, save: Save, tmp_path_factory: pytest.TempPathFactory) -> Outcome:
    """Bring runs into every state at once, kill one, and wait until everything that can be acted on was."""
    world = World(stack, client, tmp_path_factory.mktemp("mortal"))
    save(PATIENCE)
    client.create_automation(alarm_of_nobody())
    world.run("alive", world.ours, *SUBMITTED, Running)

    def others_go_on() -> None:
        world.beat("alive")
        world.emit(LAKE_CURRENT, THEIR_LAKE, tag="other")

    def all_go_on() -> None:
        others_go_on()
        world.emit(LAKE_CURRENT, OTHER_LAKE)

    begun: tuple[tuple[str, UUID, tuple[Propose, ...]], ...] = (
        ("ended", world.ours, (Pending, Running)),
        ("rescheduled", world.ours, (Pending, Running)),
        ("silent of another project", world.theirs, (Pending, Running)),
        ("late", world.ours, (Late,)),
        ("first", world.one, (Pending, Running)),
        ("second", world.one, (Pending,)),
        ("stuck of another project", world.theirs, SUBMITTED),
        ("killed", world.ours, (Pending,)),
    )
    for name, deployment, states in begun:
        world.run(name, deployment, *states)
        all_go_on()
    world.beat("ended")
    world.beat("rescheduled")
    world.beat("silent of another project", tag="other")
    world.kill("killed", all_go_on)
    world.go_on("ended", lambda: Completed(name="Unchanged"))
    world.go_on("rescheduled", AwaitingRetry)
    # The last ones, so when they were acted on, the others' time is over.
    world.run("stuck again", world.ours, Pending, Running, AwaitingRetry, Pending)
    world.run("stuck", world.ours, *SUBMITTED)

    def is_over() -> bool:
        fired = {event.resource.name for event in world.events(FIRED)}
        restarted = all(world.states(name)[-1] == "AwaitingRetry" for name in ("stuck", "stuck again"))
        return restarted and world.states("killed")[-1] == "Crashed" and {"pokelake-not-current", "nobody"} <= fired

    until(lambda: others_go_on() or is_over(), every=1)
    return look(world)


def look(world: World) -> Outcome:
    """Ask the server what became of everything."""
    names = {f"prefect.flow-run.{id_}": name for name, id_ in world.runs.items()}
    acted_on: dict[str, list[str]] = {name: [] for name in world.runs}
    fired: dict[str, list[datetime]] = {}
    for event in world.events(FIRED):
        automation, about = event.resource.name or "", event.payload["triggering_labels"].get("prefect.resource.id")
        fired.setdefault(automation, []).append(event.occurred)
        if about:
            acted_on[names[about]].append(automation)
    offered = world.client.get_scheduled_flow_runs_for_work_pool(POOL, scheduled_before=datetime.now(UTC))
    return Outcome(
        states={name: world.states(name) for name in world.runs},
        acted_on=acted_on,
        offered={response.flow_run.name for response in offered},
        fired=fired,
        said=world.events(LAKE_CURRENT, OUR_LAKE, OTHER_LAKE),
    )


def alarm_of_nobody() -> AutomationCore:
    """Return the alarm as it would be for deployments with a tag that none has."""
    alarm = next(found for found in automations(PATIENCE) if found.name == "pokelake-not-current")
    assert isinstance(alarm.trigger, EventTrigger)
    trigger = alarm.trigger.model_copy(update={"match_related": {"prefect.resource.id": "prefect.tag.nobody"}})
    return alarm.model_copy(update={"name": "nobody", "trigger": trigger})


def test_a_run_that_does_not_start_is_crashed_and_put_back_in_the_queue(outcome: Outcome):
    begun = ["Scheduled", "Pending", "Submitting", "InfrastructurePending"]
    assert outcome.states["stuck"] == [*begun, "Crashed", "AwaitingRetry"]
    assert "stuck" in outcome.offered


def test_a_run_that_started_before_and_does_not_start_again_is_noticed_too(outcome: Outcome):
    """The start of a moment ago must not stand for the one that is waited for."""
    assert outcome.states["stuck again"][-4:] == ["AwaitingRetry", "Pending", "Crashed", "AwaitingRetry"]


def test_a_run_that_was_killed_is_crashed_and_not_started_again(outcome: Outcome):
    assert outcome.states["killed"][-2:] == ["Running", "Crashed"]
    assert outcome.acted_on["killed"] == ["pokelake-heartbeat-lost"]


@pytest.mark.parametrize(
    ("name", "state"),
    [
        ("alive", "Running"),
        ("ended", "Unchanged"),
        ("rescheduled", "AwaitingRetry"),
        ("late", "Late"),
        ("second", "AwaitingConcurrencySlot"),
        ("stuck of another project", "InfrastructurePending"),
        ("silent of another project", "Running"),
    ],
)
def test_every_other_run_is_left_alone(outcome: Outcome, name: str, state: str):
    assert (outcome.states[name][-1], outcome.acted_on[name]) == (state, [])


def test_the_alarm_waits_from_the_last_time_that_the_lake_was_said_to_be_current(outcome: Outcome):
    """It does not count in fixed spans of time, and what another project says is of no account."""
    waited = outcome.fired["pokelake-not-current"][0] - outcome.said[-1].occurred
    assert PATIENCE.refresh <= waited < 2 * PATIENCE.refresh


def test_what_a_run_says_of_the_lake_has_the_tag_of_its_deployment(outcome: Outcome):
    [event] = [event for event in outcome.said if event.resource.id == OUR_LAKE]
    assert f"prefect.tag.{TAG}" in {resource.id for resource in event.related}


def test_the_alarm_also_goes_off_if_no_refresh_ever_ended_well(outcome: Outcome):
    assert outcome.fired["nobody"]


def saved(client: SyncPrefectClient) -> dict[str, dict[str, Any]]:
    """Return the saved automations as JSON, by name."""
    found = client.request("POST", "/automations/filter", json={}).json()
    return {item["name"]: item for item in found if item["name"].startswith("pokelake-")}


def test_what_is_missing_is_created_and_again_changes_nothing(client: SyncPrefectClient, save: Save):
    for item in saved(client).values():
        client.delete_automation(UUID(item["id"]))
    wanted = [f"automation/{automation.name}" for automation in automations(PATIENCE)]
    assert save(PATIENCE) == dict.fromkeys(wanted, "created")
    before = saved(client)
    assert save(PATIENCE) == dict.fromkeys(wanted, "left")
    assert saved(client) == before


def test_what_differs_is_changed_in_its_place(client: SyncPrefectClient, save: Save):
    save(PATIENCE)
    before = saved(client)
    done = save(replace(PATIENCE, refresh=2 * WITHIN))
    assert {name for name, what in done.items() if what != "left"} == {"automation/pokelake-not-current"}
    after = saved(client)
    assert after["pokelake-not-current"]["trigger"]["within"] == 2 * WITHIN.total_seconds()
    assert {name: item["id"] for name, item in after.items()} == {name: item["id"] for name, item in before.items()}


def test_what_somebody_switched_off_stays_off(client: SyncPrefectClient, save: Save):
    save(PATIENCE)
    client.pause_automation(UUID(saved(client)["pokelake-start-again"]["id"]))
    assert save(PATIENCE)["automation/pokelake-start-again"] == "left"
    assert saved(client)["pokelake-start-again"]["enabled"] is False
