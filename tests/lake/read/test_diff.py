"""What changed between two snapshots, row by row."""

from dataclasses import replace
from typing import Any

import pandas as pd
import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from lake import tables
from lake.documents import DOCUMENTS
from lake.errors import LakeError, UnknownNameError
from lake.layout import table_folder
from lake.read import Lake
from lake.read.diff import BEFORE, CHANGED_COLUMNS, ROW_CHANGE, compare
from lake.store import Store
from tests.lake.read import FIRST, LEARNT, MOVES, SECOND, document, learnt, moves, publish


def diff(store: Store, name: str, before: Any, after: Any) -> pd.DataFrame:
    """Return what changed from a snapshot of the one to a snapshot of the other."""
    publish(store, FIRST, before)
    publish(store, SECOND, after)
    return Lake(store).diff(name, FIRST)


def records(frame: pd.DataFrame) -> list[dict[str, Any]]:
    return frame.astype(object).where(frame.notna(), None).to_dict("records")


def test_rows_are_added_removed_and_changed_by_key(store: Store):
    frame = diff(
        store, "moves", [moves((1, 1, 40), (2, 1, None), (3, 2, 50))], [moves((1, 1, 45), (3, 2, 50), (4, 3, 60))]
    )
    unchanged = {"generation_id_before": None, "power_before": None, CHANGED_COLUMNS: None}
    assert records(frame) == [
        {
            **unchanged,
            ROW_CHANGE: "changed",
            "move_id": 1,
            "generation_id": 1,
            "power": 45,
            CHANGED_COLUMNS: "power",
            "power_before": 40,
        },
        {**unchanged, ROW_CHANGE: "removed", "move_id": 2, "generation_id": 1, "power": None},
        {**unchanged, ROW_CHANGE: "added", "move_id": 4, "generation_id": 3, "power": 60},
    ]


def test_columns_come_in_the_order_of_the_table_each_with_its_value_before(store: Store):
    frame = diff(store, "moves", [moves((1, 1, 40))], [moves((1, 1, 45))])
    assert list(frame.columns) == [
        ROW_CHANGE,
        "move_id",
        CHANGED_COLUMNS,
        "generation_id",
        "generation_id_before",
        "power",
        "power_before",
    ]
    assert {str(frame[name].dtype) for name in ("move_id", "power", "power_before")} == {"Int32"}


def test_null_is_a_value_like_others(store: Store):
    frame = diff(
        store, "moves", [moves((1, 1, None), (2, 1, 40), (3, 1, None))], [moves((1, 1, 40), (2, 1, None), (3, 1, None))]
    )
    assert frame["move_id"].tolist() == [1, 2]
    assert frame[CHANGED_COLUMNS].tolist() == ["power", "power"]
    assert records(frame[["power", "power_before"]]) == [
        {"power": 40, "power_before": None},
        {"power": None, "power_before": 40},
    ]


def test_a_row_that_moved_to_another_partition_changed(store: Store):
    frame = diff(store, "moves", [moves((1, 1, 40), (2, 2, 50))], [moves((1, 2, 40), (2, 2, 50))])
    assert records(frame[[ROW_CHANGE, "move_id", CHANGED_COLUMNS]]) == [
        {ROW_CHANGE: "changed", "move_id": 1, CHANGED_COLUMNS: "generation_id"}
    ]


def test_keys_of_several_columns_are_compared_and_sorted_as_a_whole(store: Store):
    frame = diff(
        store,
        "learnt",
        [learnt(("ditto", 2, "level-up", False), ("mew", 1, None, False))],
        [learnt(("mew", 3, None, False), ("ditto", 2, "egg", True), ("abra", 2, None, True), ("mew", 1, None, False))],
    )
    assert frame[["pokemon", "move_id", ROW_CHANGE]].to_numpy().tolist() == [
        ["abra", 2, "added"],
        ["ditto", 2, "changed"],
        ["mew", 3, "added"],
    ]
    assert frame[CHANGED_COLUMNS][1] == "method,is_hidden"


def test_after_may_be_the_earlier_one(store: Store):
    publish(store, FIRST, [moves((1, 1, 40))])
    publish(store, SECOND, [moves((1, 1, 45))])
    frame = Lake(store).diff("moves", "2026-08-08", "2026-07-06")
    assert records(frame[["power", "power_before"]]) == [{"power": 40, "power_before": 45}]


def test_files_that_are_the_same_in_both_are_not_fetched(store: Store):
    """Seen by taking them away."""
    publish(store, FIRST, [moves((1, 1, 40), (2, 2, 50))])
    publish(store, SECOND, [moves((1, 1, 45), (2, 2, 50))])
    for snapshot in (FIRST, SECOND):
        store.delete([f"{table_folder(snapshot, 'moves')}/generation=2/part-0.parquet"])
    assert Lake(store).diff("moves", FIRST)["move_id"].tolist() == [1]


def test_nothing_changed_is_no_rows_under_the_same_columns(store: Store):
    frame = diff(store, "moves", [moves((1, 1, 40))], [moves((1, 1, 40))])
    assert frame.empty
    assert frame.columns.tolist()[:3] == [ROW_CHANGE, "move_id", CHANGED_COLUMNS]
    assert str(frame["power_before"].dtype) == "Int32"


def test_a_column_that_one_snapshot_lacks_counts_as_null_there(store: Store):
    poorer = replace(LEARNT, fields=LEARNT.fields[:3])
    before = poorer, learnt(("ditto", 1, "egg", True))[1].drop_columns("is_hidden").cast(poorer.schema)
    frame = diff(store, "learnt", [before], [learnt(("ditto", 1, "egg", True))])
    assert records(frame[[CHANGED_COLUMNS, "is_hidden", "is_hidden_before"]]) == [
        {CHANGED_COLUMNS: "is_hidden", "is_hidden": True, "is_hidden_before": None}
    ]


def test_a_column_that_became_wider_is_compared_by_its_values(store: Store):
    wider = replace(MOVES, fields=(replace(MOVES.fields[0], type=pa.int64()), *MOVES.fields[1:]))
    rows = moves((1, 1, 40), (2, 1, 50))[1].cast(wider.schema)
    frame = diff(store, "moves", [moves((1, 1, 45), (2, 1, 50))], [(wider, rows)])
    assert frame["move_id"].tolist() == [1]


def test_a_column_of_another_type_is_refused(store: Store):
    other = replace(LEARNT, fields=(*LEARNT.fields[:3], replace(LEARNT.fields[3], type=pa.string())))
    rows = learnt(("ditto", 1, "egg", True))
    with pytest.raises(LakeError, match="learnt: expected columns of the same types"):
        diff(store, "learnt", [rows], [(other, rows[1].cast(other.schema))])


def test_another_primary_key_is_refused(store: Store):
    other = replace(LEARNT, primary_key=("pokemon",))
    with pytest.raises(LakeError, match=rf"found \(pokemon, move_id\) in {FIRST} and \(pokemon\) in {SECOND}"):
        diff(store, "learnt", [learnt()], [learnt(table=other)])


def test_a_table_that_one_snapshot_lacks_counts_as_empty_there(store: Store):
    frame = diff(store, "moves", [], [moves((1, 1, 40), (2, 2, 50))])
    assert frame[ROW_CHANGE].tolist() == ["added", "added"]


def test_an_unknown_table_is_answered_with_those_of_both(store: Store):
    with pytest.raises(UnknownNameError, match="no table 'move'; there are: documents, learnt, moves"):
        diff(store, "move", [moves((1, 1, 40))], [learnt()])


def test_documents_are_compared_by_their_hash_and_without_their_bodies(store: Store):
    publish(store, FIRST, [], [document("move", 1, '{"id":1}'), document("type", 1, '{"id":1}')])
    publish(store, SECOND, [], [document("move", 1, '{"id":1,"power":40}'), document("type", 1, '{"id":1}')])
    frame = Lake(store).diff("documents", FIRST)
    assert frame[["resource_name", "id", "path", CHANGED_COLUMNS]].to_numpy().tolist() == [
        ["move", 1, "move/1", "sha256"]
    ]
    assert "body" not in frame


def test_documents_that_did_not_change_are_no_rows(store: Store):
    for snapshot in (FIRST, SECOND):
        publish(store, snapshot, [], [document("move", 1, '{"id":1}')])
    assert Lake(store).diff("documents", FIRST).empty


def test_without_a_table_each_table_tells_how_many_of_its_rows_differ(store: Store):
    publish(store, FIRST, [moves((1, 1, 40), (2, 1, 50), (3, 2, 60))], [document("move", 1, "{}")])
    after = [moves((1, 1, 45), (3, 2, 60), (4, 2, 70)), learnt(("mew", 1, None, False))]
    publish(store, SECOND, after, [document("move", 1, "[]"), document("move", 2, "{}")])
    lake = Lake(store)
    frame = lake.diff(before=FIRST)
    assert frame.to_numpy().tolist() == [["documents", 1, 0, 1], ["learnt", 1, 0, 0], ["moves", 1, 1, 1]]
    assert list(frame.columns) == ["table", "added", "removed", "changed"]
    assert frame.attrs == {"before": FIRST, "after": SECOND}
    assert lake.diff().equals(frame)
    back = lake.diff(before=SECOND, after=FIRST)
    assert back["removed"].tolist() == [1, 1, 1]


def test_of_tables_that_are_the_same_in_both_no_file_is_fetched(store: Store):
    for snapshot in (FIRST, SECOND):
        publish(store, snapshot, [moves((1, 1, 40))], [document("move", 1, "{}")])
        store.delete([f"{table_folder(snapshot, 'moves')}/generation=1/part-0.parquet"])
    assert Lake(store).diff().to_numpy().tolist() == [["documents", 0, 0, 0], ["moves", 0, 0, 0]]


def test_a_table_that_cannot_be_compared_counts_nothing_and_hides_no_other(store: Store):
    publish(store, FIRST, [learnt(), moves((1, 1, 40))])
    publish(store, SECOND, [learnt(table=replace(LEARNT, primary_key=("pokemon",))), moves((1, 1, 45))])
    frame = Lake(store).diff()
    assert records(frame.loc[frame["table"] != "documents"]) == [
        {"table": "learnt", "added": None, "removed": None, "changed": None},
        {"table": "moves", "added": 0, "removed": 0, "changed": 1},
    ]


def test_a_snapshot_in_the_place_of_the_table_is_told_how_to_ask(store: Store):
    publish(store, FIRST, [moves((1, 1, 40))])
    with pytest.raises(LakeError, match=r'found 2026-08-01; of all tables it is diff\(before="2026-08-01"\)'):
        Lake(store).diff("2026-08-01")


def test_the_first_snapshot_has_none_before_it(store: Store):
    publish(store, FIRST, [moves((1, 1, 40))])
    with pytest.raises(LakeError, match=f"{FIRST} is the first snapshot"):
        Lake(store).diff()


def test_a_ready_view_has_no_rows_of_its_own_to_compare(store: Store):
    with pytest.raises(LakeError, match="type_chart is a view, and only tables are compared"):
        diff(store, "type_chart", [moves((1, 1, 40))], [])


ROWS = st.dictionaries(
    st.tuples(st.sampled_from(["ditto", "mew", "pikachu"]), st.integers(1, 4)),
    st.tuples(st.sampled_from([None, "egg", "level-up"]), st.booleans()),
)


@given(before=ROWS, after=ROWS)
def test_applying_the_diff_to_before_gives_after(before: dict, after: dict):
    sides = [learnt(*((*key, *values) for key, values in rows.items()))[1] for rows in (before, after)]
    result = compare(LEARNT.primary_key, *sides).to_pylist()
    applied = dict(before)
    for row in result:
        key = row["pokemon"], row["move_id"]
        if row[ROW_CHANGE] == "removed":
            del applied[key]
        elif row[ROW_CHANGE] == "added":
            assert key not in applied
            applied[key] = row["method"], row["is_hidden"]
        else:
            changed = row[CHANGED_COLUMNS].split(",")
            old = dict(zip(("method", "is_hidden"), applied[key], strict=True))
            assert all(old[name] == row[name + BEFORE] for name in changed)
            applied[key] = tuple(row[name] if name in changed else old[name] for name in old)
    assert applied == after
    assert [(row["pokemon"], row["move_id"]) for row in result] == sorted(
        key for key in before.keys() | after.keys() if before.get(key) != after.get(key)
    )


def test_no_table_has_a_column_named_like_one_of_the_result():
    for table in (*tables.TABLES, DOCUMENTS):
        names = [field.name for field in table.fields if field.name not in table.primary_key]
        result = [ROW_CHANGE, CHANGED_COLUMNS, *table.primary_key, *names, *(name + BEFORE for name in names)]
        assert len(set(result)) == len(result), table.name
