"""Documents as received, and the laws by which a crawl's documents meet the parent snapshot's."""

import io
import json
from datetime import UTC, datetime, timedelta

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import given
from hypothesis import strategies as st

from lake.documents import (
    SCHEMA,
    DocumentFile,
    Merged,
    digest,
    merge,
    pack,
    to_arrow,
    unpack,
)
from lake.resource import AtHand, Document, IdentityChange

NOON = datetime(2026, 8, 8, 12, tzinfo=UTC)
NOTHING = SCHEMA.empty_table()


def document(id_: int, body: str = "{}", minutes: int = 0, path: str | None = None) -> Document:
    at = NOON + timedelta(minutes=minutes)
    return Document("pokemon", id_, path or f"pokemon/{id_}", f'"{id_}"', at, body.encode())


def table(*documents: Document) -> pa.Table:
    return to_arrow(documents)


def bodies(rows: pa.Table) -> dict[str, str]:
    assert len(set(rows["path"].to_pylist())) == rows.num_rows, "a document is there twice"
    return dict(zip(rows["path"].to_pylist(), rows["body"].to_pylist(), strict=True))


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

# Few ids, bodies and times, so that they meet often.
fetched_documents = st.builds(document, st.integers(-1, 6), st.sampled_from(['"a"', '"b"', '"c"']), st.integers(0, 5))
parents = st.lists(fetched_documents, unique_by=lambda item: item.id).map(to_arrow)
reordered_documents = st.builds(document, st.integers(-1, 6), st.sampled_from(["[1, 2]", "[2,1]", "[3]"]))


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


@given(parents, st.lists(fetched_documents), st.randoms(use_true_random=False))
def test_a_merge_does_not_depend_on_the_order_or_repetition_of_what_was_fetched(parent, fetched, random):
    again = [*fetched, *random.sample(fetched, len(fetched) // 2)]
    random.shuffle(again)
    one, other = table(*fetched), pa.concat_tables([NOTHING, *(table(item) for item in again)])
    assert merge(parent, one) == merge(parent, other)


@given(parents, st.lists(fetched_documents | reordered_documents))
def test_a_merge_repeated_changes_nothing(parent, fetched):
    merged = merge(parent, table(*fetched)).rows
    again = merge(merged, table(*fetched))
    assert again.rows.equals(merged)
    assert (again.added, again.modified, again.deleted) == (0, 0, 0)


@given(parents, st.lists(fetched_documents))
def test_a_merge_holds_each_document_once_as_it_was_received_last(parent, fetched):
    newest: dict[str, datetime] = dict(zip(parent["path"].to_pylist(), parent["fetched_at"].to_pylist(), strict=True))
    candidates = {(row["path"], row["fetched_at"], row["body"]) for row in parent.to_pylist()}
    candidates |= {(item.path, item.fetched_at, item.body.decode()) for item in fetched}
    for item in fetched:
        newest[item.path] = max(item.fetched_at, newest.get(item.path, item.fetched_at))
    merged = merge(parent, table(*fetched)).rows
    assert bodies(merged).keys() == newest.keys()
    for path, body in bodies(merged).items():
        assert (path, newest[path], body) in candidates


@given(parents, st.lists(fetched_documents))
def test_a_merge_is_sorted_by_id(parent, fetched):
    """Whether or not there is a parent: its rows go into the snapshot in this order."""
    for merged in (merge(parent, table(*fetched)), merge(NOTHING, table(*fetched, *reversed(fetched)))):
        assert merged.rows["id"].to_pylist() == sorted(merged.rows["id"].to_pylist())


def test_documents_that_came_late_are_sorted_in_without_a_parent():
    fetched = pa.concat_tables([table(document(25), document(132)), table(document(26))])
    assert merge(NOTHING, fetched).rows["id"].to_pylist() == [25, 26, 132]


@given(parents, st.integers(1, 5))
def test_the_same_bodies_fetched_again_keep_the_rows_of_the_parent(parent, minutes):
    """`fetched_at` changes with the body alone, so that nothing changed gives the same bytes."""
    later = [document(row["id"], row["body"], 5 + minutes) for row in parent.to_pylist()]
    assert merge(parent, table(*later)) == Merged(parent, 0, 0, 0, 0, ())


def test_a_new_body_comes_with_its_own_row():
    merged = merge(table(document(25, "[1]"), document(26)), table(document(25, "[2]", minutes=1))).rows
    assert merged.to_pylist()[0] == table(document(25, "[2]", minutes=1)).to_pylist()[0]
    assert bodies(merged) == {"pokemon/25": "[2]", "pokemon/26": "{}"}


def test_what_the_parent_received_later_is_kept():
    """Another run, which began later, was faster."""
    parent, fetched = table(document(25, "[2]", minutes=9)), table(document(25, "[1]"))
    assert merge(parent, fetched) == Merged(parent, 0, 0, 0, 0, ())


def test_two_documents_of_one_id_do_not_replace_each_other():
    parent = table(document(25, "{}"), document(25, "[]", path="pokemon/25/encounters"))
    merged = merge(parent, table(document(25, "[1]", minutes=1))).rows
    assert bodies(merged) == {"pokemon/25": "[1]", "pokemon/25/encounters": "[]"}


@given(parents, st.sets(st.integers(-1, 6)))
def test_what_is_gone_is_removed_and_nothing_else(parent, gone):
    merged = merge(parent, NOTHING, sorted(gone)).rows
    assert set(merged["id"].to_pylist()) == set(parent["id"].to_pylist()) - gone


@given(parents, st.lists(fetched_documents | reordered_documents), st.lists(st.integers(-1, 6)))
def test_changes_are_counted_as_they_are_merged(parent, fetched, gone):
    merged = merge(parent, table(*fetched), gone)
    before, after = bodies(parent), bodies(merged.rows)
    assert merged.added == len(after.keys() - before.keys())
    assert merged.deleted == len(before.keys() - after.keys())
    assert merged.modified == sum(after[path] != before[path] for path in before.keys() & after.keys())


def test_a_document_that_was_fetched_is_not_gone():
    parent = table(document(25, "[1]"), document(26))
    merged = merge(parent, table(document(25, "[1]", minutes=1)), [25, 26, 999])
    assert bodies(merged.rows) == {"pokemon/25": "[1]"}
    assert (merged.modified, merged.deleted) == (0, 1)


def test_what_came_in_another_order_keeps_the_whole_row_of_the_parent():
    """Its bytes, its ETag and its time: nothing was changed, so nothing changes."""
    parent = table(document(5, '{"id": 5, "names": ["a", "b"]}'))
    merged = merge(parent, table(document(5, '{"names":["b","a"],"id":5}', minutes=1)))
    assert merged == Merged(parent, 0, 0, 0, 1, ())


def test_an_order_that_means_something_is_a_change():
    parent, fetched = table(document(5, '["a", "b"]')), table(document(5, '["b", "a"]', minutes=1))
    assert (merge(parent, fetched).reordered, merge(parent, fetched).modified) == (1, 0)
    ordered = merge(parent, fetched, ordered=True)
    assert (ordered.reordered, ordered.modified) == (0, 1)


def test_a_name_that_changed_alone_is_a_renaming():
    """vice-grip was vise-grip for seven months."""
    before = document(11, '{"id": 11, "name": "vice-grip", "power": 55, "pp": 30}')
    after = document(11, '{"id": 11, "name": "vise-grip", "power": 55, "pp": 30}', minutes=1)
    merged = merge(table(before), table(after))
    assert merged.modified == 1
    assert merged.identities == (IdentityChange("pokemon", 11, "vice-grip", "vise-grip", is_reused=False),)


def test_a_name_that_changed_with_all_the_rest_is_an_id_that_was_reused():
    before = document(10404, '{"id": 10404, "name": "eiscue-noice", "types": ["ice"], "order": 7}')
    after = document(10404, '{"id": 10404, "name": "sneasel-hisui", "types": ["poison"], "order": 8}', minutes=1)
    [change] = merge(table(before), table(after)).identities
    assert change == IdentityChange("pokemon", 10404, "eiscue-noice", "sneasel-hisui", is_reused=True)


@pytest.mark.parametrize(
    ("before", "after"),
    [
        ('{"name": "pikachu", "height": 4}', '{"name": "pikachu", "height": 5}'),
        ('{"height": 4}', '{"name": "pikachu", "height": 4}'),
        ('{"name": null}', '{"name": "pikachu"}'),
        ('[{"name": "a"}]', '[{"name": "b"}]'),
    ],
    ids=["same name", "no name", "null", "a list"],
)
def test_other_modifications_are_no_changes_of_identity(before, after):
    merged = merge(table(document(25, before)), table(document(25, after, minutes=1)))
    assert (merged.modified, merged.identities) == (1, ())


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
