"""Weather of Prefect: its server killed, stopped, started again, or answering 500 and 401, in every phase of a run.

The server is one of this part's own, because it must come back with its database, as a service does that is restarted.
"""

import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import httpx

from flows.cli.settings import QUIET, RECORDER
from flows.local.stack import free_port
from tests.chaos.checks import Point, check_left, check_overwritten, check_readers, check_said, held_slots, state
from tests.chaos.choice import Choice, evenly
from tests.chaos.proxy import Seen, no_fault, weather
from tests.chaos.world import BUCKET, World, few, next_version
from tests.waiting import until

# A phase begins with the first request to S3 that has this in its key and is a write.
PHASES = {"listings": "/results/listings", "shards": "/staging/", "building": "/snapshots/", "publishing": "/commits/"}

# How long a run may take once the trouble is over or, where it never is, has begun; and how long the next one.
# Prefect's client asks again for about a minute, and a run may ask in several places.
END_SECONDS, NEXT_SECONDS = 240, 90

# The pace of the saved source, so that its global limit is used.
RATE = 30

# The lease of a slot, where a limit's slots do not come back by themselves.
LEASE_SECONDS = 75

OPTIONS = ("--bucket", BUCKET, "--prefix")


class Server:
    """A Prefect server with a database in a file; a process that can be killed, stopped and started again."""

    def __init__(self, home: Path) -> None:
        self._home, self._port = home, free_port()
        self.url = f"http://127.0.0.1:{self._port}"
        self._process: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        """Start it, or start it again, and wait until it answers."""
        command = [sys.executable, "-m", "prefect", "server", "start", "--host", "127.0.0.1", "--port", str(self._port)]
        own = {
            **QUIET,
            **RECORDER,
            "PREFECT_HOME": str(self._home),
            "PREFECT_SERVER_DATABASE_CONNECTION_URL": f"sqlite+aiosqlite:///{self._home}/prefect.db",
            "PREFECT_UI_ENABLED": "false",
        }
        with (self._home / "server.log").open("ab") as log:
            self._process = subprocess.Popen(
                command, env={**os.environ, **own}, stdout=log, stderr=log, start_new_session=True
            )
        until(self._answers, every=0.1)

    def _answers(self) -> bool:
        try:
            return httpx.get(f"{self.url}/api/health", timeout=5).is_success
        except httpx.HTTPError:
            return False

    def kill(self) -> None:
        """Kill it, and whatever it has started."""
        assert self._process is not None
        os.killpg(self._process.pid, signal.SIGKILL)
        self._process.wait()

    def send(self, how: signal.Signals) -> None:
        """Send a signal to it."""
        assert self._process is not None
        os.killpg(self._process.pid, how)


@dataclass(frozen=True)
class Trouble:
    """What happens to the server when a phase begins; `undo` ends it after so many seconds, or when the run ended."""

    name: str
    seconds: float | None
    do: Callable[[World, Server], object]
    undo: Callable[[World, Server], object]


def _answering(kind: str) -> Callable[[World, Server], None]:
    def set_weather(world: World, server: Server) -> None:
        world.prefect.meddle = weather(kind, 1)

    return set_weather


def _calm(world: World, server: Server) -> None:
    world.prefect.meddle = no_fault


def _kill(world: World, server: Server) -> None:
    server.kill()


def _start(world: World, server: Server) -> None:
    server.start()


def _send(how: signal.Signals, world: World, server: Server) -> None:
    server.send(how)


_stop, _go_on = partial(_send, signal.SIGSTOP), partial(_send, signal.SIGCONT)

TROUBLES = (
    Trouble("killed for 8 s", 8, _kill, _start),
    Trouble("stopped for 20 s", 20, _stop, _go_on),
    Trouble("500 for 10 s", 10, _answering("500"), _calm),
    Trouble("401", None, _answering("401"), _calm),
    Trouble("killed for 90 s", 90, _kill, _start),
    Trouble("500 for 60 s", 60, _answering("500"), _calm),
)


class AtPhase:
    """Does something once, when a run writes the first object of a phase to S3."""

    def __init__(self, part_of_key: str, act: Callable[[], object]) -> None:
        self._part, self._act = part_of_key, act
        self.is_met = threading.Event()

    def __call__(self, seen: Seen, moment: str) -> str | None:
        """Meddle, as a proxy asks."""
        is_write = seen.method == "PUT" and self._part in seen.target and "probe-" not in seen.target
        if moment == "before" and is_write and not self.is_met.is_set():
            self.is_met.set()
            self._act()
        return None


@contextmanager
def server(world: World) -> Iterator[Server]:
    """Put a server of its own behind the proxy while the block runs."""
    home = world.home / "server"
    home.mkdir()
    made = Server(home)
    made.start()
    try:
        world.prefect.turn_to(made.url)
        yield made
    finally:
        made.kill()


def run(world: World, choice: Choice) -> Iterator[Point | str]:
    """Let each trouble meet each phase, as long as there is time."""
    old = few(world.is_real)
    template = world.prefix()
    with server(world) as own:
        world.serve("old", old)
        pace = ("--source", world.web_url, "--requests-per-second", str(RATE))
        saved = world.runner.run("setup", *OPTIONS, template, *pace)
        assert saved.code == 0, saved.said
        world.done("refresh", template)
        world.serve("new", next_version(old))
        clean = world.copy(template)
        world.done("refresh", clean)
        wanted = state(world.store(clean))
        there = [(trouble, phase) for trouble in TROUBLES for phase in PHASES]
        names = {f"{trouble.name} in {phase}": (trouble, phase) for trouble, phase in evenly(there, world.seed)}
        for _, (trouble, phase) in choice.take(names):
            if world.seconds_left(60 * choice.minutes) > 0:
                yield meet(world, own, trouble, phase, template, wanted)
        yield f"prefect weather: of {len(there)} there are"


def meet(
    world: World, own: Server, trouble: Trouble, phase: str, template: str, wanted: dict[str, str] | None
) -> Point:
    """Let one trouble meet one phase of a refresh, and refresh again."""
    began = time.monotonic()
    prefix = world.copy(template)
    store = world.store(prefix)
    before = state(store)
    world.s3.reset()
    world.s3.meddle = at = AtPhase(PHASES[phase], lambda: trouble.do(world, own))
    # With the saved source, which has a global limit.
    refresh = ("refresh", *OPTIONS, prefix)
    first = world.runner.start(*refresh)
    until(lambda: at.is_met.is_set() or first.code is not None, every=0.05)
    troubled = time.monotonic()
    if trouble.seconds is not None:
        time.sleep(trouble.seconds)
        trouble.undo(world, own)
    first.wait(END_SECONDS)
    took = time.monotonic() - troubled
    if trouble.seconds is None and at.is_met.is_set():
        trouble.undo(world, own)
    point = Point("prefect weather", f"{trouble.name} in {phase}: code {first.code} after {took:.0f} s")
    point.expect(at.is_met.is_set(), "lost", f"the phase never came: {first.said[-300:]}")
    check_said(point, first)
    world.s3.meddle = no_fault
    check_readers(point, store, before, wanted)
    check_left(point, world)
    started = time.monotonic()
    again = world.runner.run(*refresh, seconds=NEXT_SECONDS)
    took = time.monotonic() - started
    point.expect(again.code == 0, "lost", f"the next run ended with {again.code} in {took:.0f} s: {again.said[-400:]}")
    check_readers(point, store, wanted)
    check_overwritten(point, world.s3.log)
    check_left(point, world)
    deadline = time.monotonic() + LEASE_SECONDS
    while (held := held_slots(f"{own.url}/api")) and time.monotonic() < deadline:
        time.sleep(1)
    point.expect(not held, "left", f"slots that nobody gives back: {held}")
    point.seconds = time.monotonic() - began
    return point
