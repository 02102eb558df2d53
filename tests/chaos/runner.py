"""Commands of ``pokelake``, each a process group of its own, forked from a process that has loaded Prefect once.

To load it takes seconds, and a part has hundreds of runs. The process is started by `Runner`, reads one job a line, and
says when each of its children ends.
"""

import atexit
import gc
import json
import os
import select
import signal
import subprocess
import sys
import threading
import time
import traceback
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from functools import cache
from importlib import import_module
from pathlib import Path
from typing import Any

from tests.waiting import until

# In the environment of every process that a runner starts, with the runner's folder.
MARK = "POKELAKE_CHAOS"

RUN_SECONDS = 240


@dataclass
class Run:
    """One command under way or ended; its code is negative for a signal, and `resident_mb` is the most it held."""

    pid: int
    output: Path
    code: int | None = None
    resident_mb: int = 0

    def kill(self, how: int = signal.SIGKILL) -> None:
        """Send a signal to all of its processes."""
        with suppress(ProcessLookupError):
            os.killpg(self.pid, how)

    def wait(self, seconds: float = RUN_SECONDS) -> int:
        """Return its exit code, as soon as it has one; whoever takes longer than this is killed."""
        deadline = time.monotonic() + seconds
        while self.code is None:
            if time.monotonic() > deadline:
                self.kill()
            time.sleep(0.02)
        return self.code

    @property
    def said(self) -> str:
        """What it has written so far."""
        return self.output.read_text(errors="replace")


@dataclass
class Runner:
    """A process that forks commands, and the folder that is their home and holds all their temporary files."""

    process: subprocess.Popen[str]
    home: Path
    runs: dict[int, Run] = field(default_factory=dict)
    _started: list[Run] = field(default_factory=list)

    def start(self, *arguments: str, marked: str = "", **environment: str) -> Run:
        """Start a command; the code that it runs puts a mark before each name in the table `marked`."""
        output = self.home / f"run-{len(self.runs):04d}.txt"
        job = {"arguments": arguments, "output": str(output), "environment": environment, "marked": marked}
        count = len(self._started)
        assert self.process.stdin is not None
        self.process.stdin.write(json.dumps(job) + "\n")
        self.process.stdin.flush()
        return until(lambda: self._started[count:], every=0.005)[0]

    def run(self, *arguments: str, marked: str = "", seconds: float = RUN_SECONDS, **environment: str) -> Run:
        """Run a command to its end."""
        run = self.start(*arguments, marked=marked, **environment)
        run.wait(seconds)
        return run

    def listen(self) -> None:
        """Note what the process says of its children, until it ends."""
        assert self.process.stdout is not None
        for line in self.process.stdout:
            said = json.loads(line)
            if "output" in said:
                self.runs[said["pid"]] = Run(said["pid"], Path(said["output"]))
                self._started.append(self.runs[said["pid"]])
            else:
                ended = self.runs[said["pid"]]
                ended.resident_mb, ended.code = said["resident_mb"], said["code"]

    def left(self) -> list[str]:
        """Return the command line of every process that runs have left, and the temporary files."""
        found = []
        for folder in Path("/proc").glob("[0-9]*"):
            with suppress(OSError):
                mark = f"{MARK}={self.home}\0".encode()
                state = (folder / "stat").read_text().rpartition(")")[2].split()[0]
                is_ours = mark in (folder / "environ").read_bytes() and state != "Z"
                if is_ours and int(folder.name) != self.process.pid:
                    found.append((folder / "cmdline").read_text().replace("\0", " ")[:200])
        return found + [str(path) for path in (self.home / "tmp").iterdir()]


@contextmanager
def runner(environment: Mapping[str, str], home: Path) -> Iterator[Runner]:
    """Run commands in this environment; whatever of them is left at the end is killed."""
    (home / "tmp").mkdir(parents=True)
    own = {MARK: str(home), "TMPDIR": str(home / "tmp"), "PREFECT_HOME": str(home / "prefect")}
    with subprocess.Popen(
        [sys.executable, "-m", "tests.chaos.runner"],
        env={**os.environ, **environment, **own, "PYTHONPATH": str(Path(__file__).parents[2])},
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
        start_new_session=True,
    ) as process:
        made = Runner(process, home)
        thread = threading.Thread(target=made.listen, daemon=True)
        thread.start()
        try:
            yield made
        finally:
            for run in made.runs.values():
                if run.code is None:
                    run.kill()
            process.stdin.close()  # type: ignore[union-attr]
            thread.join()


def _serve() -> dict[str, Any] | None:
    """Fork a child for each job; return None in this process at its end, and the job in a child."""
    pending, is_open = b"", True
    children: set[int] = set()
    while is_open or children:
        ready = select.select([0] if is_open else [], [], [], 0.02)[0]
        if ready:
            piece = os.read(0, 1 << 16)
            is_open, pending = bool(piece), pending + piece
            if not is_open:
                # Whoever wanted the runs is gone.
                for pid in children:
                    with suppress(ProcessLookupError):
                        os.killpg(pid, signal.SIGKILL)
        while b"\n" in pending:
            line, _, pending = pending.partition(b"\n")
            job: dict[str, Any] = json.loads(line)
            if (pid := os.fork()) == 0:
                return job
            children.add(pid)
            _say(pid=pid, output=job["output"])
        for pid in list(children):
            ended, status, usage = os.wait4(pid, os.WNOHANG)
            if ended:
                children.discard(pid)
                _say(pid=pid, code=os.waitstatus_to_exitcode(status), resident_mb=usage.ru_maxrss >> 10)
    return None


def _say(**what: Any) -> None:
    os.write(1, json.dumps(what).encode() + b"\n")


def _become(job: Mapping[str, Any]) -> None:
    """Turn this child into a command: in a session of its own, without the pipes of its parent."""
    os.setsid()
    output, nothing = os.open(job["output"], os.O_WRONLY | os.O_CREAT | os.O_TRUNC), os.open(os.devnull, os.O_RDONLY)
    for target, source in ((0, nothing), (1, output), (2, output)):
        os.dup2(source, target)
    os.environ.update(job["environment"])


def _main() -> None:
    _load()
    # A page that is counted or collected in a child is copied first; frozen ones are not collected.
    gc.freeze()
    job = _serve()
    if job is not None:
        _become(job)
        _end(_run(job))


def _load() -> None:
    """Load what runs load, some of it only when they need it."""
    for name in ("encodings.idna", "fastapi.encoders", "prefect.task_engine", "prefect.utilities.visualization"):
        import_module(name)
    for verb in ("discover", "maintain", "rebuild", "refresh"):
        import_module(f"flows.{verb}")
    import boto3
    from prefect.blocks.core import Block
    from prefect_aws import AwsCredentials, S3Bucket

    boto3.client("s3")
    # Prefect makes the schema of a block dozens of times a run, for half a second; it is always the same.
    Block.model_json_schema = classmethod(cache(Block.model_json_schema.__func__))  # type: ignore[attr-defined,method-assign]
    for block in (AwsCredentials, S3Bucket):
        block.model_json_schema()
        block.model_json_schema(by_alias=False)


def _run(job: Mapping[str, Any]) -> int:
    """Run a command, and return its exit code."""
    from flows.cli import main

    if job["marked"]:
        import pytest

        from tests.lake.assemble.lakeside import mark_names

        mark_names(pytest.MonkeyPatch(), job["marked"])
    try:
        main(list(job["arguments"]))
    except SystemExit as ended:
        if isinstance(ended.code, str):
            print(ended.code, file=sys.stderr)
            return 1
        return ended.code or 0
    except BaseException:
        traceback.print_exc()
        return 1
    return 0


def _end(code: int) -> None:
    """End as the interpreter does, but without freeing each object, because that copies most pages: 0.7 s a run."""
    threading._shutdown()  # type: ignore[attr-defined]
    atexit._run_exitfuncs()
    sys.stdout.flush()
    sys.stderr.flush()
    os._exit(code)


if __name__ == "__main__":
    from flows.cli.settings import prepare_prefect

    prepare_prefect()
    _main()
