"""What settings say goes before what was inferred, and before the snapshot before; what has no effect is named."""

import pyarrow as pa

from lake.schema import KEY
from lake.table_settings import ColumnSettings, TableSettings
from lake.tables.inferred import NOTHING, Declared, Key, declare, grown
from tests.lake.tables.inferred import bodies
from tests.lake.tables.inferred.trainers import TRAINER, columns, declared, notes


def said(rows: str = "", /, **columns: ColumnSettings) -> dict[str, TableSettings]:
    name = f"trainer.{rows}" if rows else "trainer"
    return {name: TableSettings(columns=tuple((path.replace("__", "."), said) for path, said in columns.items()))}


def unused(found: Declared) -> dict[str, str]:
    return {note.path: note.sentence.partition(": ")[2] for note in found.notes if note.kind == "unused-setting"}


def test_tables_and_columns_have_the_names_and_sentences_of_the_settings():
    settings = {
        "trainer": TableSettings(
            name="trainers",
            grain="one row per person",
            partition="joinedAt",
            columns=(
                ("id", ColumnSettings(name="trainer_id", description="Number on the card.")),
                ("score", ColumnSettings(unit="point", description="Points won.")),
                ("address.city", ColumnSettings(name="city")),
                ("team[].name", ColumnSettings(name="species")),
            ),
        ),
        "trainer.tags[]": TableSettings(name="labels", columns=(("", ColumnSettings(name="label")),)),
    }
    for before in ((), declared(TRAINER).tables):
        found = declared(TRAINER, before=before, settings=settings)
        assert unused(found) == {}
        tables = {table.rows: table for table in found.tables}
        assert (tables[""].name, tables["tags[]"].name) == ("trainers", "labels")
        assert (tables[""].grain, tables[""].partition_by) == ("one row per person", "joined_at")
        assert {"trainer_id", "city", "score"} < columns(found, "trainers").keys()
        assert columns(found, "labels")["label"] == columns(found, "trainer_team")["species"] == "string"
        [key, score] = (tables[""].field(name) for name in ("trainer_id", "score"))
        assert (key.path, key.description) == (KEY, "Number on the card.")
        assert (score.unit, score.description) == ("point", "Points won. Null: absent or null in the document.")
    assert tables["tags[]"].primary_key == ("trainer_id", "ordinal")
    assert not declared(TRAINER, before=found.tables, settings=settings).notes


def test_a_declared_type_is_taken_as_it_is():
    settings = said(
        name=ColumnSettings(type="date"),
        address=ColumnSettings(type="json"),
        team=ColumnSettings(type="json"),
        nothing=ColumnSettings(type="double"),
        future__at=ColumnSettings(type="timestamp"),
    ) | said("goods[].sizes[]", x=ColumnSettings(type="int64"))
    found = declared(TRAINER, settings=settings)
    kinds = columns(found)
    assert {name: kinds[name] for name in ("name", "address", "team", "nothing", "future_at")} == {
        "name": "date32[day]",
        "address": "json",
        "team": "json",
        "nothing": "double",
        "future_at": "timestamp[us, tz=UTC]",
    }
    assert {table.rows for table in found.tables} == {"", "tags[]", "goods[].sizes[]"}
    assert "address_city" not in kinds
    before = declared(TRAINER).tables
    again = declared(TRAINER, before=before, settings=settings)
    assert columns(again) == kinds
    assert notes(again) >= {
        ("retyped", "name"),
        ("dropped", "address.city"),
        ("dropped", "team[]"),
        ("new-column", "team"),
    }
    assert declared(TRAINER, before=again.tables, settings={}).tables == again.tables


def test_what_is_omitted_stands_nowhere_not_even_as_json_text():
    document = {"a": {"secret": 1, "x": 1}, "b": [{"secret": 1, "x": 1}], "c": 1, "d": {"secret": 1}, "e": [1]}
    settings = {
        "trainer": TableSettings(omit=("a.secret", "d.secret", "e")),
        "trainer.b[]": TableSettings(omit=("secret",)),
    }
    for before in ((), declared(document).tables):
        found = declared(document, {"d": "text"}, before=before, settings=settings)
        assert columns(found) == {"id": "int64", "a_x": "int64", "c": "int64"}
        assert columns(found, "trainer_b") == {"trainer_id": "int64", "ordinal": "int32", "x": "int64"}
        assert len(found.tables) == 2
    shown = settings | said("", a=ColumnSettings(type="json"))
    shown["trainer"] = TableSettings(omit=("a.secret",), columns=shown["trainer"].columns)
    found = declared(document, settings=shown)
    assert unused(found) == {"a": "as JSON text it would show what is omitted"}
    assert "a_x" in columns(found)
    unseen = declared(
        {"map": {f"day {day}": 1 for day in range(1001)}}, settings={"trainer": TableSettings(omit=("map.x",))}
    )
    assert (unused(unseen), columns(unseen)) == ({}, {"id": "int64"})
    assert ("omitted", "d") in notes(declared(document, {"d": "text"}, settings=settings))
    mixed = declared(document, {"b": "text"}).tables
    found = declared(document, before=mixed, settings=settings)
    assert "b" not in columns(found)
    assert {("dropped", "b"), ("dropped", "a.secret")} <= notes(found)


def test_the_key_may_be_a_value_of_the_document():
    settings = {"trainer": TableSettings(key="address.city")}
    found = declared(TRAINER, settings=settings)
    main, tags = found.tables[:2]
    assert [(field.name, field.path) for field in main.fields[:1]] == [("address_city", "address.city")]
    assert columns(found)["id"] == "int64"
    assert tags.primary_key == ("trainer_address_city", "ordinal")
    assert tags.field("trainer_address_city").path == "address.city"
    before = declared(TRAINER).tables
    found = declared(TRAINER, before=before, settings=settings)
    assert found.tables[0].primary_key == ("address_city",)
    assert found.tables[0].field("id").path == KEY
    assert found.tables[1].primary_key == ("trainer_address_city", "ordinal")
    assert ("key", "address.city") in notes(found)
    back = declared(TRAINER, before=found.tables)
    assert (back.tables[0].primary_key, columns(back)) == (("id",), columns(declared(TRAINER)))
    for path in ("address", "tags[]", "nobody"):
        refused = declared(TRAINER, settings={"trainer": TableSettings(key=path)})
        assert refused.tables[0].primary_key == ("id",)
        assert [*unused(refused)] == [path]
    inside = {"trainer": TableSettings(key="address.city", columns=(("address", ColumnSettings(type="json")),))}
    assert unused(declared(TRAINER, settings=inside)) == {"address.city": "address, which it lies in, is one column"}
    whole = {"trainer": TableSettings(key="name", columns=(("", ColumnSettings(type="json")),))}
    found = declared(TRAINER, before=declared(TRAINER).tables, settings=whole)
    assert columns(found) == {"name": "string", "id": "int64", "document": "json"}
    found = declared(TRAINER, before=found.tables)
    assert columns(found) == {"id": "int64", "document": "json"}


def test_settings_without_effect_are_named():
    settings = {
        "trainer": TableSettings(
            name="documents",
            partition="tags",
            omit=("pasword", "address"),
            columns=(
                ("nam", ColumnSettings(unit="m")),
                ("address.city", ColumnSettings(type="string")),
                ("grid[][]", ColumnSettings(type="string")),
                ("name", ColumnSettings(name="id")),
                ("team", ColumnSettings(type="json")),
                ("team[].name", ColumnSettings(type="string")),
                ("id", ColumnSettings(type="string")),
            ),
        ),
        "trainer.items[]": TableSettings(grain="one row per item"),
        "trainer.tags": TableSettings(name="tags"),
        "gym": TableSettings(name="gyms"),
    }
    found = declared(TRAINER, settings=settings)
    assert {(note.resource, note.path) for note in found.notes if note.kind == "unused-setting"} == {
        *(("trainer", path) for path in ("", "tags", "pasword", "nam", "address.city", "grid[][]", "name")),
        *(("trainer", path) for path in ("team[].name", "id", "items[]")),
        ("gym", ""),
    }
    assert unused(found)["pasword"] == "nothing was found there"
    assert unused(found)["name"] == "the name id is taken, it is called name"
    assert found.tables[0].field("id").type == pa.int64()


def test_a_name_that_another_column_had_is_not_taken_from_it():
    settings = said(name=ColumnSettings(name="score"))
    assert columns(declared(TRAINER, settings=settings))["score_2"] == "double"
    found = declared(TRAINER, before=declared(TRAINER).tables, settings=settings)
    assert (columns(found)["name"], columns(found)["score"]) == ("string", "double")
    assert unused(found) == {"name": "the name score is taken, it is called name"}


def test_a_table_keeps_the_name_of_its_settings_when_another_one_wants_it():
    settings = {"trainer": TableSettings(name="people"), "gym": TableSettings(name="people")}
    before = declared(TRAINER, settings=settings).tables
    shape, key = grown(NOTHING, bodies({"id": 1})), Key("id", pa.int64())
    found = declare({"gym": shape, "trainer": shape}, {"gym": key, "trainer": key}, before, settings)
    assert {table.resources[0]: table.name for table in found.tables if not table.rows} == {
        "gym": "gym",
        "trainer": "people",
    }
    assert [note.sentence for note in found.notes if note.kind == "unused-setting"] == [
        "the setting name of tables.gym has no effect: the name people is taken, it is called gym"
    ]


def test_a_table_is_partitioned_by_what_has_few_values():
    """By a fraction, a truth or JSON text it is not, and the finding names the setting."""
    for path, expected in (
        ("town", "town"),
        ("badges", "badges"),
        ("at", "at"),
        ("score", ""),
        ("active", ""),
        ("odd", ""),
    ):
        document = {"town": "a", "badges": 1, "at": "2024-01-01T00:00:00Z", "score": 1.5, "active": True, "odd": [[1]]}
        found = declared(document, settings={"trainer": TableSettings(partition=path)})
        assert found.tables[0].partition_by == expected
        assert (("unused-setting", path) in notes(found)) == (not expected)


def test_a_typed_column_at_whose_path_nothing_is_is_named():
    typo = TableSettings(columns=(("wehn", ColumnSettings(type="date")),))
    found = declared({"when": "2024-01-01"}, settings={"trainer": typo})
    assert columns(found) == {"id": "int64", "wehn": "date32[day]", "when": "string"}
    assert [note.sentence for note in found.notes] == ["trainer.wehn: nothing is at wehn, so it is null"]
