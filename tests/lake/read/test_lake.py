"""Readers see one whole snapshot, today's or any earlier one's."""

from dataclasses import replace
from datetime import UTC, date, datetime

import pandas as pd
import pytest

from lake.commit import head
from lake.errors import LakeError, UnknownNameError
from lake.layout import table_folder
from lake.read import Lake
from lake.store import Store
from tests.lake.read import FIRST, SECOND, document, moves, publish

DOCUMENTS = [document("pokemon", 132, '{"id": 132}'), document("type", 1, '{"id": 1}')]
DRIFT = {"level": "warn", "rule": "renamed", "subject": "move", "message": "1 renamed: 11 vice-grip -> vise-grip"}


@pytest.fixture
def lake(store: Store) -> Lake:
    """Open a lake with two snapshots."""
    publish(store, FIRST, [moves((1, 1, 40), (2, 1, None), (3, 2, 50))], DOCUMENTS)
    publish(store, SECOND, [moves((1, 1, 45), (2, 1, None), (3, 2, 50))], DOCUMENTS, [DRIFT])
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


def test_what_is_read_at_one_snapshot_stays_there(store: Store):
    """Whatever is published meanwhile, for every question."""
    publish(store, FIRST, [moves((1, 1, 40))], DOCUMENTS)
    lake = Lake(store)
    then = lake.at()
    publish(store, SECOND, [moves((1, 1, 45), (2, 1, None))], [*DOCUMENTS, document("type", 2, "{}")], [DRIFT])
    assert (then.commit().snapshot, lake.commit().snapshot) == (FIRST, SECOND)
    assert [power(then.read("moves")), power(then.sql("SELECT * FROM moves")), power(lake.read("moves"))] == [
        40,
        40,
        45,
    ]
    assert (then.dataset("moves").count_rows(), then.columns("moves").attrs["snapshot"]) == (1, FIRST)
    assert then.tables().set_index("table")["rows"].to_dict() == {"documents": 2, "moves": 1}
    assert (then.path("moves"), then.audits().empty) == (lake.path("moves", as_of=FIRST), True)
    with pytest.raises(UnknownNameError, match="no document of type '2'"):
        then.document("type", 2)
    assert (len(then.diff("moves", SECOND)), len(lake.at(SECOND).diff("moves", FIRST))) == (2, 2)
    assert power(then.read("moves", as_of=SECOND)) == 45
    assert len(then.snapshots()) == 2


def test_the_lake_at_one_snapshot_asks_for_no_other(lake: Lake, store: Store):
    """It goes on where the commit was forgotten, as long as its files are there."""
    then = lake.at(FIRST)
    store.delete([item.key for item in store.list("commits/")])
    assert power(then.read("moves")) == 40
    assert power(then.at().read("moves")) == 40


def test_before_the_first_snapshot_there_is_none(lake: Lake):
    with pytest.raises(
        UnknownNameError, match=f"no snapshot was published by 2026-07-05; there are: {SECOND}, {FIRST}$"
    ):
        lake.read("moves", as_of="2026-07-05")


def test_an_as_of_of_another_form_is_refused(lake: Lake):
    with pytest.raises(LakeError, match="expected a snapshot's name, a date or a time, found 'yesterday'"):
        lake.read("moves", as_of="yesterday")
    with pytest.raises(LakeError, match="expected a snapshot's name, a date or a time, found 5"):
        lake.read("moves", as_of=5)  # type: ignore[arg-type]


def test_a_list_in_the_place_of_a_table_is_answered_like_an_unknown_name(lake: Lake):
    with pytest.raises(UnknownNameError, match=r"no table \['moves'\]; there are: documents, moves"):
        lake.columns(["moves"])  # type: ignore[arg-type]


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
    with pytest.raises(UnknownNameError, match="there are: move_id, generation_id, power, generation"):
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
    assert pd.read_parquet(lake.path("moves") + "generation=1")["move_id"].tolist() == [1, 2]


def test_filters_are_disjunctions_of_conjunctions(lake: Lake):
    frame = lake.read("moves", filters=[[("generation", "==", 2)], [("generation", "==", 1), ("power", ">", 41)]])
    assert frame["move_id"].tolist() == [1, 3]


def test_a_filter_on_the_partition_and_on_a_list_of_values_fetches_only_its_files(lake: Lake, store: Store):
    store.delete([f"{table_folder(SECOND, 'moves')}/generation=2/part-0.parquet"])
    frame = lake.read("moves", filters=[("generation", "==", 1), ("move_id", "in", [2, 3])])
    assert frame["move_id"].tolist() == [2]


def test_a_filter_on_the_partition_and_on_a_time_fetches_only_its_files(lake: Lake, store: Store):
    store.delete([f"{table_folder(SECOND, 'documents')}/resource=type/part-0.parquet"])
    since = datetime(2026, 7, 1, tzinfo=UTC)
    frame = lake.read("documents", filters=[("resource", "==", "pokemon"), ("fetched_at", ">", since)])
    assert frame["id"].tolist() == [132]


def test_a_filter_that_nothing_matches_keeps_the_columns(lake: Lake):
    frame = lake.read("moves", filters=[("generation", "==", 9)])
    assert frame.empty
    assert list(frame.columns) == ["move_id", "generation_id", "power"]


def test_the_partition_can_be_asked_for_as_a_column(lake: Lake):
    frame = lake.read("moves", columns=["generation", "move_id"])
    assert frame.to_dict("list") == {"generation": [1, 1, 2], "move_id": [1, 2, 3]}
    assert str(frame["generation"].dtype) == "int32"


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
    store.create("commits/0000000003.json", replace(last, format=3, seq=3).to_json())
    with pytest.raises(LakeError, match="expected commit format 2 or below, found 3; upgrade"):
        lake.read("moves")


def test_audits_are_the_findings_of_a_snapshot(lake: Lake):
    assert lake.audits().to_dict("records") == [DRIFT]


def test_a_snapshot_without_findings_has_no_audits_but_their_columns(lake: Lake):
    frame = lake.audits(as_of=FIRST)
    assert frame.empty
    assert list(frame.columns) == ["level", "rule", "subject", "message"]
