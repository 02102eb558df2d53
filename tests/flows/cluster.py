"""Clusters of this machine: their processes have the dependencies of the image, and begin in empty folders."""

import os
import signal
import subprocess
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager, suppress
from pathlib import Path

from flows.local.stack import free_port
from tests.conftest import CLUSTER
from tests.flows.deploy.fargate import build_image
from tests.waiting import until

# Only what a worker on another machine would have of its own; Prefect's settings come with each task.
OWN = ("AWS_ENDPOINT_URL", "AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_DEFAULT_REGION")

END_SECONDS = 20

LOG_CHARACTERS = 4_000


@contextmanager
def dask_cluster(folder: Path, workers: int) -> Iterator[str]:
    """Run a scheduler and some workers of one thread each; yield the setting of a runner."""
    address = f"127.0.0.1:{free_port()}"
    host, port = address.split(":")
    python = build_image(folder / "image", CLUSTER) / "python"
    with ExitStack() as exits:
        scheduler = ["-m", "distributed.cli.dask_scheduler", "--host", host, "--port", port, "--no-dashboard"]
        exits.enter_context(_process(folder / "scheduler", [str(python), *scheduler]))
        for number in range(workers):
            worker = ["-m", "distributed.cli.dask_worker", f"tcp://{address}", "--nthreads", "1", "--no-dashboard"]
            exits.enter_context(_process(folder / f"worker-{number}", [str(python), *worker]))
        yield f"dask:tcp://{address}"


@contextmanager
def ray_cluster(folder: Path, workers: int) -> Iterator[str]:
    """Run a head with so many places for tasks; yield the setting of a runner as soon as all of the head runs.

    Its server of clients answers long before that. What it has said is shown when the block fails.
    """
    python = build_image(folder / "image", CLUSTER) / "python"
    ports = {name: str(free_port()) for name in ("--port", "--ray-client-server-port")}
    # The paths of its sockets may be no longer than 107 characters.
    with tempfile.TemporaryDirectory(prefix="ray-", ignore_cleanup_errors=True) as short:
        command = ["-m", "ray.scripts.scripts", "start", "--head", "--block", "--disable-usage-stats"]
        options = ["--num-cpus", str(workers), "--include-dashboard", "false", "--temp-dir", short]
        options += ["--object-store-memory", str(100 << 20), *(word for pair in ports.items() for word in pair)]
        with _process(folder / "head", [str(python), *command, *options]):
            try:
                until(lambda: "Ray runtime started" in (folder / "head.log").read_text())
                yield f"ray:ray://127.0.0.1:{ports['--ray-client-server-port']}"
            except BaseException:
                for log in [folder / "head.log", *Path(short).glob("session_2*/logs/ray[_l]*.err")]:
                    print(f"{log.name}:\n{log.read_text(errors='replace')[-LOG_CHARACTERS:]}")
                raise


@contextmanager
def _process(folder: Path, command: list[str]) -> Iterator[None]:
    """Run a process in an empty folder, and end it with all that it has started."""
    folder.mkdir()
    environment: Mapping[str, str] = {
        "HOME": str(folder),
        "PATH": f"{Path(command[0]).parent}{os.pathsep}{os.defpath}",
        **{name: os.environ[name] for name in OWN},
    }
    with (folder.parent / f"{folder.name}.log").open("wb") as log:
        process = subprocess.Popen(
            command, cwd=folder, env=environment, stdout=log, stderr=subprocess.STDOUT, start_new_session=True
        )
    try:
        yield
    finally:
        process.terminate()
        with suppress(subprocess.TimeoutExpired):
            process.wait(END_SECONDS)
        with suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGKILL)
        process.wait()
