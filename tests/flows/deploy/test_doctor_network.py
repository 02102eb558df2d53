"""`pokelake doctor` on the network of tasks: a subnet without a way out is named, which moto and ECS take as it is."""

from typing import Any

import boto3
import pytest

from flows.deploy.doctor.network import network
from tests.flows.deploy.on_ecs import FARGATE, installation, open_default_vpc, open_vpc

SETUP = f"`pokelake setup --work-pool {FARGATE} --vpc"
EVERYWHERE = "0.0.0.0/0"


@pytest.fixture
def ec2(clients: None, bucket: str) -> Any:
    """Return a client of an account that has nothing but its default VPC."""
    return boto3.client("ec2")


@pytest.fixture
def vpc(ec2: Any) -> str:
    """Make a VPC."""
    return ec2.create_vpc(CidrBlock="10.0.0.0/16")["Vpc"]["VpcId"]


def subnet(ec2: Any, vpc: str, number: int, table: str | None = None) -> str:
    """Make a subnet, with a route table of its own if one is given."""
    made = ec2.create_subnet(VpcId=vpc, CidrBlock=f"10.0.{number}.0/24")["Subnet"]["SubnetId"]
    if table:
        ec2.associate_route_table(RouteTableId=table, SubnetId=made)
    return made


def private_table(ec2: Any, vpc: str, public: str) -> tuple[str, str]:
    """Make a route table that leads to a NAT gateway in a public subnet; return both ids."""
    table = ec2.create_route_table(VpcId=vpc)["RouteTable"]["RouteTableId"]
    nat = ec2.create_nat_gateway(SubnetId=public)["NatGateway"]["NatGatewayId"]
    ec2.create_route(RouteTableId=table, DestinationCidrBlock=EVERYWHERE, NatGatewayId=nat)
    return table, nat


def main_table(ec2: Any, vpc: str) -> str:
    [table] = ec2.describe_route_tables(Filters=[{"Name": "vpc-id", "Values": [vpc]}])["RouteTables"]
    return table["RouteTableId"]


def named(vpc: str, *subnets: str, **address: str) -> Any:
    return installation(vpc_id=vpc, network_configuration={"subnets": list(subnets), **address})


def test_the_default_vpc_as_aws_makes_it(ec2: Any):
    open_default_vpc(ec2)
    found = network(installation())
    assert (found.status, found.found.startswith("tasks get out of subnet-")) == ("ok", True)
    assert found.found.endswith(", with a public address")


def test_a_default_vpc_that_lost_its_route(ec2: Any):
    [vpc] = ec2.describe_vpcs()["Vpcs"]
    subnets = ", ".join(sorted(item["SubnetId"] for item in ec2.describe_subnets()["Subnets"]))
    table = main_table(ec2, vpc["VpcId"])
    found = network(installation())
    assert found.found == f"no way out of {subnets}: the route table {table} has no route {EVERYWHERE}"
    assert found.mend == (
        f"`aws ec2 create-route --route-table-id {table} --destination-cidr-block {EVERYWHERE}"
        " --gateway-id INTERNET_GATEWAY`"
    )


def test_an_account_without_a_default_vpc(ec2: Any):
    [vpc] = ec2.describe_vpcs()["Vpcs"]
    for item in ec2.describe_subnets()["Subnets"]:
        ec2.delete_subnet(SubnetId=item["SubnetId"])
    ec2.delete_vpc(VpcId=vpc["VpcId"])
    found = network(installation())
    assert found.found == "there is no default VPC in us-east-1, and the pool names none"
    assert found.mend == f"{SETUP} VPC`"


def test_a_vpc_alone_must_have_a_way_out_of_every_subnet(ec2: Any, vpc: str):
    """Because Prefect may start a task in any of them."""
    open_vpc(vpc, ec2)
    public = subnet(ec2, vpc, 0)
    assert network(installation(vpc_id=vpc)).status == "ok"
    table = ec2.create_route_table(VpcId=vpc)["RouteTable"]["RouteTableId"]
    closed = subnet(ec2, vpc, 1, table)
    found = network(installation(vpc_id=vpc))
    assert found.found == f"no way out of {closed}: the route table {table} has no route {EVERYWHERE}"
    assert found.mend == f"{SETUP} {vpc} --subnet {public}`"
    assert network(named(vpc, public, assignPublicIp="ENABLED")).status == "ok"


@pytest.mark.parametrize("address", [{"assignPublicIp": "DISABLED"}, {}])
def test_a_public_subnet_is_no_way_out_without_a_public_address(ec2: Any, vpc: str, address: dict[str, str]):
    """So prefect-aws's own template starts its worker in a default VPC; without the setting, ECS gives none."""
    table = open_vpc(vpc, ec2)
    public = subnet(ec2, vpc, 0)
    found = network(named(vpc, public, **address))
    assert found.found.startswith(f"no way out of {public}: the route table {table} leads to igw-")
    assert found.found.endswith(", and tasks get no public address")
    assert found.mend.splitlines() == [
        f"`pokelake setup --work-pool {FARGATE} --stack STACK`, which takes the network of a stack",
        "or set assignPublicIp to ENABLED in the pool's network_configuration, in Prefect's UI",
    ]
    table, _ = private_table(ec2, vpc, public)
    private = subnet(ec2, vpc, 1, table)
    assert network(named(vpc, public, **address)).mend == f"{SETUP} {vpc} --subnet {private}`"


def test_a_private_subnet_gets_out_by_its_nat_gateway_with_and_without_an_address(ec2: Any, vpc: str):
    open_vpc(vpc, ec2)
    table, _ = private_table(ec2, vpc, subnet(ec2, vpc, 0))
    private = subnet(ec2, vpc, 1, table)
    for address in ("DISABLED", "ENABLED"):
        assert network(named(vpc, private, assignPublicIp=address)).status == "ok"


def test_a_private_subnet_whose_route_was_removed(ec2: Any, vpc: str):
    table, _ = private_table(ec2, vpc, subnet(ec2, vpc, 0))
    private = subnet(ec2, vpc, 1, table)
    ec2.delete_route(RouteTableId=table, DestinationCidrBlock=EVERYWHERE)
    found = network(named(vpc, private, assignPublicIp="DISABLED"))
    assert found.found == f"no way out of {private}: the route table {table} has no route {EVERYWHERE}"
    assert found.mend.endswith(
        f"--route-table-id {table} --destination-cidr-block {EVERYWHERE} --nat-gateway-id NAT_GATEWAY`"
    )


def test_a_route_to_a_gateway_that_was_deleted(ec2: Any, vpc: str, monkeypatch: pytest.MonkeyPatch):
    """Its route stays; AWS calls it a blackhole, and moto active."""
    table, nat = private_table(ec2, vpc, subnet(ec2, vpc, 0))
    private = subnet(ec2, vpc, 1, table)
    monkeypatch.setattr("moto.ec2.models.route_tables.Route.state", "blackhole")
    found = network(named(vpc, private, assignPublicIp="DISABLED"))
    assert found.found == f"no way out of {private}: the route table {table} leads to {nat}, which is gone"
    assert found.mend.startswith(f"`aws ec2 replace-route --route-table-id {table} ")


def test_subnets_that_are_not_there(ec2: Any, vpc: str):
    open_vpc(vpc, ec2)
    subnet(ec2, vpc, 0)
    found = network(named(vpc, "subnet-1"))
    assert (found.found, found.mend) == (f"{vpc} has no subnet subnet-1", f"{SETUP} VPC --subnet SUBNET`")
    found = network(installation(vpc_id="vpc-1"))
    assert found.found == "there is no VPC vpc-1 in us-east-1, or it has no subnet"
    found = network(installation(network_configuration={"subnets": ["subnet-1"]}))
    assert found.found == "the pool names subnets without their VPC, so Prefect starts no task"


def test_runs_that_go_out_by_a_proxy_need_no_route(ec2: Any, vpc: str):
    closed = subnet(ec2, vpc, 0)
    found = network(installation(vpc_id=vpc, env={"HTTPS_PROXY": "http://proxy:3128"}))
    assert (found.status, found.found) == (
        "ok",
        f"{closed} of {vpc}; runs go out by HTTPS_PROXY, so no route was looked at",
    )
