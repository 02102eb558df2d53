"""A run that nobody can cancel any more is ended, because Prefect's runner has given up listening for that."""

import logging
from types import SimpleNamespace
from typing import Any
from uuid import UUID, uuid4

import yaml
from prefect.runner._flow_run_executor import FlowRunExecutorContext
from prefect.settings import PREFECT_RUNNER_CRASH_ON_CANCELLATION_FAILURE, temporary_settings

from tests.flows.deploy.conftest import REPOSITORY


def test_the_runner_ends_a_run_when_it_cannot_hear_of_its_cancellation_any_more():
    """By default it says so in a line of its log, and the run goes on for ever."""
    environment = yaml.safe_load((REPOSITORY / "prefect.yaml").read_text())["definitions"]["job_variables"]["env"]
    given = environment["PREFECT_RUNNER_CRASH_ON_CANCELLATION_FAILURE"]
    ended: list[UUID] = []
    runner: Any = FlowRunExecutorContext()
    runner._logger = logging.getLogger("runner")
    runner.process_manager = SimpleNamespace(kill=None)
    runner._cancellation_task_group = SimpleNamespace(start_soon=lambda kill, run: ended.append(run))
    run = uuid4()
    runner._handle_cancellation_observer_failure({run})
    assert ended == []
    with temporary_settings({PREFECT_RUNNER_CRASH_ON_CANCELLATION_FAILURE: given}):
        runner._handle_cancellation_observer_failure({run})
    assert ended == [run]
