"""Reads one lake from every environment that readers may have, and compares what each is told: ``make readers``.

Each is a virtual environment below `.venv/readers`, into which pip installs this checkout as a reader would, with the
oldest packages that `pyproject.toml` allows, with the newest, and beside awswrangler. It needs a package index.
"""

import json
import logging
import os
import subprocess
import sys
import tomllib
import venv
from collections.abc import Sequence
from pathlib import Path
from shutil import rmtree

from moto.server import ThreadedMotoServer
from packaging.requirements import Requirement

from flows.local.replica import demo_documents
from flows.local.s3 import spare_moto
from lake.store import Store
from tests.lake.assemble.lakeside import Lakeside, changed

CHECKOUT = Path(__file__).parents[2]
HERE = Path(__file__).parent
BUCKET, PREFIX = "readers", "pokelake"
AWSWRANGLER = "awswrangler"
# DuckDB's own host of its extensions cannot be reached everywhere; on the package index each is for one version of it.
WITH_EXTENSIONS = "1.5.5"


def oldest() -> list[str]:
    """Return the oldest version of each dependency that is allowed."""
    project = tomllib.loads((CHECKOUT / "pyproject.toml").read_text())["project"]
    wanted = (Requirement(text) for text in project["dependencies"])
    return [f"{one.name}=={next(bound.version for bound in one.specifier if bound.operator == '>=')}" for one in wanted]


def environments() -> dict[str, list[str]]:
    """Return the environments by name, and what is installed in each beside the checkout."""
    duckdb = [f"{name}=={WITH_EXTENSIONS}" for name in ("duckdb", "duckdb-extension-httpfs", "duckdb-extension-aws")]
    return {"oldest": oldest(), "newest": [], AWSWRANGLER: [AWSWRANGLER, *duckdb, "s3fs", "pytest"]}


def install(name: str, packages: Sequence[str]) -> Path:
    """Make an environment anew, and return its Python."""
    folder = CHECKOUT / ".venv" / "readers" / name
    rmtree(folder, ignore_errors=True)
    venv.create(folder, with_pip=True)
    python = folder / "bin" / "python"
    pip = [str(python), "-m", "pip", "--quiet", "--disable-pip-version-check", "install"]
    subprocess.run([*pip, str(CHECKOUT), *packages], check=True, cwd=folder)
    return python


def fill(store: Store) -> None:
    """Publish two snapshots of the demo's documents; the second one has another weight of a Pokémon."""
    store.create_bucket()
    lake, documents = Lakeside(store), demo_documents()
    lake.fill(documents)
    lake.fill(changed(documents, "pokemon/25", weight=61))


def run(python: Path, arguments: Sequence[str]) -> str:
    """Run Python as somebody does who has no checkout, and return what it printed.

    Raises:
        CalledProcessError: It failed; standard error says why.
    """
    command, folder = [str(python), *arguments], python.parents[1]
    there = {name: value for name, value in os.environ.items() if name != "PYTHONPATH"}
    return subprocess.run(command, cwd=folder, env=there, stdout=subprocess.PIPE, text=True, check=True).stdout


def differing(expected: dict[str, object], found: dict[str, object]) -> list[str]:
    """Return the questions to which one environment is told something else."""
    return [name for name in expected if expected[name] != found.get(name)]


def main(names: Sequence[str]) -> int:
    """Read the lake from the environments of these names, or from all; return the number of those that differ."""
    # moto logs every request.
    logging.getLogger("werkzeug").setLevel(logging.WARNING)
    server = ThreadedMotoServer(ip_address="127.0.0.1", port=0, verbose=False)
    spare_moto()
    server.start()
    host, port = server.get_host_and_port()
    os.environ.update(
        AWS_ENDPOINT_URL=f"http://{host}:{port}",
        AWS_ACCESS_KEY_ID="testing",
        AWS_SECRET_ACCESS_KEY="testing",
        AWS_DEFAULT_REGION="us-east-1",
    )
    store = Store(BUCKET, PREFIX)
    fill(store)
    expected = ask(Path(sys.executable))
    wrong = []
    for name, packages in environments().items():
        if names and name not in names:
            continue
        python = install(name, packages)
        if different := differing(expected, ask(python)):
            wrong.append(name)
        print(f"{name}: {versions(python)}; {len(expected) - len(different)} of {len(expected)} answers are the same")
        print(*(f"  differs: {question}\n" for question in different), sep="", end="")
        if name == AWSWRANGLER and run_tests(python):
            wrong.append(f"{name}'s tests")
    server.stop()
    return len(wrong)


def ask(python: Path) -> dict[str, object]:
    """Return what one environment is told."""
    found: dict[str, object] = json.loads(run(python, [str(HERE / "questions.py"), f"s3://{BUCKET}/{PREFIX}"]))
    return found


def versions(python: Path) -> str:
    """Return the versions of what reads."""
    code = "import sys; from importlib.metadata import version; print(*(f'{n} {version(n)}' for n in sys.argv[1:]))"
    return run(python, ["-c", code, "pandas", "pyarrow", "duckdb"]).strip()


def run_tests(python: Path) -> int:
    """Run the tests of this folder beside awswrangler, and return pytest's exit code."""
    tests = sorted(str(path) for path in HERE.glob("test_*.py"))
    options = ["-q", "-p", "no:cacheprovider", "-c", os.devnull, f"--rootdir={HERE}", f"--confcutdir={HERE}"]
    return subprocess.run([str(python), "-m", "pytest", *options, *tests], cwd=python.parents[1]).returncode


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
