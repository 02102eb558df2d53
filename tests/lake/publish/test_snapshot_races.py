"""Publishing while others are at work, and killed at any request: a reader sees the old snapshot, or the new."""

from contextlib import suppress
from functools import partial
from itertools import product

import pytest

from lake.commit import Commit, commit_seqs, head
from lake.errors import ConflictError
from lake.layout import snapshot_folder
from lake.publish import remove_snapshot
from lake.store import Store
from tests.lake.publish.killing import (
    FIRST_REQUESTS,
    NEW,
    OLD,
    REQUESTS,
    RIVAL,
    Interrupted,
    Killed,
    killed_at,
    publish,
    read,
    seen_by_readers,
    write,
)
from tests.tried import tried

INTERRUPTIONS = [(at, moment) for at in range(1, REQUESTS + 1) for moment in ("before", "after")]


def test_publishing_takes_as_many_requests_as_are_interrupted_below(store, client):
    counted = Interrupted(client, 0, lambda: None, "before")
    publish(Store("lake", "pokelake", counted), NEW, publish(store, OLD, None))
    assert counted.requests == REQUESTS


def test_a_writer_killed_at_any_request_leaves_the_old_snapshot_or_the_new(client, subtests):
    for at, moment in tried(INTERRUPTIONS, (REQUESTS, "after")):
        with subtests.test(at=at, moment=moment):
            store = Store("lake", f"{at}-{moment}", client)
            old = publish(store, OLD, None)
            with pytest.raises(Killed):
                publish(Store("lake", store.prefix, killed_at(client, at, moment)), NEW, old)
            was_published = (at, moment) == (REQUESTS, "after")
            assert seen_by_readers(store) == (NEW if was_published else OLD)
            # Whoever comes next goes on from there, beside whatever the dead one left.
            assert publish(store, RIVAL, head(store)) == head(store)


def test_the_first_snapshot_is_there_whole_or_not_at_all(client, subtests):
    for at, moment in tried(product(range(1, FIRST_REQUESTS + 1), ("before", "after")), (FIRST_REQUESTS, "after")):
        with subtests.test(at=at, moment=moment):
            store = Store("lake", f"{at}-{moment}", client)
            with pytest.raises(Killed):
                publish(Store("lake", store.prefix, killed_at(client, at, moment)), NEW, None)
            if (at, moment) == (FIRST_REQUESTS, "after"):
                assert seen_by_readers(store) == NEW
            else:
                assert head(store) is None


def test_of_two_writers_at_any_interleaving_one_wins_and_the_other_may_follow(client, subtests):
    for at, moment in tried(INTERRUPTIONS, (REQUESTS, "after")):
        with subtests.test(at=at, moment=moment):
            store = Store("lake", f"{at}-{moment}", client)
            old = publish(store, OLD, None)
            winners = []

            def run(snapshot: str, store: Store, old: Commit, winners: list[str]) -> None:
                with suppress(ConflictError):
                    publish(store, snapshot, old)
                    winners.append(snapshot)

            rival = partial(run, RIVAL, store, old, winners)
            run(NEW, Store("lake", store.prefix, Interrupted(client, at, rival, moment)), old, winners)
            winner = NEW if (at, moment) == (REQUESTS, "after") else RIVAL
            assert winners == [winner]
            assert head(store).snapshot == winner

            # The loser takes its work to the new head; its files are written, and what is left to do is the commit.
            [loser] = {NEW, RIVAL} - {winner}
            publish(store, loser, head(store))
            assert seen_by_readers(store) == loser
            assert commit_seqs(store) == [1, 2, 3]


def test_a_reader_at_any_request_of_a_writer_sees_the_old_snapshot(client, subtests):
    for at in tried(range(1, REQUESTS + 1)):
        with subtests.test(at=at):
            store = Store("lake", str(at), client)
            old = publish(store, OLD, None)
            seen: list[str] = []
            look = partial(_look, store, seen)
            publish(Store("lake", store.prefix, Interrupted(client, at, look, "before")), NEW, old)
            assert seen == [OLD]


def _look(store: Store, seen: list[str]) -> None:
    seen.append(seen_by_readers(store))


def test_a_reader_who_is_overtaken_at_any_request_goes_on_with_what_it_began(client, subtests):
    """It resolves the head, reads that commit, and then four files, which nobody touches."""
    for at in range(1, 7):
        with subtests.test(at=at):
            store = Store("lake", str(at), client)
            overtake = partial(publish, store, NEW, publish(store, OLD, None))
            reader = Store("lake", store.prefix, Interrupted(client, at, overtake, "after"))
            assert read(reader, head(reader)) == OLD
            assert seen_by_readers(store) == NEW


def test_a_removal_killed_at_any_request_touches_no_published_file(client, subtests):
    """One listing and one deletion of all; what is left is removed by the next attempt."""
    for at, moment in INTERRUPTIONS[:4]:
        with subtests.test(at=at, moment=moment):
            store = Store("lake", f"{at}-{moment}", client)
            publish(store, OLD, None)
            write(store, NEW)
            with pytest.raises(Killed):
                remove_snapshot(Store("lake", store.prefix, killed_at(client, at, moment)), NEW)
            assert seen_by_readers(store) == OLD
            remove_snapshot(store, NEW)
            assert list(store.list(snapshot_folder(NEW))) == []


def test_no_object_is_ever_written_twice(client):
    """Not even by two writers and a repetition: every write is conditional, and a copy on what it copies as well."""
    written = []

    class Watched(Interrupted):
        def put_object(self, **arguments):
            assert arguments["IfNoneMatch"] == "*"
            answer = super().put_object(**arguments)
            written.append(arguments["Key"])
            return answer

        def copy_object(self, **arguments):
            [source] = client.list_objects_v2(Bucket="lake", Prefix=arguments["CopySource"]["Key"])["Contents"]
            assert arguments["CopySourceIfMatch"] == source["ETag"]
            assert (arguments["IfNoneMatch"], arguments["ChecksumAlgorithm"]) == ("*", "SHA256")
            answer = super().copy_object(**arguments)
            written.append(arguments["Key"])
            return answer

    watched = Store("lake", "pokelake", Watched(client, 0, lambda: None, "before"))
    old = publish(watched, OLD, None)
    publish(watched, NEW, old)
    with pytest.raises(ConflictError):
        publish(watched, RIVAL, old)
    write(watched, NEW, old)
    assert len(set(written)) == len(written) == 16
