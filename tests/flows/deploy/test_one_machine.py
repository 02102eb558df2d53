"""Without ECS: the deployments on a pool of processes, in an image with the code in it, and served by one command."""

import json
import os
import re
import shutil
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
from prefect.settings import PREFECT_API_URL, temporary_settings

from flows.deploy.serve import deploy_image, serve
from lake.errors import LakeError
from tests.flows.deploy.conftest import FLOWS, POOL, QUEUE, REPOSITORY
from tests.flows.deploy.fargate import build_image
from tests.flows.deploy.machine import BAKED_POOL, COMMAND, UNSERVED_POOL, Machine, start_machine
from tests.waiting import WAIT_SECONDS, until


@pytest.fixture(scope="module")
def machine(migrated: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Machine]:
    with start_machine(tmp_path_factory.mktemp("machine"), migrated) as started:
        yield started


def as_deployed(machine: Machine) -> dict[str, Any]:
    """Return what `prefect.yaml` says of deployments and their triggers, as the server knows it."""
    names = ("description", "version", "tags", "parameters", "parameter_openapi_schema", "concurrency_options")
    found = {}
    for name, item in machine.deployed.deployments().items():
        limit = item["global_concurrency_limit"]
        schedules = [(one["slug"], one["active"], one["schedule"]) for one in item["schedules"]]
        found[name] = {**{key: item[key] for key in names}, "limit": limit and limit["limit"], "schedules": schedules}
    automations = machine.deployed.api("/automations/filter", {})
    triggers = {one["name"]: (one["trigger"]["expect"], one["actions"][0].get("parameters")) for one in automations}
    return {**found, "triggers": triggers}


def push(machine: Machine) -> None:
    """Deploy everything to the pool of processes, as `prefect deploy` does."""
    said = machine.deployed.deploy()
    assert said.returncode == 0, said.stdout + said.stderr


def are_in(machine: Machine, pool: str) -> bool:
    """Tell whether the deployments are there, and in this pool."""
    return {item["work_pool_name"] for item in machine.deployed.deployments().values()} == {pool}


@pytest.fixture(scope="module")
def first_push(machine: Machine) -> dict[str, Any]:
    """Deploy everything to the pool of processes for the first time; return what the server knows of it."""
    push(machine)
    return as_deployed(machine)


@pytest.fixture
def pushed(machine: Machine, first_push: dict[str, Any]) -> dict[str, Any]:
    """See that everything is deployed to the pool of processes; return what the server knows of it."""
    if not are_in(machine, POOL):
        push(machine)
    return first_push


def test_a_pool_of_processes_runs_the_code_that_was_pushed(machine: Machine, pushed: Any, tmp_path: Path):
    """By Prefect's own worker, whose Python has no code of ours."""
    command = [machine.commands / "prefect", "worker", "start", "--pool", POOL, "--type", "process"]
    with machine.process(command, tmp_path / "worker", PREFECT_WORKER_QUERY_SECONDS="1"):
        # Nothing reports what is published in a lake that is not the deployments' own.
        refresh = machine.end(machine.start("refresh", lake={"bucket": "lake", "prefix": "processes"}))
    assert refresh["state"]["message"].startswith("published ")
    assert machine.code_version("processes") == machine.version


@pytest.fixture
def baked(machine: Machine, first_push: dict[str, Any]) -> dict[str, Any]:
    """See that everything is deployed to the pool whose runs have the code in their image; return the deployments."""
    if not are_in(machine, BAKED_POOL):
        machine.command("deploy-image", f"pokelake:{machine.version}", "--work-pool", BAKED_POOL)
    return machine.deployed.deployments()


def test_an_image_with_the_code_gets_the_same_deployments_with_nothing_to_pull(
    machine: Machine, first_push: dict[str, Any], baked: dict[str, dict[str, Any]]
):
    assert as_deployed(machine) == first_push
    assert set(baked) == set(FLOWS)
    for name, item in baked.items():
        assert item["work_pool_name"] == BAKED_POOL
        assert item["work_queue_name"] == (QUEUE if name in ("discover", "refresh") else "default")
        assert item["entrypoint"] == f"flows.{name}.{name}"
        assert not item["pull_steps"]
        assert item["job_variables"].keys() == {"env"}


def test_a_deployment_of_an_image_names_no_path_of_the_machine(machine: Machine, baked: dict[str, dict[str, Any]]):
    assert str(machine.deployed.checkout.parent) not in json.dumps(baked)
    assert [item["path"] for item in baked.values()] == [None] * len(FLOWS)


def test_a_run_in_the_image_has_the_code_that_is_in_it(machine: Machine, baked: Any, tmp_path: Path):
    """As a task of ECS: the command of the container in an empty folder, in a Python with what the image copies."""
    image = build_image(tmp_path / "image")
    [packages] = image.parent.glob("lib/python*/site-packages")
    for source, target in copied(REPOSITORY / "Dockerfile.baked"):
        assert target == f"/opt/pokelake/lib/python3.11/site-packages/{source}"
        shutil.copytree(machine.deployed.checkout / source, packages / source)
    run = machine.start("refresh", lake={"bucket": "lake", "prefix": "baked"})
    environment = baked["refresh"]["job_variables"]["env"]
    with machine.process([image / "prefect", "flow-run", "execute", run], tmp_path / "task", **environment) as process:
        assert process.wait(WAIT_SECONDS) == 0
    assert machine.run(run)["state_type"] == "COMPLETED"
    assert machine.code_version("baked") == machine.version
    assert " WARNING " not in (tmp_path / "task" / "log").read_text()


def copied(dockerfile: Path) -> list[tuple[str, str]]:
    """Return what a Dockerfile copies, and where to."""
    return re.findall(r"^COPY (\S+) (\S+)$", dockerfile.read_text(), re.MULTILINE)


@pytest.fixture
def in_checkout(machine: Machine, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Do what the test does in the checkout, with the machine's Prefect."""
    monkeypatch.chdir(machine.deployed.checkout)
    with temporary_settings({PREFECT_API_URL: machine.deployed.stack.environment["PREFECT_API_URL"]}):
        yield


@pytest.mark.parametrize(
    ("image", "pool", "message"),
    [
        ("pokelake:latest", BAKED_POOL, r"expected the tag \w{12}, the version of the code in this folder"),
        (
            "other:{version}",
            BAKED_POOL,
            r"expected runs in the image other:\w+, found pokelake:\w+; run `pokelake setup",
        ),
        (
            "pokelake:{version}",
            POOL,
            r"work pool 'pokelake': expected runs in the image .*, found runs without an image",
        ),
        (
            "pokelake:{version}",
            UNSERVED_POOL,
            r"work pool 'unserved': expected runs in the image .*, found runs without an image",
        ),
        ("pokelake:{version}", "sea", r"no work pool 'sea'; there are: baked, pokelake, unserved"),
    ],
)
def test_an_image_is_refused_that_runs_would_not_have(
    machine: Machine, in_checkout: None, image: str, pool: str, message: str
):
    with pytest.raises(LakeError, match=message):
        deploy_image(image.format(version=machine.version), pool)


def test_what_a_work_pool_has_is_not_served_as_well(pushed: Any, in_checkout: None):
    """Its worker and this machine would both start each run."""
    with pytest.raises(LakeError, match="expected deployments without a work pool, found ") as raised:
        serve()
    said, *commands = str(raised.value).splitlines()
    assert sorted(commands) == [f"  prefect deployment delete {flow}/{flow}" for flow in sorted(FLOWS)]
    assert all(re.search(rf" {flow}/{flow} in '\w+',", said) for flow in FLOWS)


def test_without_a_server_nothing_is_served(in_checkout: None):
    """Prefect would start one that makes no runs of schedules."""
    with temporary_settings(restore_defaults={PREFECT_API_URL}), pytest.raises(LakeError, match="PREFECT_API_URL: exp"):
        serve()


def test_without_a_checkout_there_is_nothing_to_serve(
    in_checkout: None, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.chdir(tmp_path)
    with pytest.raises(LakeError, match=r"/prefect\.yaml: expected the deployments, found no such file"):
        serve()


@pytest.fixture
def nothing_deployed(machine: Machine) -> Iterator[None]:
    """See that there are no deployments, before the test and after it."""

    def delete() -> None:
        for item in machine.deployed.deployments().values():
            machine.deployed.api(f"/deployments/{item['id']}", method="DELETE")

    delete()
    yield
    delete()


def test_one_command_serves_every_deployment_and_ends_in_order(
    machine: Machine, first_push: dict[str, Any], nothing_deployed: None, tmp_path: Path
):
    """One run at a time; one that is stopped in the middle is not taken for running, and one that waits comes next."""
    lake = {"bucket": "lake", "prefix": "served"}
    with serving(machine, tmp_path / "first") as log:
        assert as_deployed(machine) == first_push
        stopped = machine.start("refresh", lake=lake, source={"requests_per_second": 0.5})
        until(lambda: machine.run(stopped)["state_type"] == "RUNNING")
        waiting = machine.start("refresh", lake=lake)
        until(lambda: "1 scheduled runs skipped (at capacity)" in log.read_text())
    found = machine.run(stopped)["state"]
    assert (found["type"], found["message"]) == ("CRASHED", "`pokelake serve` was stopped")
    assert machine.run(waiting)["state_type"] == "SCHEDULED"
    assert [item["paused"] for item in machine.deployed.deployments().values()] == [True] * len(FLOWS)
    with serving(machine, tmp_path / "second"):
        assert [item["paused"] for item in machine.deployed.deployments().values()] == [False] * len(FLOWS)
        assert machine.end(waiting)["state_type"] == "COMPLETED"
    assert machine.code_version("served") == machine.version


@contextmanager
def serving(machine: Machine, log: Path) -> Iterator[Path]:
    """Run `pokelake serve` in the checkout; the block runs as soon as everything is served, and SIGTERM ends it."""
    settings = {"PREFECT_RUNNER_POLL_FREQUENCY": "1", "PREFECT_LOGGING_LEVEL": "INFO"}
    with (
        log.open("wb") as output,
        subprocess.Popen(
            [sys.executable, "-u", *COMMAND, "serve"],
            cwd=machine.deployed.checkout,
            env={**os.environ, **machine.deployed.stack.environment, **settings},
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=output,
        ) as process,
    ):
        try:
            until(lambda: process.poll() is not None or "until Ctrl-C" in log.read_text())
            said = log.read_text()
            assert f"verify, report, restore, rebuild with code version {machine.version}, until Ctrl-C" in said, said
            yield log
        finally:
            process.terminate()
        assert process.wait(WAIT_SECONDS) == 0, log.read_text()
