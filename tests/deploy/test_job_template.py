"""The base job template of the ECS pool: what the worker makes of it, against moto's ECS."""

import asyncio
import json
import logging
from collections.abc import Iterator
from types import SimpleNamespace
from typing import Any
from uuid import uuid4

import boto3
import pytest
import yaml

from tests.deploy.conftest import REPOSITORY

TEMPLATE = json.loads((REPOSITORY / "blocks" / "ecs_job_template.json").read_text())

# RunTask refuses more; the worker does not look.
OVERRIDES_BYTES = 8192

ROLE = "arn:aws:iam::123456789012:role/pokelake-execution"
ACCOUNT = {"cluster": "lake", "image": "pokelake:1", "execution_role_arn": ROLE}


@pytest.fixture
def ecs(bucket: str) -> Iterator[Any]:
    """Return a client of an empty ECS."""
    from prefect_aws.credentials import _get_client_cached

    # Prefect keeps its clients by their settings, and the endpoint is not one of them.
    _get_client_cached.cache_clear()
    yield boto3.client("ecs")
    _get_client_cached.cache_clear()


def configuration(**variables: Any) -> tuple[Any, Any]:
    """Return what the worker has for one run of a deployment, with the pool's variables filled in, and the run."""
    from prefect.client.schemas.objects import FlowRun
    from prefect_aws.workers.ecs_worker import ECSJobConfiguration

    run = FlowRun(id=uuid4(), flow_id=uuid4(), deployment_id=uuid4(), name="quick-pidgeotto")
    values = {**ACCOUNT, **deployed_variables(), **variables}
    # Nothing in it is a block or a Variable; without a client, Prefect would start a server to look none of them up.
    made = asyncio.run(ECSJobConfiguration.from_template_and_values(TEMPLATE, values, client=object()))
    made.prepare_for_flow_run(run)
    return made, run


def deployed_variables() -> dict[str, Any]:
    return yaml.safe_load((REPOSITORY / "prefect.yaml").read_text())["definitions"]["job_variables"]


def start(ecs: Any, **variables: Any) -> dict[str, Any]:
    """Have the worker start a run; return what it would send to RunTask, for moto runs nothing."""
    from prefect_aws.workers import ECSWorker

    sent: list[dict[str, Any]] = []

    def run_task(client: Any, request: dict[str, Any]) -> dict[str, str]:
        sent.append(request)
        return {"taskArn": "task", "clusterArn": "cluster"}

    made, run = configuration(**variables)
    worker = ECSWorker(work_pool_name="pokelake")
    worker._work_pool = SimpleNamespace(base_job_template=TEMPLATE)
    worker._create_task_run = run_task
    worker._load_network_configuration = lambda *_: {"awsvpcConfiguration": {"subnets": ["subnet-1"]}}
    worker._prepare_and_create_task(logging.getLogger("ecs"), ecs, made, run)
    return sent[0]


def definitions(ecs: Any) -> list[str]:
    return ecs.list_task_definitions()["taskDefinitionArns"]


def test_it_is_prefects_own_but_for_the_size_of_the_container_and_defaults():
    """What another version of Prefect adds to its template must be looked at, and taken over."""
    from prefect_aws.workers import ECSWorker

    own, base = json.loads(json.dumps(TEMPLATE)), ECSWorker.get_default_base_job_template()
    [container] = own["job_configuration"]["task_definition"]["containerDefinitions"]
    assert (container.pop("cpu"), container.pop("memory")) == ("{{ cpu }}", "{{ memory }}")
    for template in (own, base):
        for variable in template["variables"]["properties"].values():
            variable.pop("default", None)
    assert own == base


def test_a_task_has_the_memory_that_a_full_crawl_needs(ecs: Any):
    start(ecs)
    [arn] = definitions(ecs)
    made = ecs.describe_task_definition(taskDefinition=arn)["taskDefinition"]
    [container] = made["containerDefinitions"]
    assert (made["cpu"], made["memory"], made["networkMode"]) == ("1024", "2048", "awsvpc")
    assert (container["cpu"], container["memory"], container["image"]) == (1024, 2048, "pokelake:1")
    assert made["executionRoleArn"] == ROLE


def test_a_tasks_output_goes_to_cloudwatch(ecs: Any):
    start(ecs)
    [arn] = definitions(ecs)
    [container] = ecs.describe_task_definition(taskDefinition=arn)["taskDefinition"]["containerDefinitions"]
    logs = container["logConfiguration"]
    assert logs["logDriver"] == "awslogs"
    assert logs["options"]["awslogs-group"] == "pokelake"
    assert logs["options"]["awslogs-stream-prefix"] == "pokelake"


def test_ten_runs_of_a_task_definition_that_is_named_register_none(ecs: Any):
    """Each would be a revision, and ECS refuses those that come too close together."""
    start(ecs)
    [arn] = definitions(ecs)
    requests = [start(ecs, task_definition_arn=arn) for _ in range(10)]
    assert {request["taskDefinition"] for request in requests} == {arn}
    assert definitions(ecs) == [arn]


def test_runs_without_one_share_the_revision_that_the_first_registers(ecs: Any):
    for _ in range(3):
        start(ecs)
    assert len(definitions(ecs)) == 1


def test_a_run_is_started_on_fargate_and_on_spot_by_one_variable(ecs: Any):
    assert start(ecs)["launchType"] == "FARGATE"
    request = start(ecs, launch_type="FARGATE_SPOT")
    assert request["capacityProviderStrategy"] == [{"capacityProvider": "FARGATE_SPOT", "weight": 1}]
    assert "launchType" not in request


def test_the_container_has_a_home_of_its_own_and_not_the_workers(ecs: Any, monkeypatch: pytest.MonkeyPatch):
    """The worker hands its own settings on, and its home is no folder of the image."""
    from prefect.settings import PREFECT_HOME, temporary_settings

    with temporary_settings({PREFECT_HOME: "/root/.prefect"}):
        request = start(ecs)
    assert environment(request)["PREFECT_HOME"] == "/home/pokelake/.prefect"


def test_the_deployments_settings_reach_the_container(ecs: Any):
    assert deployed_variables()["env"].items() <= environment(start(ecs)).items()


def environment(request: dict[str, Any]) -> dict[str, str]:
    [container] = request["overrides"]["containerOverrides"]
    return {item["name"]: item["value"] for item in container["environment"]}


def test_the_overrides_of_a_run_leave_half_of_what_run_task_takes(ecs: Any):
    """With an address, a key and headers as long as they come, and the worker's own settings handed on."""
    from prefect.settings import PREFECT_API_KEY, PREFECT_API_URL, PREFECT_CLIENT_CUSTOM_HEADERS, temporary_settings

    worker = {
        PREFECT_API_URL: f"https://prefect.{'a' * 180}.example.org/api/accounts/{uuid4()}/workspaces/{uuid4()}",
        PREFECT_API_KEY: f"pnu{'x' * 40}",
        PREFECT_CLIENT_CUSTOM_HEADERS: {"CF-Access-Client-Secret": "x" * 256},
    }
    with temporary_settings(worker):
        request = start(ecs, task_role_arn=ROLE)
    size = len(json.dumps(request["overrides"]).encode())
    assert environment(request).keys() >= {"PREFECT_API_URL", "PREFECT_API_KEY", "PREFECT_CLIENT_CUSTOM_HEADERS"}
    assert size < OVERRIDES_BYTES / 2
