"""What the worker's observer makes of a container that ended, by the state of its run."""

import asyncio
from typing import Any
from uuid import uuid4

import pytest
from prefect import flow
from prefect.client.orchestration import get_client
from prefect.states import Running, Suspended
from prefect_aws.observers.ecs import mark_runs_as_crashed


@flow
def held() -> None:
    pass


# As ECS says it of a container that was killed.
STOPPED: dict[str, Any] = {
    "detail": {
        "taskArn": "arn:aws:ecs:us-east-1:123456789012:task/pokelake/1",
        "lastStatus": "STOPPED",
        "containers": [{"name": "prefect", "exitCode": 137}],
    }
}


@pytest.mark.parametrize(("state", "name"), [(Suspended(timeout_seconds=60), "Suspended"), (Running(), "Crashed")])
def test_a_suspended_run_is_not_taken_for_crashed_when_its_container_ends(
    prefect_server: dict[str, str], state: Any, name: str
):
    """It waits for a person without a container, and goes on in another one."""
    with get_client(sync_client=True) as client:
        run = client.create_flow_run(held, name=f"held-{uuid4()}", state=state)
        asyncio.run(mark_runs_as_crashed(STOPPED, {"prefect.io/flow-run-id": str(run.id)}))
        found = client.read_flow_run(run.id).state
    assert found is not None
    assert found.name == name
