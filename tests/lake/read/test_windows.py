"""Comparing tables of many parts: what differs is found whatever the cuts, and few parts are in memory at a time."""

from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from itertools import pairwise

import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from lake.commit import Commit
from lake.read import Lake, diff
from lake.read.windows import Stream, UnorderedError, windows
from lake.store import Store
from tests.lake.read import FIRST, MOVES, SECOND, moves, publish

# The rows of a partition, cut into parts somewhere.
KEYS = st.lists(st.integers(0, 60), unique=True, max_size=30).map(sorted)
CUTS = st.sets(st.integers(0, 30), max_size=6)


def parts(keys: Sequence[int], cuts: set[int]) -> list[pa.Table]:
    bounds = sorted({0, *(cut for cut in cuts if cut < len(keys)), len(keys)}) if keys else [0, 0]
    return [pa.table({"id": pa.array(keys[low:high], pa.int64())}) for low, high in pairwise(bounds)]


def opened(pool: ThreadPoolExecutor, tables: Sequence[pa.Table], noted: list[int] | None = None) -> Stream:
    def load(rows: pa.Table) -> pa.Table:
        if noted is not None:
            noted.append(rows.num_rows)
        return rows

    return Stream(pool, ["id"], [partial(load, rows) for rows in tables])


@given(st.lists(st.tuples(KEYS, CUTS), min_size=1, max_size=4))
def test_every_row_comes_once_and_a_key_in_the_same_window_of_all(sides: list[tuple[list[int], set[int]]]):
    with ThreadPoolExecutor(4) as pool:
        found = list(windows([opened(pool, parts(keys, cuts)) for keys, cuts in sides]))
    for number, (keys, _) in enumerate(sides):
        assert [key for window in found for key in window[number]["id"].to_pylist()] == keys
    places = [{key for rows in window for key in rows["id"].to_pylist()} for window in found]
    assert sum(map(len, places)) == len(set.union(set(), *places))


def test_one_part_of_each_side_is_read_ahead_and_no_more():
    noted: list[int] = []
    with ThreadPoolExecutor(1) as pool:
        stream = opened(pool, parts(range(0, 100), set(range(10, 100, 10))), noted)
        for number, _ in enumerate(windows([stream]), 1):
            assert len(noted) <= number + 1
    assert len(noted) == 10


def test_parts_that_do_not_follow_each_other_are_told():
    with ThreadPoolExecutor(1) as pool, pytest.raises(UnorderedError):
        list(windows([opened(pool, [pa.table({"id": [1, 5]}), pa.table({"id": [5, 9]})])]))


@pytest.fixture
def held(store: Store, monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """Return a list that the rows of each comparison are added to."""
    noted: list[int] = []
    compare = diff.compare

    def note(key: tuple[str, ...], before: pa.Table, after: pa.Table) -> pa.Table:
        noted.append(before.num_rows + after.num_rows)
        return compare(key, before, after)

    monkeypatch.setattr(diff, "compare", note)
    return noted


def commits(store: Store) -> tuple[Commit, Commit]:
    """Publish two snapshots of 400 moves in parts of about ten, in which each tenth has another power."""
    rows = [(id_, 1, id_) for id_ in range(400)]
    before = publish(store, FIRST, [moves(*rows)], part_bytes=100)
    later = [(id_, 1, power + (id_ % 10 == 0)) for id_, _, power in rows if id_ != 77]
    return before, publish(store, SECOND, [moves(*later)], part_bytes=130)


def test_few_rows_are_compared_at_a_time(store: Store, held: list[int]):
    commits(store)
    found = Lake(store).diff("moves", FIRST)
    assert found["move_id"].tolist() == sorted([*range(0, 400, 10), 77])
    assert max(held) <= 60
    assert len(held) > 30


def test_a_table_that_other_hands_have_put_in_no_order_is_compared_as_a_whole(
    store: Store, held: list[int], monkeypatch: pytest.MonkeyPatch
):
    before, after = commits(store)
    table = before.tables[MOVES.name]
    numbers = dict(zip(table.files, reversed(range(len(table.files))), strict=True))
    by_name = {file.name: number for file, number in numbers.items()}
    monkeypatch.setattr(diff, "part_number", lambda name: by_name.get(name, 0))
    found = diff.diff(store, MOVES.name, before, after)
    assert found["move_id"].to_pylist() == sorted([*range(0, 400, 10), 77])
    assert held[-1] == 799
