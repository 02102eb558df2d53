"""`pokelake doctor` on slots: one that a dead run keeps is named, with what takes it back from the run."""

import shlex
from datetime import UTC, datetime, timedelta
from types import SimpleNamespace
from typing import Any
from uuid import UUID, uuid4

import pytest
from prefect.client.schemas.objects import FlowRun
from prefect.states import Pending, Running, State

from flows.deploy.doctor.slots import slots
from tests.flows.deploy.on_ecs import FARGATE, installation


class Client:
    """Prefect's client, as far as slots are concerned: these runs hold slots, and this many heartbeats came."""

    def __init__(self, *runs: FlowRun, heartbeats: int = 0) -> None:
        self.runs, self.heartbeats = list(runs), heartbeats
        self.asked: list[Any] = []

    def read_flow_runs(self, **filters: Any) -> list[FlowRun]:
        return self.runs

    def read_events(self, wanted: Any, limit: int) -> Any:
        self.asked.append(wanted)
        return SimpleNamespace(events=[object()] * self.heartbeats)


def run(state: State, minutes: int) -> FlowRun:
    """Return a run that has been in a state for so many minutes."""
    state.timestamp = datetime.now(UTC) - timedelta(minutes=minutes)
    return FlowRun(id=UUID(int=1), flow_id=uuid4(), name="refresh lake/pokelake", state=state, work_queue_name="crawl")


def ask(client: Any, pool_limit: int | None = None, **queue_limits: int) -> Any:
    at = installation()
    at.client, at.pool.concurrency_limit = client, pool_limit
    at.queues = {name: SimpleNamespace(concurrency_limit=limit) for name, limit in queue_limits.items()}
    return slots(at)


@pytest.mark.parametrize("state", [Running, Pending])
def test_a_dead_run_is_named_with_what_takes_its_slot_back(state: Any, clients: None, bucket: str):
    found = ask(Client(run(state(), 47)))
    lacking = "sends no heartbeats" if state is Running else "does not start"
    assert found.status == "failed"
    assert found.found.startswith(f"refresh lake/pokelake has a slot of the queue crawl, is {state().name} since 2")
    assert found.found.endswith(f" UTC, and {lacking}")
    assert shlex.split(found.mend.strip("`")) == [
        *("prefect", "api", "POST", f"/flow_runs/{UUID(int=1)}/set_state", "--data"),
        '{"state": {"type": "CRASHED"}, "force": true}',
    ]


def test_a_run_that_is_heard_or_has_just_begun_is_alive(clients: None, bucket: str):
    client = Client(run(Running(), 47), heartbeats=1)
    assert ask(client).found == "those of the lake's runs are held by 1 run, and all of them are alive"
    [wanted] = client.asked
    assert wanted.resource.id == [f"prefect.flow-run.{UUID(int=1)}"]
    assert timedelta(minutes=4) < datetime.now(UTC) - wanted.occurred.since < timedelta(minutes=6)
    assert ask(Client(run(Running(), 4))).status == "ok"
    assert ask(Client(run(Pending(), 19))).status == "ok"


def test_a_limit_that_lets_nothing_run(clients: None, bucket: str):
    found = ask(Client(), pool_limit=0, default=0, crawl=0)
    assert found.found.splitlines() == [
        f"the pool {FARGATE} has a limit of 0, so it gives out no run",
        "its queue default has a limit of 0, so it gives out no run",
    ]
    assert found.mend.splitlines() == [
        f"`prefect work-pool clear-concurrency-limit {FARGATE}`",
        f"`prefect work-queue clear-concurrency-limit default --pool {FARGATE}`",
    ]
