"""`make demo`'s command: the whole stack starts, says what it did, and is gone afterwards."""

import subprocess
import sys
from pathlib import Path

import pytest

from flows.local.stack import local_stack
from lake.errors import LakeError

pytestmark = pytest.mark.server


def test_the_demo_tells_the_whole_story(tmp_path: Path):
    command = [str(Path(sys.executable).with_name("pokelake")), "demo"]
    # An empty home, and a database that is not the demo's: it must not lean on what its user has configured.
    database = f"sqlite+aiosqlite:///{tmp_path}/prefect.db"
    done = subprocess.run(
        command,
        env={"PATH": "/usr/bin:/bin", "HOME": str(tmp_path), "PREFECT_API_DATABASE_CONNECTION_URL": database},
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=180,
    )
    assert (done.returncode, done.stderr) == (0, "")
    assert "Completed in" in done.stdout
    assert "pokemon_moves" in done.stdout
    assert "Unchanged in" in done.stdout
    assert "Everything is stopped" in done.stdout
    assert not list(tmp_path.glob("**/prefect.db"))


def test_a_part_that_does_not_start_is_named():
    with (
        pytest.raises(LakeError, match=r"PokeAPI replica did not start: .*no-such-corpus"),
        local_stack("no-such-corpus", print),
    ):
        pass
