"""The laws by which a crawl's documents meet the parent snapshot's."""

import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from lake.documents import Merged, merge, to_arrow
from lake.resource import IdentityChange
from tests.lake import NOTHING, document, table


def bodies(rows: pa.Table) -> dict[str, str]:
    assert len(set(rows["path"].to_pylist())) == rows.num_rows, "a document is there twice"
    return dict(zip(rows["path"].to_pylist(), rows["body"].to_pylist(), strict=True))


# Few ids, bodies and times, so that they meet often.
fetched_documents = st.builds(document, st.integers(-1, 6), st.sampled_from(['"a"', '"b"', '"c"']), st.integers(0, 5))
parents = st.lists(fetched_documents, unique_by=lambda item: item.id).map(to_arrow)
reordered_documents = st.builds(document, st.integers(-1, 6), st.sampled_from(["[1, 2]", "[2,1]", "[3]"]))


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


@given(parents, st.lists(fetched_documents, unique_by=lambda item: item.path))
def test_a_merge_holds_each_document_once_as_it_was_fetched(parent, fetched):
    """Whatever times the two machines had."""
    merged = bodies(merge(parent, table(*fetched)).rows)
    assert merged == {**bodies(parent), **{item.path: item.body.decode() for item in fetched}}


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


@pytest.mark.parametrize("minutes", [-1440, 0, 1440])
def test_no_clock_decides_which_document_is_the_newer(minutes):
    """That of the machine that fetched the parent's may have been wrong by a day."""
    parent, fetched = table(document(25, "[1]", minutes=minutes)), table(document(25, "[2]"))
    assert merge(parent, fetched) == Merged(fetched, 0, 1, 0, 0, ())


@pytest.mark.parametrize("minutes", [-1440, 0, 1440])
def test_what_another_run_changed_meanwhile_stays_and_is_contested(minutes):
    """Which of the two asked later, nobody knows."""
    base = table(document(25, "[1]"), document(26, "[1]"), document(27, "[1]"))
    parent = table(document(25, "[2]", minutes=minutes), document(26, "[1]"), document(27, "[2]"))
    fetched = table(document(25, "[3]"), document(26, "[3]"), document(27, "[2]"))
    merged = merge(parent, fetched, base=base)
    assert bodies(merged.rows) == {"pokemon/25": "[2]", "pokemon/26": "[3]", "pokemon/27": "[2]"}
    assert (merged.modified, merged.contested) == (1, 1)


def test_what_is_gone_for_one_run_and_changed_by_another_stays_and_is_contested():
    base = table(document(25, "[1]"), document(26, "[1]"))
    parent = table(document(25, "[2]"), document(26, "[1]"), document(27, "[1]"))
    merged = merge(parent, NOTHING, [25, 26, 27], base=base)
    assert bodies(merged.rows) == {"pokemon/25": "[2]", "pokemon/27": "[1]"}
    assert (merged.deleted, merged.contested) == (1, 2)


def test_what_one_run_fetched_and_another_deleted_is_there_and_contested():
    fetched = table(document(25, "[2]"), document(26, "[1]"))
    merged = merge(NOTHING, fetched, base=table(document(25, "[1]")))
    assert bodies(merged.rows) == {"pokemon/25": "[2]", "pokemon/26": "[1]"}
    assert (merged.added, merged.contested) == (2, 1)


@given(parents, parents, st.lists(fetched_documents, unique_by=lambda item: item.path), st.lists(st.integers(-1, 6)))
def test_what_another_run_changed_is_never_undone(base, parent, fetched, gone):
    merged = merge(parent, table(*fetched), gone, base=base)
    before, after, began = bodies(parent), bodies(merged.rows), bodies(base)
    assert all(after[path] == body for path, body in before.items() if began.get(path) != body)
    asked = {**dict.fromkeys((path for path in before if int(path.split("/")[1]) in gone), None)}
    asked |= {item.path: item.body.decode() for item in fetched}
    contested = {
        path
        for path, body in asked.items()
        if before.get(path) != began.get(path) and before.get(path) != body and (path in before or path in began)
    }
    assert merged.contested == len(contested)


@given(parents, st.lists(fetched_documents, unique_by=lambda item: item.path), st.lists(st.integers(-1, 6)))
def test_where_no_other_run_changed_anything_nothing_is_contested(parent, fetched, gone):
    assert merge(parent, table(*fetched), gone, base=parent) == merge(parent, table(*fetched), gone)


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
