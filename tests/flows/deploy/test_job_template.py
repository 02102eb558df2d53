"""The base job template of the ECS pool and its task definition: what the worker makes of them, against moto's ECS."""

import asyncio
import json
import logging
from inspect import signature
from types import SimpleNamespace
from typing import Any
from uuid import uuid4

import pytest
import yaml
from prefect_aws import AwsCredentials

from flows.deploy.pool import defaults, with_defaults
from flows.deploy.task_definition import register
from lake.errors import LakeError
from tests.flows.deploy.conftest import REPOSITORY
from tests.flows.deploy.fargate import OVERRIDES_BYTES

TEMPLATE = json.loads((REPOSITORY / "flows" / "deploy" / "ecs_job_template.json").read_text())

ROLE = "arn:aws:iam::123456789012:role/pokelake-execution"
SECRET = "arn:aws:secretsmanager:us-east-1:123456789012:secret:prefect-"
ACCOUNT = {"cluster": "lake", "image": "pokelake:1", "execution_role_arn": ROLE, "task_role_arn": ROLE}


def pool(**variables: Any) -> dict[str, Any]:
    """Return the template of a pool with these defaults, and its task definition registered."""
    template = with_defaults(TEMPLATE, {**ACCOUNT, **variables})
    return with_defaults(template, {"task_definition_arn": register(AwsCredentials(), defaults(template))[0]})


def registered(**variables: Any) -> str:
    """Register the task definition of a pool with these defaults; return what was done."""
    return register(AwsCredentials(), defaults(with_defaults(TEMPLATE, {**ACCOUNT, **variables})))[1]


def deployed_variables() -> dict[str, Any]:
    return yaml.safe_load((REPOSITORY / "prefect.yaml").read_text())["definitions"]["job_variables"]


def configuration(template: dict[str, Any]) -> tuple[Any, Any]:
    """Return what the worker has for one run of a deployment, and the run."""
    from prefect.client.schemas.objects import FlowRun
    from prefect_aws.workers.ecs_worker import ECSJobConfiguration

    run = FlowRun(id=uuid4(), flow_id=uuid4(), deployment_id=uuid4(), name="quick-pidgeotto")
    # Nothing in it is a block or a Variable; without a client, Prefect would start a server to look none of them up.
    values = deployed_variables()
    made = asyncio.run(ECSJobConfiguration.from_template_and_values(template, values, client=object()))
    made.prepare_for_flow_run(run)
    return made, run


def start(ecs: Any, template: dict[str, Any]) -> dict[str, Any]:
    """Have the worker start a run; return what it would send to RunTask, for moto runs nothing."""
    from prefect_aws.workers import ECSWorker

    sent: list[dict[str, Any]] = []

    def run_task(client: Any, request: dict[str, Any]) -> dict[str, str]:
        sent.append(request)
        return {"taskArn": "task", "clusterArn": "cluster"}

    made, run = configuration(template)
    worker = ECSWorker(work_pool_name="pokelake")
    worker._work_pool = SimpleNamespace(base_job_template=template)
    worker._create_task_run = run_task
    worker._load_network_configuration = lambda *_: {"awsvpcConfiguration": {"subnets": ["subnet-1"]}}
    worker._prepare_and_create_task(logging.getLogger("ecs"), ecs, made, run)
    return sent[0]


def revisions(ecs: Any) -> list[dict[str, Any]]:
    """Return everything that was ever registered."""
    arns = ecs.list_task_definitions()["taskDefinitionArns"]
    return [ecs.describe_task_definition(taskDefinition=arn)["taskDefinition"] for arn in arns]


def environment(request: dict[str, Any]) -> dict[str, str]:
    [container] = request["overrides"]["containerOverrides"]
    return {item["name"]: item["value"] for item in container["environment"]}


def test_it_is_prefects_own_but_for_defaults_and_the_task_definition_that_setup_registers():
    """What another version of Prefect adds to its template must be looked at, and taken over."""
    from prefect_aws.workers import ECSWorker

    own, base = json.loads(json.dumps(TEMPLATE)), ECSWorker.get_default_base_job_template()
    del base["job_configuration"]["task_definition"]
    for template in (own, base):
        for variable in template["variables"]["properties"].values():
            variable.pop("default", None)
        del template["variables"]["properties"]["task_definition_arn"]["description"]
    assert own == base


def test_a_task_has_the_memory_that_a_full_crawl_needs(ecs: Any):
    pool()
    [made] = revisions(ecs)
    [container] = made["containerDefinitions"]
    assert (made["cpu"], made["memory"], made["networkMode"]) == ("1024", "2048", "awsvpc")
    assert (container["cpu"], container["memory"], container["image"]) == (1024, 2048, "pokelake:1")
    assert (made["executionRoleArn"], made["taskRoleArn"]) == (ROLE, ROLE)


def test_a_run_that_is_told_to_end_has_longer_than_prefect_gives_it(ecs: Any):
    """Else its container is killed while Prefect waits, and the attempt that follows counts as crashed."""
    from prefect.runner._process_manager import ProcessManager

    grace = signature(ProcessManager.kill).parameters["grace_seconds"].default
    pool()
    [container] = revisions(ecs)[0]["containerDefinitions"]
    assert container["stopTimeout"] > grace + 60


def test_a_tasks_output_goes_to_cloudwatch_of_its_own_region(ecs: Any):
    """Without a region ECS refuses a definition."""
    pool()
    [container] = revisions(ecs)[0]["containerDefinitions"]
    assert container["logConfiguration"] == {
        "logDriver": "awslogs",
        "options": {
            "awslogs-group": "pokelake",
            "awslogs-region": "us-east-1",
            "awslogs-stream-prefix": "pokelake",
            "awslogs-create-group": "true",
        },
    }


@pytest.mark.parametrize(
    "change",
    [
        {"memory": 4096},
        {"execution_role_arn": f"{ROLE}-2"},
        {"cloudwatch_logs_prefix": "lake"},
        {"prefect_api_key_secret_arn": f"{SECRET}key"},
    ],
    ids=lambda change: next(iter(change)),
)
def test_a_change_is_one_more_revision(ecs: Any, change: dict[str, Any]):
    assert [registered(), registered(**change), registered(**change)] == ["created", "changed", "left"]
    assert len(revisions(ecs)) == 2


def test_secrets_that_are_taken_away_are_a_change(ecs: Any):
    assert [registered(prefect_api_key_secret_arn=f"{SECRET}key"), registered()] == ["created", "changed"]


def test_a_pool_keeps_its_revision_when_another_pool_registers_one(ecs: Any):
    """Both are of one family; comparing with its latest, each setup of one would seem a change to the other."""
    first, _ = pool(), pool(image="pokelake:2")
    assert register(AwsCredentials(), defaults(first))[1] == "left"


def test_a_revision_that_somebody_deregistered_is_registered_anew(ecs: Any):
    template = pool()
    ecs.deregister_task_definition(taskDefinition=defaults(template)["task_definition_arn"])
    arn, done = register(AwsCredentials(), defaults(template))
    assert (done, ecs.describe_task_definition(taskDefinition=arn)["taskDefinition"]["status"]) == ("created", "ACTIVE")


def test_where_ecs_cannot_be_asked_it_says_what_to_check():
    nowhere = {"endpoint_url": "http://127.0.0.1:1", "config": {"retries": {"max_attempts": 0}}}
    credentials = AwsCredentials(region_name="us-east-1", aws_client_parameters=nowhere)
    with pytest.raises(LakeError, match=r"^ECS task definition 'pokelake': .* check credentials, region and policy"):
        register(credentials, defaults(with_defaults(TEMPLATE, ACCOUNT)))


def test_ten_runs_register_no_revision(ecs: Any):
    """Each would be one, and ECS refuses those that come too close together."""
    template = pool()
    [made] = revisions(ecs)
    requests = [start(ecs, template) for _ in range(10)]
    assert {request["taskDefinition"] for request in requests} == {made["taskDefinitionArn"]}
    assert revisions(ecs) == [made]


def test_a_run_warns_of_nothing(ecs: Any, caplog: pytest.LogCaptureFixture):
    """A warning in the log of every run is one that nobody reads."""
    with caplog.at_level(logging.WARNING, logger="ecs"):
        start(ecs, pool())
    assert [record.getMessage() for record in caplog.records if record.name == "ecs"] == []


def test_without_a_task_definition_no_run_registers_one(ecs: Any):
    with pytest.raises(ValueError, match="task definition"):
        start(ecs, with_defaults(TEMPLATE, ACCOUNT))
    assert revisions(ecs) == []


def test_a_run_is_started_on_fargate_and_on_spot_by_one_variable(ecs: Any):
    assert start(ecs, pool())["launchType"] == "FARGATE"
    request = start(ecs, pool(launch_type="FARGATE_SPOT"))
    assert request["capacityProviderStrategy"] == [{"capacityProvider": "FARGATE_SPOT", "weight": 1}]
    assert "launchType" not in request


def test_the_container_has_a_home_of_its_own_and_not_the_workers(ecs: Any):
    """The worker hands its own settings on, and its home is no folder of the image."""
    from prefect.settings import PREFECT_HOME, temporary_settings

    with temporary_settings({PREFECT_HOME: "/root/.prefect"}):
        request = start(ecs, pool())
    assert environment(request)["PREFECT_HOME"] == "/home/pokelake/.prefect"


def test_the_deployments_settings_reach_the_container(ecs: Any):
    assert deployed_variables()["env"].items() <= environment(start(ecs, pool())).items()


def test_keys_that_are_secrets_are_in_no_environment(ecs: Any):
    from prefect.settings import PREFECT_API_AUTH_STRING, PREFECT_API_KEY, temporary_settings

    arns = {"prefect_api_key_secret_arn": f"{SECRET}key", "prefect_api_auth_string_secret_arn": f"{SECRET}auth"}
    with temporary_settings({PREFECT_API_KEY: "pnu_hidden", PREFECT_API_AUTH_STRING: "admin:hidden"}):
        request = start(ecs, pool(**arns))
    [made] = revisions(ecs)
    assert "hidden" not in json.dumps([request, made], default=str)
    assert {item["name"]: item["valueFrom"] for item in made["containerDefinitions"][0]["secrets"]} == {
        "PREFECT_API_KEY": f"{SECRET}key",
        "PREFECT_API_AUTH_STRING": f"{SECRET}auth",
    }


def test_the_overrides_of_a_run_leave_half_of_what_run_task_takes(ecs: Any):
    """With an address, a key and headers as long as they come, and the worker's own settings handed on."""
    from prefect.settings import PREFECT_API_KEY, PREFECT_API_URL, PREFECT_CLIENT_CUSTOM_HEADERS, temporary_settings

    worker = {
        PREFECT_API_URL: f"https://prefect.{'a' * 180}.example.org/api/accounts/{uuid4()}/workspaces/{uuid4()}",
        PREFECT_API_KEY: f"pnu{'x' * 40}",
        PREFECT_CLIENT_CUSTOM_HEADERS: {"CF-Access-Client-Secret": "x" * 256},
    }
    with temporary_settings(worker):
        request = start(ecs, pool())
    size = len(json.dumps(request["overrides"]).encode())
    assert environment(request).keys() >= {"PREFECT_API_URL", "PREFECT_API_KEY", "PREFECT_CLIENT_CUSTOM_HEADERS"}
    assert size < OVERRIDES_BYTES / 2
