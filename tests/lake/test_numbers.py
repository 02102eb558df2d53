"""The numbers of commits: the newest are found by a few listings, whatever else lies there."""

from itertools import islice

import pytest
from hypothesis import given
from hypothesis import strategies as st

import lake.numbers
from lake.accept import _warn_once
from lake.layout import LARGEST_GAP, commit_key
from lake.numbers import PAGE, commit_seqs, following, newest_first
from tests.lake import shelf
from tests.lake.shelf import Shelf

GAPS = st.one_of(
    st.integers(1, 3), st.integers(1, 50), st.sampled_from([LARGEST_GAP - 1, LARGEST_GAP, LARGEST_GAP + 1])
)
JUNK = st.lists(st.sampled_from(["commits/", "commits/0", "commits/0000000007.json.bak", "commits/x", "commits/9"]))


@pytest.fixture(scope="module", autouse=True)
def small_pages() -> object:
    """Let a page have five keys, so that a few commits are many pages."""
    with pytest.MonkeyPatch.context() as patch:
        for module in (lake.numbers, shelf):
            patch.setattr(module, "PAGE", 5)
        yield


@given(gaps=st.lists(GAPS, max_size=40), junk=JUNK, begin=st.integers(1, 100))
def test_the_newest_come_first_whatever_gaps_there_are(gaps: list[int], junk: list[str], begin: int):
    seqs = [begin]
    for gap in gaps:
        seqs.append(seqs[-1] + gap)
    store = Shelf([seq for seq in seqs if seq < 10**10], junk)
    every = commit_seqs(store)
    assert list(newest_first(store)) == every[::-1]
    middle = every[len(every) // 2]
    assert list(newest_first(store, middle)) == [seq for seq in every[::-1] if seq < middle]
    assert commit_seqs(store, middle) == [seq for seq in every if seq > middle]
    later = following(store, middle)
    assert later == commit_seqs(store, middle)[: len(later)]
    assert bool(later) == (middle != every[-1])


def test_an_empty_lake_has_no_numbers():
    assert list(newest_first(Shelf([]))) == commit_seqs(Shelf([])) == following(Shelf([]), 7) == []


def test_what_lies_far_above_is_passed_over_and_named(caplog: pytest.LogCaptureFixture):
    _warn_once.cache_clear()
    store = Shelf([*range(1, 40), 9_999_999_999])
    assert next(newest_first(store)) == 39
    assert f"{commit_key(9_999_999_999)}: expected a commit" in caplog.text


@pytest.mark.parametrize("commits", [*(10, 999, 1000, 1001, 5000), 10_000, 99_999])
def test_the_newest_of_very_many_take_a_few_listings(commits: int, monkeypatch: pytest.MonkeyPatch):
    for module in (lake.numbers, shelf):
        monkeypatch.setattr(module, "PAGE", PAGE)
    store = Shelf(range(1, commits + 1))
    assert list(islice(newest_first(store), 20)) == list(range(commits, commits - 20, -1))[:commits]
    assert store.listings <= (1 if commits < PAGE else 16)
