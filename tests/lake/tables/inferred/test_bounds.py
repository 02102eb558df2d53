"""So many columns and tables, and no more: the rest is JSON text, or stays in the documents, and somebody is told."""

import pytest

from lake.tables.inferred import bounds
from tests.lake.tables.inferred.trainers import columns, declared, notes


@pytest.fixture(autouse=True)
def _low_bounds(monkeypatch):
    monkeypatch.setattr(bounds, "COLUMNS", 4)
    monkeypatch.setattr(bounds, "TABLES", 3)


def test_objects_with_most_columns_become_json_text_first():
    found = declared({"a": {"x": 1, "y": {"p": 1, "q": 1}}, "b": {"x": 1, "y": 2}, "c": 1})
    assert columns(found) == {"id": "int64", "a": "json", "b_x": "int64", "b_y": "int64", "c": "int64"}
    [note] = found.notes
    assert (note.kind, note.path) == ("bounded", "a")
    assert note.sentence == "trainer.a, from a: JSON text because the table would have more than 4 columns"
    small = declared({"b": {"x": {"p": 1, "q": 1, "r": 1}}, "a": {"x": 1, "y": 1, "z": 1}})
    assert set(columns(small)) == {"id", "a", "b_x_p", "b_x_q", "b_x_r"}, "of equals, the first by path"


def test_a_row_that_is_too_wide_by_itself_is_one_json_column():
    wide = dict.fromkeys("abcde", 1)
    found = declared({"id": 1, **wide, "team": [1]})
    [table] = found.tables
    assert columns(found) == {"id": "int64", "document": "json"}
    assert table.field("document").path == "@body"
    found = declared({"team": [{**wide, "moves": [1]}]})
    assert columns(found, "trainer_team") == {"trainer_id": "int64", "ordinal": "int32", "value": "json"}
    assert [(table.rows, table.fields[-1].path) for table in found.tables] == [("", "@key"), ("team[]", "team[]")]
    assert notes(found) == {("bounded", "team[]")}


def test_the_deepest_lists_become_json_text_when_there_are_too_many_tables():
    found = declared({"a": [{"x": 1, "deep": [1]}], "b": [{"x": 1}], "c": [1]})
    assert [table.rows for table in found.tables] == ["", "a[]", "b[]"]
    assert columns(found) == {"id": "int64", "c": "json"}
    assert columns(found, "trainer_a") == {"trainer_id": "int64", "ordinal": "int32", "deep": "json", "x": "int64"}
    assert notes(found) == {("bounded", "a[].deep"), ("bounded", "c")}


def test_a_table_of_before_gets_as_many_new_columns_as_there_is_room_for():
    before = declared({"m": 1, "z": 2}).tables
    found = declared({"a": 1, "b": {"x": 1, "y": 2}, "m": 1}, before=before)
    assert list(columns(found)) == ["id", "a", "b_x", "m", "z"]
    assert notes(found) == {("new-column", "a"), ("new-column", "b.x"), ("bounded", "")}
    assert found.notes[0].sentence == (
        "trainer: it has as many columns as a table may have; 1 more stay in the documents"
    )
