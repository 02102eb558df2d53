"""Prefect servers on a copy of the database of one that has started, for to make it takes ten seconds of a core."""

import os
import shutil
import sqlite3
import subprocess
import sys
from collections.abc import Iterator, Mapping
from contextlib import closing, contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest
from prefect.client.orchestration import SyncPrefectClient, get_client
from prefect.context import _temporary_global_settings_context, get_settings_context
from prefect.settings import PREFECT_API_URL, PREFECT_FLOWS_HEARTBEAT_FREQUENCY, temporary_settings

from flows.local.stack import Stack, answers, free_port, local_stack
from tests.waiting import until

# What a server does for people, at every start.
UNUSED = {"PREFECT_UI_ENABLED": "false", "PREFECT_API_BLOCKS_REGISTER_ON_START": "false"}

# Tests wait for events, which are saved every five seconds otherwise. States of task runs are saved one by one, and
# events in twenties; those of a second together cost the server a fourteenth less of its time.
TOGETHER = {
    "PREFECT_SERVER_SERVICES_EVENT_PERSISTER_FLUSH_INTERVAL": "1",
    "PREFECT_SERVER_SERVICES_EVENT_PERSISTER_BATCH_SIZE": "200",
    "PREFECT_SERVER_SERVICES_TASK_RUN_RECORDER_FLUSH_INTERVAL": "1",
    "PREFECT_SERVER_SERVICES_TASK_RUN_RECORDER_BATCH_SIZE": "100",
}

# Where this is in the address of its database, Prefect opens one connection to it, and no write is refused for another.
# But then it does not answer some requests about work queues, for which it wants two.
ONE_CONNECTION = ":memory:"


def make_database(target: Path) -> None:
    """Make a database as a Prefect server leaves it that was started for the first time, with its types of blocks."""
    with TemporaryDirectory(prefix="pokelake-", ignore_cleanup_errors=True) as folder:
        database = Path(folder) / "prefect.db"
        with _stack(database, {}):
            pass
        with closing(sqlite3.connect(database)) as source, closing(sqlite3.connect(f"{target}.part")) as copy:
            source.backup(copy)
    Path(f"{target}.part").rename(target)


@contextmanager
def quiet_stack(migrated: Path, place: str = "") -> Iterator[Stack]:
    """Run the local stack without a replica; its database lies in a folder of this name."""
    # The server may still write when it is stopped.
    with TemporaryDirectory(prefix="pokelake-", ignore_cleanup_errors=True) as parent:
        folder = Path(parent) / place
        folder.mkdir(exist_ok=True)
        with _stack(Path(shutil.copy(migrated, folder)), UNUSED) as stack:
            yield stack


@contextmanager
def _stack(database: Path, settings: Mapping[str, str]) -> Iterator[Stack]:
    with pytest.MonkeyPatch.context() as patch:
        for name, value in {**TOGETHER, **settings}.items():
            patch.setenv(name, value)
        with local_stack(None, lambda text: None, f"sqlite+aiosqlite:///{database}") as stack:
            yield stack


class MortalServer:
    """A server that a test stops, kills and starts again; it keeps its port and its database, and forgets the rest."""

    def __init__(self, folder: Path, migrated: Path) -> None:
        self._environment = {
            **os.environ,
            **UNUSED,
            "PREFECT_HOME": str(folder),
            "PREFECT_SERVER_DATABASE_CONNECTION_URL": f"sqlite+aiosqlite:///{shutil.copy(migrated, folder)}",
        }
        self._port = free_port()
        self.url = f"http://127.0.0.1:{self._port}/api"
        self.start()

    def start(self) -> None:
        """Start it, and wait until it answers."""
        command = ["prefect", "server", "start", "--host", "127.0.0.1", "--port", str(self._port)]
        self._process = subprocess.Popen(
            [sys.executable, "-m", *command],
            env=self._environment,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )
        until(lambda: answers(f"{self.url}/health"), every=0.1)

    def send(self, number: int) -> None:
        """Send it a signal."""
        self._process.send_signal(number)

    def kill(self) -> None:
        """End it as a lost machine does."""
        self._process.kill()
        self._process.wait()


@contextmanager
def without_automations() -> Iterator[SyncPrefectClient]:
    """Talk to a server that has no automation of ours, and leave it so."""
    from flows.deploy.automations import delete_automations

    with get_client(sync_client=True) as client:
        delete_automations(client)
        yield client
        delete_automations(client)


@contextmanager
def prefect_api(migrated: Path) -> Iterator[str]:
    """Run a server, and point this process at its API; yield the URL. Prefect's own harness imports a whole server."""
    with quiet_stack(migrated, ONE_CONNECTION) as stack:
        url = stack.environment["PREFECT_API_URL"]
        # A flow that sends heartbeats waits for up to a second before it ends.
        with (
            temporary_settings({PREFECT_API_URL: url, PREFECT_FLOWS_HEARTBEAT_FREQUENCY: None}),
            # For threads that tests start.
            _temporary_global_settings_context(get_settings_context()),
        ):
            yield url
