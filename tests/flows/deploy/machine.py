"""One machine without ECS: a checkout, the servers on it, and a Python that has none of the checkout's code."""

import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from flows.deploy.code import collect
from flows.local.replica import Corpus, demo_documents, replica
from flows.local.stack import stop
from lake.commit import head
from lake.store import Store
from tests.flows.deploy.conftest import POOL, QUEUE, Deployed, copy_checkout
from tests.flows.deploy.fargate import build_image
from tests.lake.assemble.lakeside import only
from tests.prefect_servers import quiet_stack
from tests.waiting import until

FINAL = {"COMPLETED", "FAILED", "CRASHED", "CANCELLED"}

BAKED_POOL = "baked"
# No worker has ever asked for its runs, so its job template is empty.
UNSERVED_POOL = "unserved"
COMMAND = ("-c", "from flows.cli import main; main()")


@dataclass(frozen=True)
class Machine:
    """What was deployed from the checkout, the folder of the other Python's commands, and the version of the code."""

    deployed: Deployed
    commands: Path
    version: str

    def command(self, *arguments: str) -> str:
        """Run `pokelake` in the checkout; return what it said."""
        said = self.deployed.run(*COMMAND, *arguments)
        assert said.returncode == 0, said.stdout + said.stderr
        return said.stdout

    @contextmanager
    def process(self, command: list[Any], folder: Path, **environment: str) -> Iterator[subprocess.Popen[bytes]]:
        """Run a process while the block runs, in a folder, with nothing but the stack's environment."""
        folder.mkdir(exist_ok=True)
        settings = {"HOME": str(folder), "PATH": str(self.commands), **self.deployed.stack.environment, **environment}
        log = folder / "log"
        with (
            log.open("ab") as output,
            subprocess.Popen(
                command, cwd=folder, env=settings, stdin=subprocess.DEVNULL, stdout=output, stderr=output
            ) as process,
        ):
            try:
                yield process
            finally:
                stop(process)

    def start(self, name: str, **parameters: Any) -> str:
        """Schedule a run of a deployment for this moment; return its id."""
        body = {"state": {"type": "SCHEDULED"}, "parameters": parameters}
        deployment = self.deployed.deployments()[name]["id"]
        return str(self.deployed.api(f"/deployments/{deployment}/create_flow_run", body)["id"])

    def run(self, id_: str) -> dict[str, Any]:
        """Return what the server knows of a run."""
        found: dict[str, Any] = self.deployed.api(f"/flow_runs/{id_}")
        return found

    def end(self, id_: str) -> dict[str, Any]:
        """Wait until a run has ended; return what the server knows of it."""
        until(lambda: self.run(id_)["state_type"] in FINAL)
        return self.run(id_)

    def code_version(self, prefix: str) -> str:
        """Return the code version that a lake's newest commit names."""
        commit = head(Store("lake", prefix, self.deployed.s3()))
        assert commit is not None
        return str(commit.run["code_version"])


@contextmanager
def start_machine(folder: Path, migrated: Path) -> Iterator[Machine]:
    """Start the servers, and save what the flows look for; of two pools, the runs of one are in an image."""
    checkout = folder / "checkout"
    copy_checkout(checkout)
    yaml = checkout / "prefect.yaml"
    # No schedule is active, for none of its runs may fall due in the middle of a test.
    yaml.write_text(yaml.read_text().replace("active: true", "active: false"))
    version = collect(checkout).version
    documents = only(demo_documents(), "generation", "type")
    with quiet_stack(migrated) as stack, replica(Corpus.from_documents(documents)) as source:
        deployed = Deployed(stack, checkout)
        found = Machine(deployed, build_image(folder / "image"), version)
        deployed.s3().create_bucket(Bucket="lake")
        for name in (POOL, UNSERVED_POOL):
            deployed.api("/work_pools/", {"name": name, "type": "process"})
        deployed.api(f"/work_pools/{POOL}/queues", {"name": QUEUE, "concurrency_limit": 1})
        role = "--{0}-role=arn:aws:iam::123456789012:role/pokelake-{0}"
        pool = ("--pool-type=ecs", f"--work-pool={BAKED_POOL}", "--cluster=lake", f"--image=pokelake:{version}")
        lake = ("--bucket=lake", "--prefix=pokelake", f"--source={source.url}", "--resources=generation,type")
        found.command("setup", *lake, *pool, role.format("task"), role.format("execution"))
        yield found
