"""The work pool that runs the deployments, and its queue that lets one crawl run at a time."""

import json
from collections.abc import Mapping
from copy import deepcopy
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal

from prefect.client.orchestration import SyncPrefectClient, get_client
from prefect.client.schemas.actions import WorkPoolCreate, WorkPoolUpdate
from prefect.client.schemas.objects import WorkPool
from prefect.exceptions import ObjectNotFound
from prefect.workers.process import ProcessWorker
from prefect_aws import AwsCredentials

from blocks.names import FIRST, Names
from flows.deploy.task_definition import register
from lake.errors import LakeError

# That of the first lake; see `blocks.names` for that of another.
CRAWL_QUEUE = "crawl"

_ECS_TEMPLATE = Path(__file__).with_name("ecs_job_template.json")

# Every task needs these to start or to do its work; each has the flag of `pokelake setup` that gives it.
_NEEDED_ON_ECS = {
    "cluster": "--cluster",
    "image": "--image",
    "execution_role_arn": "--execution-role",
    "task_role_arn": "--task-role",
}


@dataclass(frozen=True, slots=True)
class Pool:
    """The wanted settings of a work pool; those that are not given stay as they are saved."""

    name: str = "pokelake"
    # Where runs happen: in tasks of ECS, or in processes on the worker's machine.
    kind: Literal["ecs", "process"] | None = None
    # Name or ARN of the ECS cluster.
    cluster: str | None = None
    # Image of the tasks. It holds the dependencies; a run pulls its code.
    image: str | None = None
    # ARN of the role that starts a task: it pulls the image, reads the secrets and creates the log.
    execution_role: str | None = None
    # ARN of the role that a flow has while it runs: it reads and writes the lake.
    task_role: str | None = None
    # Family of the tasks' definitions, and group of their log. Default: pokelake.
    family: str | None = None
    log_group: str | None = None
    # Id of the tasks' VPC. Default: the account's default VPC.
    vpc: str | None = None
    # Ids of subnets of that VPC. Default: all of its subnets.
    subnets: tuple[str, ...] = ()
    # Ids of security groups. Default: the VPC's default one.
    security_groups: tuple[str, ...] = ()
    # Whether tasks get a public address, without which they reach nothing from a public subnet. Default: yes, if there
    # are subnets.
    has_public_ip: bool | None = None
    # CPU units of a task: 1024 are one virtual CPU.
    cpu: int | None = None
    # Memory of a task, MiB.
    memory: int | None = None
    # Whether tasks run on Fargate Spot, which costs less and may end a task with two minutes' notice.
    is_spot: bool | None = None
    # ARN of the secret in AWS Secrets Manager that holds the key of Prefect's API. The worker needs the key too: it
    # removes the key from the environment that it passes on to the tasks.
    api_key_secret: str | None = None
    # ARN of the secret that holds the auth string of a self-hosted Prefect server.
    auth_string_secret: str | None = None
    # More variables of the runs' environment, such as AWS_ENDPOINT_URL for another S3.
    env: Mapping[str, str] = field(default_factory=dict)

    def variables(self) -> dict[str, Any]:
        """Return the given settings as variables of Prefect's job templates."""
        launch_type = {None: None, True: "FARGATE_SPOT", False: "FARGATE"}[self.is_spot]
        network: dict[str, Any] = {
            "subnets": list(self.subnets),
            "securityGroups": list(self.security_groups),
            "assignPublicIp": {None: None, True: "ENABLED", False: "DISABLED"}[self.has_public_ip],
        }
        given = {
            "cluster": self.cluster,
            "image": self.image,
            "execution_role_arn": self.execution_role,
            "task_role_arn": self.task_role,
            "vpc_id": self.vpc,
            "family": self.family,
            "cloudwatch_logs_options": {"awslogs-group": self.log_group} if self.log_group else {},
            "network_configuration": {name: value for name, value in network.items() if value},
            "cpu": self.cpu,
            "memory": self.memory,
            "launch_type": launch_type,
            "prefect_api_key_secret_arn": self.api_key_secret,
            "prefect_api_auth_string_secret_arn": self.auth_string_secret,
            "env": dict(self.env),
        }
        return {name: value for name, value in given.items() if value not in (None, {})}


def save_pool(pool: Pool, credentials: AwsCredentials, names: Names = FIRST) -> dict[str, str]:
    """Create or change a work pool, its queue for a lake's crawls and, on ECS, the task definition of its runs.

    Returns for each: created, changed or left. Without a saved pool and without settings for one, it does nothing.

    Raises:
        LakeError: The saved pool is of another type, a setting that ECS needs is missing, or ECS refused.
    """
    with get_client(sync_client=True) as client:
        saved = _saved(client, pool.name)
        if saved is None and pool == Pool(pool.name):
            return {}
        kind, given = _kind(pool, saved), pool.variables()
        template = _template(kind)
        for values in (_public(given), defaults(saved.base_job_template) if saved else {}, given):
            template = with_defaults(template, values)
        done = {}
        if kind == "ecs":
            variables = defaults(template)
            _require_ecs(pool.name, variables)
            arn, done[f"task-definition/{variables['family']}"] = register(credentials, variables)
            template = with_defaults(template, {"task_definition_arn": arn})
        done[f"work-pool/{pool.name}"] = _save(client, pool.name, kind, template, saved)
        queue = names.own(CRAWL_QUEUE)
        done[f"work-queue/{pool.name}/{queue}"] = _save_queue(client, pool.name, queue)
    return done


def own_family(name: str) -> str | None:
    """Return the family of task definitions that the runs of a saved pool have, and those of no other pool."""
    with get_client(sync_client=True) as client:
        families = {pool.name: defaults(pool.base_job_template).get("family") for pool in client.read_work_pools()}
    family = families.pop(name, None)
    return None if family in families.values() else family


def defaults(template: Mapping[str, Any]) -> dict[str, Any]:
    """Return the defaults of a job template's variables by name, without empty ones."""
    variables = template.get("variables", {}).get("properties", {})
    found = {name: variable.get("default") for name, variable in variables.items()}
    return {name: value for name, value in found.items() if value not in (None, {}, [])}


def with_defaults(template: dict[str, Any], given: Mapping[str, Any]) -> dict[str, Any]:
    """Return a job template with these defaults for the variables that it knows. Defaults that are mappings are merged.

    >>> template = {"variables": {"properties": {"env": {"default": {"A": "1"}}, "cpu": {}}}}
    >>> defaults(with_defaults(template, {"env": {"B": "2"}, "memory": 512}))
    {'env': {'A': '1', 'B': '2'}}
    """
    made = deepcopy(template)
    for name, variable in made["variables"]["properties"].items():
        if name in given:
            value, before = given[name], variable.get("default")
            variable["default"] = {**(before or {}), **value} if isinstance(value, dict) else value
    return made


def _saved(client: SyncPrefectClient, name: str) -> WorkPool | None:
    try:
        return client.read_work_pool(name)
    except ObjectNotFound:
        return None


def _kind(pool: Pool, saved: WorkPool | None) -> str:
    """Return the type of a pool, given or saved; raise if the two differ, or if the type lacks a given setting."""
    kind = pool.kind or (saved.type if saved else None)
    if kind is None:
        raise LakeError(f"work pool {pool.name!r}: expected a saved one, found none; give --pool-type to create it")
    if saved and (saved.type != kind or kind not in ("ecs", "process")):
        raise LakeError(
            f"work pool {pool.name!r}: expected type {pool.kind or 'ecs or process'}, found {saved.type}, which Prefect"
            " cannot change; name another with --work-pool, or delete this one"
        )
    if kind == "process" and (strange := pool.variables().keys() - {"env"}):
        raise LakeError(
            f"work pool {pool.name!r}: expected no setting but --env for type process, found"
            f" {', '.join(sorted(strange))}; omit it, or name a pool of type ecs with --work-pool"
        )
    return kind


def _template(kind: str) -> dict[str, Any]:
    if kind == "process":
        return ProcessWorker.get_default_base_job_template()
    template: dict[str, Any] = json.loads(_ECS_TEMPLATE.read_text())
    return template


def _public(given: Mapping[str, Any]) -> dict[str, Any]:
    """Return the public IP that tasks in given subnets get; without one they reach nothing in a public subnet."""
    return {"network_configuration": {"assignPublicIp": "ENABLED"}} if "network_configuration" in given else {}


def _require_ecs(name: str, variables: Mapping[str, Any]) -> None:
    """Raise unless tasks can be started with these variables; the error names every flag that is missing."""
    lacking = [flag for variable, flag in _NEEDED_ON_ECS.items() if variable not in variables]
    if network := variables.get("network_configuration"):
        # Prefect takes the tasks' network either from the VPC alone, or all of it from this configuration.
        lacking += ["--vpc"] if "vpc_id" not in variables else []
        lacking += ["--subnet"] if not network.get("subnets") else []
    if lacking:
        raise LakeError(
            f"work pool {name!r}: expected all that a task on ECS needs, found no {', '.join(lacking)};"
            " pass it to `pokelake setup` once, which saves it"
        )


def _save(client: SyncPrefectClient, name: str, kind: str, template: dict[str, Any], saved: WorkPool | None) -> str:
    if saved is None:
        client.create_work_pool(WorkPoolCreate(name=name, type=kind, base_job_template=template))
        return "created"
    if saved.base_job_template == template:
        return "left"
    client.update_work_pool(name, WorkPoolUpdate(base_job_template=template))
    return "changed"


def _save_queue(client: SyncPrefectClient, pool: str, name: str) -> str:
    """Create or change the queue of a lake's flows that crawl and publish; two at once would race, and ask twice.

    Each lake has a queue of its own: crawls of two sources need not wait for each other, and those of one source share
    its pace by its global limit.
    """
    try:
        queue = client.read_work_queue_by_name(name, work_pool_name=pool)
    except ObjectNotFound:
        client.create_work_queue(name, concurrency_limit=1, work_pool_name=pool)
        return "created"
    if queue.concurrency_limit == 1:
        return "left"
    client.update_work_queue(queue.id, concurrency_limit=1)
    return "changed"
