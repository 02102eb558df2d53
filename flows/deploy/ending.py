"""The end of a stack's tasks: while one runs, CloudFormation can delete neither the cluster nor the network."""

import time
from collections.abc import Callable, Iterator, Mapping
from typing import Any

from botocore.exceptions import BotoCoreError, ClientError
from prefect.client.orchestration import SyncPrefectClient, get_client
from prefect.exceptions import ObjectNotFound
from prefect_aws import AwsCredentials

from flows.deploy.stack import Stack
from flows.deploy.task_definition import CONTAINER, delete_revisions
from lake.errors import LakeError
from lake.text import counted, shown

# Most runs take minutes, and the worker two at most. A crawl of everything takes longer, and nobody would wait for it.
PATIENCE_SECONDS = 15 * 60
PAUSE_SECONDS = 10

# ECS describes no more in one request.
_DESCRIBED_AT_ONCE = 100

_RUN = "PREFECT__FLOW_RUN_ID"


def stop_worker(stack: Stack) -> dict[str, str]:
    """Have the stack's service run no worker; return: stopped, or absent if somebody has deleted the service.

    Raises:
        LakeError: ECS could not be reached, or refused.
    """
    where = stack.worker()
    try:
        ecs = AwsCredentials().get_client("ecs")
        try:
            ecs.update_service(**where, desiredCount=0)
        except (ecs.exceptions.ServiceNotFoundException, ecs.exceptions.ServiceNotActiveException):
            return {f"ecs-service/{where['service']}": "absent"}
    except (BotoCoreError, ClientError) as error:
        raise LakeError(f"service {where['service']}: expected to stop the worker, found: {error}") from error
    return {f"ecs-service/{where['service']}": "stopped"}


def await_tasks(stack: Stack, say: Callable[[str], object], patience_seconds: float = PATIENCE_SECONDS) -> None:
    """Wait until no task of the stack's cluster runs, and say of which run each is.

    Raises:
        LakeError: Some run all the while, or ECS could not be reached, or refused.
    """
    cluster, said = stack.worker()["cluster"], ""
    until = time.monotonic() + patience_seconds
    with get_client(sync_client=True) as client:
        while tasks := _tasks(cluster):
            names = ", ".join(sorted(_name(client, task) for task in tasks))
            if time.monotonic() >= until:
                raise LakeError(
                    f"cluster {cluster}: expected that no task runs after {patience_seconds / 60:.0f} minutes, found"
                    f" {names}; wait until they end, or end each run by `prefect flow-run cancel ID`; then the same"
                    " command goes on, and only after it delete the stack"
                )
            if names != said:
                say(f"Waits until {counted(len(tasks), 'task')} of the cluster {cluster} ended: {names}")
                said = names
            time.sleep(PAUSE_SECONDS)


def forget_definitions(stack: Stack | None, pool: str, family: str | None) -> dict[str, str]:
    """Delete all task definitions of a pool, those of its worker as well if it is a stack's; return what was done.

    `family` is that of the pool's runs, if no other pool has it.

    Raises:
        LakeError: ECS could not be reached, or refused.
    """
    families = stack.families() if stack and stack.work_pool == pool else (family,) if family else ()
    done: dict[str, str] = {}
    for name in families:
        done |= delete_revisions(name)
    return done


def _tasks(cluster: str) -> list[dict[str, Any]]:
    """Return the tasks of a cluster that have not ended; one that is to stop keeps its address until it has."""
    try:
        ecs = AwsCredentials().get_client("ecs")
        found = []
        for status in ("RUNNING", "STOPPED"):
            pages = ecs.get_paginator("list_tasks").paginate(
                cluster=cluster, desiredStatus=status, PaginationConfig={"PageSize": _DESCRIBED_AT_ONCE}
            )
            for arns in filter(None, (page["taskArns"] for page in pages)):
                found += ecs.describe_tasks(cluster=cluster, tasks=arns)["tasks"]
    except (BotoCoreError, ClientError) as error:
        raise LakeError(f"cluster {cluster}: expected to list its tasks, found: {error}") from error
    return [task for task in found if task["lastStatus"] != "STOPPED"]


def _name(client: SyncPrefectClient, task: Mapping[str, Any]) -> str:
    """Return whose task it is: that of a run, with its name and id, or that of a service."""
    run = next(_runs(task), None)
    if run is None:
        return f"a task of {shown(task.get('group', task['taskArn']))}"
    try:
        return f"{client.read_flow_run(run).name} ({run})"  # type: ignore[arg-type]
    except ObjectNotFound:
        return f"the run {run}"


def _runs(task: Mapping[str, Any]) -> Iterator[str]:
    for container in task.get("overrides", {}).get("containerOverrides", ()):
        if container.get("name") == CONTAINER:
            yield from (item["value"] for item in container.get("environment", ()) if item["name"] == _RUN)
