"""Nested columns to flat rows, under declarations made for the purpose."""

import pyarrow as pa

from lake.schema import ORDINAL, RESOURCE, Field, Table
from lake.tables.extract import extract, sort
from lake.tables.fill import fill
from lake.tables.parse import document_schema, parse
from tests.lake.tables import bodies

ID = Field("id", pa.int32(), "…", "id")


def table(*fields: Field, rows: str = "", key: tuple[str, ...] = ("id",), fill=None) -> Table:
    return Table("t", "one row", ("pokemon",), key, (ID, *fields), rows=rows, fill=fill)


def rows_of(declared: Table, *documents: dict) -> list[dict]:
    parsed, _ = parse(bodies(*documents), document_schema([declared]))
    rows, _ = extract(declared, "pokemon", parsed, {})
    assert rows.schema.equals(declared.schema)
    return rows.to_pylist()


def test_several_paths_are_tried_in_turn():
    declared = table(Field("slug", pa.string(), "…", ("slug", "names.en")))
    documents = [{"id": 1, "slug": "a", "names": {"en": "b"}}, {"id": 2, "names": {"en": "b"}}, {"id": 3}]
    assert [row["slug"] for row in rows_of(declared, *documents)] == ["a", "b", None]


def test_the_stand_in_for_null_is_null_in_numbers_and_in_texts():
    declared = table(
        Field("n", pa.int32(), "…", "n", null_when=-1, nullable=True),
        Field("s", pa.string(), "…", "s", null_when="", nullable=True),
    )
    documents = [{"id": 1, "n": -1, "s": ""}, {"id": 2, "n": 0, "s": "-1"}, {"id": 3}]
    assert [(row["n"], row["s"]) for row in rows_of(declared, *documents)] == [(None, None), (0, "-1"), (None, None)]


def test_lists_in_lists_are_numbered_through_and_keep_what_stands_above_them():
    declared = table(
        Field("ordinal", pa.int32(), "…", ORDINAL),
        Field("outer", pa.string(), "…", "a[].name"),
        Field("inner", pa.int32(), "…", "a[].b[].n"),
        rows="a[].b[]",
        key=("id", "ordinal"),
    )
    documents = [
        {
            "id": 1,
            "a": [{"name": "x", "b": [{"n": 1}, {"n": 2}]}, {"name": "y", "b": []}, {"name": "z", "b": [{"n": 3}]}],
        },
        {"id": 2, "a": []},
        {"id": 3, "a": None},
        {"id": 4, "a": [{"name": "w", "b": None}, None, {"name": "v", "b": [None]}]},
    ]
    assert [tuple(row.values()) for row in rows_of(declared, *documents)] == [
        (1, 1, "x", 1),
        (1, 2, "x", 2),
        (1, 3, "z", 3),
        (4, 1, "v", None),
    ]


def test_a_row_can_name_an_element_around_it_by_its_number_in_the_document():
    declared = table(
        Field("ordinal", pa.int32(), "…", ORDINAL),
        Field("outer_ordinal", pa.int32(), "…", f"{ORDINAL} a[].b[]"),
        rows="a[].b[].c[]",
        key=("id", "ordinal"),
    )
    documents = [
        {"id": 1, "a": [{"b": [{"c": [{}, {}]}, {"c": []}]}, {"b": [{"c": [{}]}]}]},
        {"id": 2, "a": [{"b": []}, {"b": [{"c": None}, {"c": [{}]}]}]},
    ]
    assert [tuple(row.values()) for row in rows_of(declared, *documents)] == [
        (1, 1, 1),
        (1, 2, 1),
        (1, 3, 3),
        (2, 1, 2),
    ]


def test_a_list_of_plain_values_has_a_row_for_each():
    declared = table(Field("n", pa.int32(), "…", "list[]"), rows="list[]", key=("id", "n"))
    assert rows_of(declared, {"id": 1, "list": [7, 8]}, {"id": 2, "list": []}) == [{"id": 1, "n": 7}, {"id": 1, "n": 8}]


def test_a_list_below_an_object_is_entered():
    declared = table(Field("n", pa.int32(), "…", "meta.list[].n"), rows="meta.list[]", key=("id", "n"))
    assert rows_of(declared, {"id": 1, "meta": None}, {"id": 2, "meta": {"list": [{"n": 5}]}}) == [{"id": 2, "n": 5}]


def test_a_row_says_which_resource_it_is_of():
    declared = table(Field("resource_name", pa.string(), "…", RESOURCE))
    assert [row["resource_name"] for row in rows_of(declared, {"id": 1}, {"id": 2})] == ["pokemon", "pokemon"]


def test_the_same_wrong_url_is_reported_once_per_batch():
    """A resource that moved would be reported half a million times."""
    declared = table(Field("n_id", pa.int32(), "…", "n.url", references="item"))
    parsed, _ = parse(bodies(*({"id": id_, "n": {"url": "/x/1/"}} for id_ in range(9))), document_schema([declared]))
    rows, [drift] = extract(declared, "pokemon", parsed, {})
    assert rows["n_id"].null_count == 9
    assert (drift.path, drift.expected, drift.found) == ("n.url", "a URL ending in /item/<id>/", "'/x/1/'")


def test_rows_are_sorted_by_all_of_the_key():
    declared = table(Field("slot", pa.int32(), "…", "list[].slot"), rows="list[]", key=("id", "slot"))
    documents = [{"id": 2, "list": [{"slot": 2}, {"slot": 1}]}, {"id": -1, "list": [{"slot": 1}]}]
    assert [tuple(row.values()) for row in rows_of(declared, *documents)] == [(-1, 1), (2, 1), (2, 2)]


def test_rows_of_one_key_keep_their_order():
    declared = table(Field("s", pa.string(), "…", "s"))
    rows = pa.table({"id": [2, 1, 1], "s": ["c", "b", "a"]})
    assert sort(rows, declared)["s"].to_pylist() == ["b", "a", "c"]


def test_a_table_with_a_function_is_given_what_its_fields_name_and_the_id():
    seen = []

    def rows(document, report):
        seen.append(document)
        report("name", "a name", document["name"])
        yield {"id": document["id"], "name": None}

    declared = table(Field("name", pa.string(), "…", "name.*", nullable=True), fill=rows)
    [(found, [drift])] = fill([declared], bodies({"id": 1, "name": {"en": 5}, "height": 4}), pa.array([{}]), {})
    assert seen == [{"id": 1, "name": {"en": 5}}]
    assert found.to_pylist() == [{"id": 1, "name": None}]
    assert (drift.path, drift.expected, drift.found) == ("name", "a name", "dict \"{'en': 5}\"")


def test_a_document_that_fails_half_way_has_no_rows_at_all():
    def rows(document, report):
        yield {"id": document["id"]}
        if document["id"] == 2:
            raise KeyError("chain")

    declared = table(fill=rows)
    [(found, [drift])] = fill([declared], bodies({"id": 1}, {"id": 2}, {"id": 3}), pa.array([{}, {}, {}]), {})
    assert found["id"].to_pylist() == [1, 3]
    assert drift.found == "t of 2: KeyError('chain')"


def test_a_document_that_one_function_cannot_read_keeps_its_rows_in_the_tables_of_others():
    def broken(document, report):
        raise TypeError("no")

    first, second = table(fill=broken), table(fill=lambda document, report: [{"id": document["id"]}])
    (none, [drift]), (found, []) = fill([first, second], bodies({"id": 1}), pa.array([{}]), {})
    assert (none.num_rows, found.num_rows) == (0, 1)
    assert drift.found == "t of 1: TypeError('no')"
