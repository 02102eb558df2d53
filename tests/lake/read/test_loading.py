"""What a reader's first line loads."""

import subprocess
import sys

NEEDED_LATER = {"pandas", "duckdb", "prefect", "boto3", "pyarrow.dataset", "pyarrow.parquet", "pyarrow.compute"}


def test_importing_the_lake_loads_nothing_that_only_a_question_needs():
    """Loading these takes longer than all else that a reader does before the first request."""
    code = "from lake import Lake; import sys; print(*sys.modules)"
    said = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout.split()
    assert "lake.read.lake" in said
    assert NEEDED_LATER & set(said) == set()
