"""Tables of a snapshot that follows another: what is new, what is gone, and what may change."""

import pyarrow as pa

from lake.tables.inferred import NOTHING, Key, declare, grown
from tests.lake.tables.inferred import bodies
from tests.lake.tables.inferred.trainers import columns, declared, notes


def test_a_new_member_is_a_new_column_and_is_named():
    before = declared({"name": "Ash", "team": [{"level": 5}]}).tables
    found = declared({"name": "Ash", "team": [{"level": 5, "foo-bar": "x"}], "badges": [{"at": 1}]}, before=before)
    assert columns(found, "trainer_team") == {
        "trainer_id": "int64",
        "ordinal": "int32",
        "foo_bar": "string",
        "level": "int64",
    }
    assert [note.sentence for note in found.notes] == [
        "trainer_team.foo_bar, from team[].foo-bar: new column, string",
        "trainer_badges: new table, one row per element of badges in a document of trainer",
    ]


def test_what_is_gone_stays():
    before = declared({"name": "Ash", "team": [{"level": 5}], "meta": [[1]]}).tables
    found = declared({"other": 1}, before=before)
    assert columns(found) == {"id": "int64", "meta": "json", "name": "string", "other": "int64"}
    assert columns(found, "trainer_team")["level"] == "int64"
    assert notes(found) == {("new-column", "other")}


def test_an_integer_widens_to_a_double_and_no_other_type_changes():
    before = declared({"a": 1, "b": 1, "c": True, "d": 1.5, "e": "2024-01-01T00:00:00Z", "f": 1, "g": [1]}).tables
    found = declared(
        {"a": 1.5, "b": 2.5, "c": 1, "d": "x", "e": "x", "f": "x", "g": ["x"]}, {"b": 2**60}, before=before
    )
    assert columns(found) == {
        "id": "int64",
        "a": "double",
        "b": "int64",
        "c": "bool",
        "d": "double",
        "e": "timestamp[us, tz=UTC]",
        "f": "int64",
    }
    assert columns(found, "trainer_g")["value"] == "int64"
    assert notes(found) == {("widened", "a")}, "what does not fit is named by who makes the rows"


def test_a_column_is_never_an_object_or_a_table_and_the_other_way_round():
    before = declared({"a": 1, "b": {"x": 1}, "c": [{"x": 1}], "d": [1], "e": [[1]]}).tables
    now = {"a": {"x": 1}, "b": [{"y": 1}], "c": {"y": 1}, "d": [{"y": 1}], "e": [{"y": 1}]}
    found = declared(now, before=before)
    assert found.tables == before
    assert found.notes == ()
    mixed = declared({"b": "text"}, {"b": {"y": 2}}, {"c": [1, {"y": 1}]}, before=before)
    assert columns(mixed)["b_y"] == "int64"
    assert columns(mixed, "trainer_c")["y"] == "int64"


def test_names_of_before_stay_with_their_paths_and_new_ones_get_what_is_free():
    before = declared({"foo_bar": 1}).tables
    found = declared({"foo_bar": 1, "foo-bar": 2, "FooBar": 3}, before=before)
    names = {field.path: field.name for field in found.tables[0].fields}
    assert (names["foo_bar"], names["FooBar"], names["foo-bar"]) == ("foo_bar", "foo_bar_2", "foo_bar_3")
    team = grown(NOTHING, bodies({"team": [{"ordinal": 1, "trainer_id": 2}]}))
    keys = {name: Key("id", pa.int64()) for name in ("trainer", "trainer-team", "documents")}
    found = declare({"trainer": team}, keys, before, {})
    assert list(columns(found, "trainer_team")) == ["trainer_id", "ordinal", "ordinal_2", "trainer_id_2"]
    found = declare({"trainer-team": NOTHING, "documents": NOTHING}, keys, found.tables, {})
    assert [(table.resources[0], table.name) for table in found.tables] == [
        ("documents", "documents_2"),
        ("trainer", "trainer"),
        ("trainer", "trainer_team"),
        ("trainer-team", "trainer_team_2"),
    ]


def test_ids_that_become_texts_are_noted():
    before = declared({"name": "Ash"}).tables
    shape = grown(NOTHING, bodies({"name": "Ash", "team": [1]}))
    found = declare({"trainer": shape}, {"trainer": Key("id", pa.string())}, before, {})
    assert (columns(found)["id"], columns(found, "trainer_team")["trainer_id"]) == ("string", "string")
    assert notes(found) == {("key", "id"), ("new-table", "team[]")}
