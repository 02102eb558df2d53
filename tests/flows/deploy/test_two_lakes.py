"""Two lakes of two sources in one workspace and one bucket, one below the other, and neither in the way of the other.

One story, because each of its servers, deploys and runs is dear; what comes after stands on what came before.
"""

import json
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import httpx
import pytest
from prefect.blocks.system import Secret

from blocks.source_config import SourceConfig
from flows.cli import main
from flows.deploy.doctor import Check, examine
from flows.steps.parameters import LakeLocation, SourceChoice
from lake.read import Lake
from lake.store import Store
from tests.flows.deploy.conftest import FLOWS, POOL
from tests.flows.deploy.machine import Machine, start_machine
from tests.flows.deploy.whole import reached
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


@pytest.fixture(scope="module")
def league() -> Counted:
    return Counted(trainers())


@pytest.fixture(scope="module")
def machine(migrated: Path, tmp_path_factory: pytest.TempPathFactory, league: Counted) -> Iterator[Machine]:
    """Run the servers and both sources, with the first lake set up and deployed, and the second source saved."""
    with start_machine(tmp_path_factory.mktemp("lakes"), migrated) as found, second_source(served=league) as url:
        deploy(found)
        with reached(found.deployed):
            Secret(value=KEY).save("league-key")
            source = replace(settings(url, api_key_block="league-key"), requests_per_second=50)
            SourceConfig.of(source).save("moonbase")
            yield found


def deploy(machine: Machine, **environment: str) -> None:
    said = machine.deployed.deploy(**environment)
    assert said.returncode == 0, said.stdout + said.stderr


@pytest.fixture
def pokelake(capsys: pytest.CaptureFixture[str]) -> Callable[..., str]:
    """Return a function that runs a command, and returns what it said, or in what it failed."""

    def run(*arguments: str) -> str:
        with pytest.raises(SystemExit) as ended:
            main(list(arguments))
        out, err = capsys.readouterr()
        return err if ended.value.code else out

    return run


def automations(machine: Machine) -> set[str]:
    return {item["name"] for item in machine.deployed.api("/automations/filter", {})}


def setup_done(said: str) -> dict[str, str]:
    """Return what `setup` or `teardown` did with each thing."""
    return {name: what for what, name in (line.split(maxsplit=1) for line in said.splitlines())}


def first_lake(machine: Machine) -> dict[str, Any]:
    """Return all that the server holds of the first lake's deployments, without the times of saving."""
    times = ("created", "updated", "status", "last_polled")
    found = machine.deployed.deployments()
    return {name: {key: value for key, value in found[name].items() if key not in times} for name in FLOWS}


def test_two_lakes_side_by_side(machine: Machine, league: Counted, pokelake: Callable[..., str], tmp_path: Path):
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
    deploy(machine, POKELAKE_LAKE="moon")
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

    # Both run at once, and each publishes and reports in its own place alone.
    command = [machine.commands / "prefect", "worker", "start", "--pool", POOL, "--type", "process"]
    with machine.process(command, tmp_path / "worker", PREFECT_WORKER_QUERY_SECONDS="1"):
        runs = [machine.end(run) for run in [machine.start("refresh"), machine.start("refresh-moon")]]
        assert [run["state"]["message"].split()[0] for run in runs] == ["published", "published"]
        for name in ("report", "report-moon"):
            [report] = until(lambda name=name: machine.runs(name))
            assert machine.end(report)["state"]["message"].startswith("reported")
        first, second = (Store("lake", prefix, machine.deployed.s3()) for prefix in ("pokelake", "pokelake/moon"))
        tables = [set(Lake(store).tables()["table"]) for store in (first, second)]
        assert "types" in tables[0]
        assert tables[1] == {"documents", "document_values"}
        assert len(Lake(second).read("documents")) == len(league)
        for flags, flow_runs in (((), {"refresh", "report"}), (("--lake", "moon"), {"refresh", "report"})):
            listed = json.loads(pokelake("runs", "--json", *flags))
            place = "lake/pokelake/moon" if flags else "lake/pokelake"
            assert {(run["flow"], run["lake"]) for run in listed} == {(flow, place) for flow in flow_runs}
        assert json.loads(pokelake("status", "--json", "--lake", "moon"))["lake"] == "s3://lake/pokelake/moon/"

        ended, other = (pokelake("tell", run["name"], "status", "--lake", "moon") for run in reversed(runs))
        assert "ended as Completed" in ended
        assert "no flow run" in other

        # A maintain of one touches nothing of the other.
        objects = machine.deployed.objects()
        assert machine.end(machine.start("maintain-moon"))["state"]["name"] == "Completed"
        assert {key for key in objects if "/staging/" not in key} <= machine.deployed.objects()

        # A key that does not exist is refused by the server, and by the run itself of a deployment from before.
        wrong = {"source": {"base_ur": "https://moonbase.test/"}}
        with pytest.raises(httpx.HTTPStatusError) as answer:
            machine.start("refresh-moon", **wrong)
        assert "base_ur" in answer.value.response.text
        machine.deployed.api(f"/deployments/{moon['id']}", {"enforce_parameter_schema": False}, "PATCH")
        asked = league.asked
        failed = machine.end(machine.start("refresh-moon", **wrong))
        assert failed["state"]["type"] == "FAILED"
        assert "source.base_ur" in failed["state"]["message"]
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
        assert machine.end(machine.start("refresh"))["state"]["message"].startswith("unchanged")


def is_ok(check: Check | None) -> bool:
    return check is not None and check.status == "ok"
