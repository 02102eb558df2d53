"""What `setup` takes from a stack, and how its worker begins and ends, on moto's ECS, ECR and CloudFormation."""

from pathlib import Path
from typing import Any

import boto3
import pytest
from prefect.settings import PREFECT_API_URL, temporary_settings
from prefect_aws import AwsCredentials

from flows.cli import main
from flows.deploy.ending import forget_definitions
from flows.deploy.image import SOURCES, image_tag
from flows.deploy.pool import Pool
from flows.deploy.stack import _REGISTERED, Stack, find_image, raise_worker, read_stack
from lake.errors import LakeError
from tests.flows.deploy.cloudformation import complete_moto, deploy
from tests.flows.deploy.on_ecs import push_image


@pytest.fixture
def stack(clients: None, bucket: str) -> Stack:
    """Deploy a stack to an empty account; return what can be read of it."""
    complete_moto()
    deploy("ours", PrefectApiKey="pnu_1")
    return read_stack("ours")


@pytest.fixture
def ecs(stack: Stack) -> Any:
    """Return a client of ECS."""
    return boto3.client("ecs")


def worker(ecs: Any) -> tuple[int, str, dict[str, Any]]:
    """Return how many workers the service wants, and the task definition and container that they are started with."""
    [service] = ecs.describe_services(cluster="ours", services=["ours-worker"])["services"]
    found = ecs.describe_task_definition(taskDefinition=service["taskDefinition"])["taskDefinition"]
    return service["desiredCount"], service["taskDefinition"], found


def test_a_pool_gets_all_that_the_stack_has_made(stack: Stack):
    pool = stack.fill(Pool("ours", memory=4096), "images:1")
    assert pool.variables() == {
        "cluster": "ours",
        "image": "images:1",
        "family": "ours",
        "cloudwatch_logs_options": {"awslogs-group": "ours"},
        "execution_role_arn": "arn:aws:iam::123456789012:role/ours-execution",
        "task_role_arn": "arn:aws:iam::123456789012:role/ours-task",
        "vpc_id": stack.outputs["Vpc"],
        "network_configuration": {
            "subnets": stack.outputs["Subnets"].split(","),
            "securityGroups": [stack.outputs["SecurityGroup"]],
            "assignPublicIp": "ENABLED",
        },
        "memory": 4096,
        "prefect_api_key_secret_arn": stack.outputs["ApiKeySecret"],
    }
    assert (pool.kind, stack.bucket, stack.prefix) == ("ecs", "ours-lake", "pokelake")


def test_a_catalog_of_the_stack_is_the_one_that_runs_register_in(stack: Stack):
    ours = Stack("ours", {**stack.outputs, "CatalogDatabase": "pokemon"})
    assert ours.fill(Pool("ours"), "images:1").variables()["env"] == {"POKELAKE_CATALOG": "pokemon"}
    given = {"POKELAKE_CATALOG": "", "PREFECT_LOGGING_LEVEL": "DEBUG"}
    assert ours.fill(Pool("ours", env=given), "images:1").variables()["env"] == given


def test_what_is_given_wins(stack: Stack):
    given = Pool("ours", task_role="role", subnets=("subnet-1",), security_groups=("sg-1",), api_key_secret="secret")
    pool = stack.fill(given, "images:1")
    assert (pool.task_role, pool.api_key_secret) == ("role", "secret")
    assert pool.variables()["network_configuration"] == {"subnets": ["subnet-1"], "securityGroups": ["sg-1"]}


def test_a_pool_that_the_worker_does_not_serve_is_refused(stack: Stack):
    with pytest.raises(LakeError, match=r"expected the work pool ours.* found pokelake; pass --work-pool ours, or set"):
        stack.fill(Pool("pokelake"), "images:1")


def test_a_stack_that_is_not_there_is_named_with_the_way_to_make_it(clients: None, bucket: str):
    with pytest.raises(LakeError, match=r"stack absent: .*absent does not exist; deploy flows/deploy/stack.yaml"):
        read_stack("absent")


def test_a_stack_that_is_not_complete_is_refused(stack: Stack, monkeypatch: pytest.MonkeyPatch):
    class Failed:
        def describe_stacks(self, StackName: str) -> Any:
            return {"Stacks": [{"StackStatus": "ROLLBACK_COMPLETE"}]}

    monkeypatch.setattr(AwsCredentials, "get_client", lambda self, service: Failed())
    with pytest.raises(LakeError, match="stack ours: expected it to be complete, found ROLLBACK_COMPLETE; `aws cloudf"):
        read_stack("ours")


def test_a_stack_of_another_template_is_refused_with_the_output_that_it_lacks():
    with pytest.raises(LakeError, match="stack ours: expected the output Cluster, found WorkPool; deploy it again"):
        Stack("ours", {"WorkPool": "ours"}).fill(Pool("ours"), "images:1")


def test_the_image_is_that_of_the_checkouts_lock_if_somebody_has_pushed_it(stack: Stack, tmp_path: Path):
    for name in SOURCES:
        (tmp_path / name).write_text("pyarrow==26.0.1\n")
    image = f"{stack.outputs['Images']}:{image_tag(tmp_path)}"
    with pytest.raises(LakeError, match=f"`docker build --platform linux/amd64 --tag {image} .` and `docker push"):
        find_image(stack, tmp_path)
    push_image(image_tag(tmp_path), repository="ours")
    assert find_image(stack, tmp_path) == image


def test_the_worker_is_started_from_the_image_and_nothing_else_of_it_changes(stack: Stack, ecs: Any):
    _, first, before = worker(ecs)
    assert raise_worker(stack, "images:1") == {"ecs-service/ours-worker": "changed"}
    count, second, after = worker(ecs)
    [container] = after["containerDefinitions"]
    assert (count, container["image"]) == (1, "images:1")
    assert first != second
    own = {"taskDefinitionArn", "revision", "registeredAt", "containerDefinitions"}
    assert {name: after[name] for name in after.keys() - own} == {name: before[name] for name in before.keys() - own}
    assert container == {**before["containerDefinitions"][0], "image": "images:1"}
    assert raise_worker(stack, "images:1") == {"ecs-service/ours-worker": "left"}
    assert worker(ecs)[1] == second


def test_a_worker_of_another_definition_than_the_stacks_is_started_anew_from_that(stack: Stack, ecs: Any):
    """Also if the image is the same: somebody gave it more memory, or registered one without the health check."""
    raise_worker(stack, "images:1")
    _, wanted, good = worker(ecs)
    given = {name: good[name] for name in _REGISTERED if name in good}
    [container] = given["containerDefinitions"]
    unwatched = {name: value for name, value in container.items() if name != "healthCheck"}
    for change in ({"memory": "2048"}, {"containerDefinitions": [unwatched]}):
        ecs.register_task_definition(**{**given, **change})
        ecs.update_service(cluster="ours", service="ours-worker", taskDefinition="ours-worker")
        assert raise_worker(stack, "images:1") == {"ecs-service/ours-worker": "changed"}
        _, name, found = worker(ecs)
        assert name != wanted
        assert {name: found[name] for name in given} == given


def test_a_service_that_somebody_deleted_is_one_paragraph(stack: Stack, ecs: Any):
    expected = "expected the service ours-worker in the cluster ours, found none, because somebody deleted it; the same"
    ecs.delete_service(cluster="ours", service="ours-worker", force=True)
    with pytest.raises(LakeError, match=expected):
        raise_worker(stack, "images:1")


@pytest.mark.parametrize(
    ("address", "found"), [(None, "none"), ("https://oak:elm@other.example.org/api", "https://other.example.org/api")]
)
def test_another_prefect_than_the_workers_is_refused(stack: Stack, address: str | None, found: str):
    stack.require_prefect("https://prefect.example.org/api/")
    with pytest.raises(LakeError, match=r"at https://prefect\.example\.org/api, found") as refused:
        stack.require_prefect(address)
    assert f"found {found}; `export PREFECT_API_URL=https://prefect.example.org/api`" in str(refused.value)


@pytest.mark.parametrize("command", [("setup",), ("teardown", "--yes")])
def test_a_command_asks_no_other_prefect_than_the_stacks(
    stack: Stack, command: tuple[str, ...], capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
):
    """Without an address it would start a server of its own, and with another one delete what is there."""
    monkeypatch.setattr("flows.cli.deploy.reach_prefect", lambda: pytest.fail("asked"))
    with temporary_settings({PREFECT_API_URL: None}), pytest.raises(SystemExit):
        main([*command, "--stack", "ours", "--work-pool", "ours"])
    assert "stack ours: expected the Prefect that its worker asks" in capsys.readouterr().err


def test_more_workers_than_one_stay_as_many(stack: Stack, ecs: Any):
    raise_worker(stack, "images:1")
    ecs.update_service(cluster="ours", service="ours-worker", desiredCount=2)
    raise_worker(stack, "images:2")
    assert worker(ecs)[0] == 2


def test_whoever_leaves_another_pool_leaves_the_stack_alone(stack: Stack, ecs: Any):
    raise_worker(stack, "images:1")
    ecs.register_task_definition(family="theirs", containerDefinitions=[{"name": "a", "image": "b", "memory": 64}])
    assert forget_definitions(stack, "laptop", None) == forget_definitions(None, "laptop", None) == {}
    assert forget_definitions(stack, "theirs", "theirs") == {"task-definition/theirs": "deleted"}
    count, definition, _ = worker(ecs)
    assert (count, definition.rpartition("/")[2]) == (1, "ours-worker:2")


def test_all_revisions_of_the_runs_and_of_the_worker_are_gone(stack: Stack, ecs: Any):
    for image in range(12):
        raise_worker(stack, f"images:{image}")
    ecs.deregister_task_definition(taskDefinition="ours-worker:2")
    assert forget_definitions(stack, "ours", "ours") == {
        "task-definition/ours": "absent",
        "task-definition/ours-worker": "deleted",
    }
    for status in ("ACTIVE", "INACTIVE"):
        assert ecs.list_task_definitions(status=status)["taskDefinitionArns"] == []
