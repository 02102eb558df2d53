"""The gate: a run of a deployment that asks suspends, and goes on with the answer; one of one's own machine ends."""

import json
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any
from uuid import UUID

import msgspec
import pytest
from prefect.client.orchestration import SyncPrefectClient, get_client
from prefect.client.schemas import State
from prefect.client.schemas.filters import ArtifactFilter, ArtifactFilterFlowRunId, ArtifactFilterKey
from prefect.exceptions import Pause
from prefect.flow_engine import run_flow
from prefect.states import Pending

from flows.local.replica import demo_documents
from flows.refresh import refresh
from flows.steps.artifacts import artifact_key
from flows.steps.events import DRAFT_ENDED, DRAFT_HELD
from flows.steps.parameters import Choice
from lake.assemble.held import HeldDraft, held_drafts, waiting
from lake.errors import HeldError
from lake.layout import HELD, SNAPSHOTS, verdict_key
from lake.store import Store
from lake.verdict import Act, Verdict
from tests.flows.chain import Chain, Step, chain
from tests.flows.lakeside import error_of, event, release
from tests.lake import keys
from tests.lake.assemble.lakeside import changed, only, versioned, without

DOCUMENTS = only(demo_documents(), "ability")
KEPT = without(DOCUMENTS, "ability/1", "ability/2")
FEWER = without(KEPT, "ability/3", "ability/4", "ability/5", "ability/6")


@dataclass
class Gate:
    """A lake whose source loses most abilities, and a deployment of the refresh that no worker serves."""

    chain: Chain
    client: SyncPrefectClient
    deployment: UUID
    since: datetime

    @property
    def store(self) -> Store:
        return self.chain.store

    def begin(self, **parameters: Any) -> UUID:
        """Create a run of the deployment, and let it go as far as it comes."""
        parameters = {
            "lake": self.chain.location.model_dump(mode="json"),
            "source": self.chain.choice().model_dump(mode="json", exclude_none=True),
            **parameters,
        }
        run = self.client.create_flow_run_from_deployment(self.deployment, parameters=parameters)
        self.go_on(run.id)
        return run.id

    def go_on(self, run: UUID) -> None:
        """Run it in this process, as one that a worker starts does."""
        self.client.set_flow_run_state(run, Pending())
        flow_run = self.client.read_flow_run(run)
        with suppress(Pause):
            run_flow(refresh, flow_run, refresh.validate_parameters(flow_run.parameters), return_type="state")

    def answer(self, run: UUID, **answer: Any) -> None:
        """Resume a run that waits, as the form does."""
        result = self.client.resume_flow_run(run, run_input={"by": "Oak", "reason": "they were removed", **answer})
        assert result.status.value == "ACCEPT", result.details
        self.go_on(run)

    def stand(self, documents: dict[str, bytes]) -> None:
        """Let readers see these documents, and nothing wait, whatever other tests left."""
        assert self.chain.refresh(documents, allow_shrink=("ability", "abilities")).is_completed()
        assert waiting(self.store) is None

    def state(self, run: UUID) -> State[Any]:
        state = self.client.read_flow_run(run).state
        assert state is not None
        return state

    def inputs(self, run: UUID, ending: str) -> dict[str, str]:
        """Return what the server keeps for the forms of a run, by key."""
        found = self.client.request(
            "POST", "/flow_runs/{id}/input/filter", path_params={"id": run}, json={"prefix": "suspended", "limit": 50}
        ).json()
        return {item["key"]: item["value"] for item in found if item["key"].endswith(ending)}

    def held(self) -> HeldDraft:
        found = waiting(self.store)
        assert found is not None
        return found

    def note(self, name: str, run: UUID) -> Step:
        return self.chain.note(name, self.state(run))

    def snapshots(self) -> set[str]:
        return {key.split("/")[1] for key in keys(self.store) if key.startswith(SNAPSHOTS)}


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
    tags = gate.client.read_flow_run(waits).tags
    assert "outcome:held" in tags
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
    assert (said["outcome"], said["reason"]) == ("published", "they were removed")
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
