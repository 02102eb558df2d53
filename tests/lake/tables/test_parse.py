"""JSON to nested Arrow: all documents in order, each as it is, whatever it is made of."""

import json

import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from lake.schema import Field, Table
from lake.tables.parse import document_schema, parse
from tests.lake.tables import bodies


def declare(*fields: tuple[str, pa.DataType], rows: str = "") -> Table:
    columns = tuple(
        Field(f"field_{number}", type_, "…", path, references="move" if path.endswith("url") else "")
        for number, (path, type_) in enumerate(fields)
    )
    return Table("t", "one row", ("pokemon",), ("field_0",), columns, rows=rows)


SCHEMA = document_schema([declare(("id", pa.int32()), ("name", pa.string()), ("list[].n", pa.int32()))])


def names(*texts: str) -> list[str | None]:
    documents, drifts = parse(bodies(*texts), SCHEMA)
    assert drifts == []
    return documents.field("name").to_pylist()


def test_the_schema_holds_what_the_tables_look_at_and_nothing_else():
    one = declare(("id", pa.int16()), ("moves[].move.url", pa.int32()), rows="moves[]")
    other = declare(("id", pa.int32()), ("moves[].order", pa.int32()), ("@ordinal", pa.int32()))
    assert document_schema([one, other]) == pa.schema(
        {
            "id": pa.int32(),
            "moves": pa.list_(pa.struct({"move": pa.struct({"url": pa.string()}), "order": pa.int32()})),
        }
    )


def test_two_tables_must_agree_on_a_type():
    with pytest.raises(AssertionError, match="name is declared as"):
        document_schema([declare(("name", pa.string())), declare(("name", pa.bool_()))])


def test_no_documents_are_no_rows_of_the_same_type():
    documents, drifts = parse(bodies(), SCHEMA)
    assert (len(documents), drifts) == (0, [])
    assert documents.type == parse(bodies({"id": 25}), SCHEMA)[0].type


@given(st.lists(st.none() | st.text(st.characters(exclude_categories=["Cs"])), min_size=1), st.booleans())
def test_texts_survive_whatever_they_are_made_of(found, ascii_only):
    texts = [json.dumps({"id": 1, "name": name}, ensure_ascii=ascii_only) for name in found]
    assert names(*texts) == found


@pytest.mark.parametrize("indent", [None, 2])
@pytest.mark.parametrize("end", ["\n", "\r\n", "\r"])
def test_line_breaks_between_members_do_not_cut_a_document(indent, end):
    texts = [json.dumps({"id": number, "name": "a\nb"}, indent=indent).replace("\n", end) + end for number in range(3)]
    documents, _ = parse(bodies(*texts), SCHEMA)
    assert documents.field("id").to_pylist() == [0, 1, 2]


def test_documents_longer_than_a_block_are_read_whole():
    long = "x" * (5 << 20)
    assert names(*(json.dumps({"id": number, "name": f"{number}{long}"}) for number in range(3))) == [
        f"{number}{long}" for number in range(3)
    ]


def test_many_blocks_keep_the_order_of_documents():
    texts = [json.dumps({"id": number, "name": "x" * 100_000}) for number in range(200)]
    documents, _ = parse(bodies(*texts), SCHEMA)
    assert documents.field("id").to_pylist() == list(range(200))


def test_a_slice_of_documents_is_read_as_a_slice():
    whole = bodies(*({"id": number} for number in range(5)))
    documents, _ = parse(whole.slice(1, 3), SCHEMA)
    assert documents.field("id").to_pylist() == [1, 2, 3]


def test_a_member_that_is_there_twice_has_its_last_value():
    """As in Python and JavaScript; Arrow alone would refuse the document."""
    assert names('{"id": 1, "name": "pichu", "name": "pikachu"}') == ["pikachu"]


def test_deeply_nested_members_that_nobody_asks_for_are_passed_over():
    assert names('{"id": 1, "name": "a", "zz": ' + "[" * 500 + "]" * 500 + "}") == ["a"]


def test_every_drift_of_every_document_is_reported():
    documents, drifts = parse(
        bodies({"id": 1, "name": 5}, {"id": "2", "list": [{"n": 1}, {"n": 1.5}, 7, None]}, {"id": 3, "list": {}}),
        SCHEMA,
    )
    assert [(drift.path, drift.expected, drift.found) for drift in drifts] == [
        ("name", "string", "int '5'"),
        ("id", "int32", "str '2'"),
        ("list[].n", "int32", "float '1.5'"),
        ("list[]", "struct<n: int32>", "int '7'"),
        ("list", "list<item: struct<n: int32>>", "dict '{}'"),
    ]
    assert documents.to_pylist() == [
        {"id": 1, "name": None, "list": None},
        {"id": None, "name": None, "list": [{"n": 1}, {"n": None}, None, None]},
        {"id": 3, "name": None, "list": None},
    ]


def test_what_was_found_is_shown_in_part():
    _, [drift] = parse(bodies({"id": 1, "name": ["x" * 1000]}), SCHEMA)
    assert len(drift.found) < 80


def test_a_fraction_lands_in_a_column_of_fractions():
    schema = document_schema([declare(("share", pa.float64()))])
    documents, drifts = parse(bodies({"share": 0.5}, {"share": 1}, {"share": "x"}, {"share": True}), schema)
    assert documents.field("share").to_pylist() == [0.5, 1.0, None, None]
    assert [drift.found for drift in drifts] == ["str 'x'", "bool 'True'"]


@pytest.mark.parametrize("text", ["null", " \n null", "[]", "5", '{"id": 1}{"id": 2}', "", "{"])
def test_what_is_no_object_is_reported_and_stops_nothing(text):
    """Arrow's reader crashes at a document that is null."""
    documents, drifts = parse(bodies({"id": 25}, text, {"id": 26}), SCHEMA)
    assert documents.field("id").to_pylist() == [25, None, 26]
    assert [drift.path for drift in drifts] == [""]
