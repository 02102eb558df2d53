"""Collecting garbage while others are at work, and killed at any request: no published file is ever missing."""

from functools import partial

import pytest

from lake.commit import Commit
from lake.errors import PublishError
from lake.layout import snapshot_folder
from lake.publish import commit_snapshot
from lake.publish.garbage import GRACE, find_garbage
from lake.store import Store
from tests.lake import keys
from tests.lake.publish import draft
from tests.lake.publish.killing import NEW, OLD, REQUESTS, Interrupted, Killed, killed_at, publish, write
from tests.lake.publish.littering import CODE, CRAWL, LONG, age, chain, collect, put, requests_of, whole
from tests.tried import tried


def litter(store: Store) -> set[str]:
    """Leave garbage in a lake of one snapshot; return the keys of what must stay."""
    chain(store, 9)
    needed = keys(store)
    write(store, NEW)
    age(store, snapshot_folder(NEW), LONG)
    put(store, f"{CRAWL}item-0001", f"{CODE}lake/store.py", f"{CODE}MANIFEST.json")
    return needed


def test_a_collection_killed_at_any_request_harms_nobody_and_can_be_repeated(client, store, subtests):
    """What a reader sees at that moment is the same."""
    litter(store)
    for at in tried(range(1, requests_of(collect, store, client) + 1)):
        with subtests.test(at=at):
            place = Store("lake", str(at), client)
            needed = litter(place)
            with pytest.raises(Killed):
                collect(Store("lake", place.prefix, killed_at(client, at, "after")))
            assert whole(place) == [1]
            code = keys(place, CODE)
            assert f"{CODE}MANIFEST.json" not in code or f"{CODE}lake/store.py" in code
            age(place, "staging/probe-", LONG)
            # The manifest of code goes before its files.
            collect(place)
            collect(place)
            assert keys(place) == needed


def test_a_code_version_whose_files_are_being_removed_has_no_manifest(store):
    """A push uploads nothing where the manifest is there, and may save its deployment at any moment after that."""
    put(store, f"{CODE}MANIFEST.json", f"{CODE}lake/store.py")
    collect(store)
    assert keys(store) == {f"{CODE}lake/store.py"}
    assert find_garbage(store, GRACE, {CODE.split("/")[1]}) == []
    collect(store)
    assert keys(store) == set()


def test_a_writer_interrupted_by_a_collection_at_any_request_publishes(client, subtests):
    for at in tried(range(1, REQUESTS + 1)):
        with subtests.test(at=at):
            place = Store("lake", str(at), client)
            [old] = chain(place, 9)
            interrupted = Interrupted(client, at, partial(collect, place), "before")
            publish(Store("lake", place.prefix, interrupted), NEW, old)
            assert whole(place) == [1, 2]


def test_a_collection_interrupted_by_a_writer_at_any_request_leaves_its_files(client, store, subtests):
    def begin(place: Store) -> Commit:
        put(place, f"{CRAWL}item-0001")
        return chain(place, 9)[0]

    begin(store)
    for at in tried(range(1, requests_of(collect, store, client) + 1)):
        with subtests.test(at=at):
            place = Store("lake", str(at), client)
            writer = partial(publish, place, NEW, begin(place))
            collect(Store("lake", place.prefix, Interrupted(client, at, writer, "before")))
            assert whole(place) == [1, 2]


def test_a_late_writer_that_publishes_while_folders_are_listed_keeps_its_files(client, store):
    old = publish(store, OLD, None)
    late = draft(NEW, write(store, NEW), old)
    age(store, snapshot_folder(NEW), LONG)
    # Three requests tell the time, the fourth lists the snapshots.
    collect(Store("lake", store.prefix, Interrupted(client, 4, partial(commit_snapshot, store, late), "after")))
    assert whole(store) == [1, 2]


def test_a_writer_that_sleeps_through_the_grace_period_is_refused(store):
    """Between its files and its look at them; it publishes all of them or nothing."""
    old = publish(store, OLD, None)
    late = draft(NEW, write(store, NEW), old)
    age(store, snapshot_folder(NEW), LONG)
    collect(store)
    with pytest.raises(PublishError, match=f"readers still see {OLD}"):
        commit_snapshot(store, late)
    assert whole(store) == [1]
