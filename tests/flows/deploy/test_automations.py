"""The automations on a real server, with the shortest patience that Prefect allows: what they act on, and what not."""

import re
from collections.abc import Iterator
from pathlib import Path

import pytest
from prefect.blocks.notifications import CustomWebhookNotificationBlock
from prefect.client.orchestration import SyncPrefectClient
from prefect.settings import PREFECT_API_URL, temporary_settings

from blocks.names import FIRST
from flows.deploy.automations import (
    NEVER_STARTED,
    find_told,
    save_automations,
)
from flows.local.stack import Stack
from flows.steps.events import DOCUMENTS_PROGRESS, MAY_GO_WELL
from lake.bucket import flags_of
from tests.flows.deploy.story import DRAFT, PATIENCE, Outcome, alarm_of_nobody, tell
from tests.flows.deploy.world import LAKE, OTHER, OTHER_LAKE, OUR_LAKE, World
from tests.prefect_servers import ONE_CONNECTION, quiet_stack
from tests.webhook import webhook

WHEN = re.compile(r"\d{4}-\d\d-\d\d \d\d:\d\d UTC")


@pytest.fixture(scope="module")
def stack(migrated: Path) -> Iterator[Stack]:
    """Start a Prefect server that looks every second what did not happen, and whether workers are there."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("PREFECT_SERVER_EVENTS_PROACTIVE_GRANULARITY", "PT1S")
        patch.setenv("PREFECT_SERVER_SERVICES_FOREMAN_LOOP_SECONDS", "1")
        patch.setenv("PREFECT_SERVER_SERVICES_FOREMAN_DEPLOYMENT_LAST_POLLED_TIMEOUT_SECONDS", "2")
        # On a file, writes that meet wait for two seconds, and events come later than the patience above.
        with quiet_stack(migrated, ONE_CONNECTION) as started:
            yield started


@pytest.fixture(scope="module")
def outcome(stack: Stack, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Outcome]:
    """Save the automations, have all that they wait for happen, and listen to what they say."""
    url = stack.environment["PREFECT_API_URL"]
    with webhook() as (hook, messages), SyncPrefectClient(url) as client:
        with temporary_settings({PREFECT_API_URL: url}):
            content = {"subject": "{{subject}}", "body": "{{body}}"}
            CustomWebhookNotificationBlock(name="hook", url=hook, json_data=content).save("oncall")
            save_automations(LAKE, find_told(client, ["custom-webhook/oncall"]), PATIENCE)
        client.create_automation(alarm_of_nobody())
        yield tell(World(stack, client, tmp_path_factory.mktemp("code")), messages)


def test_a_run_that_does_not_start_is_crashed_and_put_back_in_the_queue(outcome: Outcome):
    begun = ["Scheduled", "Pending", "Submitting", "InfrastructurePending"]
    assert outcome.states["stuck"] == [*begun, "Crashed", "AwaitingRetry"]
    assert "stuck" in outcome.offered


def test_a_run_that_started_before_and_does_not_start_again_is_noticed_too(outcome: Outcome):
    """The start of a moment ago must not stand for the one that is waited for."""
    assert outcome.states["stuck again"][-4:] == ["AwaitingRetry", "Pending", "Crashed", "AwaitingRetry"]


def test_a_run_that_was_killed_is_crashed_and_starts_again_after_a_while(outcome: Outcome):
    assert outcome.states["killed"][-3:] == ["Running", "Crashed", "AwaitingRetry"]
    [first, *_, last] = outcome.acted_on["killed"]
    assert (first, last) == ("pokelake-heartbeat-lost", "pokelake-try-again")
    crashed, again = (outcome.fired[f"pokelake-{name}"] for name in ("heartbeat-lost", "try-again"))
    assert again[-1] - crashed[-1] >= PATIENCE.again
    assert "killed" in outcome.offered


def test_a_run_that_failed_because_of_its_source_starts_again_after_a_while(outcome: Outcome):
    """Its own process says so, by the hook that crawls have."""
    assert outcome.states["failed"][-3:] == ["Running", "Failed", "AwaitingRetry"]
    [event] = outcome.world.events(MAY_GO_WELL, outcome.world.about("failed"))
    assert event.resource["prefect.run-count"] == "1"
    assert "failed" in outcome.offered


@pytest.mark.parametrize(
    ("name", "state"), [("tried three times", "Crashed"), ("no container", "Crashed"), ("refused", "Failed")]
)
def test_a_run_that_began_too_often_or_cannot_go_well_stays_as_it_ended(outcome: Outcome, name: str, state: str):
    assert (outcome.states[name][-1], outcome.acted_on[name]) == (state, [])


@pytest.mark.parametrize("name", ["alive", "stalled", "resumed"])
def test_a_run_that_takes_too_long_is_cancelled(outcome: Outcome, name: str):
    assert outcome.states[name][-2:] == ["Running", "Cancelling"]
    assert outcome.acted_on[name] == ["pokelake-too-long"]


def test_a_suspended_run_is_left_alone_and_its_time_begins_anew_when_it_goes_on(outcome: Outcome):
    """Its process is gone, sends nothing, and may be gone for days: it waits for a person."""
    assert (outcome.states["suspended"][-1], outcome.acted_on["suspended"]) == ("Suspended", [])
    world = outcome.world
    *_, resumed, cancelled = world.client.read_flow_run_states(world.runs["resumed"])
    assert resumed.name == "Running"
    assert cancelled.timestamp - resumed.timestamp >= PATIENCE.run


@pytest.mark.parametrize(
    ("name", "state"),
    [
        ("ended", "Unchanged"),
        ("rescheduled", "AwaitingRetry"),
        ("late", "Late"),
        ("second", "AwaitingConcurrencySlot"),
        ("stuck of another project", "InfrastructurePending"),
        ("silent of another project", "Running"),
        ("watched by a person", "Failed"),
    ],
)
def test_every_other_run_is_left_alone(outcome: Outcome, name: str, state: str):
    assert (outcome.states[name][-1], outcome.acted_on[name]) == (state, [])


def test_each_lake_has_a_clock_of_its_own(outcome: Outcome):
    """A healthy lake beside them silences neither, and the time runs from what was said last of each."""
    for name, lake in (("not-current", OUR_LAKE), ("tell-other-not-current", OTHER_LAKE)):
        last = outcome.said(lake)[-1].occurred
        # A busy server may have sent the alarm that the event never came before the event came.
        waited = [fired - last for fired in outcome.fired[f"pokelake-{name}"]]
        assert any(PATIENCE.refresh <= time < 2 * PATIENCE.refresh for time in waited), waited
    told = {message.subject for message in outcome.messages if message.subject.endswith("is not current")}
    assert told == {f"Pokélake: {lake} is not current" for lake in (OTHER, LAKE)}


def test_what_a_run_says_has_the_labels_that_the_automations_look_for(outcome: Outcome):
    [current] = outcome.said(OUR_LAKE)
    [progress] = outcome.world.events(DOCUMENTS_PROGRESS, outcome.world.about("killed"))
    for event in (current, progress):
        assert f"prefect.tag.{FIRST.tag}" in {resource.id for resource in event.related}
        assert ("deployment", "refresh") in {(resource.role, resource.name) for resource in event.related}


def test_the_alarm_also_goes_off_if_no_refresh_ever_ended_well(outcome: Outcome):
    assert outcome.fired["nobody"]


def message(outcome: Outcome, subject: str, run: str = "") -> list[str]:
    """Return the lines of the one message with this subject, of this run if one is named."""
    wanted = f"Pokélake: {subject}", f"Run: {run}, " if run else ""
    [found] = [said.body for said in outcome.messages if said.subject == wanted[0] and wanted[1] in said.body]
    return [WHEN.sub("WHEN", line) for line in found.splitlines()]


def ways(outcome: Outcome, run: str) -> list[str]:
    """Return the lines of a message that say which run it is, and what to do."""
    ui, id_ = outcome.world.stack.prefect, outcome.world.runs[run]
    return [
        f"Run: {run}, {ui}/runs/flow-run/{id_}",
        f"Its log: prefect flow-run logs {id_}",
        f"Start it again: prefect flow-run retry {id_}",
    ]


def test_somebody_is_told_of_a_run_that_ended_badly_and_whether_it_starts_again(outcome: Outcome):
    assert message(outcome, "failing failed") == [
        "failing of s3://lake/ failed at WHEN:",
        "Flow run encountered an exception: SourceDownError: the source is down",
        "It starts again by itself in 10 seconds.",
        *ways(outcome, "failed"),
    ]
    assert message(outcome, "refresh failed", "refused")[1:3] == [
        '2 findings ask for you: "moves"',
        "It does not start again by itself, because trying again alone does not help.",
    ]
    crashed = {
        run: message(outcome, "refresh crashed", run)
        for run in ("killed", "tried three times", "stuck", "no container")
    }
    assert {run: lines[2] for run, lines in crashed.items()} == {
        "killed": "It starts again by itself in 10 seconds.",
        "tried three times": "It has begun 3 times, so it does not start again by itself.",
        "stuck": "",
        "no container": "It never began, so it does not start again by itself.",
    }
    assert crashed["no container"][3].endswith("give runs more memory, such as: pokelake setup --memory 4096")
    assert crashed["stuck"][1] == NEVER_STARTED


def test_somebody_is_told_of_a_crawl_without_progress_and_of_the_lake_that_its_parameters_name(outcome: Outcome):
    assert message(outcome, "refresh makes no progress", "stalled")[0] == (
        "refresh of s3://stalled/a/b has done no document for 20 seconds, since WHEN."
    )
    told = [said.body for said in outcome.messages if said.subject.endswith("makes no progress")]
    assert not any("Run: alive, " in body or "Run: suspended, " in body for body in told)
    assert message(outcome, "refresh took too long", "stalled") == [
        "refresh of s3://stalled/a/b has run since WHEN, for more than 40 seconds, far longer than the runs before"
        " it, and is cancelled. The next run goes on from its shards.",
        *ways(outcome, "stalled"),
    ]


def test_somebody_is_told_of_drafts_and_of_drift(outcome: Outcome):
    assert message(outcome, "a snapshot is held and waits for you") == [
        f"The draft {DRAFT} of s3://lake/ is held since WHEN, because of 2 findings; readers see the snapshot before."
        " It waits until WHEN.",
        "- moves: 3 rows",
        "- pokemon: 1 row",
        f"Run: {outcome.world.runs['suspended']}",
        f"See all of it: pokelake approve {DRAFT} --bucket lake --prefix ''",
        f"Publish it: pokelake approve {DRAFT} --bucket lake --prefix '' --all --reason WHY",
        f"Drop it: pokelake approve {DRAFT} --bucket lake --prefix '' --reject --reason WHY",
    ]
    ended = f"The held draft {DRAFT} of s3://lake/ was dropped at WHEN by anna: half of the source is down"
    assert message(outcome, "a held snapshot was dropped") == [
        ended,
        "What readers see: pokelake status --bucket lake --prefix ''",
    ]
    assert message(outcome, "the source has changed its shape") == [
        f"The snapshot {DRAFT} of s3://lake/, published at WHEN, has 1 finding that the one before had not:",
        "- moves: {{ 1 }}",
        f"All of them: pokelake audits --as-of {DRAFT} --bucket lake --prefix ''",
    ]


def test_the_commands_of_a_message_name_the_lake(outcome: Outcome):
    """Because the machine of whoever reads it may have another lake by default."""
    for lake in (LAKE, OTHER):
        [*_, said] = [
            message.body for message in outcome.messages if message.subject == f"Pokélake: {lake} is not current"
        ]
        flags = flags_of(lake)
        assert f"pokelake status {flags}; pokelake runs {flags}\nFind out more: pokelake doctor {flags}" in said
    [gone] = [said.body for said in outcome.messages if said.subject == "Pokélake: no worker asks for runs"]
    assert gone.endswith(f"Find out more: pokelake doctor {flags_of(LAKE)} --work-pool pool")
    assert not any("{{" in said.body.replace("{{ 1 }}", "") for said in outcome.messages)


def test_nobody_is_told_of_a_run_that_a_person_watches(outcome: Outcome):
    """A run on a terminal says itself how it ended, and has no tag of ours, so it could be anybody's on this server."""
    assert not [said.body for said in outcome.messages if "watched by a person" in said.body]


def test_somebody_is_told_that_nothing_runs(outcome: Outcome):
    told = {WHEN.sub("WHEN", said.body).splitlines()[0] for said in outcome.messages}
    assert told >= {
        f"No refresh of {LAKE} has ended well for 20 seconds, since WHEN; readers see {DRAFT}.",
        f"No refresh of {OTHER} has ended well for 20 seconds, since WHEN; readers see {DRAFT}.",
        "No worker has asked the work pool pool for runs for 20 seconds, since WHEN, so no run starts.",
        "No run of discover has begun for 20 seconds: its schedule is paused, its queue is, or no worker asks for"
        " runs.",
    }
