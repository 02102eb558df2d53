"""The generic table: no value of a document is lost, whatever it is."""

import json

import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from lake.tables.values import DOCUMENT_VALUES, value_rows

COLUMN = {"string": "text", "integer": "whole", "number": "number", "boolean": "truth"}


def rows_of(*bodies: str) -> list[dict]:
    documents = pa.table({"id": pa.array(range(1, len(bodies) + 1), pa.int64()), "body": list(bodies)})
    found, _ = value_rows("server", documents)
    assert found.schema.equals(DOCUMENT_VALUES.schema, check_metadata=True)
    return found.to_pylist()


def values_of(body: str) -> dict:
    return {
        row["json_path"]: row[COLUMN[row["kind"]]] if row["kind"] in COLUMN else row["kind"] for row in rows_of(body)
    }


def test_each_scalar_is_a_row_under_the_path_to_it():
    body = '{"name": "a", "address": {"city": null, "lines": ["x", {"n": 1.5}]}, "is_up": false, "cores": 4}'
    assert values_of(body) == {
        "name": "a",
        "address.city": "null",
        "address.lines[0]": "x",
        "address.lines[1].n": 1.5,
        "is_up": False,
        "cores": 4,
    }


def test_rows_are_numbered_within_each_document():
    rows = rows_of('{"a": 1, "b": 2}', "[3]")
    assert [(row["id"], row["ordinal"]) for row in rows] == [(1, 1), (1, 2), (2, 1)]


def test_an_empty_container_is_a_row():
    assert values_of('{"tags": [], "labels": {}}') == {"tags": "array", "labels": "object"}


@pytest.mark.parametrize(("body", "value"), [("7", 7), ('"x"', "x"), ("[]", "array"), ("null", "null")])
def test_a_document_that_is_one_value_has_an_empty_path(body, value):
    assert values_of(body) == {"": value}


@pytest.mark.parametrize("name", ["a.b", "a[0]", "", "größe", 'a"b'])
def test_a_name_that_reads_like_a_path_is_quoted(name):
    [path] = values_of(json.dumps({"x": {name: 1}}))
    assert path == f"x[{json.dumps(name)}]"


def test_a_member_that_is_there_twice_is_two_rows():
    assert [(row["json_path"], row["whole"]) for row in rows_of('{"a": 1, "a": 2}')] == [("a", 1), ("a", 2)]


@pytest.mark.parametrize("digits", [str(2**63), str(-(2**63) - 1), "9" * 5000])
def test_an_integer_beyond_64_bits_keeps_its_digits(digits):
    [row] = rows_of(f'{{"n": {digits}}}')
    assert (row["kind"], row["whole"], row["text"]) == ("integer", None, digits)


@pytest.mark.parametrize("value", [2**63 - 1, -(2**63), 0])
def test_an_integer_of_64_bits_is_whole(value):
    [row] = rows_of(str(value))
    assert (row["kind"], row["whole"], row["text"]) == ("integer", value, None)


@pytest.mark.parametrize(
    ("digits", "number"),
    [("1e400", None), ("1e-99999999999999999999", 0.0), ("0.12345678901234567890", 0.12345678901234568)],
)
def test_a_number_that_does_not_fit_keeps_its_digits(digits, number):
    [row] = rows_of(digits)
    assert (row["kind"], row["number"], row["text"]) == ("number", number, digits)


def test_half_of_a_code_point_stays_escaped():
    assert values_of(r'"a\ud800"') == {"": r"a\ud800"}


@pytest.mark.parametrize("name", ["NaN", "Infinity", "-Infinity"])
def test_what_is_no_number_of_json_is_no_value(name):
    """It came out as an empty array."""
    documents = pa.table({"id": [1, 2], "body": [f'{{"a": 1, "b": {name}}}', '{"a": 2}']})
    found, [drift] = value_rows("server", documents)
    assert found["id"].to_pylist() == [2]
    assert (drift.document, name in drift.found) == (1, True)


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text(),
    lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
)


@given(JSON)
def test_the_scalars_of_a_document_are_there_in_their_order(value):
    def scalars(value):
        if isinstance(value, dict) and value:
            return [scalar for inner in value.values() for scalar in scalars(inner)]
        if isinstance(value, list) and value:
            return [scalar for inner in value for scalar in scalars(inner)]
        return [{list: "array", dict: "object", type(None): "null"}.get(type(value), value)]

    def back(row):
        value = row[COLUMN[row["kind"]]] if row["kind"] in COLUMN else row["kind"]
        return int(row["text"]) if row["kind"] == "integer" and value is None else value

    assert [back(row) for row in rows_of(json.dumps(value))] == scalars(value)
