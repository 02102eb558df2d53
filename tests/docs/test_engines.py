"""The lines of docs/read.md for other engines: those that run here, and which type each gives to the generation."""

import ast
from typing import Any

import duckdb
import pandas as pd
import polars as pl
import pyarrow as pa
import pyarrow.dataset as ds
import pytest

from lake import Lake
from lake.store import Store
from tests.docs import code_blocks
from tests.docs.small_lake import publish_small_lake

HIVE = ds.HivePartitioning(pa.schema({"generation": pa.int32()}))


@pytest.fixture
def lake(bucket: str, monkeypatch: pytest.MonkeyPatch) -> Lake:
    """Open a small lake, which Polars may ask over HTTP."""
    monkeypatch.setenv("AWS_ALLOW_HTTP", "true")
    store = Store("bucket", "prefix")
    store.create_bucket()
    publish_small_lake(store)
    return Lake("s3://bucket/prefix")


def test_every_line_that_needs_nothing_more_reads_the_moves_of_one_generation(lake: Lake):
    plain, further = code_blocks("docs/read.md", "python", "Read it with other engines")
    names: dict[str, Any] = {"pd": pd, "lake": lake}
    found: list[Any] = []
    for statement in ast.parse(plain).body:
        if isinstance(statement, ast.Expr):
            found.append(eval(compile(ast.Expression(statement.value), "docs/read.md", "eval"), names))
        else:
            exec(compile(ast.Module([statement], []), "docs/read.md", "exec"), names)
    by_pandas, by_polars, by_duckdb = found[0], found[1], found[2].df()
    expected = lake.read("moves", [("generation", "==", 1)])["move_id"].tolist()
    for frame in (by_pandas, by_polars, by_duckdb):
        assert frame["move_id"].to_list() == expected != []
    assert str(by_pandas["generation"].dtype) == "int32"
    assert by_polars.schema["generation"] == pl.Int32
    assert by_duckdb["generation"].dtype == "int32"
    # The others are run by `make readers`.
    assert [line.split("(")[0] for line in further.splitlines() if "(" in line] == [
        *("pd.read_parquet", "duckdb.sql", "duckdb.sql", "wr.s3.read_parquet"),
    ]


def test_without_its_type_each_engine_guesses_as_the_table_says(lake: Lake):
    path = lake.path("moves")
    guessed = pd.read_parquet(path)["generation"].dtype
    assert (str(guessed), str(guessed.categories.dtype)) == ("category", "int32")
    assert pl.scan_parquet(path).collect_schema()["generation"] == pl.Int64
    rows = duckdb.from_arrow(ds.dataset(path, partitioning="hive"))
    assert rows.filter("generation = '1'").project("move_id, typeof(generation)").fetchall() == [(161, "INTEGER")]
    assert str(lake.read("moves", columns=["generation"])["generation"].dtype) == "int32"
    assert str(lake.sql("select generation from moves where generation = '1'")["generation"].dtype) == "Int32"
    assert lake.dataset("moves").schema.field("generation").type == pa.int32()


def test_a_filter_on_the_generation_takes_what_the_table_says(lake: Lake):
    path, one = lake.path("moves"), lake.read("moves", [("generation", "==", "1")])
    assert len(one) == 1
    with pytest.raises(pa.ArrowNotImplementedError):
        pd.read_parquet(path, filters=[("generation", "==", "1")], partitioning=HIVE)
    with pytest.raises(pl.exceptions.ComputeError, match="cannot compare string with numeric type"):
        pl.scan_parquet(path, hive_schema={"generation": pl.Int32}).filter(pl.col("generation") == "1").collect()


def test_polars_and_pandas_give_columns_of_any_table_the_same_kinds(lake: Lake):
    """The files themselves are the same for all."""
    for table in ("pokemon", "pokemon_stats", "documents"):
        schema = pl.scan_parquet(lake.path(table)).collect_schema()
        read = lake.read(table)
        integers = {name for name in read if read[name].dtype.kind == "i"}
        assert {name for name, kind in schema.items() if kind.is_integer()} - {"generation"} == integers
