"""The gate: a run of a deployment that asks suspends, and goes on with the answer; one of one's own machine ends."""

import json
from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any
from uuid import UUID

import msgspec
import pytest
from httpx import HTTPStatusError, Request, Response
from prefect.client.orchestration import PrefectClient, get_client
from prefect.client.schemas.filters import ArtifactFilter, ArtifactFilterFlowRunId, ArtifactFilterKey
from prefect.runtime.deployment import CACHED_DEPLOYMENT
from prefect.states import Cancelled, Pending, Scheduled

from flows.local.replica import demo_documents
from flows.refresh import refresh
from flows.steps.artifacts import artifact_key
from flows.steps.bar import progress
from flows.steps.crawl import fetch_all
from flows.steps.events import DRAFT_ENDED, DRAFT_HELD
from flows.steps.parameters import Choice
from lake.assemble.decide import decide
from lake.assemble.decided import remove_held
from lake.assemble.held import held_drafts
from lake.assemble.staging import Manifest
from lake.errors import HeldError
from lake.layout import HELD, verdict_key
from lake.verdict import Act, Verdict
from tests.flows.chain import chain
from tests.flows.gating import Gate
from tests.flows.lakeside import error_of, event, release
from tests.lake.assemble.lakeside import changed, only, versioned, without

DOCUMENTS = only(demo_documents(), "ability")
KEPT = without(DOCUMENTS, "ability/1", "ability/2")
FEWER = without(KEPT, "ability/3", "ability/4", "ability/5", "ability/6")


@pytest.fixture(scope="module")
def gate(prefect_server: dict[str, str], s3_endpoint: str) -> Iterator[Gate]:
    since = datetime.now(UTC)
    with chain(s3_endpoint, "gate", versioned(DOCUMENTS)) as one, get_client(sync_client=True) as client:
        one.tell("first", one.refresh)
        flow = client.create_flow_from_name("refresh")
        yield Gate(one, client, client.create_deployment(flow, "gate"), since)


@pytest.fixture
def waits(gate: Gate) -> UUID:
    """Return the run that waits for a verdict on a draft in which most abilities are gone."""
    gate.stand(DOCUMENTS)
    release(gate.chain.running, KEPT)
    run = gate.begin()
    gate.chain.running.reset()
    return run


@pytest.fixture
def published(gate: Gate) -> None:
    """Let readers see that most abilities are gone."""
    gate.stand(KEPT)


def test_a_run_that_asks_suspends_and_says_what_waits(gate: Gate, waits: UUID):
    held, first = gate.held(), gate.chain.commit()
    assert gate.state(waits).name == "Suspended"
    timeout = gate.state(waits).state_details.pause_timeout
    assert timeout is not None
    assert abs((timeout - held.deadline).total_seconds()) < 60
    # What was written is gone; the draft has all that it takes to write it again.
    assert held.id not in gate.snapshots()
    assert gate.chain.commit() == first
    said = event(DRAFT_HELD, f"pokelake.draft.{held.id}", gate.since)
    assert (said["lake"], said["run"], said["findings"]) == (gate.store.uri(), str(waits), len(held.questions))
    assert "vanished at once" in " ".join(said["first"])
    assert said["command"].startswith(f"pokelake approve {held.id} --bucket ")
    [artifact] = gate.client.read_artifacts(
        artifact_filter=ArtifactFilter(
            key=ArtifactFilterKey(any_=[artifact_key("held", gate.chain.location.place())]),
            flow_run_id=ArtifactFilterFlowRunId(any_=[waits]),
        )
    )
    rows = json.loads(str(artifact.data))
    assert [row["finding"] for row in rows][: len(held.questions)] == [finding.name for finding in held.questions]
    [description] = gate.inputs(waits, "description").values()
    assert "| deletions/ability | 71 |" in json.loads(description)
    [schema] = gate.inputs(waits, "schema").values()
    assert list(json.loads(schema)["properties"]) == ["verdict", "by", "reason", "findings"]


def test_the_same_snapshot_is_not_crawled_again_while_it_waits(gate: Gate, waits: UUID):
    before = gate.held()
    gate.chain.running.reset()
    step = gate.note("nightly", gate.begin())
    assert step.ended.message is not None
    assert step.ended.message.startswith(f"held: draft {before.id} still waits for a verdict, since ")
    assert step.asked == []
    # Whoever asks for everything anew finds the same, and a discover goes on meanwhile.
    forced = gate.note("forced", gate.begin(force=True))
    assert forced.message.startswith(f"draft {before.id} still waits for a verdict")
    assert len(forced.asked) > len(KEPT)
    # Who starts a run by hand can decide, and is told how.
    by_hand = gate.chain.tell("by hand", gate.chain.refresh)
    assert f"pokelake approve {before.id} " in str(error_of(by_hand.ended, HeldError))
    assert by_hand.asked == []
    assert gate.chain.tell("discover", gate.chain.discover).name == "Unchanged"
    assert gate.held() == before
    assert gate.state(waits).name == "Suspended"


def test_an_answer_that_does_not_cover_what_asks_is_asked_for_again(gate: Gate, waits: UUID):
    held = gate.held()
    gate.chain.running.reset()
    gate.answer(waits, verdict="publish", findings=[held.questions[0].name])
    assert gate.state(waits).name == "Suspended"
    assert gate.held() == held
    *_, again = gate.inputs(waits, "description").values()
    assert "**Your answer was not taken:**" in json.loads(again)
    # Nobody answers, but somebody starts the run again: it waits again.
    gate.client.set_flow_run_state(waits, Pending(), force=True)
    gate.go_on(waits)
    assert gate.state(waits).name == "Suspended"


def test_what_was_accepted_is_published_by_the_same_run_without_asking_the_source(gate: Gate, waits: UUID):
    held = gate.held()
    gate.answer(waits, verdict="publish")
    step = gate.note("approved", waits)
    assert (step.name, step.asked) == ("Completed", [])
    assert step.message.startswith(f"published {step.commit.snapshot}: ")
    assert step.message.endswith("; as decided by Oak (they were removed)")
    verdict = step.commit.verdict
    assert verdict is not None
    assert (verdict.draft, verdict.by, verdict.reason) == (held.id, "Oak", "they were removed")
    assert step.commit.run["flow_run_id"] == str(waits)
    assert not [key for key in step.keys if key.startswith(HELD)]
    said = event(DRAFT_ENDED, f"pokelake.draft.{held.id}", gate.since)
    assert (said["outcome"], said["by"], said["reason"]) == ("published", "Oak", "they were removed")
    assert gate.chain.tell("after", gate.chain.refresh).name == "Unchanged"


def test_without_a_deployment_a_run_ends_with_the_commands_and_another_one_decides(gate: Gate, published: None):
    before = gate.chain.commit()
    step = gate.chain.tell("alone", gate.chain.refresh, FEWER)
    error = error_of(step.ended, HeldError)
    held = gate.held()
    assert str(error).startswith(f"{held.id} is held and was not published; readers still see {before.snapshot}:\n- ")
    place = f"--bucket {gate.store.bucket} --prefix {gate.store.prefix.rstrip('/')}"
    assert f"\n  pokelake approve {held.id} {place} --all --reason WHY\n" in str(error)
    assert f'decide={{"draft": "{held.id}", "publish": true' in str(error)
    choice = Choice(draft=held.id, publish=False, reason="the source is wrong", by="Elm")
    dropped = gate.chain.tell("dropped", lambda: refresh(gate.chain.location, decide=choice, return_state=True))
    assert dropped.ended.message == f"dropped: draft {held.id} (the source is wrong), by Elm"
    assert dropped.commit == before
    assert held_drafts(gate.store) == []


def test_a_newer_version_takes_the_place_of_a_draft_and_ends_the_run_that_waited(gate: Gate, published: None):
    release(gate.chain.running, FEWER)
    run = gate.begin()
    held = gate.held()
    assert gate.state(run).name == "Suspended"
    step = gate.chain.tell("newer", gate.chain.refresh, changed(KEPT, "ability/9", is_main_series=False))
    assert step.name == "Completed"
    state = gate.state(run)
    assert state.name == "Cancelled"
    assert tags(gate, run) == {f"lake:{gate.chain.location.place()}"}
    assert f"held draft {held.id} was superseded (by pokelake at " in (state.message or "")
    assert step.commit.snapshot in (state.message or "")


def test_a_draft_whose_head_has_moved_is_held_again_and_the_run_waits_on(gate: Gate, published: None):
    release(gate.chain.running, FEWER)
    run = gate.begin()
    held = gate.held()
    # One document of another version does not answer what is asked about all.
    gate.chain.tell(
        "moved",
        gate.chain.refresh,
        changed(KEPT, "ability/9", names=[]),
        resources=("ability/9",),
        allow_shrink=("names",),
    )
    assert gate.state(run).name == "Suspended"
    gate.answer(run, verdict="publish")
    again = gate.held()
    assert (again.again, gate.state(run).name) == (held.id, "Suspended")
    assert again.parent is not None
    assert again.parent.snapshot == gate.chain["moved"].commit.snapshot
    gate.answer(run, verdict="drop")
    assert gate.state(run).message == f"dropped: draft {again.id} (they were removed), by Oak"
    assert gate.chain.commit() == gate.chain["moved"].commit


def test_a_run_that_was_killed_while_it_decided_goes_on(gate: Gate, published: None):
    release(gate.chain.running, changed(FEWER, "meta", tag="v9"))
    run = gate.begin()
    held = gate.held()
    accepted = tuple(sorted(finding.name for finding in held.questions))
    verdict = Verdict(held.id, Act.PUBLISH, "Elm", "2026-11-27T16:00:00+00:00", findings=accepted)
    gate.store.create(verdict_key(held.id), msgspec.json.encode(verdict))
    gate.client.set_flow_run_state(run, Pending(), force=True)
    gate.go_on(run)
    assert str(gate.state(run).message).endswith("; as decided by Elm")
    assert gate.chain.commit().verdict == verdict


@pytest.mark.parametrize(("act", "outcome"), [(Act.PUBLISH, "published"), (Act.DROP, "dropped")])
def test_a_run_that_waits_on_after_its_draft_was_decided_elsewhere_says_how(
    gate: Gate, waits: UUID, act: Act, outcome: str
):
    """`pokelake approve` decides without Prefect while that is away."""
    held = gate.held()
    verdict = Verdict(held.id, act, "Elm", "2026-11-27T16:00:00+00:00", "Prefect is away")
    decide(gate.store, held, verdict, progress)
    before = gate.chain.commit()
    # What the form says then is too late.
    gate.answer(waits, verdict="drop")
    step = gate.note("late", waits)
    said = str(step.ended.message)
    assert said.startswith(outcome)
    assert "by Elm" in said
    assert (step.asked, step.commit) == ([], before)
    assert held_drafts(gate.store) == []


def test_a_resumed_run_whose_draft_is_gone_asks_nobody(gate: Gate, waits: UUID):
    held, before = gate.held(), gate.chain.commit()
    remove_held(gate.store, held.id)
    gate.answer(waits, verdict="publish")
    step = gate.note("settled", waits)
    said = f"unchanged: the draft that this run waited for, {held.id}, is settled already"
    assert (step.ended.message, step.asked) == (f"{said}; readers see {before.snapshot}", [])
    # Who starts it anew wants a crawl.
    gate.client.set_flow_run_state(waits, Scheduled())
    gate.go_on(waits)
    assert gate.state(waits).name == "Suspended"


def test_the_next_run_ends_one_that_waits_for_what_was_decided_elsewhere(gate: Gate, waits: UUID):
    held = gate.held()
    decide(gate.store, held, Verdict(held.id, Act.PUBLISH, "Elm", "2026-11-27T16:00:00+00:00"), progress)
    assert gate.chain.tell("next", gate.chain.refresh, KEPT).name == "Unchanged"
    state = gate.state(waits)
    assert state.name == "Cancelled"
    assert f"held draft {held.id} was published as {gate.chain.commit().snapshot} (by Elm at " in str(state.message)
    assert event(DRAFT_ENDED, f"pokelake.draft.{held.id}", gate.since)["outcome"] == "published"


def test_a_run_that_was_cancelled_is_tagged_as_held_only_while_its_draft_waits(gate: Gate, waits: UUID):
    assert "outcome:held" in tags(gate, waits)
    gate.client.set_flow_run_state(waits, Cancelled())
    assert "outcome:held" in tags(gate, waits)
    gate.chain.tell("dropped", lambda: refresh(gate.chain.location, decide=Choice(draft=gate.held().id, publish=False)))
    assert tags(gate, waits) == {f"lake:{gate.chain.location.place()}"}


def test_a_run_that_begins_anew_is_tagged_as_held_no_longer(gate: Gate, waits: UUID):
    gate.client.set_flow_run_state(waits, Cancelled())
    remove_held(gate.store, gate.held().id)
    gate.client.set_flow_run_state(waits, Scheduled())
    gate.chain.running.faults([{"kind": "status", "status": 503, "path": "^$"}])
    gate.go_on(waits)
    gate.chain.running.faults([])
    assert gate.state(waits).is_failed()
    assert tags(gate, waits) == {f"lake:{gate.chain.location.place()}", "outcome:may-go-well"}


def tags(gate: Gate, run: UUID) -> set[str]:
    return set(gate.client.read_flow_run(run).tags)


def test_a_commit_names_its_deployment_also_if_prefect_answers_no_more_when_it_is_published(
    gate: Gate, published: None, monkeypatch: pytest.MonkeyPatch
):
    """The key may be refused in the middle of a crawl, and everything is fetched then."""
    CACHED_DEPLOYMENT.clear()

    async def refuse(client: PrefectClient, deployment: UUID) -> None:
        raise HTTPStatusError("refused", request=Request("GET", "/"), response=Response(401))

    def crawled(*given: Any) -> list[Manifest]:
        monkeypatch.setattr(PrefectClient, "read_deployment", refuse)
        return fetch_all(*given)

    monkeypatch.setattr("flows.steps.whole.fetch_all", crawled)
    release(gate.chain.running, changed(KEPT, "ability/9", effect_entries=[]))
    run = gate.begin(allow_shrink=["texts", "ability_texts"])
    assert gate.state(run).is_completed()
    assert gate.chain.commit().run["flow_run_id"] == str(run)
    assert gate.chain.commit().run["deployment"] == "gate"
