"""A snapshot to take home: read with plain DuckDB and pandas, without this package."""

import os
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import duckdb
import pandas as pd
import pyarrow.parquet as pq
import pytest

from lake.errors import LakeError, UnknownNameError
from lake.layout import table_folder
from lake.read import Lake, export
from lake.store import Store
from tests.lake.read import FIRST, LEARNT, SECOND, learnt, publish
from tests.lake.read.conftest import PIKACHU, filled


def asked(path: Path, query: str) -> list[Any]:
    """Return the rows of a query to a DuckDB file, as a stranger asks."""
    with duckdb.connect(str(path), read_only=True) as connection:
        return connection.execute(query).fetchall()


def test_a_duckdb_file_has_tables_with_keys_and_comments_and_says_which_snapshot_it_is(lake: Lake, tmp_path: Path):
    path = lake.export(tmp_path / "all.duckdb")
    assert os.listdir(tmp_path) == ["all.duckdb"]
    assert path.stat().st_size < 500_000
    assert asked(path, "SELECT move_id, power, generation FROM moves ORDER BY 1") == [
        (1, 45, 1),
        (2, None, 1),
        (3, 50, 2),
    ]
    tables = "SELECT table_name, comment, has_primary_key FROM duckdb_tables() ORDER BY 1"
    assert [(name, said[:12], key) for name, said, key in asked(path, tables)] == [
        ("_snapshot", "The snapshot", False),
        ("documents", "One row per ", True),
        ("moves", "One row per ", True),
    ]
    columns = (
        "SELECT column_name, comment FROM duckdb_columns() WHERE table_name = 'moves' ORDER BY column_index LIMIT 3"
    )
    assert asked(path, columns) == [
        ("move_id", "The move."),
        ("generation_id", "Its generation. 0: unknown."),
        ("power", "Power. Null: none."),
    ]
    [(snapshot, committed, notice)] = asked(path, "SELECT snapshot, committed_at, notice FROM _snapshot")
    assert (snapshot, committed) == (SECOND, lake.commit().committed_at)
    assert "belong" in notice
    with duckdb.connect(str(path)) as own, pytest.raises(duckdb.ConstraintException):
        own.execute("INSERT INTO moves VALUES (1, 1, 1, 1)")


def test_a_folder_has_a_file_for_each_table_and_says_which_snapshot_it_is(lake: Lake, tmp_path: Path):
    path = lake.export(tmp_path / "all")
    assert sorted(os.listdir(path)) == ["README.md", "documents.parquet", "moves.parquet"]
    assert os.listdir(tmp_path) == ["all"]
    rows = pd.read_parquet(path / "moves.parquet")
    assert rows[["move_id", "generation"]].to_numpy().tolist() == [[1, 1], [2, 1], [3, 2]]
    assert str(rows["power"].dtype) == "Int32"
    assert pq.read_schema(path / "moves.parquet").field("power").metadata[b"description"] == b"Power. Null: none."
    readme = (path / "README.md").read_text()
    for said in (SECOND, lake.commit().source.base_url, "belong to", "| moves | table | one row per move | move_id |"):
        assert said in readme
    assert 'pd.read_parquet("documents.parquet")' in readme


def test_one_may_take_an_earlier_snapshot_and_some_tables(lake: Lake, tmp_path: Path):
    path = lake.export(str(tmp_path / "some.duckdb"), tables=["moves"], as_of=FIRST)
    assert asked(path, "SELECT max(power) FROM moves WHERE generation = 1") == [(40,)]
    assert asked(path, "SELECT table_name FROM duckdb_tables() ORDER BY 1") == [("_snapshot",), ("moves",)]
    folder = lake.export(tmp_path / "some", tables=["moves"], as_of=FIRST)
    assert sorted(os.listdir(folder)) == ["README.md", "moves.parquet"]
    assert pd.read_parquet(folder / "moves.parquet")["power"].max() == 50


@pytest.mark.parametrize("name", ["file.duckdb", "folder", "gone.duckdb"])
def test_what_is_there_already_stays_as_it_is(lake: Lake, tmp_path: Path, name: str):
    (tmp_path / "file.duckdb").write_text("mine")
    (tmp_path / "folder").mkdir()
    (tmp_path / "gone.duckdb").symlink_to("nowhere")
    with pytest.raises(LakeError, match=rf"{name} is there already, and nothing is overwritten: name another"):
        lake.export(tmp_path / name)
    assert sorted(os.listdir(tmp_path)) == ["file.duckdb", "folder", "gone.duckdb"]
    assert (tmp_path / "file.duckdb").read_text() == "mine"


@pytest.mark.parametrize(
    ("name", "tables", "said"),
    [
        ("all.parquet", None, r"expected a file that ends in \.duckdb, or a folder of Parquet, found .*all\.parquet"),
        ("none/all.duckdb", None, "there is no folder .*none; make it first"),
        ("all.duckdb", ["moves", "berries"], "no table or view 'berries'; there are: documents, moves"),
        ("all.DUCKDB", None, r"expected a file that ends in \.duckdb"),
        ("all.duckdb", "moves", "tables: expected a list of names"),
        ("all.duckdb", 5, "tables: expected a list of names"),
        ("all.duckdb", [5], "no table or view '5'"),
    ],
)
def test_what_cannot_be_written_is_refused_in_words(lake: Lake, tmp_path: Path, name: str, tables: Any, said: str):
    with pytest.raises((LakeError, UnknownNameError), match=said):
        lake.export(tmp_path / name, tables)
    assert os.listdir(tmp_path) == []


def test_an_address_is_no_place_for_it(lake: Lake):
    with pytest.raises(LakeError, match=r"expected a place on this machine, found s3://lake/all\.duckdb; "):
        lake.export("s3://lake/all.duckdb")


@pytest.mark.parametrize("name", ["all.duckdb", "all"])
def test_there_is_never_half_of_it(other: Store, tmp_path: Path, name: str):
    lake = filled(other)
    other.delete([f"{table_folder(SECOND, 'moves')}/generation=2/part-0.parquet"])
    with pytest.raises(LakeError, match=r"export: .*generation=2/part-0\.parquet"):
        lake.export(tmp_path / name)
    assert os.listdir(tmp_path) == []


@pytest.mark.parametrize(("name", "make"), [("all.duckdb", Path.touch), ("all", Path.mkdir)])
def test_what_comes_meanwhile_is_not_replaced(
    lake: Lake, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: str, make: Callable[[Path], None]
):
    target, opened = tmp_path / name, export.open_dataset

    def come(*given: Any) -> Any:
        if not target.exists():
            make(target)
            (target / "mine").touch() if target.is_dir() else target.write_text("mine")
        return opened(*given)

    monkeypatch.setattr(export, "open_dataset", come)
    with pytest.raises(LakeError, match="nothing of it is left"):
        lake.export(target)
    assert os.listdir(tmp_path) == [name]
    assert os.listdir(target) == ["mine"] if target.is_dir() else target.read_text() == "mine"


def test_rows_that_break_the_key_of_their_table_come_without_it(other: Store, tmp_path: Path):
    """Other hands may have published them."""
    twice = ("pikachu", 1, None, True)
    publish(other, FIRST, [learnt(twice, twice, table=replace(LEARNT, name="twice"))], [PIKACHU])
    path = Lake(other).export(tmp_path / "all.duckdb")
    assert asked(path, "SELECT count(*) FROM twice") == [(2,)]
    assert asked(path, "SELECT has_primary_key FROM duckdb_tables() WHERE table_name = 'twice'") == [(False,)]
