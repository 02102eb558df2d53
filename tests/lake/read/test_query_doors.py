"""What a query cannot reach: no file, no address, no setting of the machine, nothing of the program."""

from contextlib import suppress
from itertools import product
from pathlib import Path

import pytest

from lake.errors import LakeError, UnknownNameError
from lake.read import Lake
from lake.read.query import query as ask


@pytest.mark.parametrize(
    "query",
    [
        "CREATE TABLE t AS SELECT 1",
        "INSERT INTO moves VALUES (1, 1, 1, 1)",
        "WITH gone AS (DELETE FROM moves RETURNING *) SELECT * FROM gone",
        "DROP VIEW moves",
        "COPY (SELECT 1) TO '{folder}/out.csv'",
        "COPY moves FROM '{folder}/secret.csv'",
        "ATTACH '{folder}/other.db'",
        "INSTALL httpfs",
        "LOAD httpfs",
        "SET enable_external_access = true",
        "PRAGMA enable_profiling",
        "CALL pragma_version()",
        "EXPORT DATABASE '{folder}/out'",
        "SELECT * FROM read_csv('{folder}/secret.csv')",
        "SELECT * FROM read_text('{folder}/secret.csv')",
        "SELECT * FROM glob('{folder}/*')",
        "SELECT * FROM '{folder}/secret.csv'",
        "SELECT * FROM 'https://127.0.0.1/secret.csv'",
        "PIVOT (FROM read_csv('{folder}/secret.csv')) ON a USING count(*)",
        "WITH p AS (PIVOT moves ON generation USING sum(power)) INSERT INTO moves FROM p",
        "/* */ COPY (PIVOT moves ON generation USING sum(power)) TO '{folder}/out.csv'",
    ],
)
def test_a_query_neither_writes_nor_reads_anything_else(lake: Lake, tmp_path: Path, query: str):
    (tmp_path / "secret.csv").write_text("a\n1\n")
    with pytest.raises(LakeError):
        lake.sql(query.format(folder=tmp_path))
    assert [path.name for path in tmp_path.iterdir()] == ["secret.csv"]
    assert lake.sql("SELECT count(*) AS n FROM moves")["n"].tolist() == [3]


# Every function of DuckDB 2 that opens what it is given, by what a path, an address or a pattern stands for in it.
OPENS = (
    *("read_csv('{0}')", "glob('{0}')", "read_csv_auto('{0}')", "sniff_csv('{0}')", "read_text('{0}')"),
    *("read_blob('{0}')", "read_json('{0}')", "read_json_auto('{0}')", "read_json_objects('{0}')"),
    *("read_json_objects_auto('{0}')", "read_ndjson('{0}')", "read_ndjson_auto('{0}')", "read_ndjson_objects('{0}')"),
    *("read_parquet('{0}')", "parquet_scan('{0}')", "parquet_metadata('{0}')", "parquet_schema('{0}')"),
    *("parquet_file_metadata('{0}')", "parquet_kv_metadata('{0}')", "parquet_bloom_probe('{0}', 'a', 1)"),
    *("read_duckdb('{0}')", "'{0}'", "query_table('{0}')", "query('FROM read_csv(''{0}'')')", "read_csv(['{0}'])"),
)

# The folder that DuckDB spills into where it is let, and the names that it gives the files of a database in memory.
ITS_OWN = (
    ".tmp/x.csv",
    "./.tmp/x.csv",
    ".tmp/*",
    ".tmp",
    ":memory:",
    ":memory:.wal",
    "secret.csv",
    "*",
    "/proc/self/*",
)


def test_a_query_reads_no_file_that_duckdb_may_read_itself(lake: Lake, tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / ".tmp").mkdir()
    for name in (".tmp/x.csv", ":memory:", ":memory:.wal", "secret.csv"):
        (tmp_path / name).write_text("a,b\n1,2\n")
    read = []
    commit = lake.commit()
    for file, opens in (*product(ITS_OWN[:1], OPENS), *product(ITS_OWN, OPENS[:1])):
        with suppress(LakeError):
            read.append((opens, file, ask(lake.store, commit, f"SELECT * FROM {opens.format(file)}")))
    assert read == []


def test_a_query_leaves_nothing_on_the_disk(lake: Lake, tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.chdir(tmp_path)
    lake.sql("SELECT count(*) FROM moves, range(1000)")
    assert list(tmp_path.iterdir()) == []


def test_a_query_knows_no_secrets(lake: Lake):
    assert lake.sql("SELECT * FROM duckdb_secrets()").empty


def test_no_setting_tells_a_query_of_the_machine(lake: Lake):
    settings = lake.sql("SELECT name, value FROM duckdb_settings()").set_index("name")["value"]
    assert settings[settings.str.contains("/", regex=False)].to_dict() == {"duckdb_api": settings["duckdb_api"]}
    assert settings["duckdb_api"].startswith("python/")


def test_variables_of_the_program_are_no_tables(lake: Lake):
    """DuckDB would look for DataFrames among them."""
    frame = lake.read("moves")
    with pytest.raises(UnknownNameError, match="no table 'frame'"):
        lake.sql("SELECT * FROM frame")
    assert len(frame) == 3
