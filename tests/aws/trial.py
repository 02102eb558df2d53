"""The trial: the runbook's own commands, and then what can be seen of a lake on AWS alone."""

import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any, TypeVar

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
from tests.aws.races import race_of_copies, race_of_puts
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

    def until(self, what: str, look: Callable[[], _T | None]) -> _T:
        """Look until there is something to see.

        Raises:
            LakeError: It did not come in time.
        """
        patience = time.monotonic() + PATIENCE_SECONDS
        while (found := look()) is None:
            if time.monotonic() > min(patience, self.deadline):
                raise LakeError(f"{what} did not come within {PATIENCE_SECONDS // 60} minutes, or the budget is spent")
            time.sleep(LOOK_SECONDS)
        return found


def install(trial: Trial, commands: Mapping[str, str]) -> None:
    """Run the runbook, block by block; `doctor` until all is well, because the worker needs minutes to start."""
    for name, block in commands.items():
        with trial.step(name) as seen:
            if name == "doctor":
                seen.append(
                    f"{trial.until('all well', lambda block=block: _tried(trial, block)).count('ok ')} checks ok"
                )
            else:
                trial.terminal.run(block)


def _tried(trial: Trial, commands: str) -> str | None:
    try:
        return trial.terminal.run(commands)
    except AssertionError as error:
        print(error, flush=True)
        return None


def race(trial: Trial) -> None:
    """Let writers race for one key; each race of PUTs must have one winner, or the protocol does not hold."""
    with trial.step("races of conditional PUTs") as seen:
        puts = race_of_puts(trial.store, ROUNDS, WRITERS)
        seen.append(str(puts))
        if puts.fair != puts.rounds:
            raise LakeError(f"a commit could be published twice: {puts}")
    with trial.step("races of conditional copies, which the lake does not use") as seen:
        client = trial.aws("s3")
        seen.append(str(race_of_copies(trial.store, client, ROUNDS, WRITERS)))


def refresh_on_schedule(trial: Trial) -> None:
    """Let a schedule start a refresh, and wait until it has ended well."""
    with trial.step("a refresh that a schedule starts") as seen:
        trial.terminal.run("prefect deployment schedule create refresh/refresh --interval 60 --accept-yes")
        run = trial.until("a scheduled run that ended", lambda: _scheduled(trial))
        trial.terminal.run("prefect deployment schedule clear refresh/refresh --accept-yes")
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
        seen.append(trial.terminal.run("pokelake verify --all").strip().splitlines()[-1])


def take_down(trial: Trial) -> None:
    """Take everything down as the runbook says, whatever the budget, and name what is left."""
    trial.deadline = time.monotonic() + 2 * PATIENCE_SECONDS
    with trial.step("taking it down") as seen:
        for block in blocks(LAST):
            trial.terminal.run(block)
        # The runbook leaves the bucket, and this one is the trial's own.
        trial.terminal.run(f"aws s3 rb s3://{trial.store.bucket} --force")
        seen.append(f"left: {', '.join(left_behind(trial)) or 'nothing'}")


def left_behind(trial: Trial) -> list[str]:
    """Return what of the stack is still there: task definitions, logs, images, roles, and the bucket."""
    name, ecs, logs, ecr, s3 = trial.stack, *map(trial.aws, ("ecs", "logs", "ecr", "s3"))
    definitions = [
        arn
        for status in ("ACTIVE", "INACTIVE")
        for family in (name, f"{name}-worker")
        for arn in ecs.list_task_definitions(familyPrefix=family, status=status)["taskDefinitionArns"]
    ]
    groups = [group["logGroupName"] for group in logs.describe_log_groups(logGroupNamePrefix=name)["logGroups"]]
    images = [found["repositoryName"] for found in ecr.describe_repositories()["repositories"]]
    buckets = [found["Name"] for found in s3.list_buckets()["Buckets"]]
    return [
        *definitions,
        *(f"log group {group}" for group in groups),
        *(f"repository {image}" for image in images if image == name),
        *(f"bucket {bucket}" for bucket in buckets if bucket == trial.store.bucket),
    ]


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
