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
from bench.world import BUCKET, World

DOCUMENTS = 100_000

# So many have the most memory that any number may take: more are more units of work, not larger ones.
FEWER = 25_000

# In a venv of its own, because what dlt needs would change what everything else is locked to; the same pyarrow writes
# the Parquet of both.
REQUIRED = ("dlt[filesystem,parquet]==1.31.0", f"pyarrow=={pa.__version__}")
VENV = Path(sys.prefix, "dlt")
PIPELINE = Path(__file__).with_name("in_dlt.py")


@dataclass(frozen=True)
class Landed:
    """One run from documents at hand to Parquet: its seconds without imports, its peak of memory, and rows by table.

    `arrow_mb` is the most that Arrow held of it; malloc keeps some of what was freed, more in a longer run.
    """

    seconds: float
    cpu: float
    peak_mb: float
    rows: Mapping[str, int]
    arrow_mb: float = 0


def typed_tables(world: World, runs: int) -> Iterator[Row]:
    """Land the same orders in dlt and in the lake, each time in a new process.

    Raises:
        BenchError: dlt is not there, or a row is missing on one side.
    """
    interpreter = python_with_dlt()
    in_dlt, in_lake = list[Landed](), list[Landed]()
    with TemporaryDirectory(prefix="pokelake-bench-", ignore_cleanup_errors=True) as folder:
        file = Path(folder, "orders.jsonl")
        write_orders(FEWER, file)
        store(file, "orders-fewer")
        fewer = land_in_lake("orders-fewer")
        rows = write_orders(DOCUMENTS, file)
        store(file, "orders")
        for number in range(runs):
            in_dlt.append(land_in_dlt(interpreter, file, Path(folder, f"dlt-{number}")))
            in_lake.append(land_in_lake("orders"))
    for run in (*in_dlt, *in_lake):
        if run.rows != rows:
            raise BenchError(f"expected {rows} of the orders, found {run.rows}")
    yield Row("100,000 orders to tables, by dlt, s", *_both("seconds", in_lake, in_dlt), "times", 0.2)
    yield Row("  CPU of it, s", *_both("cpu", in_lake, in_dlt))
    yield Row("  peak memory, MB", *_both("peak_mb", in_lake, in_dlt))
    yield Row("  beside that of 25,000 orders, MB", [run.peak_mb for run in in_lake], [fewer.peak_mb])
    yield Row(
        "  what Arrow held, beside the same, MB", [run.arrow_mb for run in in_lake], [fewer.arrow_mb], "times", 1.1
    )
    for name in rows:
        yield Row(f"  rows of {name}", [in_lake[0].rows[name]], [in_dlt[0].rows[name]])


def _both(what: str, measured: list[Landed], base: list[Landed]) -> tuple[list[float], list[float]]:
    return [getattr(run, what) for run in measured], [getattr(run, what) for run in base]


def store(file: Path, prefix: str) -> None:
    """Publish a file's documents in a lake of the bucket."""
    python("-m", "bench.in_lake", "store", BUCKET, prefix, str(file))


def land_in_lake(prefix: str) -> Landed:
    """Have the lake build all tables of the documents that it has."""
    ended = python("-m", "bench.in_lake", "build", BUCKET, prefix)
    told = json.loads(ended.output.splitlines()[-1])
    return Landed(told["seconds"], told["cpu"], ended.peak_mb, told["rows"], told["arrow_mb"])


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
