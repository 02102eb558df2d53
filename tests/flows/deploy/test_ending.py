"""How the tasks of a stack end before it is deleted, on moto's ECS, and in which order its parts are deleted."""

from contextlib import contextmanager
from types import SimpleNamespace
from typing import Any
from uuid import uuid4

import boto3
import pytest
from moto.ecs.models import ecs_backends
from prefect.exceptions import ObjectNotFound

from flows.cli import main
from flows.deploy import ending
from flows.deploy.ending import await_tasks, stop_worker
from flows.deploy.stack import Stack, read_stack
from lake.errors import LakeError
from tests.flows.deploy.cloudformation import complete_moto, deploy, template

RUN, GONE = str(uuid4()), str(uuid4())


@pytest.fixture
def stack(clients: None, bucket: str, monkeypatch: pytest.MonkeyPatch) -> Stack:
    """Deploy a stack; Prefect knows one run."""

    def read(run: str) -> Any:
        if run == RUN:
            return SimpleNamespace(name="refresh ours-lake/pokelake 2026-11-27 04:20")
        raise ObjectNotFound(LookupError(run))

    @contextmanager
    def client(sync_client: bool) -> Any:
        yield SimpleNamespace(read_flow_run=read)

    monkeypatch.setattr(ending, "get_client", client)
    complete_moto()
    deploy("ours")
    return read_stack("ours")


def start(stack: Stack, run: str | None) -> Any:
    """Start a task of a run, or of the worker; return what moto keeps of it, which ends when its status is set."""
    container = {"name": "prefect", "image": "images:1", "memory": 64}
    boto3.client("ecs").register_task_definition(family="ours", containerDefinitions=[container])
    environment = [{"name": "PREFECT__FLOW_RUN_ID", "value": run}] if run else []
    [task] = boto3.client("ecs").run_task(
        cluster="ours",
        taskDefinition="ours",
        launchType="FARGATE",
        networkConfiguration={"awsvpcConfiguration": {"subnets": stack.outputs["Subnets"].split(",")[:1]}},
        overrides={"containerOverrides": [{"name": "prefect", "environment": environment}]},
    )["tasks"]
    kept = ecs_backends["123456789012"]["us-east-1"].tasks["ours"][task["taskArn"]]
    kept.group = None if run else "service:ours-worker"
    return kept


def test_it_waits_for_every_task_also_for_one_that_is_told_to_stop(stack: Stack, monkeypatch: pytest.MonkeyPatch):
    tasks = [start(stack, RUN), start(stack, GONE)]
    tasks[1].desired_status = "STOPPED"
    said = list[str]()

    def sleep(seconds: float) -> None:
        task = tasks.pop()
        task.last_status = task.desired_status = "STOPPED"

    monkeypatch.setattr(ending.time, "sleep", sleep)
    for task in tasks:
        monkeypatch.setattr(task, "advance", lambda: None)
    await_tasks(stack, said.append)
    assert tasks == []
    named = f"refresh ours-lake/pokelake 2026-11-27 04:20 ({RUN})"
    assert said == [
        f"Waits until 2 tasks of the cluster ours ended: {named}, the run {GONE}",
        f"Waits until 1 task of the cluster ours ended: {named}",
    ]


def test_what_runs_for_too_long_is_named_with_what_to_do(stack: Stack):
    start(stack, RUN)
    with pytest.raises(
        LakeError, match=r"after 0 minutes, found refresh ours-lake.*by `prefect flow-run cancel ID`; then"
    ):
        await_tasks(stack, print, 0)


def test_a_service_that_is_gone_stops_nobody(stack: Stack):
    ecs = boto3.client("ecs")
    ecs.update_service(cluster="ours", service="ours-worker", desiredCount=1)
    assert stop_worker(stack) == {"ecs-service/ours-worker": "stopped"}
    [service] = ecs.describe_services(cluster="ours", services=["ours-worker"])["services"]
    assert service["desiredCount"] == 0
    # moto stops also one that was deleted.
    ecs_backends["123456789012"]["us-east-1"].services.pop("ours:ours-worker")
    assert stop_worker(stack) == {"ecs-service/ours-worker": "absent"}


def test_a_stack_is_taken_down_in_the_order_in_which_nothing_new_starts(stack: Stack, monkeypatch: pytest.MonkeyPatch):
    """What a run needs is deleted after it; the worker serves other lakes, if the pool has their deployments."""
    done = list[str]()

    def note(where: str, answer: Any) -> None:
        monkeypatch.setattr(where, lambda *_: done.append(where.rpartition(".")[2]) or answer)

    note("flows.cli.deploy.reach_prefect", None)
    note("flows.cli.deploy._stack", stack)
    for name, answer in {
        "pool.own_family": "ours",
        "teardown.delete_deployments": {},
        "teardown.is_free": True,
        "ending.stop_worker": {},
        "ending.await_tasks": None,
        "teardown.teardown": {"work-pool/ours": "deleted"},
        "ending.forget_definitions": {},
    }.items():
        note(f"flows.deploy.{name}", answer)
    down = ["teardown", "--yes", "--stack", "ours", "--work-pool", "ours"]
    with pytest.raises(SystemExit):
        main(down)
    first = ["_stack", "reach_prefect", "own_family", "delete_deployments", "is_free"]
    assert done == [*first, "stop_worker", "await_tasks", "teardown", "forget_definitions"]
    done.clear()
    note("flows.deploy.teardown.is_free", False)
    note("flows.deploy.teardown.teardown", {"work-pool/ours": "left"})
    with pytest.raises(SystemExit):
        main(down)
    assert done == [*first, "teardown"]


def test_the_worker_is_deleted_before_the_way_out_of_its_network():
    """CloudFormation deletes what names something before that; a condition that both have can be no trouble."""
    parts = template()["Resources"]

    def before(name: str) -> set[str]:
        """Return everything that is deleted after a part."""
        part = parts[name]
        named = {part["DependsOn"]} if "DependsOn" in part else set()
        named |= set(references(part.get("Properties"))) & parts.keys()
        return named.union(*map(before, named))

    way = {"Cluster", "PublicRoute", "InternetAttachment", "InternetGateway", "PrivateRoute", "Nat", "NatAddress"}
    assert way <= before("Worker")
    unlike = {
        name
        for name, part in parts.items()
        if "DependsOn" in part
        and parts[part["DependsOn"]].get("Condition") not in (part.get("Condition"), "MakesNetwork")
    }
    assert unlike == set()


def references(given: Any) -> list[str]:
    """Return every name that a part of a template refers to."""
    if isinstance(given, list):
        return [name for item in given for name in references(item)]
    if not isinstance(given, dict):
        return []
    named = [given["Ref"]] if "Ref" in given else [str(given["Fn::GetAtt"][0])] if "Fn::GetAtt" in given else []
    return [*named, *(name for item in given.values() for name in references(item))]
