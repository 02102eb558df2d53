"""The ECS task definition of a pool's runs. Setup registers it once, so that no run registers a revision."""

from collections.abc import Mapping
from typing import Any

from botocore.exceptions import BotoCoreError, ClientError
from prefect_aws import AwsCredentials

from lake.errors import LakeError

# Prefect's worker, and its observer of ECS events, find the run's container by this name.
CONTAINER = "prefect"

# Longest time between SIGTERM and SIGKILL, as long as the notice of Fargate Spot. ECS's default is 30 seconds, and
# Prefect gives a run all of them to end: a kill while the run's next attempt starts would crash that attempt as well.
STOP_SECONDS = 120

# ECS takes no more in one request.
_DELETED_AT_ONCE = 10


def task_definition(variables: Mapping[str, Any], region: str) -> dict[str, Any]:
    """Return the definition that a pool's variables ask for.

    It holds Prefect's key and auth string only as ARNs of secrets, which ECS reads when it starts a task.
    """
    secrets = {
        "PREFECT_API_KEY": variables.get("prefect_api_key_secret_arn"),
        "PREFECT_API_AUTH_STRING": variables.get("prefect_api_auth_string_secret_arn"),
    }
    container = {
        "name": CONTAINER,
        "image": variables["image"],
        "essential": True,
        "cpu": variables["cpu"],
        "memory": variables["memory"],
        "stopTimeout": STOP_SECONDS,
        "secrets": [{"name": name, "valueFrom": arn} for name, arn in secrets.items() if arn],
        "logConfiguration": {
            "logDriver": "awslogs",
            "options": {
                "awslogs-create-group": "true",
                "awslogs-region": region,
                "awslogs-stream-prefix": variables["cloudwatch_logs_prefix"],
                **variables["cloudwatch_logs_options"],
            },
        },
    }
    return {
        "family": variables["family"],
        "requiresCompatibilities": ["FARGATE"],
        "networkMode": "awsvpc",
        "cpu": str(variables["cpu"]),
        "memory": str(variables["memory"]),
        "executionRoleArn": variables["execution_role_arn"],
        "taskRoleArn": variables["task_role_arn"],
        "containerDefinitions": [container],
    }


def register(credentials: AwsCredentials, variables: Mapping[str, Any]) -> tuple[str, str]:
    """Register the definition that a pool's variables ask for, unless the pool's revision already matches.

    A pool that names no revision takes the latest one of the family, if that matches. Returns the ARN of the pool's
    revision, and whether it was created, changed or left.

    Raises:
        LakeError: ECS could not be reached, or refused.
    """
    family = variables["family"]
    try:
        ecs = credentials.get_client("ecs")
        found = _find(ecs, variables.get("task_definition_arn", family))
        wanted = task_definition(variables, ecs.meta.region_name)
        if found is not None and holds(found, wanted):
            return found["taskDefinitionArn"], "left"
        made = ecs.register_task_definition(**wanted)["taskDefinition"]
    except (BotoCoreError, ClientError) as error:
        raise LakeError(
            f"ECS task definition {family!r}: expected to register it, found: {error};"
            " check credentials, region and policy of whoever runs `pokelake setup`"
        ) from error
    return made["taskDefinitionArn"], "created" if found is None else "changed"


def delete_revisions(family: str) -> dict[str, str]:
    """Deregister and delete every revision of a family; return: deleted, or absent if there was none.

    Raises:
        LakeError: ECS could not be reached, or refused.
    """
    try:
        ecs = AwsCredentials().get_client("ecs")
        active, inactive = (_list(ecs, family, status) for status in ("ACTIVE", "INACTIVE"))
        for arn in active:
            ecs.deregister_task_definition(taskDefinition=arn)
        all_of_them = [*active, *inactive]
        for start in range(0, len(all_of_them), _DELETED_AT_ONCE):
            batch = all_of_them[start : start + _DELETED_AT_ONCE]
            for refused in ecs.delete_task_definitions(taskDefinitions=batch)["failures"]:
                raise LakeError(f"{refused['arn']}: expected to delete it, found: {refused.get('reason')}")
    except (BotoCoreError, ClientError) as error:
        raise LakeError(
            f"ECS task definition {family!r}: expected to delete its revisions, found: {error};"
            " check credentials, region and policy of whoever runs `pokelake teardown`"
        ) from error
    return {f"task-definition/{family}": "deleted" if active or inactive else "absent"}


def _list(ecs: Any, family: str, status: str) -> list[str]:
    pages = ecs.get_paginator("list_task_definitions").paginate(familyPrefix=family, status=status)
    return [arn for page in pages for arn in page["taskDefinitionArns"]]


def _find(ecs: Any, name: str) -> dict[str, Any] | None:
    """Return the revision of an ARN, or the latest of a family; None if no task can be started from it."""
    try:
        found: dict[str, Any] = ecs.describe_task_definition(taskDefinition=name)["taskDefinition"]
    except ecs.exceptions.ClientException:
        return None
    return found if found["status"] == "ACTIVE" else None


def holds(found: Any, wanted: Any) -> bool:
    """Tell whether a definition is as wanted; ECS adds its defaults, and keeps lists in no order."""
    if isinstance(wanted, dict):
        return isinstance(found, dict) and all(holds(found.get(name), value) for name, value in wanted.items())
    if isinstance(wanted, list):
        items = found or []
        return len(items) == len(wanted) and all(any(holds(item, value) for item in items) for value in wanted)
    return bool(found == wanted)
