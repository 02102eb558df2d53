"""An install that only reads: what the wheel holds, and that its command needs nothing of the flows."""

import json
import subprocess
import sys
from collections.abc import Callable
from importlib.metadata import packages_distributions
from pathlib import Path
from shutil import copytree, ignore_patterns
from zipfile import ZipFile

import pytest
import typer
from packaging.utils import canonicalize_name

from flows.cli import app
from lake.cli import catalog, read, readers, report
from lake.read import Lake
from tests.docs import REPOSITORY
from tests.requirements import required

# Stands for a machine on which only what reading needs is installed, and whose user has a package `flows`.
ONLY_READING = """
import sys
folder, *absent = sys.argv[1].split(",")
class Absent:
    def find_spec(self, name, path=None, target=None):
        if name.partition(".")[0] in absent:
            raise ModuleNotFoundError(f"No module named {name!r}", name=name)
sys.meta_path.insert(0, Absent())
sys.path.insert(0, folder)
sys.argv[1:] = sys.argv[2:]
from lake.cli import main
main()
"""

Ran = Callable[..., tuple[int, str, str]]


@pytest.fixture(scope="module")
def installed(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return the folder with what `pip install pokelake` puts into site-packages."""
    source, target = tmp_path_factory.mktemp("source") / "pokelake", tmp_path_factory.mktemp("installed")
    for package in ("lake", "flows", "blocks"):
        copytree(REPOSITORY / package, source / package, ignore=ignore_patterns("__pycache__"))
    for name in ("pyproject.toml", "README.md", "LICENSE", "NOTICE"):
        (source / name).write_bytes((REPOSITORY / name).read_bytes())
    build = "import sys; from setuptools import build_meta; print(build_meta.build_wheel(sys.argv[1]))"
    subprocess.run([sys.executable, "-c", build, str(target)], cwd=source, check=True, capture_output=True)
    [wheel] = target.glob("*.whl")
    with ZipFile(wheel) as packed:
        packed.extractall(target)
    wheel.unlink()
    return target


@pytest.fixture
def ran(installed: Path, lake: Lake, tmp_path: Path) -> Ran:
    """Return a function that runs the command of that install; it returns the exit code and both outputs."""
    needed = required(()) | {"pokelake"}
    absent = [name for name, owners in packages_distributions().items() if not _names(owners) & needed]
    assert {"prefect", "aiohttp", "httpx"} <= set(absent)

    def run(*arguments: str) -> tuple[int, str, str]:
        absence = ",".join([str(installed), "flows", "blocks", *absent])
        command = [sys.executable, "-c", ONLY_READING, absence, *arguments]
        done = subprocess.run(command, capture_output=True, text=True, cwd=tmp_path)
        return done.returncode, done.stdout, done.stderr

    return run


def _names(distributions: list[str]) -> set[str]:
    return {canonicalize_name(name) for name in distributions}


@pytest.mark.tool
def test_the_wheel_has_the_package_lake_and_the_command(installed: Path):
    assert [path.name for path in installed.iterdir() if not path.name.endswith(".dist-info")] == ["lake"]
    [entries] = installed.glob("*.dist-info/entry_points.txt")
    assert entries.read_text().split() == ["[console_scripts]", "pokelake", "=", "lake.cli:main"]
    needed = {"lake/py.typed", "lake/report/page.css", "lake/report/page.html"}
    needed |= {path.relative_to(REPOSITORY).as_posix() for path in (REPOSITORY / "lake").rglob("*.py")}
    # Its command, which another test may have run by now, leaves compiled files there.
    found = [path for path in (installed / "lake").rglob("*.*") if path.suffix != ".pyc"]
    assert needed == {path.relative_to(installed).as_posix() for path in found}


@pytest.mark.tool
def test_it_reads_and_says_of_every_other_command_where_it_is(ran: Ran, lake: Lake):
    place = ("--bucket", lake.store.bucket, "--prefix", "pokelake")
    code, out, err = ran("read", "moves", "--where", "move_id == 3", *place, "--json")
    assert (code, json.loads(out), err) == (0, [{"move_id": 3, "generation_id": 2, "power": 50}], "")
    code, out, err = ran("sql", "SELECT count(*) AS moves FROM moves", *place)
    assert (code, out.split()[-1], err) == (0, "3", "")
    assert ran("--version") == (0, "pokelake 0.1.0\n", "")
    code, out, err = ran("refresh", "--bucket", "lake")
    assert (code, out, len(err.splitlines())) == (1, "", 1)
    assert err.startswith("pokelake: refresh is a command of Pokélake's flows, and this install only reads: `make")


@pytest.mark.tool
def test_a_lake_without_a_bucket_is_asked_for(ran: Ran):
    code, out, err = ran("tables")
    assert (code, out) == (1, "")
    assert err == "pokelake: name the lake: --bucket and --prefix, or POKELAKE_BUCKET and POKELAKE_PREFIX\n"


def test_every_command_of_the_flows_is_known_to_it():
    every, reading = (set(typer.main.get_command(one).commands) for one in (app, read.app))
    single = {typer.main.get_command(one.app).name for one in (catalog, report)}
    assert every - reading - single == readers.OF_FLOWS
