"""Rows to files: the same rows to the same bytes, one file a partition, all of a table under one schema."""

import json
import random
from datetime import UTC, datetime
from itertools import pairwise

import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from lake.documents import to_arrow
from lake.layout import table_folder
from lake.publish import EncodedFile, FileStyle
from lake.resource import Document
from lake.schema import GENERATION, Field, Table, conform
from lake.tables import TABLES, build, catalog_of
from tests.lake.publish import POKEMON, TYPES, encode, pokemon, write
from tests.lake.tables import sample

SNAPSHOT = "20260808T041200Z-1f3a9c02"
NOON = datetime(2026, 8, 8, 12, tzinfo=UTC)

# Every kind of column: a key, the partition, a text, a number with nulls.
POKEDEX = [pokemon(id_, id_ % 3, name=f"name-{id_ % 7}", species=id_ // 2 + 1) for id_ in range(1, 40)]


def parquet(file: EncodedFile) -> pq.ParquetFile:
    return pq.ParquetFile(pa.BufferReader(file.body))


def cut(rows: pa.Table, at: set[int]) -> list[pa.Table]:
    return [rows.slice(low, high - low) for low, high in pairwise([0, *sorted(at), rows.num_rows])]


@given(
    st.sets(st.integers(0, 39)),
    st.sampled_from(
        [*map(FileStyle, (1, 5, 7, 1000)), *(FileStyle(measured="name", row_group_bytes=n) for n in (1, 20))]
    ),
)
def test_the_batches_in_which_rows_come_change_no_bytes(at, style):
    rows = conform(POKEMON, POKEDEX)
    assert write(POKEMON, *cut(rows, at), style=style) == write(POKEMON, rows, style=style)


@pytest.mark.parametrize("at", [{17, 12_345}, {10_000}, set(range(0, 20_000, 997))])
def test_batches_change_no_bytes_where_columns_have_many_pages(at):
    """Parquet ends a page where a chunk ends, unless chunks are made one first."""
    long = Table("long", "…", (), ("id",), (Field("id", pa.int32(), "…"), Field("text", pa.string(), "…")))
    generator = random.Random(25)
    texts = [f"{generator.getrandbits(512):x}" for _ in range(20_000)]
    rows = pa.table([pa.array(range(20_000), pa.int32()), pa.array(texts)], schema=long.schema)
    style = FileStyle(page_bytes=1 << 16)
    assert write(long, *cut(rows, at), style=style) == write(long, rows, style=style)


@pytest.mark.parametrize("name", ["pokemon-25", "move-161", "type-9", "evolution-chain-67", "ability-9"])
@given(random=st.randoms(use_true_random=False))
@settings(max_examples=6)
def test_the_order_in_which_documents_came_changes_no_bytes(name, random):
    resource = name.rpartition("-")[0]
    documents = [
        Document(resource, id_, f"{resource}/{id_}", None, NOON, json.dumps({**sample(name), "id": id_}).encode())
        for id_ in (-1, 7, 300)
    ]
    one = build(catalog_of("pokeapi"), resource, to_arrow(documents), {})
    other = build(catalog_of("pokeapi"), resource, to_arrow(random.sample(documents, 3)), {})
    for built, again in zip(one, other, strict=True):
        assert write(built.table, built.rows) == write(again.table, again.rows)


def test_each_partition_is_a_file_with_its_rows_in_order():
    files = encode(POKEMON, pokemon(1, 9), pokemon(2, 10), pokemon(3, 9), pokemon(4, 0))
    assert [(file.name, file.partition, file.rows) for file in files] == [
        ("generation=0/part-0.parquet", 0, 1),
        ("generation=9/part-0.parquet", 9, 2),
        ("generation=10/part-0.parquet", 10, 1),
    ]
    assert [parquet(file).read()["pokemon_id"].to_pylist() for file in files] == [[4], [1, 3], [2]]


def test_the_value_of_the_partition_stands_in_the_file_under_another_name():
    """Engines that read files and not paths would find null in each."""
    for file in encode(POKEMON, *POKEDEX):
        rows = parquet(file).read()
        assert set(rows[GENERATION].to_pylist()) == {file.partition}
        assert "generation" not in rows.column_names


def test_a_table_without_partitions_is_one_file():
    [file] = encode(TYPES, {"pokemon_id": 25, "slot": 1, "type_id": 13})
    assert (file.name, file.partition, file.rows) == ("part-0.parquet", None, 1)


@pytest.mark.parametrize("batches", [0, 1, 2])
def test_an_empty_table_is_one_file_without_rows_and_with_the_whole_schema(batches):
    """A missing one could not be told from a broken one, and pandas would find no columns."""
    broken = []
    for table in (POKEMON, TYPES, *TABLES):
        [file] = write(table, *[conform(table, [])] * batches)
        read = parquet(file).read()
        expected = "generation=0/part-0.parquet" if table.partition else "part-0.parquet"
        if (file.name, file.rows, read.num_rows) != (expected, 0, 0):
            broken.append(f"{table.name}: {file.name} of {file.rows} rows")
        if not read.schema.equals(table.schema, check_metadata=True):
            broken.append(f"{table.name}: {read.schema}")
    assert broken == []


def test_an_empty_table_has_the_same_bytes_whether_or_not_an_empty_batch_came():
    assert write(POKEMON) == write(POKEMON, conform(POKEMON, []))


def test_all_files_of_a_table_have_one_schema():
    """pandas takes that of the first and drops what only later ones have."""
    schemas = [parquet(file).schema_arrow for file in encode(POKEMON, *POKEDEX)]
    assert len(schemas) == 3
    assert all(schema.equals(POKEMON.schema, check_metadata=True) for schema in schemas)


def test_a_column_of_nulls_has_its_declared_type():
    for file in encode(POKEMON, *POKEDEX):
        assert parquet(file).schema_arrow.field("sort_order").type == pa.int32()
        assert parquet(file).schema.column(4).physical_type == "INT32"


def test_files_are_zstd_with_page_index_and_statistics():
    [file, *_] = encode(POKEMON, *POKEDEX)
    group = parquet(file).metadata.row_group(0)
    for number in range(group.num_columns):
        column = group.column(number)
        assert column.compression == "ZSTD"
        assert column.has_column_index
        assert column.has_offset_index
    assert (group.column(0).statistics.min, group.column(0).statistics.max) == (3, 39)


def test_a_flipped_byte_in_a_page_is_found_by_its_checksum():
    [file] = encode(TYPES, *({"pokemon_id": id_, "slot": 1, "type_id": id_} for id_ in range(100)))
    body = bytearray(file.body)
    column = parquet(file).metadata.row_group(0).column(0)
    body[column.dictionary_page_offset + column.total_compressed_size - 1] ^= 1
    with pytest.raises(OSError, match=r"(?i)crc"):
        pq.read_table(pa.BufferReader(bytes(body)), page_checksum_verification=True)


@pytest.mark.parametrize(("rows", "groups"), [(9, [4, 4, 1]), (8, [4, 4]), (3, [3])])
def test_row_groups_are_counted_in_rows(rows, groups):
    [file] = write(TYPES, *(conform(TYPES, [_type(id_)]) for id_ in range(rows)), style=FileStyle(row_group_rows=4))
    metadata = parquet(file).metadata
    assert [metadata.row_group(number).num_rows for number in range(metadata.num_row_groups)] == groups


@given(st.lists(st.text("aé", max_size=9), min_size=1), st.integers(1, 30))
def test_row_groups_are_as_large_as_their_texts_allow(names, limit):
    rows = conform(POKEMON, [pokemon(id_, 1, name=name) for id_, name in enumerate(names)])
    [file] = write(POKEMON, rows, style=FileStyle(measured="name", row_group_bytes=limit))
    groups = [parquet(file).read_row_group(n)["name"].to_pylist() for n in range(parquet(file).num_row_groups)]
    lengths = [[len(name.encode()) for name in group] for group in groups]
    assert [name for group in groups for name in group] == names
    assert all(len(group) == 1 or sum(group) <= limit for group in lengths)
    assert all(sum(group) + following[0] > limit for group, following in pairwise(lengths))


def _type(id_: int) -> dict:
    return {"pokemon_id": id_, "slot": 1, "type_id": 13}


def test_a_file_knows_the_hash_of_its_content():
    [file] = encode(TYPES, _type(25))
    assert file.sha256 == encode(TYPES, _type(25))[0].sha256
    assert file.sha256 != encode(TYPES, _type(26))[0].sha256
    assert len(file.sha256) == 64


def test_a_row_without_a_key_stops_no_file():
    """It is for the audit to name it; a file cannot hold it."""
    without_key = [{"pokemon_id": 26, "slot": None, "type_id": 13}, {"pokemon_id": None, "slot": 2, "type_id": 13}]
    [file] = encode(TYPES, _type(25), *without_key)
    assert parquet(file).read().to_pylist() == [_type(25)]


@pytest.fixture
def folder(store) -> str:
    """Store a table of three partitions, and return where pandas finds it."""
    folder = table_folder(SNAPSHOT, POKEMON.name)
    for file in encode(POKEMON, *POKEDEX):
        store.create(f"{folder}/{file.name}", file.body)
    return store.uri(folder)


def test_pandas_reads_the_whole_folder(folder):
    frame = pd.read_parquet(folder)
    assert sorted(frame["pokemon_id"]) == list(range(1, 40))
    assert (frame["generation"].astype(int) == frame[GENERATION]).all()
    assert frame["sort_order"].dtype == "Int32"


def test_a_filter_on_the_partition_reads_its_files_alone(store, folder):
    """The files of the others are gone, or damaged, and nobody notices."""
    store.delete([f"{table_folder(SNAPSHOT, POKEMON.name)}/generation=2/part-0.parquet"])
    damaged = f"{table_folder(SNAPSHOT, POKEMON.name)}/generation=3/part-0.parquet"
    store.create(damaged, b"PAR1 not a Parquet file PAR1")
    frame = pd.read_parquet(folder, filters=[("generation", "==", 1)])
    assert frame["pokemon_id"].tolist() == [id_ for id_ in range(1, 40) if id_ % 3 == 1]
    with pytest.raises(ValueError, match="generation=3"):
        pd.read_parquet(folder)


def test_pandas_reads_an_empty_table_with_its_columns(store):
    folder = table_folder(SNAPSHOT, POKEMON.name)
    for file in write(POKEMON):
        store.create(f"{folder}/{file.name}", file.body)
    frame = pd.read_parquet(store.uri(folder))
    assert frame.empty
    assert {field.name for field in POKEMON.fields} <= set(frame.columns)
