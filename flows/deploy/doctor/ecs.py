"""Questions about AWS: cluster and tasks of a pool of type ecs, and the events that tell its worker how tasks end."""

import json
from collections.abc import Mapping
from typing import Any

from flows.deploy.doctor.check import Verdict, failed, ok, skipped
from flows.deploy.doctor.installation import Installation

# The name that flows/deploy/stack.yaml gives to the queue, and prefect-aws's own template as well.
EVENTS_QUEUE = "{pool}-ecs-events"

# Without this setting, the worker looks for a queue by its default name, which nobody made, and only warns.
OBSERVER = "PREFECT_INTEGRATIONS_AWS_ECS_OBSERVER_SQS_QUEUE_NAME"

SPOT = "FARGATE_SPOT"

STATE_CHANGE = {"source": "aws.ecs", "detail-type": "ECS Task State Change"}


def cluster(at: Installation) -> Verdict:
    """Is the cluster there, and has it what tasks run on?"""
    name = at.variables().get("cluster")
    found = _cluster(at)
    if found.get("status") != "ACTIVE":
        status = found.get("status", "none of that name")
        way = f"create it, or name another: `pokelake setup{at.names.flags} --work-pool {at.pool_name} --cluster NAME`"
        return failed(f"expected the cluster {name} to be ACTIVE, found {status}", way)
    if at.variables().get("launch_type") == SPOT and SPOT not in found.get("capacityProviders", ()):
        return failed(
            f"the cluster {name} has no capacity provider {SPOT}, so no task starts",
            f"`aws ecs put-cluster-capacity-providers --cluster {name} --capacity-providers FARGATE {SPOT}"
            " --default-capacity-provider-strategy`",
        )
    return ok(f"{found['clusterArn']} is ACTIVE")


def _cluster(at: Installation) -> dict[str, Any]:
    ecs = at.credentials.get_client("ecs")
    name = at.variables().get("cluster") or "default"
    found: list[dict[str, Any]] = ecs.describe_clusters(clusters=[name])["clusters"]
    return found[0] if found else {}


def task_definition(at: Installation) -> Verdict:
    """Does the pool name a task definition that exists and has the pool's image and roles?"""
    arn, image = at.variables().get("task_definition_arn"), at.variables().get("image")
    way = f"`pokelake setup{at.names.flags} --work-pool {at.pool_name}`"
    if not arn:
        return failed("the pool names none", way)
    found = at.credentials.get_client("ecs").describe_task_definition(taskDefinition=arn)["taskDefinition"]
    if found["status"] != "ACTIVE":
        return failed(f"expected {arn} to be ACTIVE, found {found['status']}", way)
    images = [container["image"] for container in found["containerDefinitions"]]
    if image not in images:
        return failed(f"expected {arn} to have the pool's image {image}, found {', '.join(images)}", way)
    roles = {"executionRoleArn": "execution_role_arn", "taskRoleArn": "task_role_arn"}
    if others := [
        found.get(name, "none") for name, ours in roles.items() if found.get(name) != at.variables().get(ours)
    ]:
        return failed(f"expected {arn} to have the pool's roles, found {', '.join(others)}", way)
    return ok(f"{arn} is ACTIVE, with the image {image}")


def queue(at: Installation) -> Verdict:
    """Is there a queue for the events in which ECS says how tasks end?"""
    name = _queue_name(at)
    sqs = at.credentials.get_client("sqs")
    try:
        found = _queue(sqs, name)
    except sqs.exceptions.QueueDoesNotExist:
        return failed(f"there is no queue {name}, so a task that died is never noticed", _make_events(at))
    return ok(f"{found['QueueArn']}, {found['ApproximateNumberOfMessages']} messages wait for the worker")


def _queue_name(at: Installation) -> str:
    return EVENTS_QUEUE.format(pool=at.pool_name)


def _queue(sqs: Any, name: str) -> dict[str, str]:
    """Return the attributes of a queue, its URL among them."""
    url = sqs.get_queue_url(QueueName=name)["QueueUrl"]
    attributes: dict[str, str] = sqs.get_queue_attributes(QueueUrl=url, AttributeNames=["All"])["Attributes"]
    return {**attributes, "QueueUrl": url}


def _make_events(at: Installation) -> str:
    """Return the way to make the queue and the rule. Whether the worker knows the queue cannot be seen from here."""
    stack = at.pool_name
    return (
        f"deploy flows/deploy/stack.yaml as the stack {stack}, which makes it, then `pokelake setup --stack {stack}`\n"
        f"if the stack lost a part, `aws cloudformation delete-stack --stack-name {stack}` first, which leaves the"
        " bucket, and deploy it with CreateBucket=no\n"
        f"if the worker is not the stack's, start it with {OBSERVER}={_queue_name(at)}"
    )


def rule(at: Installation) -> Verdict:
    """Does an EventBridge rule send the cluster's task state changes to the queue?"""
    arn = _queue(at.credentials.get_client("sqs"), _queue_name(at))["QueueArn"]
    events = at.credentials.get_client("events")
    rules = [events.describe_rule(Name=name) for name in events.list_rule_names_by_target(TargetArn=arn)["RuleNames"]]
    if not rules:
        return failed(f"no EventBridge rule sends anything to {arn}", _make_events(at))
    event = {**STATE_CHANGE, "detail": {"clusterArn": _cluster(at)["clusterArn"]}}
    matching = [found for found in rules if lets_through(json.loads(found.get("EventPattern", "{}")), event)]
    if not matching:
        names = ", ".join(found["Name"] for found in rules)
        return failed(
            f"expected every task state change of the cluster in {arn}, found that {names} sends others",
            _make_events(at),
        )
    names = ", ".join(found["Name"] for found in matching if found["State"] == "ENABLED")
    if not names:
        name = matching[0]["Name"]
        return failed(f"the rule {name} is switched off", f"`aws events enable-rule --name {name}`")
    return ok(f"{names} sends the cluster's task state changes")


def lets_through(pattern: Mapping[str, Any], event: Mapping[str, Any]) -> bool:
    """Tell whether an EventBridge pattern of plain values matches every event like this one.

    >>> lets_through({"source": ["aws.ecs"], "detail": {"lastStatus": ["STOPPED"]}}, {"source": "aws.ecs"})
    False
    """
    return all(
        lets_through(wanted, event.get(name, {})) if isinstance(wanted, Mapping) else event.get(name) in wanted
        for name, wanted in pattern.items()
    )


def dead_letters(at: Installation) -> Verdict:
    """Could the worker handle every event?"""
    sqs = at.credentials.get_client("sqs")
    policy = json.loads(_queue(sqs, _queue_name(at)).get("RedrivePolicy", "{}"))
    if "deadLetterTargetArn" not in policy:
        return skipped("not needed: the queue has no dead-letter queue")
    name = policy["deadLetterTargetArn"].rpartition(":")[2]
    found = _queue(sqs, name)
    url, count = found["QueueUrl"], int(found["ApproximateNumberOfMessages"])
    if count:
        return failed(
            f"{count} events in {name} that the worker could not handle",
            f"look at them (`aws sqs receive-message --queue-url {url}`), then `aws sqs purge-queue --queue-url {url}`",
        )
    return ok(f"{name} is empty")
