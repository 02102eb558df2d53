"""A stand-in for Fargate: runs the tasks of moto's ECS as processes of this machine, and posts what ECS would.

It needs Linux, whose /proc tells which processes a container is made of.
"""

import json
import os
import signal
import subprocess
import sysconfig
import threading
import time
import venv
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

# The bench counts what a run waits for this; of AWS's own ways, which take far longer, it says nothing.
POLL_SECONDS = 0.2

# RunTask refuses more; the worker does not look.
OVERRIDES_BYTES = 8192

# The home of the image's user, where the pool puts Prefect's; a container has a file system of its own.
IMAGE_HOME = "/home/pokelake"


def build_image(folder: Path, *others: Path) -> Path:
    """Make a Python with the dependencies and no code of this project; return the folder of its commands.

    It finds the packages that run the tests, and those in `others`. A path in a .pth file is not searched for further
    .pth files, so the editable install of the checkout beside them does not count.
    """
    venv.create(folder, symlinks=True)
    [packages] = folder.glob("lib/python*/site-packages")
    # A line that begins with an import is run: see tests/started.
    (packages / "dependencies.pth").write_text(
        "\n".join([sysconfig.get_path("purelib"), *map(str, others), "import gc; gc.set_threshold(50_000, 20, 50)\n"])
    )
    command = folder / "bin" / "prefect"
    command.write_text(f"#!{folder}/bin/python\nfrom prefect.cli import app\napp()\n")
    command.chmod(0o755)
    return command.parent


@dataclass
class Container:
    """A task that was started: its first process, and the ids of all that this has started since."""

    task: dict[str, Any]
    folder: Path
    process: subprocess.Popen[bytes]
    # What its definition has ECS read from AWS Secrets Manager, by variable.
    secrets: dict[str, str]
    # ECS kills what has not ended this long after SIGTERM.
    stop_seconds: float
    pids: set[int] = field(default_factory=set)
    # When it is killed, for it was told to end before.
    deadline: float | None = None

    @property
    def environment(self) -> dict[str, str]:
        """The environment that the task was started with, beside its definition's."""
        [overrides] = self.task["overrides"]["containerOverrides"]
        return environment(overrides)

    @property
    def log(self) -> str:
        """What it has said."""
        return (self.folder / "log").read_text(errors="replace")

    def look(self) -> None:
        """Learn what is in it: once its first process has ended, nothing tells whose the others are."""
        found = [self.process.pid]
        for pid in found:
            for children in Path(f"/proc/{pid}/task").glob("*/children"):
                with suppress(OSError):
                    found += map(int, children.read_text().split())
        self.pids |= set(found)

    def commands(self) -> list[str]:
        """Return the commands of the processes in it that have not ended."""
        return [command for command in map(self.command, self.pids) if command]

    def command(self, pid: int) -> str:
        """Return the command of a process in it; one that has ended has none."""
        with suppress(OSError):
            return Path(f"/proc/{pid}/cmdline").read_text().replace("\0", " ")
        return ""

    def kill(self) -> None:
        """End all that is in it at once, as the end of a container's machine does."""
        self.look()
        for pid in self.pids:
            with suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)


def environment(container: dict[str, Any]) -> dict[str, str]:
    """Return the environment in a container's definition or overrides."""
    return {item["name"]: item["value"] for item in container.get("environment", ())}


class Fargate:
    """Looks after the tasks of one cluster in a thread, until it is closed; holds their containers by task."""

    def __init__(self, cluster: str, commands: Path, folder: Path, aws: Callable[[str], Any]) -> None:
        self.cluster = cluster
        self.commands = commands
        self.folder = folder
        self.ecs, self.events, self.secrets = map(aws, ("ecs", "events", "secretsmanager"))
        self.containers: dict[str, Container] = {}
        # Why no task can start; None: they can.
        self.refusal: str | None = None
        self._seen: set[str] = set()
        self._closing = threading.Event()

    def run(self) -> None:
        """Start, watch and end tasks; what still runs when it is closed is killed."""
        while not self._closing.wait(POLL_SECONDS):
            wanted = set(self.ecs.list_tasks(cluster=self.cluster, desiredStatus="RUNNING")["taskArns"])
            if new := wanted - self._seen:
                self._seen |= new
                for task in self.ecs.describe_tasks(cluster=self.cluster, tasks=sorted(new))["tasks"]:
                    self._start(task)
            for container in self.running():
                self._watch(container, is_wanted=container.task["taskArn"] in wanted)
        for container in self.running():
            container.kill()

    def close(self) -> None:
        """Have `run` return."""
        self._closing.set()

    def running(self) -> list[Container]:
        """Return the containers whose tasks have not stopped."""
        found = list(self.containers.values())
        return [container for container in found if container.task["lastStatus"] != "STOPPED"]

    def _start(self, task: dict[str, Any]) -> None:
        self._post(task, "PROVISIONING")
        if self.refusal is not None:
            self._stop(task, "TaskFailedToStart", self.refusal)
            return
        folder = self.folder / task["taskArn"].rpartition("/")[2]
        for name in ("home", "tmp", "work"):
            (folder / name).mkdir(parents=True)
        definition = self.ecs.describe_task_definition(taskDefinition=task["taskDefinitionArn"])["taskDefinition"]
        [defined], [overrides] = definition["containerDefinitions"], task["overrides"]["containerOverrides"]
        given = {
            "PATH": f"{self.commands}{os.pathsep}{os.defpath}",
            "HOME": str(folder / "home"),
            "TMPDIR": str(folder / "tmp"),
            **environment(defined),
            **environment(overrides),
            **(secrets := self.read_secrets(defined)),
        }
        program, *arguments = overrides["command"]
        with (folder / "log").open("wb") as log:
            process = subprocess.Popen(
                [self.commands / program, *arguments],
                cwd=folder / "work",
                env={name: value.replace(IMAGE_HOME, str(folder / "home")) for name, value in given.items()},
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
            )
        self.containers[task["taskArn"]] = Container(task, folder, process, secrets, defined["stopTimeout"])
        self._post(task, "RUNNING")

    def read_secrets(self, container: dict[str, Any]) -> dict[str, str]:
        """Return the variables of a container whose values AWS Secrets Manager holds."""
        wanted = {item["name"]: item["valueFrom"] for item in container.get("secrets", ())}
        return {name: self.secrets.get_secret_value(SecretId=arn)["SecretString"] for name, arn in wanted.items()}

    def _watch(self, container: Container, is_wanted: bool) -> None:
        container.look()
        code = container.process.poll()
        if code is not None:
            # The signal that ended a process, as a shell and Docker name it.
            exit_code = code if code >= 0 else 128 - code
            stopped = [{"name": "prefect", "exitCode": exit_code}]
            if is_wanted:
                self._stop(container.task, "EssentialContainerExited", "Essential container in task exited", stopped)
            else:
                self._stop(container.task, "UserInitiated", "Task stopped by user", stopped)
        elif container.deadline is not None and time.monotonic() > container.deadline:
            container.kill()
        elif container.deadline is None and not is_wanted:
            container.deadline = time.monotonic() + container.stop_seconds
            container.process.terminate()

    def _stop(
        self, task: dict[str, Any], code: str, reason: str, containers: list[dict[str, Any]] | None = None
    ) -> None:
        self.ecs.stop_task(cluster=self.cluster, task=task["taskArn"], reason=reason)
        self._post(task, "STOPPED", stopCode=code, stoppedReason=reason, containers=containers or [])

    def _post(self, task: dict[str, Any], status: str, **facts: Any) -> None:
        """Tell EventBridge how a task is."""
        task["lastStatus"] = status
        names = ("clusterArn", "taskArn", "taskDefinitionArn", "lastStatus")
        detail = {**{name: task[name] for name in names}, "containers": [], **facts}
        entry = {"Source": "aws.ecs", "DetailType": "ECS Task State Change", "Detail": json.dumps(detail)}
        self.events.put_events(Entries=[entry])


@contextmanager
def fargate(cluster: str, commands: Path, folder: Path, aws: Callable[[str], Any]) -> Iterator[Fargate]:
    """Run the tasks of a cluster while the block runs; `aws` opens a client of one of its services."""
    running = Fargate(cluster, commands, folder, aws)
    thread = threading.Thread(target=running.run, name="fargate")
    thread.start()
    try:
        yield running
    finally:
        running.close()
        thread.join()
