"""Typed tables of documents that no code knows, from stored documents to Parquet, against dlt's normalize and load."""

import json
import shutil
import subprocess
import sys
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory

import pyarrow as pa

from bench.measure import BenchError, python
from bench.orders import write_orders
from bench.rows import Row
from bench.world import World

DOCUMENTS = 100_000

# In a venv of its own, because what dlt needs would change what everything else is locked to; the same pyarrow writes
# the Parquet of both.
REQUIRED = ("dlt[filesystem,parquet]==1.31.0", f"pyarrow=={pa.__version__}")
VENV = Path(sys.prefix, "dlt")
PIPELINE = Path(__file__).with_name("in_dlt.py")


@dataclass(frozen=True)
class Landed:
    """One run from documents at hand to Parquet: its seconds without imports, its peak of memory, and rows by table."""

    seconds: float
    cpu: float
    peak_mb: float
    rows: Mapping[str, int]


def typed_tables(world: World, runs: int) -> Iterator[Row]:
    """Land the same orders in dlt, each time in a new process.

    Raises:
        BenchError: dlt is not there, or a row is missing somewhere.
    """
    interpreter = python_with_dlt()
    with TemporaryDirectory(prefix="pokelake-bench-", ignore_cleanup_errors=True) as folder:
        file = Path(folder, "orders.jsonl")
        rows = write_orders(DOCUMENTS, file)
        in_dlt = [land_in_dlt(interpreter, file, Path(folder, f"dlt-{number}")) for number in range(runs)]
    for run in in_dlt:
        if run.rows != rows:
            raise BenchError(f"expected {rows} out of the same documents, found {run.rows} in dlt")
    yield Row("100,000 orders in dlt, s", [run.seconds for run in in_dlt])
    yield Row("  CPU of it, s", [run.cpu for run in in_dlt])
    yield Row("  peak memory, MB", [run.peak_mb for run in in_dlt])
    for name, count in rows.items():
        yield Row(f"  rows of {name}", [count], [in_dlt[0].rows[name]])


def land_in_dlt(interpreter: Path, file: Path, folder: Path) -> Landed:
    """Have dlt extract a file, and then, which is measured, normalize and load it into a folder."""
    # Beside the script lie files that have names of packages.
    script = ("-P", str(PIPELINE))
    alone = {"PYTHONPATH": None}
    python(*script, "extract", str(folder), str(file), environment=alone, interpreter=interpreter)
    ended = python(*script, "load", str(folder), environment=alone, interpreter=interpreter)
    told = json.loads(ended.output.splitlines()[-1])
    shutil.rmtree(folder)
    # It names a child table `orders__items`.
    rows = {name.replace("__", "_"): count for name, count in told["rows"].items()}
    return Landed(told["seconds"], told["cpu"], ended.peak_mb, rows)


def python_with_dlt() -> Path:
    """Return the Python of the venv that has dlt, which is made first if it is not there.

    Raises:
        BenchError: It cannot be installed.
    """
    interpreter, marker = VENV / "bin" / "python", VENV / "installed"
    if marker.exists() and marker.read_text() == "\n".join(REQUIRED):
        return interpreter
    print(f"Installing dlt into {VENV}, once …", file=sys.stderr)
    for command in (
        [sys.executable, "-m", "venv", "--clear", str(VENV)],
        [str(interpreter), "-m", "pip", "install", "--quiet", "--disable-pip-version-check", *REQUIRED],
    ):
        done = subprocess.run(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
        if done.returncode:
            said = done.stdout.strip().splitlines() or ["nothing"]
            raise BenchError(
                f"{' '.join(REQUIRED)} cannot be installed into {VENV}, so there is nothing to compare with; give pip"
                f" an index that has them, or choose other parts with --only. pip said: {said[-1]}"
            )
    marker.write_text("\n".join(REQUIRED))
    return interpreter
