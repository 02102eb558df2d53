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
        "stopCode": "EssentialContainerExited",
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


def test_the_runs_log_names_the_exit_code_of_its_container(prefect_server: dict[str, str]):
    """The state names only the container. ECS's own word, OutOfMemoryError, is not told: 137 stands for it."""
    lines: list[str] = []
    with get_client(sync_client=True) as client, pytest.MonkeyPatch.context() as patch:
        run = client.create_flow_run(held, name=f"held-{uuid4()}", state=Running())
        patch.setattr("prefect_aws.observers.ecs.flow_run_logger", lambda **given: _Lines(lines))
        asyncio.run(mark_runs_as_crashed(STOPPED, {"prefect.io/flow-run-id": str(run.id)}))
    assert "Container 'prefect' exited with code 137." in lines[0]
    assert "consider increasing memory" in lines[0]


class _Lines:
    """A logger that keeps its lines."""

    def __init__(self, lines: list[str]) -> None:
        self._lines = lines

    def getChild(self, name: str) -> "_Lines":
        return self

    def log(self, level: int, message: str, *given: object) -> None:
        self._lines.append(message % given)
