"""Expiry: what readers saw of late is kept, a commit is forgotten before its files go, and the chain has no gaps."""

from datetime import datetime, timedelta
from functools import partial

import moto.s3.models
import pytest

from lake.commit import head
from lake.errors import UnknownNameError
from lake.layout import commit_key, snapshot_folder
from lake.publish.garbage import GRACE, find_expired, forget
from lake.read import Lake
from lake.store import Store
from tests.lake import keys
from tests.lake.publish.killing import NEW, OLD, REQUESTS, RIVAL, Interrupted, Killed, killed_at, publish, read
from tests.lake.publish.littering import DAY, LONG, age, chain, collect, found, requests_of, whole
from tests.tried import tried


def expire(store: Store, older_than: timedelta = 30 * DAY) -> None:
    forget(store, find_expired(store, older_than))


def test_a_commit_expires_when_its_successor_is_old_enough(store):
    """A snapshot of 90 days ago that was current until 20 days ago is what readers saw 30 days ago."""
    first, _, _ = chain(store, 90, 40, 20)
    [expired] = find_expired(store, 30 * DAY)
    sizes = first.sizes().values()
    assert (expired.seq, expired.snapshot, expired.objects, expired.bytes) == (1, OLD, len(sizes), sum(sizes))


def test_all_but_the_newest_commits_expire_whatever_their_age(store):
    chain(store, 3, 2, 1)
    assert find_expired(store, keep=3) == find_expired(store, keep=9) == []
    assert [one.seq for one in find_expired(store, keep=2)] == [1]
    assert [one.seq for one in find_expired(store, keep=1)] == [1, 2]
    forget(store, find_expired(store, keep=1))
    assert whole(store) == [3]


def test_the_newest_commit_never_expires(store):
    chain(store, 900, 800, 700)
    expire(store, 0 * DAY)
    assert whole(store) == [3]
    assert head(store).snapshot == RIVAL


def test_an_empty_lake_has_nothing_that_expires(store):
    assert find_expired(store, 0 * DAY) == []


def test_expiry_leaves_no_gap_where_times_are_not_in_the_order_of_the_chain(store):
    """As in a bucket that was copied from another one."""
    chain(store, 90, 10, 80)
    expire(store)
    assert whole(store) == [1, 2, 3]


def test_the_time_of_expiry_is_told_by_the_clock_of_s3(store, monkeypatch):
    monkeypatch.setattr(moto.s3.models, "utcnow", lambda: datetime(2020, 1, 1))
    chain(store, 3, 2, 1)
    assert find_expired(store, 30 * DAY) == []


def test_the_files_of_a_forgotten_commit_stay_for_another_grace_period(store):
    """Readers that resolved it go on to read them."""
    first, *_ = chain(store, 90, 40, 20)
    expire(store)
    assert whole(store) == [2, 3]
    age(store, "", GRACE - timedelta(hours=1))
    collect(store)
    assert read(store, first) == OLD
    age(store, "", timedelta(hours=2))
    assert found(store) == {snapshot_folder(OLD)}
    collect(store)
    assert keys(store, snapshot_folder(OLD)) == set()
    assert whole(store) == [2, 3]


def test_a_forgotten_commit_can_be_put_back(store):
    chain(store, 90, 40, 20)
    expire(store)
    [copy] = (key for key in keys(store, snapshot_folder(OLD)) if key.endswith(".json"))
    store.create(commit_key(1), store.get(copy))
    assert whole(store) == [1, 2, 3]


def test_what_an_interrupted_expiry_left_does_not_shorten_the_grace_period_of_the_next(client, store):
    chain(store, 90, 40, 20)
    # Telling the time takes three requests, finding five; then the commit is read and its copy is made.
    with pytest.raises(Killed):
        expire(Store("lake", store.prefix, killed_at(client, 10, "after")))
    assert whole(store) == [1, 2, 3]
    assert len([key for key in keys(store, snapshot_folder(OLD)) if key.endswith(".json")]) == 1
    age(store, snapshot_folder(OLD), LONG)
    expire(store)
    assert whole(store) == [2, 3]
    assert found(store) == set()


def test_an_expiry_killed_at_any_request_leaves_a_chain_without_gaps(client, store, subtests):
    chain(store, 90, 80, 70)
    for at in tried(range(1, requests_of(expire, store, client) + 1)):
        with subtests.test(at=at):
            place = Store("lake", str(at), client)
            chain(place, 90, 80, 70)
            with pytest.raises(Killed):
                expire(Store("lake", place.prefix, killed_at(client, at, "after")))
            assert whole(place)[-1] == 3
            expire(place)
            assert whole(place) == [3]


def test_a_reader_that_resolved_a_snapshot_reads_on_after_it_was_forgotten(client, store):
    chain(store, 90, 40, 20)
    # The listing and three commits; then the file.
    reader = Lake(Store("lake", store.prefix, Interrupted(client, 5, partial(expire, store), "before")))
    assert reader.read("types", as_of=OLD)["type_id"].tolist() == [13]
    assert whole(store) == [2, 3]


def test_a_reader_finds_a_snapshot_although_another_is_forgotten_since_it_listed_them(client, store, subtests):
    """Whichever request it is in front of: the listing, or one of the commits."""
    for at in range(1, 5):
        with subtests.test(at=at):
            place = Store("lake", str(at), client)
            chain(place, 90, 40, 20)
            reader = Lake(Store("lake", place.prefix, Interrupted(client, at, partial(expire, place), "before")))
            assert reader.commit(NEW).snapshot == NEW
            assert whole(place) == [2, 3]


def test_a_forgotten_snapshot_is_answered_with_those_that_are_left(store):
    chain(store, 90, 40, 20)
    expire(store)
    with pytest.raises(UnknownNameError, match=f"there are: {RIVAL}, {NEW}$"):
        Lake(store).read("types", as_of=OLD)


def test_a_writer_interrupted_by_an_expiry_at_any_request_publishes(client, subtests):
    """Its parent is the newest commit, which is kept."""
    for at in tried(range(1, REQUESTS + 1)):
        with subtests.test(at=at):
            place = Store("lake", str(at), client)
            _, parent = chain(place, 90, 80)
            interrupted = Interrupted(client, at, partial(expire, place), "before")
            publish(Store("lake", place.prefix, interrupted), RIVAL, parent)
            assert whole(place) == [2, 3]
