"""What a command does before Prefect is loaded."""

import subprocess
import sys

READS = """
import duckdb
from flows.cli.settings import prepare_prefect
prepare_prefect()
held = duckdb.connect()
print(held.sql("SELECT 1").fetchall())
"""


def test_a_command_that_reads_by_duckdb_ends_without_a_word():
    """DuckDB tells of each of its objects that Python did not collect, 47 lines of them."""
    ended = subprocess.run([sys.executable, "-c", READS], capture_output=True, text=True)
    assert (ended.stdout, ended.stderr, ended.returncode) == ("[(1,)]\n", "", 0)
