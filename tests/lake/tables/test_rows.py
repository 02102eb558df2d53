"""Rows of tables of any JSON API: keys of any kind, nested members, lists, times, JSON text, and what does not fit."""

import json
from typing import Any

import pyarrow as pa
import pytest

from lake.crawl.rest import hashed_id
from lake.documents import digest
from lake.schema import BODY, KEY, ORDINAL, Field, Table
from lake.tables.rows import rows_of

TIME = pa.timestamp("us", "UTC")
ID = Field("id", pa.int64(), "…", KEY)
OWNER = Field("shop_id", pa.int64(), "…", KEY)
PLACE = Field("ordinal", pa.int32(), "…", ORDINAL)


def table(*fields: Field, rows: str = "", name: str = "shop", **more: Any) -> Table:
    key = (fields[0].name, "ordinal") if rows else (fields[0].name,)
    return Table(name, "one row", ("shop",), key, fields, rows, is_inferred=True, **more)


def stored(*documents: Any) -> pa.Table:
    """Return documents by their ids as the table of documents has them; one that is a text is a body itself."""
    rows = []
    for document in documents:
        body = document if isinstance(document, str) else json.dumps(document)
        id_ = json.loads(body)["id"] if body.startswith('{"id"') else len(rows) + 1
        number = hashed_id(id_) if isinstance(id_, str) else id_
        rows.append(
            {"id": number, "path": f"shop/{id_}".replace(" ", "%20"), "body": body, "sha256": digest(body.encode())}
        )
    return pa.Table.from_pylist(rows).sort_by("id")


def found(tables: list[Table], *documents: Any) -> tuple[list[list[dict[str, Any]]], list[str]]:
    """Return the rows of each table, and what is said of values that did not fit."""
    parts = rows_of(tables, "shop", stored(*documents))
    return [rows.to_pylist() for rows, _ in parts], [str(drift) for _, drifts in parts for drift in drifts]


def test_nested_members_and_lists_become_rows_with_the_key_of_their_document():
    main = table(ID, Field("town", pa.string(), "…", "address.town"), Field("lat", pa.float64(), "…", "address.at.lat"))
    goods = table(OWNER, PLACE, Field("price", pa.int64(), "…", "goods[].price"), rows="goods[]", name="shop_goods")
    sizes = table(
        OWNER,
        PLACE,
        Field("goods_ordinal", pa.int32(), "…", f"{ORDINAL} goods[]"),
        Field("value", pa.string(), "…", "goods[].sizes[]"),
        rows="goods[].sizes[]",
        name="shop_goods_sizes",
    )
    mart = {
        "id": 7,
        "address": {"town": "Viridian", "at": {"lat": 1}},
        "goods": [{"price": 2**60, "sizes": ["s", None]}, None],
    }
    rows, odd = found([main, goods, sizes], mart, {"id": 8, "address": None, "goods": []})
    assert rows == [
        [{"id": 7, "town": "Viridian", "lat": 1.0}, {"id": 8, "town": None, "lat": None}],
        [{"shop_id": 7, "ordinal": 1, "price": 2**60}, {"shop_id": 7, "ordinal": 2, "price": None}],
        [
            {"shop_id": 7, "ordinal": 1, "goods_ordinal": 1, "value": "s"},
            {"shop_id": 7, "ordinal": 2, "goods_ordinal": 1, "value": None},
        ],
    ]
    assert odd == []


def test_a_text_is_the_key_where_the_source_gives_one():
    rows, odd = found([table(Field("slug", pa.string(), "…", KEY))], {"id": "poké mart"}, {"id": "b"}, {"id": 7})
    assert ([{row["slug"] for row in rows[0]}], odd) == ([{"poké mart", "b", "7"}], [])


def test_a_text_among_numbers_is_left_out_and_named():
    [rows], [said] = found([table(ID)], {"id": 7}, {"id": "mart"})
    assert (rows, said) == ([{"id": 7}], "expected a key that is not null in shop, found (id=None)")


def test_a_member_whose_name_means_something_in_a_path_is_found():
    columns = [Field(f"c{i}", pa.int64(), "…", path) for i, path in enumerate(("a%2Eb", "%40key", "%", "c%5B%5D.d e"))]
    [rows], odd = found([table(ID, *columns)], {"id": 1, "a.b": 1, "@key": 2, "": 3, "c[]": {"d e": 4}, "a": {"b": 5}})
    assert (rows, odd) == ([{"id": 1, "c0": 1, "c1": 2, "c2": 3, "c3": 4}], [])


@pytest.mark.parametrize(
    ("text", "utc"),
    [
        ("2024-02-29T23:59:59Z", "2024-02-29T23:59:59+00:00"),
        ("2026-11-28T12:00:00.123456+05:30", "2026-11-28T06:30:00.123456+00:00"),
        ("0001-01-01T00:00:00Z", "0001-01-01T00:00:00+00:00"),
        ("9999-12-31T23:59:59.9Z", "9999-12-31T23:59:59.900000+00:00"),
        ("9998-12-31T23:59:59-05:00", "9999-01-01T04:59:59+00:00"),
    ],
)
def test_a_time_lands_in_utc(text: str, utc: str):
    [rows], odd = found([table(ID, Field("at", TIME, "…", "at"))], {"id": 1, "at": text})
    assert (rows[0]["at"].isoformat(), odd) == (utc, [])


def test_a_text_that_is_no_time_or_date_lands_as_null_and_is_named():
    times = [
        "2023-02-29T00:00:00Z",
        "2026-01-01",
        "2026-01-01T00:00:00",
        "2026-01-01T24:00:00Z",
        "2026-01-01T00:00:60Z",
    ]
    times += ["2026-01-01T00:00:00.1234567Z", "0000-01-01T00:00:00Z", "9999-12-31T23:59:59-05:00", "soon", "soon"]
    of = table(ID, Field("at", TIME, "…", "at"), Field("day", pa.date32(), "…", "day"))
    documents = [{"id": number, "at": text, "day": "2024-02-29"} for number, text in enumerate(times)]
    [rows], odd = found([of], *documents, {"id": 99, "at": "2026-01-01T00:00:00Z", "day": "2023-02-29"})
    assert [row["at"] is None for row in rows] == [True] * len(times) + [False]
    assert [str(row["day"]) for row in rows] == ["2024-02-29"] * len(times) + ["None"]
    expected = [f"at: expected timestamp[us, tz=UTC], found {text!r}" for text in times]
    assert odd == [*expected, "day: expected date32[day], found '2023-02-29'"]


def test_json_text_holds_whatever_stands_there():
    body = (
        '{"id": 1, "any": [1, {"x": 1.50}], "of": [{"any": true}, {"any": null}, {}],'
        ' "l": ["a", [2], null], "big": 1e999}'
    )
    tables = [
        table(
            ID,
            Field("any", pa.string(), "…", "any", is_json=True),
            Field("whole", pa.string(), "…", BODY, is_json=True),
        ),
        table(OWNER, PLACE, Field("any", pa.string(), "…", "of[].any", is_json=True), rows="of[]", name="shop_of"),
        table(OWNER, PLACE, Field("value", pa.string(), "…", "l[]", is_json=True), rows="l[]", name="shop_l"),
        table(OWNER, Field("big", pa.string(), "…", "big", is_json=True), name="shop_big"),
    ]
    rows, odd = found(tables, body)
    assert rows == [
        [{"id": 1, "any": '[1,{"x":1.5}]', "whole": body}],
        [{"shop_id": 1, "ordinal": n, "any": text} for n, text in enumerate(("true", None, None), 1)],
        [{"shop_id": 1, "ordinal": n, "value": text} for n, text in enumerate(('"a"', "[2]", None), 1)],
        [{"shop_id": 1, "big": "1e999"}],
    ]
    assert odd == []


def test_what_does_not_fit_lands_as_null_and_is_named_and_the_rest_of_its_document_lands():
    of = table(
        ID, Field("n", pa.int64(), "…", "n"), Field("x", pa.float64(), "…", "x"), Field("b", pa.bool_(), "…", "b")
    )
    goods = table(OWNER, PLACE, Field("price", pa.int64(), "…", "goods[].price"), rows="goods[]", name="shop_goods")
    odd_one = {"id": 1, "n": 1.5, "x": "2", "b": 1, "goods": [{"price": 2**63}, 5]}
    rows, odd = found([of, goods], odd_one, {"id": 2, "n": 2, "x": 3, "b": True, "goods": {"price": 1}})
    assert rows == [
        [{"id": 1, "n": None, "x": None, "b": None}, {"id": 2, "n": 2, "x": 3.0, "b": True}],
        [{"shop_id": 1, "ordinal": 1, "price": None}, {"shop_id": 1, "ordinal": 2, "price": None}],
    ]
    assert odd == [
        "n: expected int64, found float '1.5'",
        "x: expected double, found str '2'",
        "b: expected bool, found int '1'",
        "goods[].price: expected int64, found int '9223372036854775808'",
        "goods[]: expected struct<price: int64>, found int '5'",
        "goods: expected list<item: struct<price: int64>>, found dict \"{'price': 1}\"",
    ]


def test_a_document_that_cannot_be_read_gives_no_rows_and_is_at_fault():
    [(rows, drifts)] = rows_of(
        [table(ID, Field("n", pa.int64(), "…", "n"))], "shop", stored({"id": 1}, "[]", '{"id": 3, "n": NaN}')
    )
    assert rows["id"].to_pylist() == [1]
    assert sorted((drift.document, drift.expected) for drift in drifts) == [
        (2, "a readable document"),
        (3, "a readable document"),
    ]


def test_a_table_may_have_a_function_of_its_own():
    def names(document: dict[str, Any], report: Any) -> list[dict[str, Any]]:
        return [{"id": document["id"], "name": name.upper()} for name in document["names"]]

    of = Table(
        "name",
        "one row per name",
        ("shop",),
        ("id", "name"),
        (Field("id", pa.string(), "…", "id"), Field("name", pa.string(), "…", "names")),
        fill=names,
    )
    [rows], [said] = found([of], {"id": "mart", "names": ["a", "b"]}, {"id": "gym", "names": [7]})
    assert [row["name"] for row in rows] == ["A", "B"]
    assert said.startswith(f"expected the declared shape, found name of {hashed_id('gym')}: AttributeError")
