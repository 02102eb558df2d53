"""Parts of tables: their rows alone decide where they are cut, and few of them change where little does."""

from itertools import pairwise
from random import Random
from typing import Any

import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from lake.publish import EncodedFile, FileStyle, TableWriter, cut
from lake.publish.cut import Cutter, row_bytes
from lake.schema import GENERATION, RESOURCE, Field, Table, conform
from tests.lake.publish import POKEMON, TYPES, pokemon, write

TEXTS = Table(
    name="texts",
    grain="one row per text",
    resources=("item", "move"),
    primary_key=("resource_name", "resource_id", "ordinal"),
    fields=(
        Field("resource_name", pa.string(), "The resource.", RESOURCE),
        Field("resource_id", pa.int32(), "The document."),
        Field("ordinal", pa.int32(), "The number of the text."),
        Field("text", pa.string(), "The text. Null: none.", nullable=True),
    ),
)
MOST = 2_000


def rows_of(documents: int, seed: int = 25) -> list[dict[str, Any]]:
    """Return one to nine texts of each document, of two resources."""
    chance = Random(seed)
    return [
        {"resource_name": resource, "resource_id": id_, "ordinal": ordinal, "text": chance.choice((None, "ditto " * 9))}
        for resource in ("item", "move")
        for id_ in range(documents)
        for ordinal in range(chance.randint(1, 9))
    ]


def parts_of(rows: pa.Table, at: set[int] = frozenset(), most: int = MOST) -> list[pa.Table]:  # type: ignore[assignment]
    """Return the parts of rows that come in batches."""
    cutter = Cutter(TEXTS, most)
    bounds = pairwise([0, *sorted(at), rows.num_rows])
    found = [part for low, high in bounds for part in cutter.add(rows.slice(low, high - low))]
    rest = cutter.rest()
    return [*found, *([rest] if rest is not None else [])]


def document(rows: pa.Table, number: int) -> tuple[str, int]:
    return rows["resource_name"][number].as_py(), rows["resource_id"][number].as_py()


ROWS = conform(TEXTS, rows_of(60))


@given(st.sets(st.integers(0, ROWS.num_rows)))
def test_the_batches_in_which_rows_come_cut_nothing_otherwise(at: set[int]):
    whole = parts_of(ROWS)
    assert len(whole) > 9
    assert parts_of(ROWS, at) == whole


@given(st.sets(st.integers(0, ROWS.num_rows)), st.sampled_from([0, 300, 1_100]), st.integers(0, 3))
def test_rows_that_were_packed_while_they_waited_come_back_as_they_were(at: set[int], packed: int, loose: int):
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(cut, "PACKED_BYTES", packed)
        patch.setattr(cut, "LOOSE_BATCHES", loose)
        found = parts_of(ROWS, at)
    assert found == parts_of(ROWS)


def test_rows_that_wait_need_a_part_of_their_memory():
    """A large table has one part in the making for each of its partitions."""
    numbers = range(200_000)
    rows = conform(TYPES, [{"pokemon_id": id_, "slot": 1, "type_id": id_ % 18} for id_ in numbers])
    before, cutter = pa.total_allocated_bytes(), Cutter(TYPES, 8 << 20)
    for begin in numbers[::1_000]:
        assert not list(cutter.add(rows.slice(begin, 1_000).take(pa.array(range(1_000)))))
    held = pa.total_allocated_bytes() - before
    assert held < cut.PACKED_BYTES + row_bytes(rows).sum() / 2
    rest = cutter.rest()
    assert rest == rows


def test_few_batches_of_few_rows_wait_one_by_one():
    """Each has kilobytes beside its rows, in each of a hundred partitions."""
    cutter = Cutter(TEXTS, 8 << 20)
    for number in range(100):
        assert not list(cutter.add(ROWS.slice(number, 1)))
    rest = cutter.rest()
    assert rest == ROWS.slice(0, 100)
    assert rest["text"].num_chunks <= cut.LOOSE_BATCHES + 1 < 10


@given(st.integers(1, 80), st.integers(0, 9), st.integers(1, 9_000))
def test_parts_are_all_rows_in_order_and_end_between_documents_at_the_size_that_was_asked_for(documents, seed, most):
    rows = conform(TEXTS, rows_of(documents, seed))
    parts = parts_of(rows, most=most)
    assert pa.concat_tables(parts) == rows
    for one, following in pairwise(parts):
        assert document(one, -1) != document(following, 0)
        sizes = row_bytes(one).sum()
        begins = next(number for number in range(one.num_rows) if document(one, number) == document(one, -1))
        # Where no document ends at the right size, the part ends with the first that makes it too large.
        assert most / 2 < sizes <= most or (sizes > most and row_bytes(one.slice(0, begins)).sum() <= most / 2)


def test_rows_that_fit_one_part_are_not_cut():
    rows = ROWS.slice(0, 20)
    size = int(row_bytes(rows).sum())
    assert [part.num_rows for part in parts_of(rows, most=size)] == [20]
    assert len(parts_of(rows, most=size - 1)) == 2


@pytest.mark.parametrize("place", [0, 0.3, 0.9])
def test_a_changed_document_changes_few_parts(place: float):
    """Wherever it lies, and although the rows after it have moved."""
    rows = rows_of(400)
    number = int(len(rows) * place)
    grown = [*rows[: number + 1], {**rows[number], "ordinal": 99, "text": "new"}, *rows[number + 1 :]]
    before, after = (parts_of(conform(TEXTS, found)) for found in (rows, grown))
    assert len(before) > 90
    known = [part.to_pylist() for part in before]
    assert sum(part.to_pylist() not in known for part in after) <= 3


def test_a_row_has_the_same_size_with_nulls_beside_it_or_without():
    """Arrow keeps a bitmap of nulls only where there are some."""
    text = {"resource_name": "item", "resource_id": 1, "ordinal": 1, "text": "ditto"}
    alone = row_bytes(conform(TEXTS, [text]))
    assert row_bytes(conform(TEXTS, [text, {**text, "ordinal": 2, "text": None}])).tolist() == [alone[0], alone[0] - 5]


def test_each_partition_has_parts_of_its_own_numbers():
    rows = conform(POKEMON, [pokemon(id_, 1 + id_ % 2) for id_ in range(1, 13)])
    files = write(POKEMON, rows, style=FileStyle(part_bytes=60))
    names = [file.name for file in files]
    each = range(len(names) // 2)
    assert names == [f"generation={value}/part-{number}.parquet" for value in (1, 2) for number in each]
    assert len(names) > 4
    assert sum(file.rows for file in files) == 12


def test_more_than_ten_parts_are_in_the_order_of_their_numbers():
    rows = conform(TYPES, [{"pokemon_id": id_, "slot": 1, "type_id": 1} for id_ in range(12)])
    names = [file.name for file in write(TYPES, rows, style=FileStyle(part_bytes=1))]
    assert names == [f"part-{number}.parquet" for number in range(12)]


def test_a_part_is_handed_over_as_soon_as_it_ends_and_is_not_kept():
    """So memory does not grow with the table."""
    finished: list[EncodedFile] = []
    writer = TableWriter(TYPES, style=FileStyle(part_bytes=60), sink=finished.append)
    counts = []
    for id_ in range(100):
        writer.add(conform(TYPES, [{"pokemon_id": id_, "slot": 1, "type_id": 1}]))
        counts.append(len(finished))
    assert counts[49] > 5
    assert max(after - before for before, after in pairwise(counts)) == 1
    described = writer.close()
    assert described == [file.data_file for file in finished]
    assert sum(file.rows for file in described) == 100
    assert writer.check.bad_key_count == 0


def test_the_key_is_checked_over_all_parts():
    writer = TableWriter(TYPES, style=FileStyle(part_bytes=1))
    for id_ in (1, 2, 2, 3):
        writer.add(conform(TYPES, [{"pokemon_id": id_, "slot": 1, "type_id": 1}]))
    assert writer.check.bad_keys == ["(pokemon_id=2, slot=1)"]


def test_one_part_has_the_bytes_of_a_table_that_is_not_cut(monkeypatch: pytest.MonkeyPatch):
    rows = conform(POKEMON, [pokemon(id_, id_ % 3) for id_ in range(1, 40)])
    assert write(POKEMON, rows) == write(POKEMON, rows, style=FileStyle(part_bytes=0))
    monkeypatch.setattr(cut, "PART_BYTES", 100)
    assert len(write(POKEMON, rows)) > 9
    assert GENERATION in write(POKEMON, rows)[0].body.decode("latin1")
