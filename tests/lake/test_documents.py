"""Documents as received, and the files in which a snapshot holds them."""

import io
import json

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import given
from hypothesis import strategies as st

from lake.assemble.packed import unpack
from lake.documents import SCHEMA, DocumentFile, digest, merge
from lake.resource import AtHand, Document
from tests.lake import NOON, NOTHING, document, pack, table


def grouped(rows: pa.Table, row_group_rows: int) -> bytes:
    """Return rows as a snapshot's file, whose row groups are read one by one."""
    sink = io.BytesIO()
    pq.write_table(rows, sink, row_group_size=row_group_rows)
    return sink.getvalue()


json_texts = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(st.characters(exclude_categories=["Cs"])),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text('aé\n"\\\0\U0001f5a4', max_size=3), inner),
    max_leaves=5,
).flatmap(lambda value: st.sampled_from([json.dumps(value), json.dumps(value, ensure_ascii=False, indent=1)]))


@given(st.lists(json_texts, min_size=1))
def test_bytes_survive_as_they_were_received(texts):
    rows = unpack(pack(table(*(document(number, text) for number, text in enumerate(texts)))))
    assert [text.encode() for text in rows["body"].to_pylist()] == [text.encode() for text in texts]
    assert rows["sha256"].to_pylist() == [digest(text.encode()) for text in texts]


def test_everything_else_survives_too():
    """An answer without ETag, and the id of move-ailment/-1."""
    received = Document("move-ailment", -1, "move-ailment/-1", None, NOON, b"{}")
    [row] = unpack(pack(table(received))).to_pylist()
    assert row == {
        "resource_name": "move-ailment",
        "id": -1,
        "path": "move-ailment/-1",
        "etag": None,
        "fetched_at": NOON,
        "sha256": digest(b"{}"),
        "body": "{}",
    }


def test_documents_are_sorted_by_id_and_then_by_path():
    rows = table(document(132), document(25, path="pokemon/25/encounters"), document(25), document(-1))
    assert rows["path"].to_pylist() == ["pokemon/-1", "pokemon/25", "pokemon/25/encounters", "pokemon/132"]


def test_the_order_in_which_documents_came_changes_no_bytes():
    one, other = document(25, "a"), document(132, "b")
    assert pack(table(one, other)) == pack(table(other, one))


def test_a_body_that_is_not_what_its_hash_says_is_dropped():
    rows = table(document(25, '{"id":25}'), document(132, '{"id":132}'))
    flipped = rows.set_column(SCHEMA.get_field_index("body"), SCHEMA.field("body"), [['{"id":24}', '{"id":132}']])
    assert unpack(pack(flipped))["path"].to_pylist() == ["pokemon/132"]


def test_what_was_packed_keeps_its_schema():
    assert unpack(pack(table(document(25)))).schema.equals(SCHEMA, check_metadata=True)
    assert unpack(pack(NOTHING)).schema.equals(SCHEMA, check_metadata=True)


ids = st.sets(st.integers(-5, 40))


@given(ids, st.integers(1, 7), st.sets(st.integers(-4, 40), max_size=5))
def test_contiguous_ranges_cover_the_parent_exactly_once(present, row_group_rows, cuts):
    rows = table(*(document(id_) for id_ in present))
    lows = [-(2**31), *sorted(cuts)]
    bounds = [(low, high - 1) for low, high in zip(lows, [*lows[1:], 2**31], strict=True)]
    found = list(DocumentFile(grouped(rows, row_group_rows)).between(bounds))
    assert pa.concat_tables(found).equals(rows)
    for part, (low, high) in zip(found, bounds, strict=True):
        assert all(low <= id_ <= high for id_ in part["id"].to_pylist())


@given(ids, st.integers(1, 7), st.lists(st.integers(-6, 41), min_size=2, unique=True))
def test_ranges_with_gaps_hold_what_lies_in_them(present, row_group_rows, ends):
    ends = sorted(ends)
    bounds = list(zip(ends[::2], ends[1::2], strict=False))
    found = DocumentFile(grouped(table(*map(document, present)), row_group_rows)).between(bounds)
    for part, (low, high) in zip(found, bounds, strict=True):
        assert part["id"].to_pylist() == [id_ for id_ in sorted(present) if low <= id_ <= high]


@pytest.mark.parametrize("row_group_rows", [1, 2, 100])
def test_row_groups_hold_all_documents_in_order(row_group_rows):
    rows = table(*(document(id_) for id_ in range(5)))
    parent = DocumentFile(grouped(rows, row_group_rows))
    assert pa.concat_tables(parent.row_groups()).equals(rows)


def test_without_a_parent_every_range_is_empty():
    none = DocumentFile(None)
    assert [part.num_rows for part in none.between([(0, 9), (10, 19)])] == [0, 0]
    assert list(none.row_groups()) == []
    assert none.at_hand() == {}
    assert none.ids().to_pylist() == none.starts() == []


def test_etag_and_path_are_known_by_id():
    without = Document("pokemon", 132, "pokemon/132", None, NOON, b"{}")
    at_hand = DocumentFile(grouped(table(document(25), without), 1)).at_hand()
    assert at_hand == {25: AtHand('"25"', "pokemon/25"), 132: AtHand(None, "pokemon/132")}


def test_row_groups_are_known_by_their_least_ids():
    file = DocumentFile(grouped(table(*map(document, range(5))), 2))
    assert file.starts() == [0, 2, 4]
    assert file.ids().to_pylist() == [0, 1, 2, 3, 4]


def test_a_file_is_opened_when_it_is_first_asked_for_and_only_once():
    opened = []
    file = DocumentFile(lambda: opened.append(1) or grouped(table(document(25)), 1))
    assert opened == []
    assert file.starts() == file.ids().to_pylist() == [25]
    assert opened == [1]


def test_an_id_may_have_63_bits():
    """Other sources' ids are hashed."""
    rows = table(document(2**63 - 1, path="book/dune"))
    assert unpack(pack(rows))["id"].to_pylist() == [2**63 - 1]
    assert merge(rows, NOTHING, [2**63 - 1]).deleted == 1


def test_documents_of_an_earlier_version_are_read_under_todays_schema():
    """Their ids had 32 bits."""
    narrow = SCHEMA.set(SCHEMA.get_field_index("id"), pa.field("id", pa.int32(), nullable=False))
    file = DocumentFile(grouped(table(document(25)).cast(narrow), 1))
    assert next(file.row_groups()).schema.equals(SCHEMA)
    assert file.ids().type == pa.int64()
