"""What surrounds the steps of a trial: a budget that ends it, and nothing that costs money is overlooked at its end."""

import time
from pathlib import Path
from typing import Any

import boto3
import pytest
from httpx import ConnectError

from lake.errors import LakeError
from lake.store import Store
from tests.aws import trial as trials
from tests.aws.trial import Trial, left_behind, take_down
from tests.flows.deploy.runbook import Terminal


@pytest.fixture
def trial(store: Store, tmp_path: Path) -> Trial:
    terminal = Terminal(tmp_path, {"PATH": "/usr/bin:/bin"}, tmp_path / "kept")
    prefect: Any = None
    return Trial(terminal, prefect, boto3.client, store, "pokelake-trial-1", time.monotonic() + 60)


def test_whatever_bears_the_trials_name_is_left_behind_and_nothing_else(trial: Trial):
    assert left_behind(trial) == []
    for name in ("pokelake-trial-1", "theirs"):
        boto3.client("s3").create_bucket(Bucket=name)
        boto3.client("logs").create_log_group(logGroupName=name)
        boto3.client("ecr").create_repository(repositoryName=name)
        boto3.client("secretsmanager").create_secret(Name=f"{name}-prefect", SecretString="key")
        boto3.client("iam").create_role(RoleName=f"{name}-task", AssumeRolePolicyDocument="{}")
    assert left_behind(trial) == [
        "role pokelake-trial-1-task",
        "log group pokelake-trial-1",
        "repository pokelake-trial-1",
        "secret pokelake-trial-1-prefect",
        "bucket pokelake-trial-1",
    ]


def test_once_the_budget_is_spent_no_step_begins_and_a_command_ends(trial: Trial):
    trial.deadline = time.monotonic()
    with pytest.raises(LakeError, match="the budget is spent before races"), trial.step("races"):
        raise AssertionError("it began")
    with pytest.raises(trials.subprocess.TimeoutExpired):
        trial.run("sleep 60 & sleep 60")


def test_stack_and_bucket_are_deleted_although_the_runbook_stops(trial: Trial, monkeypatch: pytest.MonkeyPatch):
    said = list[str]()

    def run(commands: str) -> str:
        said.append(commands)
        assert "teardown" not in commands, "teardown refused"
        return ""

    monkeypatch.setattr(trial, "run", run)
    [trouble] = take_down(trial)
    assert trouble.startswith("teardown refused")
    assert [command.split()[:3] for command in said[-3:-1]] == [
        ["aws", "cloudformation", "delete-stack"],
        ["aws", "cloudformation", "wait"],
    ]
    assert f"aws s3 rb s3://{trial.store.bucket} --force" in said[-1]


def test_an_api_that_does_not_answer_once_is_asked_again(trial: Trial, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(trials, "LOOK_SECONDS", 0)
    answers = iter([ConnectError("away"), None, "there"])

    def look() -> str | None:
        answer = next(answers)
        if isinstance(answer, ConnectError):
            raise answer
        return answer

    assert trial.until("it", look) == "there"
