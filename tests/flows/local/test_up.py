"""`pokelake up`: an installation whose runs pull their code, which other shells reach, and which leaves nothing."""

import os
import re
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from flows.local.guard import family
from flows.local.up import commands, run
from lake.errors import LakeError
from tests.waiting import WAIT_SECONDS, is_gone, until

# `pokelake` on a copy of a database, in the place where the server would make one, which takes as long as three runs.
COMMAND = """
import shutil, sys
from flows.cli import main
from flows.local import stack
process, database = stack._process, sys.argv.pop(1)
def started(name, command, environment, home):
    if name == "Prefect":
        shutil.copy(database, home / "prefect.db")
    return process(name, command, environment, home)
stack._process = started
main()
"""

MINE = '# mine\nactive = "work"\n\n[profiles.work]\nPREFECT_API_URL = "http://127.0.0.1:9/api"\n'


def test_it_runs_what_is_deployed_until_it_is_interrupted_and_leaves_nothing(migrated: Path, tmp_path: Path):
    profiles, said = tmp_path / ".prefect" / "profiles.toml", tmp_path / "said"
    profiles.parent.mkdir()
    profiles.write_text(MINE)
    # Somebody with settings of another lake.
    own = {"PATH": "/usr/bin:/bin", "HOME": str(tmp_path), "PYTHONPATH": os.environ["PYTHONPATH"]}
    environment = {**own, "TMPDIR": str(tmp_path), "POKELAKE_LAKE": "moon"}
    command = [sys.executable, "-c", COMMAND, str(migrated), "up"]
    with (
        said.open("w") as output,
        subprocess.Popen(
            command, env=environment, cwd=tmp_path, stdin=subprocess.DEVNULL, stdout=output, stderr=output
        ) as process,
    ):
        try:
            # Of the two waits each has its time.
            for mark in ("Runs as they end", r"\n  [\d:]+  refresh  "):
                until(lambda mark=mark: process.poll() is not None or re.search(mark, said.read_text()))
            assert "  refresh   published " in said.read_text(), said.read_text()
            [folder] = re.findall(r"data and logs +(\S+)", said.read_text())
            # All but the last, which waits for a run.
            typed = commands("pokelake-up").rsplit("\n", 1)[0]
            shell = {**own, "PREFECT_API_URL": "http://127.0.0.1:9/api"}
            found = subprocess.run(["bash", "-ec", typed], env=shell, capture_output=True, text=True)
            pulled = Path(folder, "worker.log").read_text()
            started = family(process.pid)
            process.send_signal(signal.SIGINT)
            assert process.wait(WAIT_SECONDS) == 0, said.read_text()
        finally:
            process.kill()
    assert (found.returncode, "s3://pokelake-up/lake/" in found.stdout, "bulbasaur" in found.stdout) == (0, True, True)
    assert "Deployment step 'run_shell_script' completed successfully" in pulled
    assert said.read_text().endswith("Everything is stopped; nothing is left behind.\n")
    # The process itself, its guard, S3, replica, server and worker.
    assert len(started) >= 6
    assert [pid for pid in started if not is_gone(pid)] == []
    assert not Path(folder).exists()
    assert profiles.read_text() == MINE


def test_a_folder_with_something_in_it_is_refused(tmp_path: Path):
    (tmp_path / "prefect.db").touch()
    with pytest.raises(LakeError, match=r"--folder .*: expected an empty folder"):
        run("demo", tmp_path)


def test_without_a_checkout_there_is_nothing_to_deploy(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr("flows.local.up.CHECKOUT", tmp_path)
    with pytest.raises(LakeError, match=r"expected prefect.yaml, .*; use `make up` in a checkout"):
        run("demo", None)
