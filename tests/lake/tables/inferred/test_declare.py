"""Tables out of documents: names, keys, types, and what becomes of everything that is no plain column."""

from lake.documents import DOCUMENT_INDEX, DOCUMENTS
from lake.schema import KEY, ORDINAL
from lake.tables.inferred.declare import RESERVED
from lake.tables.values import DOCUMENT_VALUES
from tests.lake.tables.inferred.trainers import TRAINER, columns, declared


def test_a_document_is_a_row_and_each_list_a_table():
    tables = {table.name: table for table in declared(TRAINER).tables}
    assert {name: (table.rows, table.primary_key, table.grain) for name, table in tables.items()} == {
        "trainer": ("", ("id",), "one row per trainer"),
        "trainer_tags": ("tags[]", ("trainer_id", "ordinal"), "one row per element of tags in a document of trainer"),
        "trainer_team": ("team[]", ("trainer_id", "ordinal"), "one row per element of team in a document of trainer"),
        "trainer_team_moves": (
            "team[].moves[]",
            ("trainer_id", "ordinal"),
            "one row per element of team[].moves in a document of trainer",
        ),
    }
    assert {
        name: [(field.name, str(field.type), field.path) for field in table.fields] for name, table in tables.items()
    } == {
        "trainer": [
            ("id", "int64", KEY),
            ("address_city", "string", "address.city"),
            ("address_geo_lat", "int64", "address.geo.lat"),
            ("is_active", "bool", "isActive"),
            ("joined_at", "timestamp[us, tz=UTC]", "joinedAt"),
            ("name", "string", "name"),
            ("score", "double", "score"),
        ],
        "trainer_tags": [("trainer_id", "int64", KEY), ("ordinal", "int32", ORDINAL), ("value", "string", "tags[]")],
        "trainer_team": [
            ("trainer_id", "int64", KEY),
            ("ordinal", "int32", ORDINAL),
            ("name", "string", "team[].name"),
        ],
        "trainer_team_moves": [
            ("trainer_id", "int64", KEY),
            ("ordinal", "int32", ORDINAL),
            ("team_ordinal", "int32", f"{ORDINAL} team[]"),
            ("value", "string", "team[].moves[]"),
        ],
    }
    assert all(table.is_inferred and table.resources == ("trainer",) for table in tables.values())
    [city, key] = (tables["trainer"].field(name) for name in ("address_city", "id"))
    assert city.description == "The document's address.city. Null: absent or null in the document."
    assert (city.nullable, key.nullable) == (True, False)


def test_what_has_no_type_is_json_text_and_says_why():
    found = declared(
        {"mixed": 1, "wide": 2**60, "huge": 2**64, "grid": [[1]], "odd": [{"a": 1}, 2], "many": [1, "a"]},
        {"mixed": "a", "wide": 0.5, "deep": {"x": {"x": {"x": {"x": {"x": {"x": {"x": {"x": {}}}}}}}}}},
        {"map": {f"day {day}": 1 for day in range(1001)}},
    )
    kinds = columns(found)
    assert set(kinds) - {"id"} == {"deep_x_x_x_x_x_x_x_x", "grid", "huge", "map", "mixed", "odd", "wide"}
    assert {kind for name, kind in kinds.items() if name != "id"} == {"json"}
    assert columns(found, "trainer_many")["value"] == "json"
    assert {note.path: note.sentence.partition(" because ")[2] for note in found.notes if note.kind == "json"} == {
        "deep.x.x.x.x.x.x.x.x": "it is nested deeper than 8",
        "grid": "it is a list of lists",
        "huge": "it has integers beyond 64 bits",
        "many[]": "values of several kinds were found: int64, string",
        "map": "its objects have more than 1,000 different members",
        "mixed": "values of several kinds were found: int64, string",
        "odd": "its list has elements of several kinds: int64, object",
        "wide": "values of several kinds were found: double, int64 beyond 2^53",
    }
    assert found.tables[0].field("grid").description == (
        "The document's grid, as JSON text because it is a list of lists. Null: absent or null in the document."
    )


def test_the_names_of_the_lakes_own_tables_are_taken():
    assert {DOCUMENTS.name, DOCUMENT_INDEX.name, DOCUMENT_VALUES.name} == {*RESERVED}


def test_a_member_that_is_called_like_its_column_keeps_the_name():
    found = declared({"a": {"b": 1}, "a_b": "x", "fooBar": 1, "foo_bar": "y"})
    assert columns(found) == {
        "id": "int64",
        "a_b_2": "int64",
        "a_b": "string",
        "foo_bar_2": "int64",
        "foo_bar": "string",
    }
