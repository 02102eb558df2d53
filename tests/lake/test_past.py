"""Finding commits of the past: of ten thousand a few dozen requests find any, and few are in memory."""

import gc
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lake.commit import Commit, commit_seqs, each_commit
from lake.errors import UnknownNameError
from lake.layout import commit_key
from lake.past import Past
from lake.read import Lake
from lake.read.history import History
from tests.lake.shelf import HOUR, Shelf, made_at, snapshot_of

MANY, MOST_REQUESTS = 10_000, 40


@pytest.fixture(scope="module")
def many() -> Shelf:
    """Return a lake of more than a year of hours, the first 400 of which were forgotten."""
    return Shelf(range(401, MANY + 1), ["commits/0000003000.json", "commits/0000005200.json", "commits/note.txt"])


@pytest.mark.parametrize(
    ("ask", "expected"),
    [
        (lambda lake: lake.commit().seq, MANY),
        *((lambda lake, seq=seq: lake.commit(snapshot_of(seq)).seq, seq) for seq in (401, 2999, 5201, 7777, MANY)),
        *((lambda lake, seq=seq: lake.commit(made_at(seq)).seq, seq) for seq in (401, 3001, 5201, 9998, MANY)),
        (lambda lake: lake.commit(made_at(5200)).seq, 5199),
        (lambda lake: lake.commit(made_at(8000) + HOUR / 2).seq, 8000),
        (lambda lake: lake.commit(datetime(2100, 1, 1, tzinfo=UTC)).seq, MANY),
        (lambda lake: list(lake.snapshots(20)["snapshot"]), [snapshot_of(MANY - back) for back in range(20)]),
    ],
)
def test_one_of_many_snapshots_is_found_by_few_requests(many: Shelf, ask: Callable[[Lake], Any], expected: Any):
    before = many.requests
    assert ask(Lake(many)) == expected
    assert many.requests - before <= MOST_REQUESTS


def test_asking_again_takes_fewer_requests(many: Shelf):
    lake = Lake(many)
    lake.commit(snapshot_of(7000))
    before = many.reads
    assert lake.commit(made_at(7000)).seq == 7000
    assert many.reads - before <= 6


def test_what_was_never_published_is_not_looked_for_everywhere(many: Shelf):
    before = many.requests
    newest, near = snapshot_of(MANY), snapshot_of(7000)
    with pytest.raises(UnknownNameError, match=f"no snapshot '.*'; there are: {newest}, .* Did you mean {near} or .*"):
        Lake(many).commit(f"{snapshot_of(7000)[:-1]}f")
    with pytest.raises(UnknownNameError, match=snapshot_of(401)):
        Lake(many).commit(made_at(401) - HOUR)
    assert many.requests - before <= 4 * MOST_REQUESTS


@given(
    numbers=st.sets(st.integers(1, 60), min_size=1),
    junk=st.sets(st.integers(1, 60), max_size=9),
    late=st.sampled_from([timedelta(), HOUR, -HOUR, 3 * HOUR]),
    wrong=st.integers(1, 60),
    asked=st.integers(0, 61),
)
def test_every_snapshot_is_found_by_its_name_and_its_time(
    numbers: set[int], junk: set[int], late: timedelta, wrong: int, asked: int
):
    """Also where one clock was wrong by a few snapshots."""
    store = Shelf(sorted(numbers), [commit_key(seq) for seq in junk], {wrong: late})
    whole = sorted(numbers - junk)
    past = Past(store)
    commits = {seq: made_at(seq) + (late if seq == wrong else timedelta()) for seq in whole}
    moment = made_at(asked)
    expected = max((seq for seq, at in commits.items() if at <= moment), default=None)
    found, named = past.at(moment), past.named(snapshot_of(asked))
    assert (found and found.seq) == expected
    assert (named and named.seq) == (asked if asked in whole else None)


@pytest.mark.parametrize("late", [timedelta(days=9000), timedelta(days=-9000)])
@pytest.mark.parametrize("wrong", [1, 256, 500])
def test_a_clock_that_was_wrong_by_years_hides_no_other_snapshot(late: timedelta, wrong: int):
    past = Past(Shelf(range(1, 501), late={wrong: late}))
    for seq in (2, 100, 255, 257, 499):
        found = past.at(made_at(seq))
        assert found is not None
        # A commit that says it is older than all others may be taken for one that was current then.
        assert found.seq in ((seq,) if late > timedelta() or wrong < seq else (seq, wrong))


def test_of_all_commits_few_are_in_memory(many: Shelf):
    def held() -> int:
        gc.collect()
        return sum(type(one) is Commit for one in gc.get_objects())

    base, history = held(), History(many)
    for place, commit in enumerate(history.commits(90)):
        assert commit.seq == MANY - place
        if place == 60:
            assert held() - base <= 20
    assert sum(each_commit(many, commit_seqs(many)[-70:], lambda one: 1)) == 70
    for seq in range(701, MANY, 900):
        history.commit(snapshot_of(seq))
    assert held() - base <= 20
