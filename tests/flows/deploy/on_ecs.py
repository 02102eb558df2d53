"""What a pool of type ecs needs in AWS, made in moto without a Prefect server, and the installation that names it."""

import json
from contextlib import ExitStack
from typing import Any

import boto3
from prefect.client.schemas.objects import WorkPool
from prefect_aws import AwsCredentials

from flows.deploy.doctor.installation import Installation
from flows.deploy.iam import Account, trust
from flows.deploy.image import image_tag
from flows.deploy.pool import Pool, _template, with_defaults
from flows.steps.parameters import LakeLocation
from lake.store import Store
from tests.flows.deploy.conftest import REPOSITORY

FARGATE, CLUSTER = "fargate", "lake"
ACCOUNT = Account("123456789012", "us-east-1", "lake", "pokelake", FARGATE, CLUSTER)
ARN = "arn:aws:{}:us-east-1:123456789012"
ROLE = "arn:aws:iam::123456789012:role/pokelake"
HOST = "123456789012.dkr.ecr.us-east-1.amazonaws.com"
TAG = image_tag(REPOSITORY)
IMAGE = f"{HOST}/pokelake:{TAG}"


QUEUE, RULE = f"{FARGATE}-ecs-events", f"{FARGATE}-ecs-task-events"


def make_events() -> None:
    """Make the queue of task events, its dead-letter queue and its rule, as prefect-aws's own template has them."""
    dead = make_queue(f"{QUEUE}-dlq", {})
    queue = make_queue(QUEUE, {"RedrivePolicy": json.dumps({"deadLetterTargetArn": dead, "maxReceiveCount": "3"})})
    make_rule(CLUSTER)
    boto3.client("events").put_targets(Rule=RULE, Targets=[{"Id": "Target0", "Arn": queue}])


def make_rule(cluster: str) -> None:
    """Make or change the rule: it is for the task state changes of a cluster."""
    detail = {"clusterArn": [f"{ARN.format('ecs')}:cluster/{cluster}"]}
    pattern = {"source": ["aws.ecs"], "detail-type": ["ECS Task State Change"], "detail": detail}
    boto3.client("events").put_rule(Name=RULE, EventPattern=json.dumps(pattern))


def make_queue(name: str, attributes: dict[str, str]) -> str:
    """Create a queue; return its ARN."""
    sqs = boto3.client("sqs")
    url = sqs.create_queue(QueueName=name, Attributes=attributes)["QueueUrl"]
    return sqs.get_queue_attributes(QueueUrl=url, AttributeNames=["QueueArn"])["Attributes"]["QueueArn"]


def make_roles() -> None:
    """Make the role that the pool names for both purposes."""
    boto3.client("iam").create_role(RoleName="pokelake", AssumeRolePolicyDocument=json.dumps(trust("task", ACCOUNT)))


def make_repository() -> None:
    """Make the repository of images."""
    boto3.client("ecr").create_repository(repositoryName="pokelake")


def push_image(tag: str, content: str = "", ecr: Any = None, repository: str = "pokelake") -> str:
    """Push an image under a tag; return its digest."""
    kind = "application/vnd.docker.distribution.manifest.v2+json"
    manifest = json.dumps({"schemaVersion": 2, "mediaType": kind, "config": {"digest": content}, "layers": []})
    ecr = ecr or boto3.client("ecr")
    pushed = ecr.put_image(repositoryName=repository, imageManifest=manifest, imageTag=tag)
    return pushed["image"]["imageId"]["imageDigest"]


def open_default_vpc(ec2: Any = None) -> str:
    """Give the default VPC, which moto makes without one, a route to an internet gateway; return its route table."""
    ec2 = ec2 or boto3.client("ec2")
    [vpc] = ec2.describe_vpcs(Filters=[{"Name": "is-default", "Values": ["true"]}])["Vpcs"]
    return open_vpc(vpc["VpcId"], ec2)


def open_vpc(vpc: str, ec2: Any) -> str:
    """Give the main route table of a VPC a route to an internet gateway; return the table's id."""
    gateway = ec2.create_internet_gateway()["InternetGateway"]["InternetGatewayId"]
    ec2.attach_internet_gateway(InternetGatewayId=gateway, VpcId=vpc)
    [table] = ec2.describe_route_tables(Filters=[{"Name": "vpc-id", "Values": [vpc]}])["RouteTables"]
    ec2.create_route(RouteTableId=table["RouteTableId"], DestinationCidrBlock="0.0.0.0/0", GatewayId=gateway)
    return table["RouteTableId"]


def installation(**changes: Any) -> Installation:
    """Return an installation whose pool is as `setup` saves it; some of its variables may be others."""
    at = Installation(LakeLocation(), FARGATE, ExitStack())
    named = Pool(FARGATE, "ecs", CLUSTER, IMAGE, ROLE, ROLE).variables()
    template = with_defaults(_template("ecs"), {**named, **changes})
    at.pool = WorkPool.model_construct(name=FARGATE, type="ecs", base_job_template=template)
    at.credentials = AwsCredentials(region_name="us-east-1")
    at.store = Store("lake", "pokelake", boto3.client("s3"))
    return at
