"""The local stack: S3, a PokeAPI replica and a Prefect server on loopback, each a process of its own."""

import os
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from urllib.error import URLError
from urllib.request import urlopen

from flows.cli.settings import QUIET, RECORDER
from flows.local.guard import STOP_SECONDS, family, guarded, kill
from lake.errors import LakeError
from lake.proxies import spare_loopback

# A Prefect server with a fresh database takes nine seconds on a quiet machine.
START_SECONDS = 120
# A database in a file refuses writes that meet, and Prefect's client then waits for two seconds. This one has a single
# connection, so no writes meet.
IN_MEMORY = "sqlite+aiosqlite:///:memory:"

# But with one connection the server does not answer some requests about work queues, which a worker makes.
IN_FOLDER = "sqlite+aiosqlite:///{folder}/prefect.db"

# The command as a checkout has it that is not installed.
POKELAKE = (sys.executable, "-c", "from flows.cli import main; main()")

Say = Callable[[str], None]


Process = subprocess.Popen[bytes]


@dataclass(frozen=True, slots=True)
class Stack:
    """A running local stack: where each part listens (None: not started), and the environment that points at it.

    Each part logs to a file in the folder. `start` starts one more part, by name, command and further environment; it
    ends with the stack.
    """

    s3: str
    replica: str | None
    prefect: str
    environment: Mapping[str, str]
    folder: Path
    start: Callable[[str, list[str], Mapping[str, str]], Process]


@contextmanager
def local_stack(
    corpus: str | None,
    say: Say,
    database: str = IN_MEMORY,
    folder: Path | None = None,
    s3_module: str = "flows.local.s3",
) -> Iterator[Stack]:
    """Run the stack while the block runs, with a replica that serves `corpus`, or with none if that is None.

    Everything that it keeps, except a `database` of one's own, lies in memory or in a folder: a temporary one, which is
    gone afterwards, or the given one. The stack ends also if this process is killed.

    Raises:
        LakeError: A part did not start; the message ends with what it said last.
    """
    spare_loopback()
    with ExitStack() as parts:
        watch = parts.enter_context(guarded())
        home = folder or Path(
            parts.enter_context(tempfile.TemporaryDirectory(prefix="pokelake-", ignore_cleanup_errors=True))
        )
        if folder is None:
            watch(str(home))
        s3_port, replica_port, prefect_port = (free_port() for _ in range(3))
        s3 = f"http://127.0.0.1:{s3_port}"
        prefect = f"http://127.0.0.1:{prefect_port}"
        environment = {
            "AWS_ENDPOINT_URL": s3,
            "AWS_ACCESS_KEY_ID": "testing",
            "AWS_SECRET_ACCESS_KEY": "testing",
            "AWS_DEFAULT_REGION": "us-east-1",
            "PREFECT_API_URL": f"{prefect}/api",
            "PREFECT_HOME": str(home / "prefect"),
            "PREFECT_PROFILE": "ephemeral",
            "PREFECT_SERVER_DATABASE_CONNECTION_URL": database.replace("{folder}", str(home)),
            **RECORDER,
        }
        commands = {
            "S3": ([*_module(s3_module), "-H", "127.0.0.1", "-p", str(s3_port)], f"{s3}/moto-api/"),
            "Prefect": (
                [*_module("prefect"), "server", "start", "--host", "127.0.0.1", "--port", str(prefect_port)],
                f"{prefect}/api/health",
            ),
        }
        replica = None
        if corpus is not None:
            origin = f"http://127.0.0.1:{replica_port}"
            replica = f"{origin}/api/v2/"
            commands["PokeAPI replica"] = (
                [*POKELAKE, "replica", "--corpus", corpus, "--port", str(replica_port)],
                f"{origin}/replica/counters",
            )

        def start(name: str, command: list[str], more: Mapping[str, str]) -> Process:
            process = parts.enter_context(_process(name, command, {**environment, **more}, home))
            watch(process.pid)
            return process

        starting = {name: (start(name, command, _own_code()), url) for name, (command, url) in commands.items()}
        for name in _each_as_it_answers(starting, home):
            say(f"{name} is up at {_without_path(commands[name][1])}")
        yield Stack(s3, replica, prefect, environment, home, start)


def _module(name: str) -> list[str]:
    return [sys.executable, "-m", name]


def _without_path(url: str) -> str:
    return "/".join(url.split("/")[:3])


def free_port() -> int:
    """Return a port of loopback that nobody listens on."""
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        port: int = listener.getsockname()[1]
        return port


@contextmanager
def _process(name: str, command: list[str], environment: Mapping[str, str], home: Path) -> Iterator[Process]:
    """Run a process while the block runs, then end it, and what it has started."""
    log = home / f"{name}.log"
    with (
        log.open("wb") as output,
        subprocess.Popen(
            command,
            env={**os.environ, **QUIET, **environment},
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=output,
            # Ctrl-C is for the command in front; it stops the stack in order.
            start_new_session=True,
        ) as process,
    ):
        try:
            yield process
        finally:
            groups = family(process.pid)
            stop(process)
            kill(groups)


def _own_code() -> dict[str, str]:
    """Return the variables by which a process and its children import this package, and not the working directory's.

    A folder `flows` or `lake` there may be anybody's.
    """
    folders = [str(Path(__file__).resolve().parents[2]), os.environ.get("PYTHONPATH", "")]
    return {"PYTHONSAFEPATH": "1", "PYTHONPATH": os.pathsep.join(filter(None, folders))}


def stop(process: Process) -> None:
    """End a process, by force if need be: a worker of Prefect may hang if one of its runs has just ended."""
    process.terminate()
    try:
        process.wait(STOP_SECONDS)
    except subprocess.TimeoutExpired:
        process.kill()


def _each_as_it_answers(starting: dict[str, tuple[Process, str]], home: Path) -> Iterator[str]:
    """Yield the name of each part as soon as its URL answers; the first part that ends instead ends the wait."""
    deadline = time.monotonic() + START_SECONDS
    while starting:
        for name, (process, url) in list(starting.items()):
            if answers(url):
                del starting[name]
                yield name
            elif process.poll() is not None or time.monotonic() > deadline:
                raise LakeError(f"{name} did not start: {last_words(home, name)}")
        time.sleep(0.05)


def last_words(home: Path, name: str) -> str:
    """Return what a part said last, on one line."""
    said = (home / f"{name}.log").read_text(errors="replace").strip().splitlines()[-3:]
    return " | ".join(said) or "it said nothing"


def answers(url: str) -> bool:
    try:
        with urlopen(url, timeout=5):
            return True
    except (URLError, ConnectionError, TimeoutError):
        return False
