"""Columns in Hive's words: every type that a table may have, and names and comments that Athena takes."""

import re

import pyarrow as pa
import pytest

from lake.catalog.hive import checked, comment, hive_type
from lake.documents import DOCUMENT_INDEX, DOCUMENTS
from lake.errors import CatalogError
from lake.tables import TABLES
from lake.tables.values import DOCUMENT_VALUES

EVERY = (*TABLES, DOCUMENTS, DOCUMENT_INDEX, DOCUMENT_VALUES)

# The words that a query of Athena must quote to use them as names.
RESERVED = re.compile(
    "alter|and|as|between|by|case|cast|constraint|create|cross|cube|current_(catalog|date|path|schema|time|timestamp|user)"
    "|deallocate|delete|describe|distinct|drop|else|end|escape|except|execute|exists|extract|false|first|for|from|full"
    "|group|grouping|having|in|inner|insert|intersect|into|is|join|json_(array|exists|object|query|table|value)|last|left"
    "|like|listagg|localtime|localtimestamp|natural|normalize|not|null|on|or|order|outer|prepare|recursive|right|rollup"
    "|select|skip|table|then|trim|true|uescape|union|unnest|using|values|when|where|with"
)


@pytest.mark.parametrize(
    ("arrow", "hive"),
    [
        (pa.bool_(), "boolean"),
        (pa.int8(), "tinyint"),
        (pa.int16(), "smallint"),
        (pa.int32(), "int"),
        (pa.int64(), "bigint"),
        (pa.uint16(), "int"),
        (pa.float32(), "float"),
        (pa.float64(), "double"),
        (pa.string(), "string"),
        (pa.large_binary(), "binary"),
        (pa.date32(), "date"),
        (pa.timestamp("ms", "UTC"), "timestamp"),
        (pa.timestamp("us"), "timestamp"),
        (pa.decimal128(38, 2), "decimal(38,2)"),
        (pa.list_(pa.int32()), "array<int>"),
        (pa.list_(pa.field("element", pa.int32(), nullable=False)), "array<int>"),
        (pa.list_(pa.int16(), 3), "array<smallint>"),
        (pa.struct([("a", pa.int32()), ("b", pa.list_(pa.string()))]), "struct<a:int,b:array<string>>"),
        (pa.list_(pa.struct([pa.field("a", pa.decimal128(9, 1), nullable=False)])), "array<struct<a:decimal(9,1)>>"),
        (
            pa.map_(pa.string(), pa.struct([("a", pa.bool_()), ("b", pa.int8())])),
            "map<string,struct<a:boolean,b:tinyint>>",
        ),
        (pa.map_(pa.string(), pa.int64(), keys_sorted=True), "map<string,bigint>"),
        (pa.dictionary(pa.int32(), pa.string()), "string"),
    ],
    ids=str,
)
def test_a_type_of_arrow_has_its_name_in_hive(arrow: pa.DataType, hive: str):
    assert hive_type(str(arrow)) == hive


@pytest.mark.parametrize("arrow", [pa.uint64(), pa.float16(), pa.time64("us"), pa.duration("s"), pa.null()], ids=str)
def test_a_type_that_hive_lacks_is_refused(arrow: pa.DataType):
    with pytest.raises(CatalogError, match=r"expected a type that Hive knows, found \w+"):
        hive_type(str(pa.list_(arrow)))


def test_no_query_must_quote_a_name_of_a_table_or_of_a_column():
    names = {table.name for table in EVERY} | {field.name for table in EVERY for field in table.fields}
    assert [name for name in sorted(names) if RESERVED.fullmatch(name)] == []
    assert {checked(name) for name in names} == names


def test_every_column_has_a_type_of_hive():
    assert {hive_type(str(field.type)) for table in EVERY for field in table.schema} >= {"int", "string", "timestamp"}


def test_a_text_that_is_too_long_ends_after_a_word_and_says_where_the_whole_is():
    """Glue counts bytes, and refuses a line's end."""
    assert comment("Its\nheight.", 255, "docs") == "Its height."
    for text in ("é" * 200, "Pokémon " * 60, f"{'a ' * 60}{'é' * 200}"):
        cut = comment(text, 255, "pokelake columns pokemon")
        assert len(cut.encode()) <= 255
        assert cut.endswith(" … (pokelake columns pokemon)")
    assert comment("word " * 60, 255, "docs").startswith("word word ")
    assert len(comment("word " * 60, 255, "docs")) > 240
