"""A copy of the checkout, as a push takes it, deployed to a real Prefect server."""

import os
import shutil
import subprocess
import sys
import sysconfig
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import boto3
import httpx
import pytest
from prefect.client.orchestration import SyncPrefectClient

from flows.deploy.code import PACKAGES
from flows.deploy.image import SOURCES
from flows.local.stack import Stack
from tests.prefect_servers import quiet_stack
from tests.waiting import WAIT_SECONDS, until

if TYPE_CHECKING:
    from tests.flows.deploy.whole import Whole

REPOSITORY = Path(__file__).parents[3]

POOL, QUEUE = "pokelake", "crawl"

# Those that are deployed, by name.
FLOWS = ("discover", "maintain", "rebuild", "refresh", "report", "restore", "verify")

# A checkout of next to nothing.
FILES = {
    "blocks/__init__.py": "",
    "flows/steps/__init__.py": "",
    "flows/__init__.py": "",
    "flows/refresh.py": "TEAM = ['pikachu']\n",
    "lake/__init__.py": "",
    "lake/store.py": "",
}


PULL = """
import asyncio, json, sys
from prefect.client.orchestration import get_client
from prefect.deployments.steps.core import run_steps
from prefect.flows import load_flow_from_entrypoint
with get_client(sync_client=True) as client:
    deployments = client.read_deployments()
asyncio.run(run_steps(deployments[0].pull_steps))
names = [load_flow_from_entrypoint(found.entrypoint).name for found in deployments]
sources = {module.__file__ for name, module in sys.modules.items() if name.split(".")[0] in ("blocks", "flows", "lake")}
print(json.dumps([sorted(names), sorted(sources)]))
"""


@dataclass(frozen=True)
class Deployed:
    """A checkout that was deployed once, and the servers it was deployed to."""

    stack: Stack
    checkout: Path

    def run(self, *arguments: str, without: str = "", **changes: str) -> subprocess.CompletedProcess[str]:
        """Run Python in the checkout, as somebody who deploys would."""
        environment = {**os.environ, **self.stack.environment, "POKELAKE_WORK_POOL": POOL, **changes}
        environment.pop(without, None)
        # So that no line of what a person would read is broken by the width of a terminal.
        environment["COLUMNS"] = "400"
        return subprocess.run(
            [sys.executable, *arguments],
            cwd=self.checkout,
            env=environment,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
        )

    def deploy(self, without: str = "", **changes: str) -> subprocess.CompletedProcess[str]:
        """Deploy everything, without a terminal."""
        return self.run("-m", "prefect", "--no-prompt", "deploy", "--all", without=without, **changes)

    def pull(self, home: Path) -> subprocess.CompletedProcess[str]:
        """Pull and load every flow in an empty folder, without the checkout that an editable install adds."""
        (home / "run").mkdir()
        environment = {**self.stack.environment, "PYTHONPATH": sysconfig.get_paths()["purelib"], "HOME": str(home)}
        environment["PATH"] = f"{Path(sys.executable).parent}:{os.defpath}"
        command = [sys.executable, "-S", "-c", PULL]
        return subprocess.run(command, cwd=home / "run", env=environment, capture_output=True, text=True)

    def api(self, path: str, body: Any = None, method: str = "") -> Any:
        """Ask the server: GET, or POST where there is something to send, or what is named."""
        kind = method or ("GET" if body is None else "POST")
        url = f"{self.stack.environment['PREFECT_API_URL']}{path}"

        def ask() -> httpx.Response | None:
            answer = httpx.request(kind, url, json=body, timeout=WAIT_SECONDS)
            # So it answers while its SQLite file is locked; Prefect's own client asks again as well.
            return None if answer.status_code == httpx.codes.SERVICE_UNAVAILABLE else answer

        answer = until(ask, every=0.2)
        answer.raise_for_status()
        return answer.json() if answer.content else None

    def deployments(self) -> dict[str, dict[str, Any]]:
        """Return all deployments by name, without what the server notes by itself of whether workers ask for runs."""
        noted = ("status", "last_polled")
        return {
            found["name"]: {name: value for name, value in found.items() if name not in noted}
            for found in self.api("/deployments/filter", {})
        }

    def objects(self, bucket: str = "lake") -> set[str]:
        """Return the keys of everything in a bucket."""
        pages = self.s3().get_paginator("list_objects_v2").paginate(Bucket=bucket)
        return {item["Key"] for page in pages for item in page.get("Contents", ())}

    def s3(self) -> Any:
        """Return a client of the stack's S3."""
        keys = {"aws_access_key_id": "testing", "aws_secret_access_key": "testing", "region_name": "us-east-1"}
        return boto3.client("s3", endpoint_url=self.stack.s3, **keys)


def write(path: Path, text: str) -> None:
    """Write a file, and the folders that it is in."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text)


@pytest.fixture
def root(tmp_path: Path) -> Path:
    """Return the root of a small checkout."""
    root = tmp_path / "checkout"
    for path, text in FILES.items():
        write(root / path, text)
    return root


def copy_checkout(target: Path) -> None:
    """Copy the packages without the local stand-ins, and what says how to deploy them."""
    for package in PACKAGES:
        # With what is compiled already.
        shutil.copytree(REPOSITORY / package, target / package, ignore=shutil.ignore_patterns("local"))
    for name in ("prefect.yaml", *SOURCES):
        shutil.copy(REPOSITORY / name, target)


@pytest.fixture(scope="session")
def deployed(migrated: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Deployed]:
    """Deploy a copy of the checkout, once for all tests, to a pool of processes whose queue has a limit of one."""
    checkout = tmp_path_factory.mktemp("checkout")
    copy_checkout(checkout)
    with quiet_stack(migrated) as stack:
        deployed = Deployed(stack, checkout)
        deployed.s3().create_bucket(Bucket="lake")
        place = ("--bucket", "lake", "--prefix", "pokelake", "--pool-type", "process")
        said = deployed.run("-c", "from flows.cli import main; main()", "setup", *place)
        assert said.returncode == 0, said.stdout + said.stderr
        said = deployed.deploy()
        assert said.returncode == 0, said.stdout + said.stderr
        yield deployed


@pytest.fixture(scope="module")
def client(deployed: Deployed) -> Iterator[SyncPrefectClient]:
    """Point this process at the deployment, and have a worker heard in its pool, while the tests of a module run."""
    from tests.flows.deploy.whole import processes

    with processes(deployed) as client:
        yield client


@pytest.fixture
def whole(deployed: Deployed, client: SyncPrefectClient) -> Iterator["Whole"]:
    """Return the deployment, in which all is well; what a test breaks of it is whole again afterwards."""
    from tests.flows.deploy.whole import Whole

    with ExitStack() as undo:
        yield Whole(deployed, POOL, client, undo)


@pytest.fixture
def pokelake(capsys: pytest.CaptureFixture[str]) -> Callable[..., str]:
    """Return a function that runs a command in this process, and returns what it said, or in what it failed."""
    from flows.cli import main

    def run(*arguments: str) -> str:
        with pytest.raises(SystemExit) as ended:
            main(list(arguments))
        out, err = capsys.readouterr()
        return err if ended.value.code else out

    return run


@pytest.fixture(scope="module")
def clients() -> Iterator[None]:
    """Have Prefect make its clients anew: it keeps them by their settings, and the endpoint is not one of them."""
    from prefect_aws.credentials import _get_client_cached

    _get_client_cached.cache_clear()
    yield
    _get_client_cached.cache_clear()


@pytest.fixture
def ecs(clients: None, bucket: str) -> Any:
    """Return a client of an empty ECS."""
    return boto3.client("ecs")
