"""The lines of docs/read.md that need awswrangler, s3fs or extensions of DuckDB, as `make readers` has them.

The extensions come as wheels, because DuckDB's own host of them cannot be reached everywhere; installed from there, the
line that installs them finds them.
"""

import ast
import os
import re
from collections.abc import Iterator
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import duckdb
import pandas as pd
import pyarrow as pa
import pyarrow.dataset as ds
import pytest

from lake import Lake

READ = Path(__file__).parents[2] / "docs/read.md"
EXTENSIONS = ("httpfs", "aws")


def lines() -> Iterator[tuple[str, bool]]:
    """Yield the lines of the section's second block of Python, and whether each has a value."""
    section = READ.read_text(encoding="utf-8").partition("\n## Read it with other engines\n")[2].partition("\n## ")[0]
    [_, block] = re.findall(r"^```python\n(.*?)^```$", section, re.MULTILINE | re.DOTALL)
    for statement in ast.parse(block).body:
        yield ast.get_source_segment(block, statement) or "", isinstance(statement, ast.Expr)


@pytest.fixture(scope="module")
def found(tmp_path_factory: pytest.TempPathFactory) -> list[Any]:
    """Run the lines one by one, and return what each expression among them gave."""
    endpoint = os.environ["AWS_ENDPOINT_URL"]
    os.environ["WR_S3_ENDPOINT_URL"] = endpoint
    duckdb.sql(f"SET extension_directory = '{tmp_path_factory.mktemp('extensions')}'")
    for name in EXTENSIONS:
        spec = find_spec(f"duckdb_extension_{name}")
        assert spec is not None, f"{name} is not there"
        [folder] = spec.submodule_search_locations or ()
        duckdb.sql(f"INSTALL '{folder}/extensions/v{duckdb.__version__}/{name}.duckdb_extension'")
    hive = ds.HivePartitioning(pa.schema({"generation": pa.int32()}))
    names: dict[str, Any] = {"pd": pd, "duckdb": duckdb, "hive": hive, "lake": Lake("s3://readers/pokelake")}
    # What AWS says by itself of its own endpoint.
    here = f"credential_chain, endpoint '{endpoint.partition('://')[2]}', url_style 'path', use_ssl false"
    answers = []
    for said, has_value in lines():
        line = said.replace("credential_chain", here)
        if has_value:
            answers.append(eval(line, names))
        else:
            exec(line, names)
    return answers


def of_the_lake(generation: int | None) -> list[int]:
    """Return the moves that the lake itself names."""
    filters = None if generation is None else [("generation", "==", generation)]
    moves: list[int] = Lake("s3://readers/pokelake").read("moves", filters)["move_id"].sort_values().tolist()
    return moves


def test_pandas_reads_by_s3fs(found: list[Any]):
    frame = found[0]
    assert frame["move_id"].sort_values().tolist() == of_the_lake(None)
    assert str(frame["generation"].dtype) == "int32"
    assert str(frame["power"].dtype) == "Int32"


def test_duckdb_reads_by_httpfs(found: list[Any]):
    rows = found[2]
    assert str(dict(zip(rows.columns, rows.types, strict=True))["generation"]) == "INTEGER"
    assert rows.df()["move_id"].sort_values().tolist() == of_the_lake(None)
    path = Lake("s3://readers/pokelake").path("moves")
    guessed = duckdb.sql(
        f"select typeof(generation), count(*) from '{path}**/*.parquet' where generation = '1' group by 1"
    )
    assert guessed.fetchall() == [("BIGINT", len(of_the_lake(1)))]


def test_awswrangler_reads_one_generation(found: list[Any]):
    frame = found[3]
    assert frame["move_id"].sort_values().tolist() == of_the_lake(1)
    assert str(frame["generation"].dtype) == "category"
    assert set(frame["generation"]) == {"1"}
    assert (str(frame["power"].dtype), str(frame["move_id"].dtype)) == ("Int32", "Int32")
