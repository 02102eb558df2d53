"""`pokelake doctor` on a pool of type ecs: what it needs in AWS, and what its runs are started with."""

import asyncio
import json
from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import replace
from typing import Any
from uuid import uuid4

import boto3
import pytest
from prefect.client.orchestration import SyncPrefectClient, get_client
from prefect.client.schemas.actions import DeploymentUpdate
from prefect.client.schemas.objects import FlowRun
from prefect_aws import AwsCredentials
from prefect_aws.workers import ECSWorker
from prefect_aws.workers.ecs_worker import ECSJobConfiguration

from flows.deploy.doctor import deployments, ecs
from flows.deploy.doctor.ecs import OBSERVER, SPOT, lets_through
from flows.deploy.doctor.overrides import SIGTERM, overrides
from flows.deploy.pool import Pool, save_pool
from tests.flows.deploy.conftest import POOL, Deployed
from tests.flows.deploy.on_ecs import (
    ARN,
    CLUSTER,
    FARGATE,
    IMAGE,
    QUEUE,
    ROLE,
    RULE,
    TAG,
    make_events,
    make_repository,
    make_roles,
    make_rule,
    open_default_vpc,
    push_image,
)
from tests.flows.deploy.whole import Whole, reached

MAKE_EVENTS = f"deploy flows/deploy/stack.yaml as the stack {FARGATE}, which makes it, then `pokelake setup --stack"


@pytest.fixture(scope="module")
def client(deployed: Deployed) -> Iterator[SyncPrefectClient]:
    """Set up a pool of type ecs with all that it needs in AWS, and let what was deployed be there for these tests."""
    with reached(deployed) as client:
        boto3.client("ecs").create_cluster(clusterName=CLUSTER, capacityProviders=[SPOT])
        make_events()
        make_roles()
        make_repository()
        push_image(TAG)
        open_default_vpc()
        save_pool(Pool(FARGATE, "ecs", CLUSTER, IMAGE, ROLE, ROLE), AwsCredentials())
        client.send_worker_heartbeat(FARGATE, "crawler", heartbeat_interval_seconds=600)
        queues = {item["id"]: item["work_queue_name"] for item in deployed.deployments().values()}
        move(client, queues, FARGATE)
        yield client
        move(client, queues, POOL)
        client.delete_work_pool(FARGATE)


def move(client: SyncPrefectClient, queues: dict[Any, str], pool: str) -> None:
    """Move all deployments to the queues of these names in a work pool."""
    for deployment, queue in queues.items():
        client.update_deployment(deployment, DeploymentUpdate(work_pool_name=pool, work_queue_name=queue))


@pytest.fixture
def whole(deployed: Deployed, client: SyncPrefectClient) -> Iterator[Whole]:
    with ExitStack() as undo:
        yield Whole(deployed, FARGATE, client, undo)


def test_all_is_well(whole: Whole):
    found = whole.examine()
    assert {found.pop(name).status for name in ("messages", "verification")} == {"skipped"}
    assert {name: check.found for name, check in found.items() if check.status != "ok"} == {
        "interruptions": "not needed: no deployment runs on Fargate Spot",
        "secrets of tasks": "not needed: tasks are started without one",
    }
    assert found["task definition"].found.endswith(f"/pokelake:1 is ACTIVE, with the image {IMAGE}")
    assert found["rule of ECS events"].found == f"{RULE} sends the cluster's task state changes"


def test_deployments_in_another_pool(whole: Whole):
    found = deployments.existence(replace(whole, pool=POOL).installation())
    assert found.status == "failed"
    assert found.found.startswith(f"expected all in the pool {POOL}, found discover in {FARGATE}, refresh in")
    assert found.mend == f"`POKELAKE_WORK_POOL={POOL} prefect --no-prompt deploy --all`"


def test_a_cluster_that_is_not_there_and_its_events_wait(whole: Whole):
    whole.change_pool(cluster="absent")
    checks = whole.examine()
    [check] = [check for check in checks.values() if check.status == "failed"]
    assert check.name == "ECS cluster"
    assert check.found == "expected the cluster absent to be ACTIVE, found none of that name"
    assert f"`pokelake setup --work-pool {FARGATE} --cluster NAME`" in check.mend
    assert checks["queue of ECS events"].found == "not looked at: ECS cluster failed"


def test_a_task_definition_with_another_image_than_the_pools(whole: Whole):
    whole.change_pool(image="pokelake:2")
    check = whole.failure()
    assert (check.name, check.mend) == ("task definition", f"`pokelake setup --work-pool {FARGATE}`")
    assert check.found.endswith(f"/pokelake:1 to have the pool's image pokelake:2, found {IMAGE}")


def test_a_task_definition_with_another_role_than_the_pools(whole: Whole):
    whole.change_pool(task_role_arn=f"{ROLE}-2")
    found = ecs.task_definition(whole.installation())
    assert (found.status, found.mend) == ("failed", f"`pokelake setup --work-pool {FARGATE}`")
    assert found.found.endswith(f"to have the pool's roles, found {ROLE}")


def test_a_pool_that_names_no_task_definition(whole: Whole):
    whole.change_pool(task_definition_arn=None)
    found = ecs.task_definition(whole.installation())
    assert (found.status, found.found) == ("failed", "the pool names none")
    assert found.mend == f"`pokelake setup --work-pool {FARGATE}`"


def test_a_queue_of_events_that_is_not_there(whole: Whole, monkeypatch: pytest.MonkeyPatch):
    """The worker only warns, and no dead task is noticed; that it must know the queue is seen nowhere else."""
    monkeypatch.setattr(ecs, "EVENTS_QUEUE", "{pool}-absent")
    checks = whole.examine()
    [check] = [check for check in checks.values() if check.status == "failed"]
    assert check.name == "queue of ECS events"
    assert check.found == f"there is no queue {FARGATE}-absent, so a task that died is never noticed"
    assert check.mend.startswith(f"{MAKE_EVENTS} {FARGATE}`")
    assert check.mend.endswith(f"{OBSERVER}={FARGATE}-absent")
    assert {checks[name].found for name in ("rule of ECS events", "dead letters")} == {
        "not looked at: queue of ECS events failed"
    }


def test_a_rule_without_target(whole: Whole):
    events = boto3.client("events")
    targets = events.list_targets_by_rule(Rule=RULE)["Targets"]
    events.remove_targets(Rule=RULE, Ids=[target["Id"] for target in targets])
    whole.undo.callback(events.put_targets, Rule=RULE, Targets=targets)
    found = ecs.rule(whole.installation())
    assert found.status == "failed"
    assert found.found == f"no EventBridge rule sends anything to {ARN.format('sqs')}:{QUEUE}"
    assert found.mend.startswith(MAKE_EVENTS)


def test_a_rule_that_is_switched_off(whole: Whole):
    events = boto3.client("events")
    events.disable_rule(Name=RULE)
    whole.undo.callback(events.enable_rule, Name=RULE)
    found = ecs.rule(whole.installation())
    assert (found.status, found.found) == ("failed", f"the rule {RULE} is switched off")
    assert found.mend == f"`aws events enable-rule --name {RULE}`"


def test_a_rule_for_another_cluster(whole: Whole):
    make_rule("another")
    whole.undo.callback(make_rule, CLUSTER)
    found = ecs.rule(whole.installation())
    assert found.status == "failed"
    assert found.found.endswith(f":{QUEUE}, found that {RULE} sends others")
    assert found.mend.startswith(MAKE_EVENTS)


@pytest.mark.parametrize(
    ("pattern", "matches"),
    [
        ({"source": ["aws.ecs"]}, True),
        ({"source": ["aws.ecs"], "detail": {"clusterArn": ["a", "b"]}}, True),
        ({"source": ["aws.ec2"]}, False),
        ({"detail": {"clusterArn": ["b"]}}, False),
        ({"detail": {"lastStatus": ["STOPPED"]}}, False),
    ],
)
def test_a_rule_must_let_every_change_of_the_cluster_through(pattern: dict[str, Any], matches: bool):
    assert lets_through(pattern, {"source": "aws.ecs", "detail": {"clusterArn": "a"}}) is matches


def test_an_event_that_the_worker_could_not_handle(whole: Whole):
    sqs = boto3.client("sqs")
    url = sqs.get_queue_url(QueueName=f"{QUEUE}-dlq")["QueueUrl"]
    sqs.send_message(QueueUrl=url, MessageBody="{}")
    whole.undo.callback(sqs.purge_queue, QueueUrl=url)
    check = whole.failure()
    assert (check.name, check.found) == (
        "dead letters",
        f"1 events in {QUEUE}-dlq that the worker could not handle",
    )
    assert f"`aws sqs purge-queue --queue-url {url}`" in check.mend


def test_a_queue_without_a_dead_letter_queue(whole: Whole, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(ecs, "EVENTS_QUEUE", "{pool}-ecs-events-dlq")
    found = ecs.dead_letters(whole.installation())
    assert (found.status, found.found) == ("skipped", "not needed: the queue has no dead-letter queue")


def test_an_environment_that_run_task_would_refuse(whole: Whole):
    whole.change_deployment(
        "rebuild", job_variables={"env": {"PREFECT_FLOWS_HEARTBEAT_FREQUENCY": "30", "X": "x" * 6000}}
    )
    check = whole.failure()
    assert check.name == "size of the overrides"
    assert "of the 8,192 bytes that RunTask takes, for rebuild" in check.found
    assert "`pokelake setup --env`" in check.mend


def test_what_is_measured_is_what_the_worker_sends(whole: Whole):
    """But for the container's name and a few quotes, which it adds in the end."""
    at = whole.installation()
    measured = asyncio.run(overrides(at))["refresh"]
    sent = asyncio.run(workers_overrides(at.pool, at.deployments["refresh"]))
    ours, theirs = (found["containerOverrides"][0] for found in (measured, sent))
    assert ours["command"] == theirs["command"]
    sizes = [{item["name"]: len(item["value"]) for item in found["environment"]} for found in (ours, theirs)]
    assert sizes[0] == sizes[1]
    assert abs(len(json.dumps(measured)) - len(json.dumps(sent))) < 50


async def workers_overrides(pool: Any, deployment: Any) -> Any:
    """Return the overrides of a run as the worker itself makes them."""
    run = FlowRun(id=uuid4(), flow_id=deployment.flow_id, deployment_id=deployment.id, name="quick-pidgeotto")
    worker = ECSWorker(work_pool_name=FARGATE, name=f"ECSWorker {uuid4()}")
    async with get_client() as client:
        made = await ECSJobConfiguration.resolve_for_flow_run(
            run, client=client, work_pool=pool, worker_name=worker.name, worker_id=uuid4(), deployment=deployment
        )
    arn = made.task_run_request["taskDefinition"]
    return worker._prepare_task_run_request(made, {"networkMode": "bridge"}, arn, False)["overrides"]


def test_spot_without_a_way_back_into_the_queue(whole: Whole):
    whole.change_pool(launch_type="FARGATE_SPOT")
    whole.change_deployment("refresh", job_variables={"env": {"PREFECT_FLOWS_HEARTBEAT_FREQUENCY": "30"}})
    check = whole.failure()
    assert (check.name, check.found) == ("interruptions", f"on Fargate Spot without {SIGTERM}=reschedule: refresh")
    assert check.mend == f"`POKELAKE_WORK_POOL={FARGATE} prefect --no-prompt deploy --all`"


def test_a_key_of_prefect_that_tasks_read_from_a_secret_is_not_counted(whole: Whole):
    """The worker takes its own out of what it sends; whoever asks may have none."""
    whole.change_pool(prefect_api_key_secret_arn="arn:aws:secretsmanager:us-east-1:123456789012:secret:prefect")
    sent = asyncio.run(overrides(whole.installation()))
    for container in (item["containerOverrides"][0] for item in sent.values()):
        assert "PREFECT_API_KEY" not in {item["name"] for item in container["environment"]}
