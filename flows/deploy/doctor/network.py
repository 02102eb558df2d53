"""The question about the network of tasks: does each subnet have a way out for the addresses that tasks get there?"""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from flows.deploy.doctor.check import Verdict, failed, judge, ok
from flows.deploy.doctor.installation import Installation

_EVERYWHERE = "0.0.0.0/0"

# A run that has one of these asks a proxy for everything that lies outside.
_PROXIES = ("HTTPS_PROXY", "https_proxy", "ALL_PROXY", "all_proxy")


@dataclass(frozen=True, slots=True)
class Network:
    """The network that a task gets: its VPC, one of these subnets, and perhaps a public address."""

    vpc: str
    subnets: tuple[str, ...]
    is_public: bool


@dataclass(frozen=True, slots=True)
class Way:
    """Where a route table sends what is for everywhere; without a target it has no such route."""

    table: str
    target: str = ""
    is_active: bool = False

    def leads_out(self, is_public: bool) -> bool:
        """Tell whether a task comes out: by an internet gateway with a public address only, else with any."""
        return self.is_active and (is_public or not self.is_for_public_addresses)

    @property
    def is_for_public_addresses(self) -> bool:
        """Whether it leads to an internet gateway, which knows no others."""
        return self.target.startswith("igw-")


def network(at: Installation) -> Verdict:
    """Do tasks reach Prefect, the image, S3 and the source from every subnet that they may be in?"""
    ec2 = at.credentials.get_client("ec2")
    given = at.variables().get("network_configuration", {})
    name_it = f"`pokelake setup{at.names.flags} --work-pool {at.pool_name} --vpc VPC"
    vpc = at.variables().get("vpc_id") or ("" if given else _default_vpc(ec2))
    if not vpc and given:
        return failed("the pool names subnets without their VPC, so Prefect starts no task", f"{name_it}`")
    if not vpc:
        return failed(f"there is no default VPC in {ec2.meta.region_name}, and the pool names none", f"{name_it}`")
    within = {"Filters": [{"Name": "vpc-id", "Values": [vpc]}]}
    subnets = sorted(item["SubnetId"] for item in ec2.describe_subnets(**within)["Subnets"])
    if not subnets:
        return failed(f"there is no VPC {vpc} in {ec2.meta.region_name}, or it has no subnet", f"{name_it}`")
    if given and (lost := sorted({*given.get("subnets", ())} - {*subnets})):
        return failed(f"{vpc} has no subnet {', '.join(lost)}", f"{name_it} --subnet SUBNET`")
    # Without a configuration of the pool's own, Prefect takes all subnets, and gives each task a public address.
    here = Network(vpc, tuple(given.get("subnets") or subnets), not given or given.get("assignPublicIp") == "ENABLED")
    if proxies := [name for name in _PROXIES if name in at.variables().get("env", {})]:
        return ok(f"{', '.join(here.subnets)} of {vpc}; runs go out by {proxies[0]}, so no route was looked at")
    ways = _ways(ec2.describe_route_tables(**within)["RouteTables"], subnets)
    said = f"{', '.join(here.subnets)} of {vpc}, {'with' if here.is_public else 'without'} a public address"
    return judge(list(_flaws(at, here, ways)), f"tasks get out of {said}")


def _default_vpc(ec2: Any) -> str:
    found = ec2.describe_vpcs(Filters=[{"Name": "is-default", "Values": ["true"]}])["Vpcs"]
    return found[0]["VpcId"] if found else ""


def _ways(tables: Iterable[Mapping[str, Any]], subnets: Iterable[str]) -> dict[str, Way]:
    """Return the way out of each subnet: that of its own route table, or of the VPC's main one."""
    ways, main = dict[str, Way](), Way("no route table")
    for table in tables:
        way = _way(table)
        for association in table["Associations"]:
            if association.get("Main"):
                main = way
            elif "SubnetId" in association:
                ways[association["SubnetId"]] = way
    return {subnet: ways.get(subnet, main) for subnet in subnets}


def _way(table: Mapping[str, Any]) -> Way:
    for route in table["Routes"]:
        if route.get("DestinationCidrBlock") == _EVERYWHERE:
            target = next((value for name, value in sorted(route.items()) if name.endswith("Id")), "an unknown target")
            return Way(table["RouteTableId"], target, route.get("State") == "active")
    return Way(table["RouteTableId"])


def _flaws(at: Installation, here: Network, ways: Mapping[str, Way]) -> Iterator[tuple[str, str]]:
    """Yield each subnet out of which no task comes, with the way to mend it."""
    good = [subnet for subnet, way in ways.items() if way.leads_out(here.is_public)]
    setup = f"`pokelake setup{at.names.flags} --work-pool {at.pool_name} --vpc {here.vpc}"
    others = f"{setup}{''.join(f' --subnet {subnet}' for subnet in good)}`"
    closed = [subnet for subnet in here.subnets if subnet not in good]
    for way in dict.fromkeys(ways[subnet] for subnet in closed):
        lost = ", ".join(subnet for subnet in closed if ways[subnet] == way)
        lacking = f"no way out of {lost}: the route table {way.table}"
        if not way.target:
            fact, act = f"{lacking} has no route {_EVERYWHERE}", "create-route"
        elif not way.is_active:
            fact, act = f"{lacking} leads to {way.target}, which is gone", "replace-route"
        else:
            fact = f"{lacking} leads to {way.target}, and tasks get no public address"
            yield fact, others if good else "\n".join(_give_address(at))
            continue
        gateway = "--gateway-id INTERNET_GATEWAY" if here.is_public else "--nat-gateway-id NAT_GATEWAY"
        make = f"`aws ec2 {act} --route-table-id {way.table} --destination-cidr-block {_EVERYWHERE} {gateway}`"
        yield fact, others if good else make


def _give_address(at: Installation) -> Iterator[str]:
    """Yield the two ways to give tasks a public address, or a network in which they need none."""
    setup = f"`pokelake setup{at.names.flags} --work-pool {at.pool_name} --stack STACK`"
    yield f"{setup}, which takes the network of a stack"
    yield "or set assignPublicIp to ENABLED in the pool's network_configuration, in Prefect's UI"
