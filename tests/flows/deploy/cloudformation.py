"""What moto's CloudFormation lacks to make and to delete the stack whole.

It knows no secrets and no policies of queues. It drops a cluster's capacity providers, the network of a service, roles,
size and network mode of a task definition, whose routes a subnet has, and that hosts of a VPC have names, without which
it starts no task there. It deletes no cluster, no service, no repository with images, no gateway, no route table, no
endpoint and no address. And a stack that is made by a change set, as the AWS CLI does it, has no outputs.
"""

import json
from collections.abc import Callable
from copy import deepcopy
from functools import cache
from pathlib import Path
from typing import Any, Self

import boto3
from moto.cloudformation import parsing
from moto.cloudformation.models import ChangeSet, Stack
from moto.core.common_models import CloudFormationModel
from moto.core.utils import pascal_to_camelcase, remap_nested_keys
from moto.ec2.models import ec2_backends
from moto.ec2.models.elastic_ip_addresses import ElasticAddress
from moto.ec2.models.internet_gateways import InternetGateway
from moto.ec2.models.nat_gateways import NatGateway
from moto.ec2.models.route_tables import RouteTable
from moto.ec2.models.subnets import SubnetRouteTableAssociation
from moto.ec2.models.vpcs import VPC, VPCEndPoint
from moto.ecr.models import Repository, ecr_backends
from moto.ecs.models import Cluster, Service, TaskDefinition, ecs_backends
from moto.secretsmanager.models import secretsmanager_backends
from moto.sqs.models import sqs_backends

# Nothing of Prefect is loaded here, because moto's own process loads this, too.
TEMPLATE = Path(__file__).parents[3] / "flows" / "deploy" / "stack.yaml"


@cache
def template() -> dict[str, Any]:
    """Return the template as YAML has it, with its functions in their long form."""
    # A second, which most workers that collect the tests need not spend.
    from cfnlint.decode import decode

    [found, _] = decode(str(TEMPLATE))
    return dict(found)


class Secret(CloudFormationModel):
    """A secret that a stack makes."""

    physical_resource_id: str

    @staticmethod
    def cloudformation_name_type() -> str:
        return "Name"

    @staticmethod
    def cloudformation_type() -> str:
        return "AWS::SecretsManager::Secret"

    @classmethod
    def create_from_cloudformation_json(  # type: ignore[override]
        cls, name: str, resource: Any, account: str, region: str, **_: Any
    ) -> Self:
        """Make the secret."""
        value, nothing = resource["Properties"]["SecretString"], [None] * 4
        said = secretsmanager_backends[account][region].create_secret(name, value, *nothing, None, [], False)
        made = cls()
        made.physical_resource_id = json.loads(said)["ARN"]
        return made

    def delete(self, account: str, region: str) -> None:
        """Delete it at once, as CloudFormation does."""
        secretsmanager_backends[account][region].delete_secret(self.physical_resource_id, None, True)


class QueuePolicy(CloudFormationModel):
    """The policy that a stack gives a queue."""

    physical_resource_id = "policy"

    @staticmethod
    def cloudformation_name_type() -> str:
        return ""

    @staticmethod
    def cloudformation_type() -> str:
        return "AWS::SQS::QueuePolicy"

    @classmethod
    def create_from_cloudformation_json(  # type: ignore[override]
        cls, name: str, resource: Any, account: str, region: str, **_: Any
    ) -> Self:
        """Give the queues their policy."""
        given = resource["Properties"]
        for url in given["Queues"]:
            attributes = {"Policy": json.dumps(given["PolicyDocument"])}
            sqs_backends[account][region].set_queue_attributes(url.rpartition("/")[2], attributes)
        return cls()

    def delete(self, account: str, region: str) -> None:
        """It goes with its queue."""


_VPC = VPC.create_from_cloudformation_json

# It takes most of the time in which moto makes a stack.
_parse = cache(Stack.parse_template)


def _snake(given: dict[str, Any], *names: str) -> dict[str, Any]:
    """Return properties under the names that moto's functions have for them."""
    words = {name: "".join(f"_{c.lower()}" if c.isupper() else c for c in name).removeprefix("_") for name in names}
    return {words[name]: given[name] for name in names if name in given}


def _make_cluster(cls: type, name: str, resource: Any, account: str, region: str, **_: Any) -> Any:
    providers = resource["Properties"]["CapacityProviders"]
    return ecs_backends[account][region].create_cluster(name, capacity_providers=providers)


def _make_task_definition(cls: type, name: str, resource: Any, account: str, region: str, **_: Any) -> Any:
    given = resource["Properties"]
    names = ("Family", "NetworkMode", "RequiresCompatibilities", "Cpu", "Memory", "TaskRoleArn", "ExecutionRoleArn")
    containers = remap_nested_keys(given["ContainerDefinitions"], pascal_to_camelcase)
    return ecs_backends[account][region].register_task_definition(
        container_definitions=containers, **_snake(given, *names)
    )


def _make_service(cls: type, name: str, resource: Any, account: str, region: str, **_: Any) -> Any:
    given = resource["Properties"]
    network = remap_nested_keys(given["NetworkConfiguration"], pascal_to_camelcase)
    wanted = _snake(given, "DesiredCount", "LaunchType")
    return ecs_backends[account][region].create_service(
        given["Cluster"], name, task_definition_str=given["TaskDefinition"], network_configuration=network, **wanted
    )


def _make_vpc(cls: type, *made: Any, **more: Any) -> Any:
    vpc = _VPC(*made, **more)
    vpc.enable_dns_hostnames = True
    return vpc


def _associate(cls: type, name: str, resource: Any, account: str, region: str, **_: Any) -> Any:
    given = resource["Properties"]
    ec2_backends[account][region].associate_route_table(given["RouteTableId"], subnet_id=given["SubnetId"])
    return SubnetRouteTableAssociation(given["RouteTableId"], given["SubnetId"])


def _delete_service(self: Service, account: str, region: str) -> None:
    backend = ecs_backends[account][region]
    backend.delete_service(self.cluster_name, self.name, force=True)


def _delete_route_table(self: RouteTable, account: str, region: str) -> None:
    self._associations.clear()
    ec2_backends[account][region].delete_route_table(self.id)


def _delete_gateway(self: InternetGateway, account: str, region: str) -> None:
    self.vpc = None
    ec2_backends[account][region].delete_internet_gateway(self.id)


def _known(template: str) -> str:
    """Return a template with the one policy of deletion by which moto keeps something."""
    return template.replace("RetainExceptOnCreate", "Retain")


def _apply(self: ChangeSet) -> None:
    stack = self.stack
    if self.change_set_type == "CREATE":
        stack.template, stack.parameters = _known(self.template), self.parameters
        stack._parse_template()
        stack.resource_map = stack._create_resource_map()
        stack.output_map = stack._create_output_map()
        stack.create_resources()
    else:
        stack.update(_known(self.template), parameters=self.parameters)


def complete_moto() -> None:
    """Have moto make and delete what the stack has; the classes above are found because they exist."""
    Cluster.create_from_cloudformation_json = classmethod(_make_cluster)  # type: ignore[assignment]
    TaskDefinition.create_from_cloudformation_json = classmethod(_make_task_definition)  # type: ignore[assignment]
    VPC.create_from_cloudformation_json = classmethod(_make_vpc)  # type: ignore[assignment]
    Service.create_from_cloudformation_json = classmethod(_make_service)  # type: ignore[assignment]
    SubnetRouteTableAssociation.create_from_cloudformation_json = classmethod(_associate)  # type: ignore[assignment]
    deletions: dict[type, Any] = {
        Service: _delete_service,
        RouteTable: _delete_route_table,
        InternetGateway: _delete_gateway,
        Cluster: lambda self, account, region: ecs_backends[account][region].delete_cluster(self.name),
        Repository: lambda self, account, region: ecr_backends[account][region].delete_repository(
            self.name, force=True
        ),
        NatGateway: lambda self, account, region: ec2_backends[account][region].nat_gateways.pop(self.id),
        VPCEndPoint: lambda self, account, region: ec2_backends[account][region].vpc_end_points.pop(self.id),
        ElasticAddress: lambda self, account, region: ec2_backends[account][region].release_address(self.public_ip),
    }
    for kind, delete in deletions.items():
        kind.delete = delete  # type: ignore[attr-defined]
    ChangeSet.apply = _apply  # type: ignore[method-assign]
    Stack.parse_template = staticmethod(lambda template: deepcopy(_parse(template)))
    for found in (parsing.get_model_list, parsing.get_model_map, parsing.get_name_type_map):
        found.cache_clear()


def things(client: Callable[[str], Any]) -> dict[str, list[str]]:
    """Return the names or ids of all in an account that a stack may have made, without buckets and the default VPC."""
    ec2, ecs, iam = client("ec2"), client("ecs"), client("iam")
    clusters = ecs.describe_clusters(clusters=ecs.list_clusters()["clusterArns"] or ["none"])["clusters"]
    definitions = [ecs.list_task_definitions(status=status) for status in ("ACTIVE", "INACTIVE")]
    vpcs = [vpc["VpcId"] for vpc in ec2.describe_vpcs()["Vpcs"] if not vpc["IsDefault"]]
    found = {
        "clusters": [one["clusterName"] for one in clusters if one["status"] == "ACTIVE"],
        "definitions": [arn.rpartition("/")[2] for page in definitions for arn in page["taskDefinitionArns"]],
        "roles": [role["RoleName"] for role in iam.list_roles()["Roles"]],
        "queues": [url.rpartition("/")[2] for url in client("sqs").list_queues().get("QueueUrls", [])],
        "logs": [group["logGroupName"] for group in client("logs").describe_log_groups()["logGroups"]],
        "images": [one["repositoryName"] for one in client("ecr").describe_repositories()["repositories"]],
        "rules": [rule["Name"] for rule in client("events").list_rules()["Rules"]],
        "secrets": [secret["Name"] for secret in client("secretsmanager").list_secrets()["SecretList"]],
        "networks": vpcs,
        "gateways": [one["InternetGatewayId"] for one in ec2.describe_internet_gateways()["InternetGateways"]],
        "NAT gateways": [one["NatGatewayId"] for one in ec2.describe_nat_gateways()["NatGateways"]],
        "addresses": [one["PublicIp"] for one in ec2.describe_addresses()["Addresses"]],
        "endpoints": [one["VpcEndpointId"] for one in ec2.describe_vpc_endpoints()["VpcEndpoints"]],
    }
    return {kind: names for kind, names in found.items() if names}


def deploy(name: str, **given: str) -> dict[str, str]:
    """Deploy the stack; return its outputs."""
    parameters = {"Bucket": f"{name}-lake", "PrefectApiUrl": "https://prefect.example.org/api", **given}
    cloudformation = boto3.client("cloudformation")
    cloudformation.create_stack(
        StackName=name,
        TemplateBody=_known(TEMPLATE.read_text()),
        Parameters=[{"ParameterKey": key, "ParameterValue": value} for key, value in parameters.items()],
        Capabilities=["CAPABILITY_NAMED_IAM"],
    )
    [found] = cloudformation.describe_stacks(StackName=name)["Stacks"]
    return {item["OutputKey"]: item["OutputValue"] for item in found["Outputs"]}
