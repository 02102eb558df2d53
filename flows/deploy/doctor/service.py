"""The question about the service of ECS that keeps the worker: if no worker is heard, why not?"""

from collections.abc import Iterator
from typing import Any

from flows.deploy.doctor.check import Verdict, failed, ok
from flows.deploy.doctor.installation import Installation
from lake.text import counted

# As flows/deploy/stack.yaml has it; a family of task definitions has the stack's name.
_NAME = "{family}-worker"

# The latest of them say why; ECS keeps a hundred.
_EVENTS = 2


def service(at: Installation) -> Verdict:
    """Is the service there, does it want a worker, and do its tasks start?"""
    ecs, variables = at.credentials.get_client("ecs"), at.variables()
    cluster = variables.get("cluster", "default").rpartition("/")[2]
    name = _NAME.format(family=variables["family"])
    update = f"`aws ecs update-service --cluster {cluster} --service"
    found = ecs.describe_services(cluster=cluster, services=[name])["services"]
    if not found or found[0]["status"] != "ACTIVE":
        stack = variables["family"]
        # The same template makes no other service, and CloudFormation does not look.
        first = (
            f"`aws cloudformation delete-stack --stack-name {stack}`, which leaves the bucket, then "
            if at.stack
            else ""
        )
        again = " with CreateBucket=no, and push the image" if at.stack else ""
        return failed(
            f"the cluster {cluster} has no service {name}",
            f"{first}deploy flows/deploy/stack.yaml{again}, then `pokelake setup{at.names.flags} --stack {stack}`\n"
            f"or, if another service has the worker, {update} SERVICE --desired-count 1`",
        )
    [wanted] = found
    if not wanted["desiredCount"]:
        # The count alone is not enough: the revision that the stack has made names no image.
        setup = f"`pokelake setup --stack {variables['family']}`"
        return failed(f"the service {name} has a desired count of 0", setup)
    if wanted["runningCount"]:
        return ok(f"the service {name} has {counted(wanted['runningCount'], 'task')}, which Prefect does not hear")
    reasons = list(dict.fromkeys(_reasons(ecs, cluster, wanted)))
    return failed(
        "\n".join([f"no task of the service {name} runs", *reasons]),
        f"mend what it says, then {update} {name} --force-new-deployment`",
    )


def log_group(at: Installation) -> str:
    """Return the name of the log that runs and worker write."""
    variables: dict[str, Any] = at.variables()
    return str(variables.get("cloudwatch_logs_options", {}).get("awslogs-group", variables["family"]))


def _reasons(ecs: Any, cluster: str, wanted: dict[str, Any]) -> Iterator[str]:
    """Yield why no task of a service runs, in the words of ECS."""
    stopped = ecs.list_tasks(cluster=cluster, serviceName=wanted["serviceName"], desiredStatus="STOPPED")["taskArns"]
    for task in ecs.describe_tasks(cluster=cluster, tasks=stopped[:1])["tasks"] if stopped else ():
        yield f"a task of it was stopped: {task.get('stoppedReason') or 'ECS does not say why'}"
        for container in task["containers"]:
            if "exitCode" in container or "reason" in container:
                code = f"exit code {container['exitCode']}" if "exitCode" in container else "no exit code"
                yield f"its container {container['name']}: {container.get('reason') or code}"
    for deployment in wanted["deployments"]:
        if deployment.get("rolloutState") == "FAILED":
            yield f"ECS gave up: {deployment.get('rolloutStateReason') or 'it does not say why'}"
    for event in wanted["events"][:_EVENTS]:
        yield f"ECS says: {event['message']}"
