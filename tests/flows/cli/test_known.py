"""What commands say of runs that wait, run and have ended."""

import json
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import uuid4

import msgspec
import pytest
from prefect.client.orchestration import SyncPrefectClient, get_client
from prefect.client.schemas.actions import WorkPoolCreate
from prefect.client.schemas.objects import FlowRun, State, StateType
from prefect.states import AwaitingRetry, Completed, Failed, Pending, Running, Scheduled, Suspended

import flows.steps.parameters
from flows.cli.known import is_of, message, stands
from flows.steps.held import NAMED, held_error
from flows.steps.parameters import LakeLocation
from lake.assemble.held import HeldDraft
from lake.errors import LakeError, StoreDownError
from lake.publish import Finding, Level
from lake.store import Store
from tests.flows.cli.conftest import Ran
from tests.lake.assemble.holding import abilities, fewer, hold_back
from tests.lake.assemble.lakeside import Lakeside

THEN = datetime(2026, 11, 27, 20, 5, 59, tzinfo=UTC)
LATER = datetime.now(UTC) + timedelta(days=1)
OTHER = {"lake": {"bucket": "lake", "prefix": "waits"}}
LAKE = ("--bucket", "lake", "--prefix", "waits")


def run(state: State[Any], due: datetime | None = None, **facts: Any) -> FlowRun:
    return FlowRun(id=uuid4(), flow_id=uuid4(), name="a-run", state=state, next_scheduled_start_time=due, **facts)


def at(state: State[Any]) -> State[Any]:
    return state.model_copy(update={"timestamp": THEN})


def test_each_state_is_told_with_its_time_and_what_is_due_with_what_it_lacks():
    late = at(State(type=StateType.SCHEDULED, name="Late"))
    said = "2026-11-27 20:05 UTC"
    assert stands(run(at(Running()))) == f"Running since {said}"
    assert stands(run(at(Suspended()), start_time=LATER)) == f"Suspended since {said}"
    assert stands(run(late, THEN, work_pool_name="ecs")) == f"Late since {said}; no worker has taken it"
    assert stands(run(late, THEN)) == f"Late since {said}; nothing has taken it"
    assert stands(run(Scheduled(), THEN, work_pool_name="ecs")) == f"Scheduled, due {said}; no worker has taken it"
    waiting = State(type=StateType.SCHEDULED, name="AwaitingConcurrencySlot")
    assert stands(run(waiting, THEN)) == f"AwaitingConcurrencySlot, due {said}"
    assert stands(run(AwaitingRetry(), LATER)) == f"AwaitingRetry, due {LATER:%Y-%m-%d %H:%M} UTC"


def test_a_run_is_that_of_the_lake_of_its_tag_or_its_parameter_or_the_saved_block(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(
        flows.steps.parameters, "_opened", lambda location: Store(location.bucket or "saved", location.prefix)
    )
    found = {
        "lake/waits": run(Pending(), parameters=OTHER),
        "saved": run(Pending()),
        "saved/blue": run(Pending(), parameters={"lake": {"prefix": "blue"}}),
        "of/a-tag": run(Running(), parameters=OTHER, tags=["lake:of/a-tag"]),
    }
    for place in found:
        assert [name for name, one in found.items() if is_of(one, place)] == [place]
    assert not is_of(run(Pending(), parameters={"lake": "waits"}), "saved")


@pytest.fixture
def held(store: Store) -> HeldDraft:
    """Hold a draft in which most abilities are gone."""
    lake = Lakeside(store)
    lake.begin(abilities())
    return hold_back(lake, lake.crawl(fewer()))


def failed(error: Exception) -> State[Any]:
    return Failed(message=f"Flow run encountered an exception: {type(error).__name__}: {error}")


def test_a_held_run_is_told_by_its_draft_and_the_number_of_findings(held: HeldDraft):
    """The draft may be decided since, so nothing is said of what readers see."""
    lake = LakeLocation(bucket="lake", prefix="pokelake")
    for count in (1, NAMED + 1, NAMED + 90):
        found = [Finding(Level.ASK, "lost-rows", f"table-{n}", "gone", 90, 1) for n in range(count)]
        more = msgspec.structs.replace(held, findings=tuple(found))
        said = f"draft {held.id}, {count} finding{'s' if count > 1 else ''}"
        assert message(failed(held_error(lake, more))) == said
    found = [Finding(Level.ASK, "lost-rows", f"table-{n}", "gone " * 500, 90, 1) for n in range(5)]
    assert message(failed(held_error(lake, msgspec.structs.replace(held, findings=tuple(found))))) == f"draft {held.id}"


def test_an_error_of_ours_is_told_without_the_name_of_its_class():
    assert message(failed(StoreDownError("S3 is away"))) == "S3 is away"
    assert message(failed(LakeError("a:\n- b"))) == "a: - b"
    assert message(failed(KeyError("name"))) == "KeyError: 'name'"
    assert message(Failed(message="Any: thing")) == "Any: thing"
    assert message(Failed()) == "no reason was given"


@pytest.fixture
def client(prefect_server: dict[str, str]) -> Iterator[SyncPrefectClient]:
    with get_client(sync_client=True) as opened:
        yield opened


def test_what_is_due_is_shown_and_what_has_ended_is_told(
    client: SyncPrefectClient, ran: Ran, store: Store, monkeypatch: pytest.MonkeyPatch
):
    """No worker takes the runs, so they have random names and no tag of their lake."""
    client.create_work_pool(WorkPoolCreate(name="nobody-s", type="process"))
    flow = client.create_flow_from_name("refresh")
    deployment = client.create_deployment(flow, "waits", work_pool_name="nobody-s")

    def begin(state: State[Any], **parameters: Any) -> FlowRun:
        return client.create_flow_run_from_deployment(deployment, parameters=parameters or OTHER, state=state)

    due, pending = begin(Scheduled()), begin(Scheduled())
    client.set_flow_run_state(pending.id, Pending())
    begin(Scheduled(scheduled_time=LATER))
    begin(Scheduled(), lake={"bucket": "lake", "prefix": "another"})
    code, out, _ = ran("status", *LAKE)
    assert code == 0
    lines = [line for line in out.splitlines() if line.startswith("run ")]
    assert sorted(line.partition(": ")[0] for line in lines) == sorted(
        f"run      refresh ({name})" for name in (due.name, pending.name)
    )
    assert sum(line.endswith("; no worker has taken it") for line in lines) == 1
    assert sum(": Pending since 20" in line for line in lines) == 1
    said = json.loads(ran("status", *LAKE, "--json")[1])["runs"]
    assert {(one["id"], one["flow"]) for one in said} == {(str(one.id), "refresh") for one in (due, pending)}

    client.set_flow_run_state(pending.id, Running(), force=True)
    client.set_flow_run_state(due.id, Completed(message="unchanged: no change"), force=True)
    code, out, err = ran("tell", due.name, "status")
    assert (code, err) == (0, "")
    told, running = out.splitlines()
    assert told.startswith(f"{due.name}: ended as Completed at 20")
    assert told.endswith(" UTC: unchanged: no change")
    assert pending.name in running.removeprefix("running now: ").split(", ")
    code, out, err = ran("tell", str(due.id), "slower")
    assert (code, out) == (1, "")
    assert err == f"pokelake: {told}; {running}\n"

    def end(*asked: object) -> None:
        client.set_flow_run_state(pending.id, Completed(), force=True)

    monkeypatch.setattr("flows.cli.tell._answer", end)
    code, out, _ = ran("tell", pending.name, "stop")
    assert (code, out.partition(" at 20")[0]) == (0, f"{pending.name}: ended as Completed")
    for name in ("nobody", str(uuid4())):
        code, out, err = ran("tell", name, "status")
        assert (code, out) == (1, "")
        assert err.startswith(f"pokelake: no flow run '{name}'; running now: ")
        assert pending.name not in err
