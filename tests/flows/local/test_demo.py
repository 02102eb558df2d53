"""`make demo`'s command: the whole stack starts, says what it did, and is gone afterwards."""

import subprocess
import sys
from pathlib import Path

import pytest

from flows.local.stack import local_stack
from lake.errors import LakeError


@pytest.mark.server
def test_the_demo_tells_the_whole_story(tmp_path: Path):
    command = [str(Path(sys.executable).with_name("pokelake")), "demo"]
    # An empty home, and a database that is not the demo's: it must not lean on what its user has configured.
    database = f"sqlite+aiosqlite:///{tmp_path}/prefect.db"
    # Nor on the folder that it is called in, on a locale that has all letters, or on a way to loopback past a proxy.
    for name in ("lake", "flows", "blocks", "moto"):
        (tmp_path / name).mkdir()
        (tmp_path / name / "__init__.py").write_text("raise SystemExit('this is not the package')")
    locale = {"LC_ALL": "C", "PYTHONUTF8": "0", "PYTHONCOERCECLOCALE": "0"}
    proxies = {"HTTP_PROXY": "http://127.0.0.1:9", "NO_PROXY": "[::1],fd00::/8"}
    own = {"PATH": "/usr/bin:/bin", "HOME": str(tmp_path), "PREFECT_API_DATABASE_CONNECTION_URL": database}
    done = subprocess.run(
        command,
        env={**own, **locale, **proxies},
        cwd=tmp_path,
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=180,
    )
    assert (done.returncode, done.stderr) == (0, "")
    assert "Completed in" in done.stdout
    assert "pokemon_moves" in done.stdout
    assert "commits/         1 object  " in done.stdout
    assert "Unchanged in" in done.stdout
    assert "Everything is stopped" in done.stdout
    assert not list(tmp_path.glob("**/prefect.db"))


@pytest.mark.server
def test_a_part_that_does_not_start_is_named():
    with (
        pytest.raises(LakeError, match=r"PokeAPI replica did not start: .*no-such-corpus"),
        local_stack("no-such-corpus", print),
    ):
        pass
