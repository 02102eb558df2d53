"""Declarations, how rows become Arrow under them, and what pandas makes of it."""

import io
from dataclasses import replace

import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from lake.documents import DOCUMENTS
from lake.errors import TableError
from lake.schema import GENERATION, PARTITION, Field, Table, conform, dictionary_of

POKEMON = Table(
    name="pokemon",
    grain="one row per Pokémon",
    resources=("pokemon",),
    primary_key=("pokemon_id",),
    fields=(
        Field("pokemon_id", pa.int32(), "PokeAPI's id.", "id"),
        Field("name", pa.string(), "Its name.", ("name", "slug")),
        Field("height_dm", pa.int32(), "Height. Null: unknown.", "height", unit="decimetre", nullable=True),
        Field("is_default", pa.bool_(), "Whether it is. Null: unknown.", "is_default", nullable=True),
        Field("share", pa.float64(), "A share. Null: unknown.", "share", nullable=True),
        Field("species_id", pa.int16(), "Its species.", "species.url", references="pokemon-species"),
    ),
)
PIKACHU = {
    "pokemon_id": 25,
    "name": "pikachu",
    "height_dm": 4,
    "is_default": True,
    "share": 0.5,
    "species_id": 25,
}


def read_by_pandas(rows: pa.Table) -> pd.DataFrame:
    sink = io.BytesIO()
    pq.write_table(rows, sink)
    return pd.read_parquet(sink)


def test_rows_become_arrow_under_the_declared_schema():
    rows = conform(POKEMON, [PIKACHU])
    assert rows.schema.equals(POKEMON.schema, check_metadata=True)
    assert rows.to_pylist() == [PIKACHU]


def test_no_rows_have_the_whole_schema():
    assert conform(POKEMON, []).schema.equals(POKEMON.schema, check_metadata=True)


def test_a_column_without_values_keeps_its_declared_type():
    """One of type null could not be read together with others."""
    rows = conform(POKEMON, [{**PIKACHU, "height_dm": None, "is_default": None}])
    assert rows.schema.field("height_dm").type == pa.int32()
    assert rows["height_dm"].to_pylist() == [None]


@pytest.mark.parametrize(
    ("row", "named"),
    [
        ({**PIKACHU, "color": "yellow"}, r"has undeclared \['color'\]"),
        ({key: value for key, value in PIKACHU.items() if key != "height_dm"}, r"lacks \['height_dm'\]"),
        ({**PIKACHU, "height_dm": 7.5}, "height_dm: expected int32"),
    ],
)
def test_it_raises_where_from_pylist_is_silent(row, named):
    pa.Table.from_pylist([row], POKEMON.schema)
    with pytest.raises(TableError, match=named) as caught:
        conform(POKEMON, [PIKACHU, row])
    assert str(caught.value).startswith("pokemon")


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("height_dm", "4"),
        ("height_dm", 4.0),
        ("height_dm", True),
        ("height_dm", 2**40),
        ("height_dm", 2**70),
        ("height_dm", [4]),
        ("species_id", 40_000),
        ("name", 25),
        ("name", b"pikachu"),
        ("name", True),
        ("name", {"en": "Pikachu"}),
        ("is_default", 1),
        ("is_default", "true"),
        ("share", "0.5"),
        ("share", True),
    ],
)
def test_a_value_of_another_type_is_refused_and_never_converted(name, value):
    with pytest.raises(TableError, match=f"pokemon.{name}: expected {POKEMON.schema.field(name).type}"):
        conform(POKEMON, [{**PIKACHU, name: value}])


def test_values_of_several_types_in_one_column_are_refused():
    with pytest.raises(TableError, match=r"pokemon\.name: expected string"):
        conform(POKEMON, [PIKACHU, {**PIKACHU, "name": 25}])


def test_a_whole_number_is_a_share():
    assert conform(POKEMON, [{**PIKACHU, "share": 1}])["share"].to_pylist() == [1.0]


def test_pandas_reads_nullable_columns_as_nullable_types():
    """Without the pandas metadata, 4 would come back as 4.0 as soon as one row has null."""
    frame = read_by_pandas(conform(POKEMON, [PIKACHU, {**PIKACHU, "pokemon_id": 26, "height_dm": None}]))
    assert frame.dtypes.astype(str).to_dict() == {
        "pokemon_id": "int32",
        "name": "str",
        "height_dm": "Int32",
        "is_default": "boolean",
        "share": "float64",
        "species_id": "Int16",
    }
    assert frame["height_dm"].tolist() == [4, pd.NA]


def test_pandas_reads_a_nullable_type_whether_or_not_there_are_nulls():
    """A column must not change its type from one snapshot to the next."""
    assert str(read_by_pandas(conform(POKEMON, [PIKACHU])).dtypes["height_dm"]) == "Int32"
    assert str(read_by_pandas(conform(POKEMON, [])).dtypes["height_dm"]) == "Int32"


def test_pandas_reads_a_null_where_none_was_declared():
    """Upstream has made fields nullable overnight."""
    frame = read_by_pandas(conform(POKEMON, [{**PIKACHU, "name": None, "species_id": None}]))
    assert frame["species_id"].isna().all()
    assert frame["name"].isna().all()


def test_pandas_reads_the_documents():
    frame = read_by_pandas(DOCUMENTS.schema.empty_table())
    assert str(frame.dtypes["fetched_at"]) == "datetime64[ms, UTC]"


def test_only_keys_and_what_partitions_are_made_of_are_refused_when_null():
    assert [field.name for field in POKEMON.schema if not field.nullable] == ["pokemon_id"]
    table = replace(POKEMON, fields=(*POKEMON.fields, Field(GENERATION, pa.int16(), "…")))
    assert [field.name for field in table.schema if not field.nullable] == ["pokemon_id", GENERATION]


def test_the_declaration_travels_in_the_schema():
    metadata = {key.decode(): value.decode() for key, value in POKEMON.schema.metadata.items()}
    assert metadata["table"] == "pokemon"
    assert metadata["grain"] == "one row per Pokémon"
    assert metadata["source"] == "pokemon/{id}"
    assert metadata["primary_key"] == "pokemon_id"
    assert POKEMON.schema.field("height_dm").metadata == {
        b"description": b"Height. Null: unknown.",
        b"unit": b"decimetre",
        b"source": b"height",
    }
    assert POKEMON.schema.field("name").metadata[b"source"] == b"name or slug"
    assert POKEMON.schema.field("species_id").metadata[b"references"] == b"pokemon-species"


def test_the_source_names_resources_and_list():
    table = Table("names", "one row per name", ("move", "type"), ("id",), (), rows="names[]")
    assert table.source == "move/{id}, type/{id} → names[]"


@pytest.mark.parametrize(
    ("names", "key", "partition"),
    [
        (("pokemon_id", GENERATION), ("pokemon_id",), PARTITION),
        (("pokemon_id",), ("pokemon_id",), None),
        ((GENERATION,), (GENERATION,), None),
    ],
    ids=["with a generation", "without one", "of generations themselves"],
)
def test_a_table_is_partitioned_by_its_generation_where_that_is_no_key(names, key, partition):
    table = Table("t", "one row", ("pokemon",), key, tuple(Field(name, pa.int16(), "…") for name in names))
    assert table.partition == partition


def test_the_name_in_the_path_is_none_in_the_file():
    """A reader cannot merge a column that stands in both."""
    assert PARTITION != GENERATION


def test_a_dictionary_says_of_each_field_what_a_reader_needs():
    [_, _, height, *_] = dictionary_of(POKEMON)
    assert height == {
        "name": "height_dm",
        "type": "int32",
        "nullable": True,
        "unit": "decimetre",
        "description": "Height. Null: unknown.",
    }
    assert "unit" not in dictionary_of(POKEMON)[0]


def test_a_dictionary_says_how_many_nulls_there_are_where_that_is_known():
    counts = {field.name: 0 for field in POKEMON.fields} | {"height_dm": 3}
    assert [entry["nulls"] for entry in dictionary_of(POKEMON, counts)] == [0, 0, 3, 0, 0, 0]
    assert all("nulls" not in entry for entry in dictionary_of(POKEMON))
