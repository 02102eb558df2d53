"""The template of the stack, as moto makes it, and as far as it can be judged without AWS.

moto asks neither whether a subnet has a way out nor whether a role exists, so that is asked here.
"""

import ast
import re
from datetime import timedelta
from typing import Any

import boto3
import pytest
from prefect.settings import get_current_settings

from flows.deploy.doctor.ecs import EVENTS_QUEUE, OBSERVER, lets_through
from flows.deploy.iam import ROLES, Account, policy, trust
from flows.deploy.stack import read_stack
from lake.layout import STAGING
from lake.publish.garbage import GRACE
from tests.flows.deploy.cloudformation import TEMPLATE, complete_moto, deploy, template, things

# `aws cloudformation deploy` sends a template of this size; a larger one it would want to put into a bucket first.
TEMPLATE_BYTES = 51_200

SECRET = "arn:aws:secretsmanager:us-east-1:123456789012:secret:source"
KEY = "arn:aws:kms:us-east-1:123456789012:key/1234abcd"


@pytest.fixture(autouse=True)
def account(clients: None, bucket: str) -> None:
    """Give the test an empty account."""
    complete_moto()


@pytest.mark.tool
def test_cfn_lint_finds_nothing():
    from cfnlint.api import lint_file

    assert lint_file(TEMPLATE) == []


def test_a_stack_with_a_name_of_40_characters_has_names_that_aws_takes():
    """64 for roles and rules, 80 for queues."""
    name = "a" * 40
    deploy(name, Bucket="ours-lake", PrefectApiKey="pnu_1")
    assert max(map(len, named())) <= 64


def test_it_is_short_enough_to_be_sent_as_it_is():
    assert len(TEMPLATE.read_bytes()) < TEMPLATE_BYTES


@pytest.mark.parametrize(
    "given",
    [
        {},
        {"Prefix": "", "PrefectAuthString": "oak:elm", "SourceSecrets": f"{SECRET}-gyms,{SECRET}-trainers"},
        {"Prefix": "lakes/pokemon/", "PrefectApiKey": "pnu_1", "KmsKey": KEY},
        {"CatalogDatabase": "pokemon"},
    ],
)
def test_the_roles_have_the_rights_that_are_printed_and_no_others(given: dict[str, str]):
    outputs = deploy("ours", **given)
    secrets = tuple(value for name, value in outputs.items() if name in ("ApiKeySecret", "AuthStringSecret"))
    where = Account(
        number="123456789012",
        region="us-east-1",
        bucket="ours-lake",
        prefix=given.get("Prefix", "pokelake").strip("/"),
        pool="ours",
        cluster="ours",
        secrets=secrets,
        source_secrets=tuple(filter(None, given.get("SourceSecrets", "").split(","))),
        stack="ours",
        kms_key=given.get("KmsKey"),
        catalog=given.get("CatalogDatabase"),
    )
    assert len(secrets) == len([name for name in given if name in ("PrefectApiKey", "PrefectAuthString")])
    # What `pokelake iam-policy ROLE --stack ours` prints.
    assert read_stack("ours").account() == where
    for role in ROLES:
        assert sorted(statements(f"ours-{role}"), key=str) == sorted(policy(role, where)["Statement"], key=str), role
        assert trusted(f"ours-{role}") == trust(role, where)["Statement"]


def trusted(role: str) -> list[dict[str, Any]]:
    """Return who may take a role; moto keeps a statement that has no value as None."""
    found = boto3.client("iam").get_role(RoleName=role)["Role"]["AssumeRolePolicyDocument"]["Statement"]
    return [statement for statement in found if statement is not None]


@pytest.mark.parametrize("repository", ["oak/lake", "oak@1234/lake@567890"])
def test_workflows_on_the_main_branch_of_a_repository_may_set_up_and_deploy_and_no_others(repository: str):
    """The second form names the ids as well, so that who takes over a name that was given up gets nothing."""
    allowed = re.compile(template()["Parameters"]["GitHubRepository"]["AllowedPattern"])
    assert allowed.fullmatch(repository)
    wrong = ("oak", "oak/*", "repo:oak/lake", "oak/lake:ref:refs/heads/main", "oak@me/lake", "oak/lake/", "*/lake")
    assert not any(map(allowed.fullmatch, wrong))
    deploy("ours", GitHubRepository=repository)
    asked = {}
    for role in ROLES:
        for statement in trusted(f"ours-{role}"):
            if "Federated" in statement["Principal"]:
                asked[role] = statement["Condition"]["StringEquals"]
    assert asked.keys() == {"setup", "deploy"}
    for condition in asked.values():
        assert condition == {
            "token.actions.githubusercontent.com:aud": "sts.amazonaws.com",
            "token.actions.githubusercontent.com:sub": f"repo:{repository}:ref:refs/heads/main",
        }


def statements(role: str) -> list[dict[str, Any]]:
    """Return every statement of a role's policies; moto keeps a policy of a stack as Python writes it."""
    iam = boto3.client("iam")
    found: list[dict[str, Any]] = []
    for name in iam.list_role_policies(RoleName=role)["PolicyNames"]:
        document = iam.get_role_policy(RoleName=role, PolicyName=name)["PolicyDocument"]
        found += (ast.literal_eval(document) if isinstance(document, str) else document)["Statement"]
    assert boto3.client("iam").list_attached_role_policies(RoleName=role)["AttachedPolicies"] == []
    return found


def worker(outputs: dict[str, str]) -> dict[str, Any]:
    """Return the worker's service, which nothing runs of yet."""
    ecs = boto3.client("ecs")
    [found] = ecs.describe_services(cluster=outputs["Cluster"], services=[outputs["Worker"]])["services"]
    assert found["desiredCount"] == 0
    return found


def way_out(subnet: str) -> str:
    """Return the kind of gateway to which a subnet's default route leads, and that S3 has a route of its own."""
    ec2 = boto3.client("ec2")
    wanted = [{"Name": "association.subnet-id", "Values": [subnet]}]
    [table] = ec2.describe_route_tables(Filters=wanted)["RouteTables"]
    endpoints = ec2.describe_vpc_endpoints(Filters=[{"Name": "vpc-id", "Values": [table["VpcId"]]}])["VpcEndpoints"]
    [tables] = [one["RouteTableIds"] for one in endpoints if one["ServiceName"] == "com.amazonaws.us-east-1.s3"]
    assert table["RouteTableId"] in tables
    [route] = [one for one in table["Routes"] if one.get("DestinationCidrBlock") == "0.0.0.0/0"]
    if "NatGatewayId" not in route:
        return "internet" if route["GatewayId"].startswith("igw-") else route["GatewayId"]
    [nat] = ec2.describe_nat_gateways(NatGatewayIds=[route["NatGatewayId"]])["NatGateways"]
    assert way_out(nat["SubnetId"]) == "internet"
    return "NAT"


@pytest.mark.parametrize(
    ("network", "public", "way"), [("public", "ENABLED", "internet"), ("private", "DISABLED", "NAT")]
)
def test_worker_and_runs_reach_the_internet_from_every_subnet(network: str, public: str, way: str):
    """With a public address through an internet gateway, and without one through a NAT gateway alone."""
    outputs = deploy("ours", Network=network)
    subnets = outputs["Subnets"].split(",")
    assert [way_out(subnet) for subnet in subnets] == [way, way]
    described = boto3.client("ec2").describe_subnets(SubnetIds=subnets)["Subnets"]
    assert len({subnet["AvailabilityZone"] for subnet in described}) == 2
    assert {subnet["VpcId"] for subnet in described} == {outputs["Vpc"]}
    found = worker(outputs)["networkConfiguration"]["awsvpcConfiguration"]
    assert (found["subnets"], found["assignPublicIp"]) == (subnets, public)
    assert outputs["AssignPublicIp"] == public
    assert found["securityGroups"] == [outputs["SecurityGroup"]]


def test_the_subnets_lie_in_the_zones_that_are_named():
    subnets = deploy("ours", ZoneA="us-east-1c", ZoneB="us-east-1d")["Subnets"].split(",")
    described = boto3.client("ec2").describe_subnets(SubnetIds=subnets)["Subnets"]
    assert {subnet["AvailabilityZone"] for subnet in described} == {"us-east-1c", "us-east-1d"}


def test_a_network_of_ones_own_is_taken_and_nothing_is_made_in_it_but_the_endpoint_that_is_asked_for():
    ec2 = boto3.client("ec2")
    [vpc] = ec2.describe_vpcs()["Vpcs"]
    subnets = [subnet["SubnetId"] for subnet in ec2.describe_subnets()["Subnets"]][:2]
    [table] = ec2.describe_route_tables()["RouteTables"]
    own = {"Network": "own", "VpcId": vpc["VpcId"], "SubnetIds": ",".join(subnets), "PublicAddresses": "yes"}
    outputs = deploy("ours", **own, RouteTableIds=table["RouteTableId"])
    assert (outputs["Vpc"], outputs["Subnets"]) == (vpc["VpcId"], ",".join(subnets))
    assert outputs["AssignPublicIp"] == "ENABLED"
    assert worker(outputs)["networkConfiguration"]["awsvpcConfiguration"]["subnets"] == subnets
    [endpoint] = ec2.describe_vpc_endpoints()["VpcEndpoints"]
    assert endpoint["RouteTableIds"] == [table["RouteTableId"]]
    assert deploy("other", **{**own, "PublicAddresses": "no"})["AssignPublicIp"] == "DISABLED"
    assert len(ec2.describe_vpc_endpoints()["VpcEndpoints"]) == len(ec2.describe_vpcs()["Vpcs"]) == 1


def test_runs_may_start_on_fargate_and_on_fargate_spot():
    [cluster] = boto3.client("ecs").describe_clusters(clusters=[deploy("ours")["Cluster"]])["clusters"]
    assert cluster["capacityProviders"] == ["FARGATE", "FARGATE_SPOT"]


def test_the_worker_asks_for_runs_of_the_pool_and_hears_of_their_ends():
    outputs = deploy("ours", PrefectApiKey="pnu_1")
    definition = worker(outputs)["taskDefinition"]
    found = boto3.client("ecs").describe_task_definition(taskDefinition=definition)["taskDefinition"]
    assert found["executionRoleArn"] == outputs["ExecutionRole"]
    assert found["taskRoleArn"].endswith(":role/ours-worker")
    [container] = found["containerDefinitions"]
    assert container["command"][:5] == ["prefect", "worker", "start", "--pool", outputs["WorkPool"]]
    assert "--with-healthcheck" in container["command"]
    port = get_current_settings().worker.webserver.port
    assert f"http://127.0.0.1:{port}/health" in container["healthCheck"]["command"][-1]
    environment = {item["name"]: item["value"] for item in container["environment"]}
    queue = EVENTS_QUEUE.format(pool=outputs["WorkPool"])
    assert environment == {
        "AWS_DEFAULT_REGION": "us-east-1",
        "PREFECT_API_URL": "https://prefect.example.org/api",
        OBSERVER: queue,
    }
    assert container["secrets"] == [{"name": "PREFECT_API_KEY", "valueFrom": outputs["ApiKeySecret"]}]
    events = boto3.client("events")
    arn = f"arn:aws:sqs:us-east-1:123456789012:{queue}"
    [rule] = events.list_rule_names_by_target(TargetArn=arn)["RuleNames"]
    pattern = ast.literal_eval(events.describe_rule(Name=rule)["EventPattern"])
    event = {"source": "aws.ecs", "detail-type": "ECS Task State Change"}
    cluster = f"arn:aws:ecs:us-east-1:123456789012:cluster/{outputs['Cluster']}"
    assert lets_through(pattern, {**event, "detail": {"clusterArn": cluster}})


def test_a_server_without_a_key_is_asked_without_a_secret():
    outputs = deploy("ours")
    definition = worker(outputs)["taskDefinition"]
    found = boto3.client("ecs").describe_task_definition(taskDefinition=definition)["taskDefinition"]
    assert found["containerDefinitions"][0].get("secrets", []) == []
    assert boto3.client("secretsmanager").list_secrets()["SecretList"] == []


def test_the_bucket_is_closed_encrypted_and_forgets_what_was_staged():
    """Of this, moto makes the encryption alone."""
    bucket = template()["Resources"]["LakeBucket"]
    # A stack that could not be made leaves nothing, so that the next try can make the bucket.
    assert (bucket["DeletionPolicy"], bucket["UpdateReplacePolicy"]) == ("RetainExceptOnCreate", "Retain")
    assert list(bucket["Properties"]["PublicAccessBlockConfiguration"].values()) == [True] * 4
    assert template()["Parameters"]["Versions"]["Default"] == "yes"
    assert bucket["Properties"]["VersioningConfiguration"] == {
        "Status": {"Fn::If": ["HasVersions", "Enabled", "Suspended"]}
    }
    versions, uploads, staging = bucket["Properties"]["LifecycleConfiguration"]["Rules"]
    assert versions["NoncurrentVersionExpiration"] == {"NoncurrentDays": 30}
    assert uploads["AbortIncompleteMultipartUpload"] == {"DaysAfterInitiation": 1}
    assert staging["Prefix"] == {"Fn::Sub": f"${{Prefix}}{STAGING}"}
    assert timedelta(days=staging["ExpirationInDays"]) > GRACE
    deploy("ours", KmsKey=KEY)
    s3 = boto3.client("s3")
    rules = s3.get_bucket_encryption(Bucket="ours-lake")["ServerSideEncryptionConfiguration"]["Rules"]
    assert rules[0]["ApplyServerSideEncryptionByDefault"] == {"SSEAlgorithm": "aws:kms", "KMSMasterKeyID": KEY}


# What has a name that AWS gives, and no other one.
NAMELESS = {"networks", "gateways", "NAT gateways", "addresses", "endpoints"}


def test_a_second_stack_in_the_account_is_another_one():
    deploy("ours", PrefectApiKey="pnu_1")
    first = named()
    assert all(name.startswith("ours") for name in first)
    deploy("theirs", PrefectApiKey="pnu_1")
    assert named() - first == {name.replace("ours", "theirs") for name in first}


def named() -> set[str]:
    return {name for kind, names in things(boto3.client).items() if kind not in NAMELESS for name in names}


def test_a_deleted_stack_leaves_its_bucket_and_a_new_one_takes_it():
    """The revision of the worker's definition is deleted by `pokelake teardown`, together with all others of it."""
    deploy("ours", PrefectApiKey="pnu_1", Network="private", KmsKey=KEY)
    boto3.client("cloudformation").delete_stack(StackName="ours")
    assert things(boto3.client) == {"definitions": ["ours-worker:1"]}
    assert "ours-lake" in {bucket["Name"] for bucket in boto3.client("s3").list_buckets()["Buckets"]}
    deploy("ours", CreateBucket="no")
