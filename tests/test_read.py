"""Readers see one whole snapshot, today's or any earlier one's."""

from dataclasses import replace
from datetime import date

import pandas as pd
import pyarrow as pa
import pytest

from lake.commit import Commit, head
from lake.errors import LakeError, UnknownNameError
from lake.layout import table_folder
from lake.publish import SnapshotWriter, TableWriter, commit_snapshot
from lake.read import Lake
from lake.schema import GENERATION, Field, Table
from lake.store import Store

MOVES = Table(
    name="moves",
    grain="one row per move",
    resources=("move",),
    primary_key=("move_id",),
    fields=(
        Field("move_id", pa.int32(), "The move."),
        Field(GENERATION, pa.int16(), "Its generation. 0: unknown."),
        Field("power", pa.int32(), "Power. Null: none.", nullable=True),
    ),
)
RAW = Table("documents", "one row per document", (), ("id",), (Field("id", pa.int32(), "Its id."),))

FIRST, SECOND = "20260706T040000Z-8be2d1f4", "20260808T041200Z-1f3a9c02"


def publish(store: Store, snapshot: str, power: int, committed_at: str) -> Commit:
    """Publish three moves of two generations, the first one with this power."""
    parent = head(store)
    rows = {"move_id": [1, 2, 3], GENERATION: [1, 1, 2], "power": [power, None, 50]}
    with SnapshotWriter(store, snapshot) as writer:
        for table, values in ((MOVES, rows), (RAW, {"id": [1, 2, 3]})):
            files = TableWriter(table, table.partition, GENERATION if table.partition else None)
            files.add(pa.Table.from_pydict(values, schema=table.schema))
            writer.add(table, table.partition, files.close())
    commit = Commit(
        seq=parent.seq + 1 if parent else 1,
        snapshot=snapshot,
        parent=parent.snapshot if parent else None,
        committed_at=committed_at,
        tables=writer.tables,
        source={},
        run={},
        fingerprint="test",
    )
    commit_snapshot(store, commit)
    return commit


@pytest.fixture
def lake(store: Store) -> Lake:
    """Open a lake with two snapshots."""
    publish(store, FIRST, 40, "2026-07-06T04:01:00+00:00")
    publish(store, SECOND, 45, "2026-08-08T04:13:00+00:00")
    return Lake(store.uri())


def power(frame: pd.DataFrame) -> int:
    return int(frame.set_index("move_id")["power"][1])


def test_without_as_of_the_current_snapshot_is_read(lake: Lake):
    assert power(lake.read("moves")) == 45


@pytest.mark.parametrize(
    ("as_of", "expected"),
    [
        (FIRST, 40),
        (SECOND, 45),
        ("2026-07-06", 40),
        (date(2026, 8, 7), 40),
        ("2026-08-08T04:12:59", 40),
        ("2026-08-08T04:13:00+00:00", 45),
        ("2026-08-08", 45),
    ],
)
def test_as_of_is_a_name_a_date_or_a_time(lake: Lake, as_of: str | date, expected: int):
    assert power(lake.read("moves", as_of=as_of)) == expected


def test_before_the_first_snapshot_there_is_none(lake: Lake):
    with pytest.raises(UnknownNameError, match=f"no snapshot '2026-07-05'; there are: {SECOND}, {FIRST}"):
        lake.read("moves", as_of="2026-07-05")


def test_an_as_of_of_another_form_is_refused(lake: Lake):
    with pytest.raises(LakeError, match="expected a snapshot's name, a date or a time, found 'yesterday'"):
        lake.read("moves", as_of="yesterday")


def test_an_empty_lake_says_so(store: Store):
    with pytest.raises(LakeError, match="nothing was ever published here"):
        Lake(store).tables()


def test_an_unknown_table_is_answered_with_those_that_exist(lake: Lake):
    for ask in (lake.read, lake.path):
        with pytest.raises(UnknownNameError, match="no table 'move'; there are: documents, moves"):
            ask("move")


def test_an_unknown_column_is_answered_with_those_that_exist(lake: Lake):
    with pytest.raises(UnknownNameError, match="there are: move_id, generation_id, power, generation"):
        lake.read("moves", columns=["strength"])
    with pytest.raises(LakeError, match="the filter does not fit its columns"):
        lake.read("moves", filters=[("strength", ">", 1)])


def test_integers_that_can_be_null_read_back_as_such(lake: Lake):
    frame = lake.read("moves")
    assert frame.dtypes.astype(str).to_dict() == {"move_id": "int32", "generation_id": "int16", "power": "Int32"}
    pd.testing.assert_series_equal(pd.read_parquet(lake.path("moves"))["power"], frame["power"])


def test_a_partition_filter_fetches_only_its_files(lake: Lake, store: Store):
    """Seen by taking the other partition's file away."""
    store.delete([f"{table_folder(SECOND, 'moves')}/generation=2/part-0.parquet"])
    frame = lake.read("moves", filters=[("generation", "==", 1)])
    assert frame["move_id"].tolist() == [1, 2]
    assert pd.read_parquet(lake.path("moves") + "/generation=1")["move_id"].tolist() == [1, 2]


def test_filters_are_disjunctions_of_conjunctions(lake: Lake):
    frame = lake.read("moves", filters=[[("generation", "==", 2)], [("generation", "==", 1), ("power", ">", 41)]])
    assert frame["move_id"].tolist() == [1, 3]


def test_a_filter_on_the_partition_and_on_a_list_of_values_fetches_only_its_files(lake: Lake, store: Store):
    store.delete([f"{table_folder(SECOND, 'moves')}/generation=2/part-0.parquet"])
    frame = lake.read("moves", filters=[("generation", "==", 1), ("move_id", "in", [2, 3])])
    assert frame["move_id"].tolist() == [2]


def test_a_filter_that_nothing_matches_keeps_the_columns(lake: Lake):
    frame = lake.read("moves", filters=[("generation", "==", 9)])
    assert frame.empty
    assert list(frame.columns) == ["move_id", "generation_id", "power"]


def test_the_partition_can_be_asked_for_as_a_column(lake: Lake):
    frame = lake.read("moves", columns=["generation", "move_id"])
    assert frame.to_dict("list") == {"generation": [1, 1, 2], "move_id": [1, 2, 3]}
    assert str(frame["generation"].dtype) == "int16"


def test_a_file_that_was_altered_is_refused(lake: Lake, store: Store):
    key = f"{table_folder(SECOND, 'moves')}/generation=1/part-0.parquet"
    body = bytearray(store.get(key))
    body[-5] ^= 1
    store.delete([key])
    store.create(key, bytes(body))
    with pytest.raises(LakeError, match="expected the content with SHA-256"):
        lake.read("moves")


def test_a_commit_of_a_later_format_asks_for_an_upgrade(lake: Lake, store: Store):
    last = head(store)
    assert last is not None
    store.create("commits/0000000003.json", replace(last, format=2, seq=3).to_json())
    with pytest.raises(LakeError, match="expected commit format 1, found 2; upgrade"):
        lake.read("moves")
