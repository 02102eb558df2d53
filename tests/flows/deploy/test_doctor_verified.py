"""`pokelake doctor` on the last verification: what it found is said until another one ends well."""

from datetime import UTC, datetime
from types import SimpleNamespace
from typing import Any
from uuid import UUID

import pytest
from prefect.client.schemas.objects import FlowRun
from prefect.states import Completed, Crashed, Failed, State

from flows.deploy.doctor.check import Verdict
from flows.deploy.doctor.verified import verified
from tests.flows.deploy.on_ecs import installation

AGAIN = "`prefect deployment run verify/verify --watch`"
DAMAGED = "damaged: 4 findings in s3://lake/pokelake/; 93 files of 1 snapshot read\n- one\n- two\n- three\n- and 1 more"


def ask(state: State | None = None) -> Verdict:
    """Ask about a lake whose last verification ended in a state."""
    at, asked = installation(), dict[str, Any]()
    at.deployments = {"verify": SimpleNamespace(id=UUID(int=1), name="verify")}
    runs = [FlowRun(id=UUID(int=2), flow_id=UUID(int=3), name="verify lake/pokelake", state=state)] if state else []
    at.client = SimpleNamespace(read_flow_runs=lambda **filters: asked.update(filters) or runs)
    found = verified(at)
    assert asked["deployment_filter"].id.any_ == [UUID(int=1)]
    assert "CANCELLED" not in asked["flow_run_filter"].state.type.any_
    return found


def ended(state: Any, message: str) -> State:
    return state(message=message, timestamp=datetime(2026, 11, 3, 8, 31, tzinfo=UTC))


@pytest.fixture(autouse=True)
def _empty(clients: None, bucket: str) -> None:
    """Begin with an empty account."""


def test_a_lake_that_was_whole():
    found = ask(ended(Completed, "whole: 93 files"))
    assert (found.status, found.found) == ("ok", "whole: 93 files, on 2026-11-03 08:31 UTC")


def test_a_lake_that_was_never_looked_at_is_not_said_to_be_damaged():
    found = ask()
    assert (found.status, found.mend) == ("skipped", "")
    assert found.found == f"not known, because the deployment verify has not run yet; {AGAIN} looks now"


def test_a_damaged_lake_stays_one_until_a_verification_ends_well():
    found = ask(ended(Failed, DAMAGED))
    first, *more = DAMAGED.splitlines()
    assert found.found.splitlines() == [
        f"verify lake/pokelake ended as Failed on 2026-11-03 08:31 UTC: {first}",
        *more[:3],
    ]
    assert found.mend.splitlines() == [
        "`pokelake verify --bucket lake --prefix pokelake` says all of it, and what to do",
        f"then {AGAIN}",
    ]


def test_a_verification_that_did_not_come_to_its_end():
    found = ask(ended(Crashed, ""))
    assert found.found == "verify lake/pokelake ended as Crashed on 2026-11-03 08:31 UTC: no message"
