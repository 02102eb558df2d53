"""A deployment to ECS on one machine: Prefect's server and worker, moto's ECS, and the stand-in for Fargate."""

import os
import subprocess
from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from functools import partial
from pathlib import Path
from typing import Any, Self
from uuid import UUID

import boto3
import httpx
import pytest
from prefect.client.orchestration import SyncPrefectClient
from prefect.client.schemas.filters import DeploymentFilter, DeploymentFilterName
from prefect.client.schemas.objects import State
from prefect.exceptions import ObjectNotFound

from flows.local import stack as local
from flows.local.replica import Corpus, Running, demo_documents, replica
from flows.local.stack import stop
from lake.store import Store
from tests.flows.deploy.conftest import POOL, Deployed, copy_checkout
from tests.flows.deploy.fargate import Container, Fargate, build_image, environment, fargate
from tests.flows.deploy.on_ecs import push_image
from tests.flows.deploy.runbook import FIRST, Terminal, blocks, open_terminal
from tests.prefect_servers import quiet_stack
from tests.waiting import until

# As docs/deploy.md has them.
CLUSTER, BUCKET = "pokelake", "our-pokelake"

# The queue from which the worker hears what becomes of its tasks.
EVENTS = f"{POOL}-ecs-events"

API_KEY = "of nobody"

# Nothing but this copy says it, so what a run's state says tells whose code has run.
MARK = "as the pulled code says"

# Switched off until it has been said when the containers' processes end: moto would end every task by itself.
NO_TRANSITIONS = {"model_name": "ecs::task", "transition": {"progression": "manual", "times": 10**9}}


@dataclass(frozen=True)
class Ecs:
    """Everything that a deployment to ECS is made of, and what the tests ask of it."""

    deployed: Deployed
    terminal: Terminal
    # Asks again when the server's SQLite file is locked.
    prefect: SyncPrefectClient
    fargate: Fargate
    source: Running
    client: Any
    worker: "Worker"
    connect: Callable[[str], Any]

    def store(self, prefix: str = "pokelake") -> Store:
        """Open a lake in the stack's bucket."""
        return Store(BUCKET, prefix, self.deployed.s3())

    def start(self, name: str, **parameters: Any) -> UUID:
        """Schedule a run of a deployment for this moment; return its id."""
        deployment = self.prefect.read_deployment_by_name(f"{name}/{name}")
        return self.prefect.create_flow_run_from_deployment(deployment.id, parameters=parameters).id

    def fall_due(self, name: str, days_ago: int) -> UUID:
        """Have a deployment's own schedule make the run that was due on a day that is over; return its id."""
        deployment = self.prefect.read_deployment_by_name(f"{name}/{name}")
        [schedule] = deployment.schedules
        before = set(self.runs(name))
        end = datetime.now(UTC) - timedelta(days=days_ago)
        span = {"start_time": (end - timedelta(days=1)).isoformat(), "end_time": end.isoformat()}
        self.prefect.update_deployment_schedule(deployment.id, schedule.id, active=True)
        self.prefect.request("POST", "/deployments/{id}/schedule", path_params={"id": deployment.id}, json=span)
        # Which removes what the server may have scheduled for the future.
        self.prefect.update_deployment_schedule(deployment.id, schedule.id, active=False)
        [run] = set(self.runs(name)) - before
        return run

    def pause_schedules(self) -> None:
        """Have no run fall due in the middle of a test."""
        for deployment in self.prefect.read_deployments():
            for schedule in deployment.schedules:
                self.prefect.update_deployment_schedule(deployment.id, schedule.id, active=False)

    def undo_the_day_to_day(self) -> None:
        """Have runs do again what they did before somebody ran commands of the day to day, but for `setup`'s."""
        for name in ("pokelake_frozen", "pokelake_requests_per_run"):
            with suppress(ObjectNotFound):
                self.prefect.delete_variable_by_name(name)
        self.pause_schedules()

    def runs(self, name: str, **parameters: Any) -> list[UUID]:
        """Return the ids of a deployment's runs with these parameters."""
        found = self.prefect.read_flow_runs(deployment_filter=DeploymentFilter(name=DeploymentFilterName(any_=[name])))
        return [run.id for run in found if parameters.items() <= run.parameters.items()]

    def lose_worker(self) -> None:
        """Kill the worker, and let what it was just asking the queue for end with it, as at AWS."""
        self.worker.kill()
        sqs = self.connect("sqs")
        queue = sqs.get_queue_url(QueueName=EVENTS)["QueueUrl"]
        sqs.send_message(QueueUrl=queue, MessageBody="{}")
        name = "ApproximateNumberOfMessages"
        until(lambda: sqs.get_queue_attributes(QueueUrl=queue, AttributeNames=[name])["Attributes"][name] == "0")

    def end(self, run: UUID) -> State[Any]:
        """Wait until a run has ended; return the state it ended in."""
        return until(lambda: self._final(run))

    def complete(self, run: UUID) -> None:
        """Wait until a run has ended, which must be well."""
        state = self.end(run)
        logs = "\n\n".join(container.log for container in self.containers(run))
        assert state.name == "Completed", f"{self.states(run)}: {state.message}\n{logs}"

    def _final(self, run: UUID) -> State[Any] | None:
        state = self.prefect.read_flow_run(run).state
        return state if state and state.is_final() else None

    def states(self, run: UUID) -> list[str | None]:
        """Return the names of all states that a run has had, in order."""
        found = self.prefect.read_flow_run_states(run)
        return [state.name for state in sorted(found, key=lambda state: state.timestamp)]

    def containers(self, run: UUID) -> list[Container]:
        """Return the containers that were started for a run, in order."""
        found = list(self.fargate.containers.values())
        return [container for container in found if container.environment["PREFECT__FLOW_RUN_ID"] == str(run)]

    def exited(self, run: UUID) -> list[Container]:
        """Return those of a run's containers whose first process has ended."""
        return [container for container in self.containers(run) if container.process.poll() is not None]

    def stopped(self) -> list[dict[str, Any]]:
        """Return every task that has ended or failed to start."""
        tasks = self.client.list_tasks(cluster=CLUSTER, desiredStatus="STOPPED")["taskArns"]
        return list(self.client.describe_tasks(cluster=CLUSTER, tasks=tasks)["tasks"]) if tasks else []

    def revisions(self) -> list[str]:
        """Return the ARN of every revision of the runs' task definition."""
        found = self.client.list_task_definitions()["taskDefinitionArns"]
        return [arn for arn in found if "/pokelake:" in arn]


@contextmanager
def deployed_to_ecs(folder: Path, migrated: Path) -> Iterator[Ecs]:
    """Deploy a copy of the checkout to a work pool of type ecs, and run what is due while the block runs."""
    commands = build_image(folder / "image")
    checkout = folder / "checkout"
    copy_checkout(checkout)
    mark(checkout)
    with (
        all_of_aws(),
        quiet_stack(migrated) as stack,
        replica(Corpus.from_documents(demo_documents())) as source,
        ExitStack() as exits,
    ):
        given = {"PREFECT_API_KEY": API_KEY, "POKELAKE_SOURCE": source.url, "POKELAKE_RESOURCES": "pokemon,type"}
        terminal = open_terminal(checkout, {**os.environ, **stack.environment, **given})
        aws = {name: value for name, value in stack.environment.items() if name.startswith("AWS_")}
        session = boto3.Session("testing", "testing", region_name=aws["AWS_DEFAULT_REGION"])
        connect = partial(session.client, endpoint_url=stack.s3)
        httpx.post(f"{stack.s3}/moto-api/state-manager/set-transition", json=NO_TRANSITIONS).raise_for_status()
        *preparations, save, check, _ = blocks(FIRST)
        for commands_of_a_step in preparations:
            terminal.run(commands_of_a_step)
        for image in terminal.pushed():
            repository, _, tag = image.partition("/")[2].partition(":")
            push_image(tag, ecr=connect("ecr"), repository=repository)
        client = exits.enter_context(SyncPrefectClient(stack.environment["PREFECT_API_URL"]))
        running = exits.enter_context(fargate(CLUSTER, commands, folder / "tasks", connect))
        terminal.run(save)
        # Nowhere else do tasks need to be told where AWS is.
        terminal.run(f"pokelake setup {' '.join(f'--env={name}={value}' for name, value in aws.items())}")
        container = of_service(connect("ecs"))
        definition = {**environment(container), **running.read_secrets(container)}
        worker = exits.enter_context(Worker(commands, folder / "worker", container["command"], {**aws, **definition}))
        until(lambda: client.read_workers_for_work_pool(POOL))
        terminal.run(check)
        ecs = Ecs(Deployed(stack, checkout), terminal, client, running, source, connect("ecs"), worker, connect)
        ecs.pause_schedules()
        yield ecs


@contextmanager
def all_of_aws() -> Iterator[None]:
    """Have the local stack serve all of AWS that a deployment needs, in the place of S3 alone."""
    module, served = local._module, {"flows.local.s3": "tests.flows.deploy.aws"}
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(local, "_module", lambda name: module(served.get(name, name)))
        yield


def of_service(ecs: Any) -> Any:
    """Return the container of the service that the stack has made, which wants one worker by now."""
    [service] = ecs.describe_services(cluster=CLUSTER, services=[f"{POOL}-worker"])["services"]
    assert service["desiredCount"] == 1
    found = ecs.describe_task_definition(taskDefinition=service["taskDefinition"])["taskDefinition"]
    [container] = found["containerDefinitions"]
    return container


def mark(checkout: Path) -> None:
    """Change a copy of the checkout so that runs of its code are told from runs of the checkout's."""
    with (checkout / "flows" / "steps" / "outcome.py").open("a") as module:
        module.write(f"\n\ndescribe_changes = lambda commit: {MARK!r}\n")


class Worker:
    """What the stack's service runs, from the image as well: it needs no code of this project. A test kills and starts
    it.
    """

    def __init__(self, commands: Path, folder: Path, command: list[str], environment: Mapping[str, str]) -> None:
        folder.mkdir()
        program, *arguments = command
        self._command = [str(commands / program), *arguments]
        self._folder = folder
        self._environment = {
            "PATH": str(commands),
            "HOME": str(folder),
            "PREFECT_WORKER_QUERY_SECONDS": "1",
            "PREFECT_WORKER_WEBSERVER_PORT": str(local.free_port()),
            **environment,
        }

    def start(self) -> None:
        """Start it, as its service does when it is gone; nobody waits until it asks for runs."""
        with (self._folder / "log").open("ab") as log:
            self._process = subprocess.Popen(
                self._command,
                cwd=self._folder,
                env=self._environment,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
            )

    def kill(self) -> None:
        """End it as a lost machine does."""
        self._process.kill()
        self._process.wait()

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(self, *ended: object) -> None:
        stop(self._process)
