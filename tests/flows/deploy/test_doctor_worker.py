"""`pokelake doctor` on a worker of ECS that is not heard: the reason is its service's, and so is what mends it."""

from datetime import UTC, datetime
from types import SimpleNamespace
from typing import Any

import boto3
import pytest
from moto.ecs.models import ecs_backends
from prefect.client.schemas.objects import WorkerStatus

from flows.deploy.doctor.check import Verdict
from flows.deploy.doctor.ecs import cluster
from flows.deploy.doctor.pool import worker
from flows.deploy.doctor.service import service
from tests.flows.deploy.cloudformation import complete_moto, deploy
from tests.flows.deploy.on_ecs import CLUSTER, installation

SERVICE = "pokelake-worker"
UPDATE = f"`aws ecs update-service --cluster {CLUSTER} --service {SERVICE}"
UNHEARD = "none of 1 workers is online, the last was heard at 2026-11-27 04:20 UTC, so no run is started"


@pytest.fixture
def ecs(ecs: Any) -> Any:
    """Return a client of a cluster that has what a service needs."""
    ecs.create_cluster(clusterName=CLUSTER)
    container = {"name": "worker", "image": "pokelake:none", "memory": 512}
    ecs.register_task_definition(family=SERVICE, containerDefinitions=[container])
    return ecs


def make_service(ecs: Any, count: int) -> Any:
    """Make the service of the worker; return what moto keeps of it."""
    ecs.create_service(cluster=CLUSTER, serviceName=SERVICE, taskDefinition=SERVICE, desiredCount=count)
    return ecs_backends["123456789012"]["us-east-1"].services[f"{CLUSTER}:{SERVICE}"]


def stop_task(ecs: Any, reason: str) -> None:
    """Start a task, which moto does at once, and stop it."""
    subnet = boto3.client("ec2").describe_subnets()["Subnets"][0]["SubnetId"]
    network = {"awsvpcConfiguration": {"subnets": [subnet]}}
    given = {"cluster": CLUSTER, "taskDefinition": SERVICE, "launchType": "FARGATE", "networkConfiguration": network}
    [task] = ecs.run_task(**given)["tasks"]
    ecs.stop_task(cluster=CLUSTER, task=task["taskArn"], reason=reason)


def ask(status: WorkerStatus = WorkerStatus.OFFLINE) -> Verdict:
    """Ask about a pool whose only worker was heard at 04:20."""
    at = installation()
    heard = datetime(2026, 11, 27, 4, 20, tzinfo=UTC)
    one = SimpleNamespace(status=status, last_heartbeat_time=heard)
    at.client = SimpleNamespace(read_workers_for_work_pool=lambda name: [one])
    return worker(at)


def test_a_worker_that_is_heard_needs_no_service(ecs: Any):
    assert ask(WorkerStatus.ONLINE).status == "ok"


def test_a_service_whose_count_nobody_raised(ecs: Any):
    make_service(ecs, 0)
    found = ask()
    assert found.found.splitlines() == [UNHEARD, f"the service {SERVICE} has a desired count of 0"]
    assert found.mend == f"`pokelake setup --stack {SERVICE.removesuffix('-worker')}`"


def test_a_service_whose_tasks_do_not_start_says_why_in_the_words_of_ecs(ecs: Any):
    service = make_service(ecs, 1)
    stop_task(ecs, "CannotPullContainerError: pokelake:none: not found")
    service.deployments[0].update(rolloutState="FAILED", rolloutStateReason="tasks failed to start.")
    service.events = [
        {"id": str(number), "createdAt": datetime.now(UTC), "message": f"message {number}"} for number in range(3)
    ]
    found = ask()
    assert found.found.splitlines() == [
        UNHEARD,
        f"no task of the service {SERVICE} runs",
        "a task of it was stopped: CannotPullContainerError: pokelake:none: not found",
        "its container worker: exit code 0",
        "ECS gave up: tasks failed to start.",
        "ECS says: message 0",
        "ECS says: message 1",
    ]
    assert found.mend == f"mend what it says, then {UPDATE} --force-new-deployment`"


def test_a_service_whose_task_runs_and_is_not_heard(ecs: Any):
    """Then its log says why: it cannot reach Prefect, or asks for another pool."""
    make_service(ecs, 1).running_count = 1
    found = ask()
    assert found.found.splitlines() == [UNHEARD, f"the service {SERVICE} has 1 task, which Prefect does not hear"]
    assert found.mend == "look into its log: `aws logs tail pokelake --since 1h`"


def test_a_service_that_is_not_there(ecs: Any):
    found = ask()
    assert found.found.splitlines() == [UNHEARD, f"the cluster {CLUSTER} has no service {SERVICE}"]
    assert "`pokelake setup --stack pokelake`" in found.mend
    assert f"`aws ecs update-service --cluster {CLUSTER} --service SERVICE --desired-count 1`" in found.mend
    assert "prefect worker start" not in found.mend


def test_a_service_of_the_stack_that_somebody_deleted_comes_back_with_another_stack(clients: None, bucket: str):
    complete_moto()
    outputs = deploy("ours")
    boto3.client("ecs").delete_service(cluster="ours", service="ours-worker", force=True)
    found = service(installation(family="ours", cluster=outputs["Cluster"]))
    assert found.mend.startswith(
        "`aws cloudformation delete-stack --stack-name ours`, which leaves the bucket, then deploy"
        " flows/deploy/stack.yaml with CreateBucket=no, and push the image, then `pokelake setup --stack ours`\n"
    )


def test_a_cluster_that_is_not_there_hides_nothing(clients: None, bucket: str):
    found = ask()
    assert found.status == "failed"
    assert found.found.startswith(f"{UNHEARD}\n")


def test_a_cluster_that_cannot_run_on_spot(ecs: Any):
    """Without it, ECS refuses each task of such a pool."""
    found = cluster(installation(launch_type="FARGATE_SPOT"))
    assert found.found == f"the cluster {CLUSTER} has no capacity provider FARGATE_SPOT, so no task starts"
    assert found.mend == (
        f"`aws ecs put-cluster-capacity-providers --cluster {CLUSTER} --capacity-providers FARGATE FARGATE_SPOT"
        " --default-capacity-provider-strategy`"
    )
    wanted = {"capacityProviders": ["FARGATE", "FARGATE_SPOT"], "defaultCapacityProviderStrategy": []}
    ecs.put_cluster_capacity_providers(cluster=CLUSTER, **wanted)
    assert cluster(installation(launch_type="FARGATE_SPOT")).status == "ok"
