"""Tables whose partitions have several files: every way of reading sees all rows, and fetches what it needs."""

import pandas as pd
import pyarrow as pa
import pytest

from lake.commit import Commit
from lake.read import Lake
from lake.store import Store
from tests.lake.read import FIRST, SECOND, document, learnt, moves, publish

# Thirteen parts of two rows and one: their numbers have two digits.
ROWS = [(id_, 1 + id_ % 2, id_ * 5) for id_ in range(1, 52)]


@pytest.fixture
def commit(store: Store) -> Commit:
    tables = [moves(*ROWS), learnt(*((f"pokemon-{id_:02}", 1, "egg", False) for id_ in range(30)))]
    return publish(store, FIRST, tables, [document("move", 1, "{}")], part_bytes=20)


@pytest.fixture
def lake(store: Store, commit: Commit) -> Lake:
    return Lake(store)


def test_there_are_more_than_ten_parts_and_the_commit_has_them_in_the_order_of_their_rows(commit: Commit):
    for name in ("moves", "learnt"):
        files = [file.name for file in commit.tables[name].files]
        numbers = [int(file.rpartition("-")[2].partition(".")[0]) for file in files]
        assert max(numbers) > 10
        assert numbers == sorted(numbers) or numbers == [*range(max(numbers) + 1)] * 2


def test_read_returns_all_rows_in_the_order_of_their_keys(lake: Lake):
    expected = sorted(ROWS, key=lambda row: (row[1], row[0]))
    assert lake.read("moves")[["move_id", "generation_id", "power"]].to_numpy().tolist() == [
        list(row) for row in expected
    ]
    assert lake.read("learnt")["pokemon"].tolist() == [f"pokemon-{id_:02}" for id_ in range(30)]


def test_a_filter_on_the_partition_fetches_all_parts_of_that_partition_and_no_others(
    lake: Lake, commit: Commit, store: Store
):
    for file in commit.tables["moves"].files:
        if file.partition == 1:
            store.delete([f"snapshots/{FIRST}/moves/{file.name}"])
    found = lake.read("moves", filters=[("generation", "==", 2)])
    assert found["move_id"].tolist() == [id_ for id_, generation, _ in ROWS if generation == 2]


def test_pandas_sql_and_datasets_see_all_rows(lake: Lake):
    ids = {row[0] for row in ROWS}
    assert set(pd.read_parquet(lake.path("moves"))["move_id"]) == ids
    assert set(lake.dataset("moves").to_table(columns=["move_id"])["move_id"].to_pylist()) == ids
    [counted] = lake.sql("SELECT count(*) AS n, sum(power) AS s, count(DISTINCT generation) AS g FROM moves").to_dict(
        "records"
    )
    assert counted == {"n": len(ROWS), "s": sum(row[2] for row in ROWS), "g": 2}
    assert lake.sql("SELECT count(*) AS n FROM moves WHERE generation = 1")["n"].tolist() == [25]


def test_a_table_is_described_as_one(lake: Lake):
    tables = lake.tables().set_index("table")
    assert tables.loc["moves", ["rows", "partitions"]].tolist() == [len(ROWS), 2]
    assert tables.loc["documents", "partitions"] == 1
    assert lake.columns("moves")["name"].tolist() == ["move_id", "generation_id", "power", "generation"]


def test_what_changed_is_found_over_parts_that_are_cut_otherwise(lake: Lake, store: Store):
    changed = [row if row[0] != 7 else (7, 2, 1) for row in ROWS if row[0] != 30] + [(60, 1, 5)]
    publish(store, SECOND, [moves(*changed), learnt()], part_bytes=45)
    found = lake.diff("moves", FIRST)
    assert found[["move_id", "row_change"]].to_numpy().tolist() == [[7, "changed"], [30, "removed"], [60, "added"]]
    assert found["power_before"].tolist() == [35, pd.NA, pd.NA]
    assert lake.diff("learnt", FIRST)["row_change"].tolist() == ["removed"] * 30


def test_all_parts_have_one_schema(commit: Commit, lake: Lake):
    parts = [pa.Schema.from_pandas(lake.read("moves", [("move_id", "==", id_)])) for id_ in (1, 51)]
    assert parts[0].equals(parts[1])
