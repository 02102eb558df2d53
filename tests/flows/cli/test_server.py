"""The server that a command starts for itself where nobody has named one."""

import os
import sqlite3
import subprocess
import sys
from contextlib import closing
from pathlib import Path

import pytest

from flows.local.replica import Running
from lake.store import Store
from tests.waiting import is_gone, until

# It starts a server, waits for none, and dies as a process does that is out of memory.
DYING = """
import os, signal, sys
from types import SimpleNamespace
import flows.cli.server
flows.cli.server.atexit = SimpleNamespace(register=lambda end, process: print(process.pid, flush=True))
from flows.cli.server import start_own
start_own(sys.argv[1])
os.kill(os.getpid(), signal.SIGKILL)
"""


@pytest.mark.server
def test_a_command_without_an_address_makes_a_database_and_leaves_its_run_there(
    store: Store, running: Running, tmp_path: Path
):
    """Prefect's own server loses most task runs, because it is ended before it has recorded them."""
    environment = {name: value for name, value in os.environ.items() if not name.startswith("PREFECT_")}
    environment |= {"PREFECT_HOME": str(tmp_path), "PREFECT_SERVER_ANALYTICS_ENABLED": "false"}
    crawl = ["refresh", "--source", running.url, "--resources", "type", "--bucket", "lake", "--prefix", "pokelake"]
    command = [sys.executable, "-c", "from flows.cli import main; main()", *crawl]
    said = subprocess.run(command, env=environment, stdin=subprocess.DEVNULL, capture_output=True, text=True)
    assert (said.returncode, said.stderr) == (0, "")
    assert said.stdout.startswith("Completed: published ")
    with closing(sqlite3.connect(tmp_path / "prefect.db")) as database:
        [run] = database.execute("SELECT state_name FROM flow_run").fetchall()
        tasks = {state for (state,) in database.execute("SELECT state_name FROM task_run")}
        # A server that is started later must not take the types of blocks for registered.
        assert not (tmp_path / "memo_store.toml").exists()
    assert (run, tasks) == (("Completed",), {"Completed"})


@pytest.mark.server
def test_the_server_of_a_command_that_was_killed_ends(tmp_path: Path):
    database = f"sqlite+aiosqlite:///{tmp_path}/prefect.db"
    (tmp_path / "prefect.db").touch()
    said = subprocess.run([sys.executable, "-c", DYING, database], stdout=subprocess.PIPE, text=True)
    until(lambda: is_gone(int(said.stdout)), every=0.02)
