"""A pull that is refused says why as the run's state, with the run's own key."""

import asyncio
from typing import Any

import pytest
from prefect import flow
from prefect.client.orchestration import get_client
from prefect.runner._state_proposer import StateProposer

from flows.deploy import pulled
from flows.deploy.pulled import refuse


@flow
def pulling() -> None:
    pass


def test_a_refusal_becomes_the_runs_state_and_stays_it(prefect_server: dict[str, str], monkeypatch: pytest.MonkeyPatch):
    """Prefect's runner knows only the exit code of the process, and says so a moment later."""
    with get_client(sync_client=True) as client:
        run = client.create_flow_run(pulling)
        monkeypatch.setenv("PREFECT_API_URL", prefect_server["PREFECT_API_URL"])
        monkeypatch.setenv("PREFECT__FLOW_RUN_ID", str(run.id))
        with pytest.raises(SystemExit, match="Access Denied"):
            refuse("code version 1f3a could not be pulled: Access Denied")

        async def run_on() -> None:
            async with get_client() as runner:
                message = "Process exited with status code: 1. Process exited with a general error."
                await StateProposer(client=runner).propose_crashed(run, message)

        asyncio.run(run_on())
        state = client.read_flow_run(run.id).state
    assert state is not None
    assert (state.name, state.message) == ("Crashed", "code version 1f3a could not be pulled: Access Denied")


@pytest.mark.parametrize(
    ("given", "expected"),
    [
        ({"PREFECT_API_KEY": "pnu_x"}, "Bearer pnu_x"),
        ({"PREFECT_API_AUTH_STRING": "admin:pass"}, "Basic YWRtaW46cGFzcw=="),
        ({}, None),
    ],
)
def test_prefect_is_told_with_the_runs_own_key(
    given: dict[str, str], expected: str | None, monkeypatch: pytest.MonkeyPatch
):
    asked: list[Any] = []

    def answer(request: Any, timeout: float) -> Any:
        asked.append(request)
        raise OSError

    monkeypatch.setattr(pulled, "urlopen", answer)
    facts = {"PREFECT_API_URL": "http://127.0.0.1:4200/api", "PREFECT__FLOW_RUN_ID": "0b3a"}
    for name in ("PREFECT_API_KEY", "PREFECT_API_AUTH_STRING"):
        monkeypatch.delenv(name, raising=False)
    for name, value in {**facts, **given}.items():
        monkeypatch.setenv(name, value)
    with pytest.raises(SystemExit):
        refuse("x")
    assert asked[0].full_url == "http://127.0.0.1:4200/api/flow_runs/0b3a/set_state"
    assert asked[0].get_header("Authorization") == expected
