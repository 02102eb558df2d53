"""The protocol: whoever dies, wherever, and whoever races, a reader sees one whole snapshot, the old or the new."""

import signal
import threading
from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import replace
from functools import partial
from hashlib import sha256
from typing import Any

import boto3
import pytest
from botocore.exceptions import ClientError

from lake.commit import Commit, DataFile, TableFiles, commit_seqs, head, read_commit
from lake.errors import ConflictError, PublishError, StoreError
from lake.layout import commit_key, snapshot_folder, table_folder
from lake.publish import SnapshotWriter, commit_snapshot, remove_snapshot, same_files
from lake.store import PARALLEL_REQUESTS, Store
from tests.lake.publish import POKEMON, TYPES, encode, pokemon

OLD, NEW, RIVAL = "20260706T040000Z-8be2d1f4", "20260808T041200Z-1f3a9c02", "20260808T041201Z-77aa01bc"
ROWS = {OLD: "pichu", NEW: "pikachu", RIVAL: "raichu"}


def write(store: Store, snapshot: str) -> dict[str, TableFiles]:
    """Write two tables of one file each, none of them equal to another snapshot's."""
    with SnapshotWriter(store, snapshot) as writer:
        writer.add(POKEMON, POKEMON.partition, encode(POKEMON, pokemon(25, 1, ROWS[snapshot])))
        type_ = 13 + list(ROWS).index(snapshot)
        writer.add(TYPES, None, encode(TYPES, {"pokemon_id": 25, "slot": 1, "type_id": type_}))
    return writer.tables


def draft(snapshot: str, tables: dict[str, TableFiles], parent: Commit | None) -> Commit:
    return Commit(
        seq=parent.seq + 1 if parent else 1,
        snapshot=snapshot,
        parent=parent.snapshot if parent else None,
        committed_at="2026-08-08T04:13:05+00:00",
        tables=tables,
        source={},
        run={},
        fingerprint="",
    )


def publish(store: Store, snapshot: str, parent: Commit | None) -> Commit:
    commit = draft(snapshot, write(store, snapshot), parent)
    commit_snapshot(store, commit)
    return commit


def read(store: Store, commit: Commit) -> str:
    """Read all files of a commit, check each, and return the one snapshot that they belong to."""
    for name, table in commit.tables.items():
        for file in table.files:
            body = store.get(f"{table_folder(commit.snapshot, name)}/{file.name}")
            assert (len(body), sha256(body).hexdigest()) == (file.bytes, file.sha256)
    return commit.snapshot


def seen_by_readers(store: Store) -> str:
    """Return what readers see, after a look at everything that was ever published."""
    seqs = commit_seqs(store)
    commits = [read_commit(store, seq) for seq in seqs]
    assert seqs == list(range(1, len(seqs) + 1)), "a gap in the chain"
    assert [commit.parent for commit in commits] == [None, *(commit.snapshot for commit in commits[:-1])]
    for commit in commits:
        read(store, commit)
    current = head(store)
    assert current == commits[-1]
    return current.snapshot


class Interrupted:
    """An S3 client of one process: at its n-th request something happens, `before` or `after` it is applied."""

    def __init__(self, client: Any, at: int, act: Callable[[], object], moment: str) -> None:
        self._client = client
        self._lock = threading.Lock()
        self._at, self._act, self._moment = at, act, moment
        self.requests = 0
        self.is_dead = False

    def _ask(self, request: Callable[[], object]) -> object:
        with self._lock:
            if self.is_dead:
                raise Killed
            self.requests += 1
            if self.requests != self._at:
                return request()
            if self._moment == "before":
                self._act()
                return request()
            answer = request()
            self._act()
            return answer

    def put_object(self, **arguments):
        return self._ask(lambda: self._client.put_object(**arguments))

    def get_object(self, **arguments):
        return self._ask(lambda: self._client.get_object(**arguments))

    def delete_objects(self, **arguments):
        return self._ask(lambda: self._client.delete_objects(**arguments))

    def get_paginator(self, name):
        paginator = self._client.get_paginator(name)

        class Pages:
            def paginate(_, **arguments) -> Iterator[object]:
                yield from self._ask(lambda: list(paginator.paginate(**arguments)))

        return Pages()


class Killed(BaseException):
    """The process is gone: nothing catches this, and no request follows."""


def killed_at(client: Any, at: int, moment: str) -> Interrupted:
    def kill() -> None:
        killed.is_dead = True
        raise Killed

    killed = Interrupted(client, at, kill, moment)
    return killed


@pytest.fixture
def client(bucket) -> Any:
    """Return an S3 client that nothing happens to."""
    return boto3.client("s3")


# Two files, the listing, and the commit.
REQUESTS = 4
INTERRUPTIONS = [(at, moment) for at in range(1, REQUESTS + 1) for moment in ("before", "after")]


def test_a_published_snapshot_is_what_readers_see(store):
    old = publish(store, OLD, None)
    assert seen_by_readers(store) == OLD
    assert publish(store, NEW, old) == head(store)
    assert seen_by_readers(store) == NEW
    assert read(store, read_commit(store, 1)) == OLD


def test_files_that_no_commit_names_are_seen_by_nobody(store):
    publish(store, OLD, None)
    write(store, NEW)
    assert seen_by_readers(store) == OLD


def test_a_commit_describes_each_file(store):
    commit = publish(store, NEW, None)
    table = commit.tables["pokemon"]
    assert (table.partition, table.grain, table.primary_key) == ("generation", POKEMON.grain, ("pokemon_id",))
    assert [(file.name, file.partition, file.rows) for file in table.files] == [
        ("generation=1/part-0.parquet", 1, 1),
    ]
    assert [entry["name"] for entry in table.fields] == [field.name for field in POKEMON.fields]
    assert commit.keys() == sorted(item.key for item in store.list(snapshot_folder(NEW)))


@pytest.mark.parametrize(
    "key", ["pokemon/_SUCCESS", "pokemon/generation=3/part-0.parquet", "moves/part-0.parquet", "x"]
)
def test_a_file_that_was_not_planned_is_refused_and_named(store, key):
    """pandas would read it as part of the table."""
    tables = write(store, NEW)
    store.create(f"{snapshot_folder(NEW)}{key}", b"1")
    with pytest.raises(PublishError) as caught:
        commit_snapshot(store, draft(NEW, tables, None))
    assert caught.value.findings == (f"{snapshot_folder(NEW)}{key}: expected None bytes, found 1",)
    assert head(store) is None


def test_a_file_that_is_missing_is_refused_and_named(store):
    tables = write(store, NEW)
    missing = f"{table_folder(NEW, 'types')}/part-0.parquet"
    store.delete([missing])
    with pytest.raises(PublishError, match="nothing was ever published here") as caught:
        commit_snapshot(store, draft(NEW, tables, None))
    [finding] = caught.value.findings
    assert finding.startswith(f"{missing}: expected ")
    assert finding.endswith("bytes, found None")
    assert head(store) is None


def test_a_file_of_another_size_is_refused(store):
    old = publish(store, OLD, None)
    tables = write(store, NEW)
    [file] = tables["types"].files
    tables["types"] = replace(tables["types"], files=(replace(file, bytes=file.bytes + 1),))
    with pytest.raises(PublishError, match=f"readers still see {OLD}"):
        commit_snapshot(store, draft(NEW, tables, old))
    assert seen_by_readers(store) == OLD


def test_the_files_of_another_snapshot_are_none_of_its_business(store):
    old = publish(store, OLD, None)
    write(store, RIVAL)
    publish(store, NEW, old)
    assert seen_by_readers(store) == NEW


def test_the_second_of_two_commits_of_one_number_is_refused(store):
    old = publish(store, OLD, None)
    publish(store, NEW, old)
    with pytest.raises(ConflictError, match=commit_key(2)):
        publish(store, RIVAL, old)
    assert seen_by_readers(store) == NEW


def test_a_commit_repeated_is_the_same_commit(store):
    commit = publish(store, NEW, None)
    commit_snapshot(store, commit)
    assert commit_seqs(store) == [1]


def test_a_commit_whose_answer_was_lost_is_published(store, client):
    def lose() -> None:
        raise ClientError({"Error": {"Code": "500"}, "ResponseMetadata": {"HTTPStatusCode": 500}}, "PutObject")

    tables = write(store, NEW)
    # The listing is the first request, the commit the second.
    commit_snapshot(Store("lake", "pokelake", Interrupted(client, 2, lose, "after")), draft(NEW, tables, None))
    assert seen_by_readers(store) == NEW


def test_a_write_that_fails_in_the_background_is_raised(client):
    def fail() -> None:
        raise ClientError({"Error": {"Code": "AccessDenied"}}, "PutObject")

    with pytest.raises(StoreError, match="AccessDenied"):
        write(Store("lake", "pokelake", Interrupted(client, 2, fail, "before")), NEW)


def test_a_failure_while_making_files_is_raised_as_it_is(client):
    """What went wrong with those that were being written is its consequence, or not the point."""

    def make() -> None:
        with SnapshotWriter(Store("lake", "pokelake", killed_at(client, 1, "before")), NEW) as writer:
            writer.add(TYPES, None, encode(TYPES))
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        make()


def test_a_signal_while_files_are_waited_for_ends_the_writing(client):
    """The run's rollback deletes what it finds in the folder; a file that came afterwards would stay there."""
    released = threading.Event()

    class Slow:
        def put_object(_, **arguments):
            released.wait()
            return client.put_object(**arguments)

    def interrupt(*_):
        threading.Timer(0.2, released.set).start()
        raise Killed

    def write_slowly() -> None:
        with SnapshotWriter(Store("lake", "pokelake", Slow()), NEW) as writer:
            for number in range(2 * PARALLEL_REQUESTS):
                table = replace(TYPES, name=f"types_{number}")
                writer.add(table, None, encode(table, {"pokemon_id": 25, "slot": 1, "type_id": 13}))
            signal.setitimer(signal.ITIMER_REAL, 0.1)

    before = signal.signal(signal.SIGALRM, interrupt)
    try:
        with pytest.raises(Killed):
            write_slowly()
    finally:
        signal.signal(signal.SIGALRM, before)
    for thread in threading.enumerate():
        if thread.name.startswith("publish"):
            thread.join()
    assert len(list(Store("lake", "pokelake", client).list(snapshot_folder(NEW)))) == PARALLEL_REQUESTS


def test_a_table_carried_over_lies_in_the_new_folder_byte_for_byte(store):
    old = publish(store, OLD, None)
    with SnapshotWriter(store, NEW, old) as writer:
        writer.carry("pokemon")
        writer.add(TYPES, None, old.tables["types"].files)
    commit = draft(NEW, writer.tables, old)
    commit_snapshot(store, commit)
    assert same_files(writer.tables, old)
    assert seen_by_readers(store) == NEW
    assert all(key.startswith(snapshot_folder(NEW)) for key in commit.keys())  # noqa: SIM118


def test_a_damaged_file_is_not_carried_over(store):
    old = publish(store, OLD, None)
    key = f"{table_folder(OLD, 'types')}/part-0.parquet"
    store.delete([key])
    store.create(key, b"damaged")

    def carry() -> None:
        with SnapshotWriter(store, NEW, old) as writer:
            writer.carry("types")

    with pytest.raises(StoreError, match=f"{key}: expected the content with SHA-256"):
        carry()
    assert list(store.list(snapshot_folder(NEW))) == []


def test_removing_a_snapshot_removes_its_files_and_no_others(store):
    publish(store, OLD, None)
    write(store, NEW)
    remove_snapshot(store, NEW)
    assert list(store.list(snapshot_folder(NEW))) == []
    assert seen_by_readers(store) == OLD


def test_files_are_the_same_when_all_hashes_are(store):
    parent = publish(store, OLD, None)
    assert same_files(write(store, OLD), parent)
    assert not same_files(write(store, NEW), parent)
    assert not same_files(parent.tables, None)


@pytest.mark.parametrize("change", ["a table more", "a table less", "a file more"])
def test_files_are_not_the_same_when_there_are_more_or_fewer(store, change):
    parent = publish(store, OLD, None)
    tables = dict(parent.tables)
    if change == "a table more":
        tables["moves"] = tables["types"]
    elif change == "a table less":
        del tables["types"]
    else:
        more = DataFile("generation=3/part-0.parquet", 3, 1, 1, "0" * 64)
        tables["pokemon"] = replace(tables["pokemon"], files=(*tables["pokemon"].files, more))
    assert not same_files(tables, parent)


def test_publishing_takes_as_many_requests_as_are_interrupted_below(store, client):
    counted = Interrupted(client, 0, lambda: None, "before")
    publish(Store("lake", "pokelake", counted), NEW, publish(store, OLD, None))
    assert counted.requests == REQUESTS


def test_a_writer_killed_at_any_request_leaves_the_old_snapshot_or_the_new(client, subtests):
    for at, moment in INTERRUPTIONS:
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
    for at, moment in INTERRUPTIONS:
        with subtests.test(at=at, moment=moment):
            store = Store("lake", f"{at}-{moment}", client)
            with pytest.raises(Killed):
                publish(Store("lake", store.prefix, killed_at(client, at, moment)), NEW, None)
            if (at, moment) == (REQUESTS, "after"):
                assert seen_by_readers(store) == NEW
            else:
                assert head(store) is None


def test_of_two_writers_at_any_interleaving_one_wins_and_the_other_may_follow(client, subtests):
    for at, moment in INTERRUPTIONS:
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
    for at in range(1, REQUESTS + 1):
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
    """It resolves the head, reads that commit, and then two files, which nobody touches."""
    for at in range(1, 5):
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
    """Not even by two writers and a repetition: every write is conditional."""
    written = []

    class Watched(Interrupted):
        def put_object(self, **arguments):
            assert arguments["IfNoneMatch"] == "*"
            answer = super().put_object(**arguments)
            written.append(arguments["Key"])
            return answer

    watched = Store("lake", "pokelake", Watched(client, 0, lambda: None, "before"))
    old = publish(watched, OLD, None)
    publish(watched, NEW, old)
    with pytest.raises(ConflictError):
        publish(watched, RIVAL, old)
    write(watched, NEW)
    assert len(set(written)) == len(written)
