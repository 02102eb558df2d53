"""What is said and removed when a run has ended, also where its own process is dead."""

from typing import Any
from uuid import UUID, uuid4

import pytest
from prefect import Flow
from prefect.client.orchestration import get_client
from prefect.client.schemas import FlowRun, State
from prefect.client.schemas.filters import ArtifactFilter, ArtifactFilterFlowRunId
from prefect.states import Cancelled, Completed, Crashed, Failed

from flows.discover import discover
from flows.maintain import maintain
from flows.rebuild import rebuild
from flows.refresh import refresh
from flows.report import report
from flows.restore import restore
from flows.steps.ended import PUBLISHING, TELLING, what_next
from flows.verify import verify
from lake.errors import BudgetError, HeldError, SourceDownError, StoreError
from lake.layout import STAGING, snapshot_folder
from lake.publish import note_attempt
from lake.store import Store
from tests.lake.publish.killing import NEW, write

DEPLOYMENT = uuid4()


def ended(state: State[Any], flow: str = "refresh", deployment: UUID | None = DEPLOYMENT, count: int = 1) -> str | None:
    return what_next(flow, FlowRun(flow_id=uuid4(), deployment_id=deployment, run_count=count), state)


@pytest.mark.parametrize(
    ("said", "expected"),
    [
        (ended(Crashed()), "from the tasks that were done, within a day; it starts again by itself after a while"),
        (
            ended(Crashed(), count=3),
            "it has begun 3 times, so it does not start again by itself: `prefect flow-run retry",
        ),
        (ended(Failed(data=SourceDownError("x"))), "it starts again by itself"),
        (ended(Failed(data=BudgetError("x"))), "trying again alone does not help"),
        (ended(Failed(data=SourceDownError("x")), flow="report"), "trying again alone does not help"),
        (ended(Crashed(), flow="maintain"), "the next run begins anew; it starts again by itself"),
        (ended(Failed(data=SourceDownError("x")), deployment=None), "the same command starts it"),
        (
            ended(Failed(data=StoreError("x")), deployment=None),
            "nothing is half published; do what the error says, because trying again alone does not help; then",
        ),
        (ended(Cancelled()), "within a day; `prefect flow-run retry"),
        (ended(Completed(message="partial: 1 could not be fetched")), "the next refresh asks again"),
    ],
)
def test_a_run_says_what_to_do_next(said: str | None, expected: str):
    assert expected in (said or "")


def test_nothing_is_said_of_a_run_that_did_its_work_or_that_says_itself_what_to_do():
    assert ended(Completed(message="published 20260808T041200Z-1f3a9c02: 1 document added")) is None
    held = HeldError("20260808T041200Z-1f3a9c02", None, ["shrink"], ["pokelake approve"])
    assert ended(Failed(data=held), deployment=None) is None


def test_every_flow_says_so_however_it_ends_and_those_that_write_snapshots_remove_theirs():
    for flow in (refresh, discover, rebuild, maintain, report, verify, restore):
        hooks = PUBLISHING if flow in (refresh, discover, rebuild, verify, restore) else TELLING
        ends = (flow.on_failure_hooks, flow.on_crashed_hooks, flow.on_cancellation_hooks)
        assert all(set(hooks) <= set(found) for found in ends), flow.name
        assert flow.on_completion_hooks == TELLING


def test_another_process_removes_the_draft_of_a_dead_run_and_leaves_what_it_staged(
    prefect_server: dict[str, str], store: Store
):
    """It has only what Prefect knows of the run, and calls the hooks by keyword."""
    staged = f"{STAGING}0123456789abcdef/pokemon-0000-1f3a9c02.parquet"
    store.create(staged, b"x")
    dead: Flow[Any, Any] = refresh
    with get_client(sync_client=True) as client:
        run = client.create_flow_run(dead, parameters={"lake": {"bucket": "lake", "prefix": "pokelake"}})
        note_attempt(store, str(run.id), NEW)
        write(store, NEW)
        for hook in dead.on_crashed_hooks:
            hook(flow=dead, flow_run=run, state=Crashed(message="exit code -9. <b>Out of memory"))
        of_run = ArtifactFilter(flow_run_id=ArtifactFilterFlowRunId(any_=[run.id]))
        [artifact] = client.read_artifacts(artifact_filter=of_run)
    assert list(store.list(snapshot_folder(NEW))) == []
    assert store.find(staged) == b"x"
    assert artifact.key == "pokelake-ended-refresh-lake-pokelake"
    assert str(artifact.data).startswith("exit code -9. &lt;b&gt;Out of memory\n\nnothing is half ")


def test_a_hook_ends_nothing_where_neither_prefect_nor_the_bucket_can_be_reached(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr("flows.steps.ended.remove_attempts", lambda *given: 1 / 0)
    monkeypatch.setattr("flows.steps.ended.get_client", lambda **given: 1 / 0)
    run = FlowRun(flow_id=uuid4(), parameters={"lake": {"bucket": "lake"}})
    for hook in refresh.on_crashed_hooks:
        hook(flow=refresh, flow_run=run, state=Crashed())
