"""Two lakes of two sources in one workspace and one bucket, one below the other, and neither in the way of the other.

One story, because each of its deploys and runs is dear; what comes after stands on what came before. The server is that
of all tests of what is deployed.
"""

import json
from collections.abc import Callable, Iterator
from dataclasses import replace
from typing import Any

import httpx
import pytest
from prefect.blocks.system import Secret
from prefect.client.orchestration import SyncPrefectClient

from blocks.source_config import SourceConfig
from flows.deploy.doctor import Check, examine
from flows.local.replica import Corpus, demo_documents, replica
from flows.steps.parameters import LakeLocation, SourceChoice
from lake.read import Lake
from lake.store import Store
from tests.flows.deploy.conftest import FLOWS, POOL, Deployed
from tests.flows.deploy.in_process import InProcess, cleaned
from tests.lake.assemble.lakeside import only
from tests.second_source import KEY, Trainer, second_source, settings, trainers
from tests.waiting import until

PLACE = ("--lake", "moon", "--bucket", "lake", "--prefix", "pokelake/moon")


class Counted(dict[str, Trainer]):
    """The trainers of the second source; they count how often they are asked for."""

    asked = 0

    def values(self) -> Any:
        """Return all, for a listing."""
        self.asked += 1
        return super().values()

    def get(self, *which: Any) -> Any:
        """Return one."""
        self.asked += 1
        return super().get(*which)


@pytest.fixture
def league() -> Counted:
    return Counted(trainers())


@pytest.fixture
def machine(
    deployed: Deployed, client: SyncPrefectClient, league: Counted, pokelake: Callable[..., str]
) -> Iterator[InProcess]:
    """Run both sources, with the first lake set up and deployed, and the second source saved; leave nothing behind."""
    documents = only(demo_documents(), "generation", "type")
    with (
        replica(Corpus.from_documents(documents)) as source,
        second_source(served=league) as url,
        cleaned(InProcess(deployed, client, {"base_url": source.url, "resources": ["generation", "type"]})) as found,
    ):
        Secret(value=KEY).save("league-key")
        moonbase = replace(settings(url, api_key_block="league-key"), requests_per_second=50)
        SourceConfig.of(moonbase).save("moonbase")
        yield found
        # If the story broke off, those of other tests go on.
        if "refresh-moon" in deployed.deployments():
            pokelake("teardown", "--yes", "--lake", "moon", "--work-pool", POOL)


def automations(machine: InProcess) -> set[str]:
    return {item["name"] for item in machine.deployed.api("/automations/filter", {})}


def setup_done(said: str) -> dict[str, str]:
    """Return what `setup` or `teardown` did with each thing."""
    return {name: what for what, name in (line.split(maxsplit=1) for line in said.splitlines())}


def first_lake(machine: InProcess) -> dict[str, Any]:
    """Return all that the server holds of the first lake's deployments, without the times of saving."""
    times = ("created", "updated")
    found = machine.deployed.deployments()
    return {name: {key: value for key, value in found[name].items() if key not in times} for name in FLOWS}


def test_two_lakes_side_by_side(machine: InProcess, league: Counted, pokelake: Callable[..., str]):
    # Other tests may have left an automation as they need it.
    pokelake("setup")
    before, watchers = first_lake(machine), automations(machine)

    # A second lake is refused where it would crawl the first one's source by mistake, or lie where that one cleans.
    assert "name the block of its source by --source-block" in pokelake("setup", *PLACE)
    moonbase = ("--source-block", "moonbase", "--work-pool", POOL)
    for inside in ("pokelake", "pokelake/code/moon"):
        said = pokelake("setup", "--lake", "moon", "--bucket", "lake", "--prefix", inside, *moonbase)
        assert "two lakes must not share a folder" in said
    assert "the source block 'new' is new" in pokelake("setup", *PLACE, "--source-block", "new")

    done = setup_done(pokelake("setup", *PLACE, *moonbase))
    assert {name for name, what in done.items() if what == "created"} >= {
        "s3-bucket/moon",
        "s3-bucket/moon-results",
        "aws-credentials/moon",
        "global-concurrency-limit/moonbase",
        "variable/pokelake_lakes",
        f"work-queue/{POOL}/crawl-moon",
        "automation/pokelake-never-started-moon",
        "automation/pokelake-not-current-moon",
    }
    assert set(setup_done(pokelake("setup", "--lake", "moon")).values()) == {"left"}
    assert set(setup_done(pokelake("setup")).values()) == {"left"}
    machine.deploy(POKELAKE_LAKE="moon")
    deployments = machine.deployed.deployments()
    assert set(deployments) == {*FLOWS, *(f"{name}-moon" for name in FLOWS)}
    assert first_lake(machine) == before
    # Whatever names a lake alone leads to its source, such as a command in a message, which has the bucket.
    for named in (LakeLocation(block="moon"), LakeLocation(bucket="lake", prefix="pokelake/moon")):
        assert SourceChoice().resolve(named).kind == "rest"
    assert SourceChoice().resolve(LakeLocation(bucket="lake", prefix="pokelake")).kind == "pokeapi"
    moon = deployments["refresh-moon"]
    assert moon["parameters"] == {"lake": {"block": "moon"}, "source": {"block": "moonbase"}}
    assert (moon["work_queue_name"], moon["tags"]) == ("crawl-moon", ["pokelake-moon", "commit:none"])
    assert automations(machine) - watchers == {f"{name}-moon" for name in watchers}

    # Neither waits for the other, and each publishes and reports in its own place alone.
    runs = [machine.start("refresh", source=machine.source), machine.start("refresh-moon")]
    assert machine.offered() >= set(runs)
    assert [str(machine.run(run).message).split()[0] for run in runs] == ["published", "published"]
    for name in ("report", "report-moon"):
        [report] = until(lambda name=name: machine.runs(name))
        assert str(machine.run(report.id).message).startswith("reported")
    first, second = (Store("lake", prefix, machine.deployed.s3()) for prefix in ("pokelake", "pokelake/moon"))
    tables = [set(Lake(store).tables()["table"]) for store in (first, second)]
    assert "types" in tables[0]
    assert tables[1] == {"documents", "document_index", "trainer", "trainer_team"}
    assert len(Lake(second).read("documents")) == len(league)
    for flags, flow_runs in (((), {"refresh", "report"}), (("--lake", "moon"), {"refresh", "report"})):
        listed = json.loads(pokelake("runs", "--json", *flags))
        place = "lake/pokelake/moon" if flags else "lake/pokelake"
        assert {(run["flow"], run["lake"]) for run in listed} == {(flow, place) for flow in flow_runs}
    assert json.loads(pokelake("status", "--json", "--lake", "moon"))["lake"] == "s3://lake/pokelake/moon/"

    ended, other = (pokelake("tell", str(run), "status", "--lake", "moon") for run in reversed(runs))
    assert "ended as Completed" in ended
    assert "no flow run" in other

    # A maintain of one touches nothing of the other.
    objects = machine.deployed.objects()
    assert machine.run(machine.start("maintain-moon")).is_completed()
    assert {key for key in objects if "/staging/" not in key} <= machine.deployed.objects()

    # A key that does not exist is refused by the server, and by the run itself of a deployment from before.
    wrong = {"source": {"base_ur": "https://moonbase.test/"}}
    with pytest.raises(httpx.HTTPStatusError) as answer:
        machine.start("refresh-moon", **wrong)
    assert "base_ur" in answer.value.response.text
    machine.deployed.api(f"/deployments/{moon['id']}", {"enforce_parameter_schema": False}, "PATCH")
    asked = league.asked
    failed = machine.run(machine.start("refresh-moon", **wrong))
    assert failed.is_failed()
    assert "source.base_ur" in str(failed.message)
    assert league.asked == asked

    checks = {check.name: check for check in examine(LakeLocation(block="moon"), POOL)}
    wanted = ("s3-bucket/moon", "s3-bucket/moon-results", "pokelake-source/moonbase", "global limit", "deployments")
    assert [
        found for found in map(checks.get, (*wanted, "code", "work queue", "automations")) if not is_ok(found)
    ] == []

    # Without the second lake the first one works as before.
    done = setup_done(pokelake("teardown", "--yes", "--lake", "moon", "--work-pool", POOL))
    assert {name for name, what in done.items() if what == "left"} == {
        f"work-pool/{POOL}",
        "variable/pokelake_frozen",
        "variable/pokelake_requests_per_run",
    }
    assert (done["pokelake-source/moonbase"], done["variable/pokelake_lakes"]) == ("deleted", "deleted")
    assert first_lake(machine) == before
    assert automations(machine) == watchers
    assert Lake(second).tables().shape[0] == len(tables[1])
    assert str(machine.run(machine.start("refresh", source=machine.source)).message).startswith("unchanged")


def is_ok(check: Check | None) -> bool:
    return check is not None and check.status == "ok"
