"""The trial: the runbook's own commands, and then what can be seen of a lake on AWS alone."""

import subprocess
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any, TypeVar

from httpx import HTTPError
from prefect.client.orchestration import SyncPrefectClient
from prefect.client.schemas.filters import (
    DeploymentFilter,
    DeploymentFilterName,
    FlowRunFilter,
    FlowRunFilterState,
    FlowRunFilterStateType,
)
from prefect.client.schemas.objects import TERMINAL_STATES, FlowRun

from lake.errors import LakeError
from lake.store import Store
from tests.aws.figures import Figure
from tests.aws.races import copies_what_was_replaced, race_of_copies, race_of_puts
from tests.flows.deploy.runbook import LAST, Terminal, blocks

ROUNDS, WRITERS = 50, 8

# A container starts within minutes, and the small crawl takes seconds.
PATIENCE_SECONDS = 20 * 60
LOOK_SECONDS = 3

_T = TypeVar("_T")


@dataclass
class Trial:
    """One trial: a terminal in the checkout, clients of what it works with, and what was seen so far.

    `deadline` is the time of the monotonic clock at which the budget is spent.
    """

    terminal: Terminal
    prefect: SyncPrefectClient
    aws: Callable[[str], Any]
    store: Store
    stack: str
    deadline: float
    figures: list[Figure] = field(default_factory=list)

    @contextmanager
    def step(self, name: str) -> Iterator[list[str]]:
        """Time a step and keep what it says that it saw.

        Raises:
            LakeError: The time that the budget pays for is over; the step was not begun.
        """
        if time.monotonic() > self.deadline:
            raise LakeError(f"the budget is spent before {name}")
        print(f"{name} …", flush=True)
        began, seen = time.monotonic(), list[str]()
        yield seen
        figure = Figure(name, time.monotonic() - began, "; ".join(seen))
        self.figures.append(figure)
        print(f"  {figure.seen or 'done'} ({figure.seconds:.0f} s)", flush=True)

    def run(self, commands: str) -> str:
        """Run commands in the terminal, until the budget is spent at most; return what they said."""
        return self.terminal.run(commands, max(1.0, self.deadline - time.monotonic()))

    def until(self, what: str, look: Callable[[], _T | None]) -> _T:
        """Look until there is something to see.

        Raises:
            LakeError: It did not come in time.
        """
        patience = time.monotonic() + PATIENCE_SECONDS
        while (found := _looked(look)) is None:
            if time.monotonic() > min(patience, self.deadline):
                raise LakeError(f"{what} did not come within {PATIENCE_SECONDS // 60} minutes, or the budget is spent")
            time.sleep(LOOK_SECONDS)
        return found


def _looked(look: Callable[[], _T | None]) -> _T | None:
    """Look once; an API that does not answer shows nothing, and is asked again."""
    try:
        return look()
    except HTTPError as error:
        print(f"  {type(error).__name__}: {error}", flush=True)
        return None


def install(trial: Trial, commands: Mapping[str, str]) -> None:
    """Run the runbook, block by block; `doctor` until all is well, because the worker needs minutes to start."""
    for name, block in commands.items():
        with trial.step(name) as seen:
            if name == "doctor":
                seen.append(
                    f"{trial.until('all well', lambda block=block: _tried(trial, block)).count('ok ')} checks ok"
                )
            else:
                trial.run(block)


def _tried(trial: Trial, commands: str) -> str | None:
    try:
        return trial.run(commands)
    except AssertionError as error:
        print(error, flush=True)
        return None


def race(trial: Trial) -> None:
    """Let writers race for one key; each race must have one winner, or the protocol does not hold."""
    with trial.step("races of conditional PUTs") as seen:
        puts = race_of_puts(trial.store, ROUNDS, WRITERS)
        seen.append(str(puts))
        if puts.fair != puts.rounds:
            raise LakeError(f"a commit could be published twice: {puts}")
    with trial.step("races of conditional copies") as seen:
        copies = race_of_copies(trial.store, ROUNDS, WRITERS)
        seen.append(str(copies))
        if copies.fair != copies.rounds:
            raise LakeError(f"a copy could overwrite: {copies}")
    with trial.step("a copy of an object that was replaced after it was listed") as seen:
        if copies_what_was_replaced(trial.store):
            raise LakeError("S3 has copied another object than the one that was asked for by its ETag")
        seen.append("refused")


def refresh_on_schedule(trial: Trial) -> None:
    """Let a schedule start a refresh, and wait until it has ended well."""
    with trial.step("a refresh that a schedule starts") as seen:
        trial.run("prefect deployment schedule create refresh/refresh --interval 60 --accept-yes")
        run = trial.until("a scheduled run that ended", lambda: _scheduled(trial))
        trial.run("prefect deployment schedule clear refresh/refresh --accept-yes")
        seen.append(_said(run))


def kill_a_task(trial: Trial) -> None:
    """Stop the container of a crawl, and wait until its run goes on in another one and ends well."""
    with trial.step("a task that is killed in mid-crawl") as seen:
        deployment = trial.prefect.read_deployment_by_name("refresh/refresh")
        begun = trial.prefect.create_flow_run_from_deployment(deployment.id, parameters={"force": True}).id
        trial.until("the crawl's begin", lambda: _begun(trial.prefect.read_flow_run(begun)))
        task = trial.until("its container", lambda: _running(trial, str(begun)))
        trial.aws("ecs").stop_task(cluster=trial.stack, task=task, reason="a trial")
        run = trial.until("the end of its run", lambda: _ended(trial.prefect.read_flow_run(begun)))
        seen.append(f"{run.run_count} starts; {_said(run)}")


def verify(trial: Trial) -> None:
    """Compare every file of every snapshot with its commit."""
    with trial.step("verify") as seen:
        seen.append(trial.run("pokelake verify --all").strip().splitlines()[-1])


def take_down(trial: Trial) -> list[str]:
    """Take everything down as the runbook says, whatever the budget; return what went wrong on the way.

    The stack and the bucket are deleted by themselves as well, because a runbook stops where a command fails.

    Raises:
        AssertionError: Stack or bucket could not be deleted.
    """
    trial.deadline, trouble = time.monotonic() + 2 * PATIENCE_SECONDS, list[str]()
    with trial.step("taking it down") as seen:
        for block in blocks(LAST):
            try:
                trial.run(block)
            except (AssertionError, subprocess.TimeoutExpired) as error:
                trouble.append(str(error))
        trial.run(f"aws cloudformation delete-stack --stack-name {trial.stack}")
        trial.run(f"aws cloudformation wait stack-delete-complete --stack-name {trial.stack}")
        bucket = trial.store.bucket
        versions = f'python -c \'import boto3; boto3.resource("s3").Bucket("{bucket}").object_versions.delete()\''
        there = f"! aws s3api head-bucket --bucket {bucket} 2> /dev/null"
        trial.run(f"{there} || {{ {versions} && aws s3 rb s3://{bucket} --force; }}")
        seen.append(f"left: {', '.join(left_behind(trial)) or 'nothing'}")
    return trouble


def left_behind(trial: Trial) -> list[str]:
    """Return what of the trial is still there: stack, roles, task definitions, log groups, images, secret, bucket."""
    name, found = trial.stack, list[str]()
    looks: dict[str, tuple[str, str, dict[str, Any], str]] = {
        "role": ("iam", "list_roles", {}, "Roles.RoleName"),
        "log group": ("logs", "describe_log_groups", {"logGroupNamePrefix": name}, "logGroups.logGroupName"),
        "repository": ("ecr", "describe_repositories", {}, "repositories.repositoryName"),
        "secret": ("secretsmanager", "list_secrets", {}, "SecretList.Name"),
        "bucket": ("s3", "list_buckets", {}, "Buckets.Name"),
        "task definition": ("ecs", "list_task_definition_families", {"familyPrefix": name}, "families"),
    }
    for kind, (service, question, given, path) in looks.items():
        client, (members, _, member) = trial.aws(service), path.partition(".")
        pages = client.get_paginator(question).paginate(**given)
        names = (item[member] if member else item for page in pages for item in page[members])
        found += [f"{kind} {one}" for one in names if one.startswith(name)]
    return found


def _scheduled(trial: Trial) -> FlowRun | None:
    """Return a run of `refresh` that its schedule made and that has ended; None if there is none."""
    named = DeploymentFilter(name=DeploymentFilterName(any_=["refresh"]))
    ended = FlowRunFilter(state=FlowRunFilterState(type=FlowRunFilterStateType(any_=list(TERMINAL_STATES))))
    runs = trial.prefect.read_flow_runs(deployment_filter=named, flow_run_filter=ended)
    return next((run for run in runs if run.auto_scheduled), None)


def _begun(run: FlowRun) -> FlowRun | None:
    return run if run.state and run.state.is_running() else None


def _ended(run: FlowRun) -> FlowRun | None:
    return run if run.state and run.state.is_final() else None


def _running(trial: Trial, run: str) -> str | None:
    """Return the task that runs the container of a run; None if there is none yet."""
    ecs = trial.aws("ecs")
    found: list[str] = ecs.list_tasks(cluster=trial.stack, family=trial.stack, desiredStatus="RUNNING")["taskArns"]
    tasks = ecs.describe_tasks(cluster=trial.stack, tasks=found)["tasks"] if found else []
    mine = {"name": "PREFECT__FLOW_RUN_ID", "value": run}
    return next(
        (
            task["taskArn"]
            for task in tasks
            if task["lastStatus"] == "RUNNING"
            and any(mine in container["environment"] for container in task["overrides"]["containerOverrides"])
        ),
        None,
    )


def _said(run: FlowRun) -> str:
    """Return state and message of a run that ended.

    Raises:
        LakeError: It did not end well.
    """
    state = run.state
    assert state is not None
    if not state.is_completed():
        raise LakeError(f"the run {run.name} ended as {state.name}: {state.message}")
    return (state.message or "").partition("\n")[0]
