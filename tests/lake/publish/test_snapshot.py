"""The protocol: whoever dies, wherever, and whoever races, a reader sees one whole snapshot, the old or the new."""

import signal
import threading
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace

import pytest
from botocore.exceptions import ClientError

from lake.commit import DataFile, commit_seqs, head, read_commit
from lake.errors import ConflictError, PublishError, StoreError
from lake.fields import read_fields
from lake.layout import SNAPSHOTS, commit_key, snapshot_folder, table_folder
from lake.publish import SnapshotWriter, commit_snapshot, remove_snapshot, same_files
from lake.publish.snapshot import FILES_AT_ONCE
from lake.store import PARALLEL_REQUESTS, Store
from lake.traffic import requests_to_s3
from tests.lake.publish import POKEMON, TYPES, draft, encode, pokemon
from tests.lake.publish.killing import (
    NEW,
    OLD,
    RIVAL,
    ROWS,
    Interrupted,
    Killed,
    killed_at,
    publish,
    read,
    seen_by_readers,
    write,
)
from tests.waiting import until


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
        ("generation=1/part-1.parquet", 1, 1),
    ]
    assert table.schema is not None
    assert [entry["name"] for entry in read_fields(store, table.schema)] == [field.name for field in POKEMON.fields]
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
    # Two listings come first, then the commit.
    commit_snapshot(Store("lake", "pokelake", Interrupted(client, 3, lose, "after")), draft(NEW, tables, None))
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


def test_a_signal_while_files_are_waited_for_ends_the_writing(client, monkeypatch):
    """The run's rollback deletes what it finds in the folder; a file that came afterwards would stay there."""
    released, begun, shutdown = threading.Event(), [], ThreadPoolExecutor.shutdown

    class Slow:
        meta = client.meta

        def put_object(_, **arguments):
            begun.append(arguments["Key"])
            released.wait(10)
            return client.put_object(**arguments)

    def watched(pool: ThreadPoolExecutor, wait: bool = True, *, cancel_futures: bool = False) -> None:
        if cancel_futures:
            # What has begun ends only after what has not was given up.
            shutdown(pool, False, cancel_futures=True)
            released.set()
        else:
            signal.setitimer(signal.ITIMER_REAL, 0.01)
        shutdown(pool, wait, cancel_futures=cancel_futures)

    def interrupt(*_):
        raise Killed

    def write_slowly() -> None:
        with SnapshotWriter(Store("lake", "pokelake", Slow()), NEW) as writer:
            for number in range(2 * PARALLEL_REQUESTS):
                table = replace(TYPES, name=f"types_{number}")
                writer.add(table, None, encode(table, {"pokemon_id": 25, "slot": 1, "type_id": 13}))
            until(lambda: len(begun) == PARALLEL_REQUESTS, every=0.001)

    monkeypatch.setattr(ThreadPoolExecutor, "shutdown", watched)
    before = signal.signal(signal.SIGALRM, interrupt)
    try:
        with pytest.raises(Killed):
            write_slowly()
    finally:
        signal.signal(signal.SIGALRM, before)
    for thread in threading.enumerate():
        if thread.name.startswith("publish"):
            thread.join()
    assert len(list(Store("lake", "pokelake", client).list(SNAPSHOTS))) == PARALLEL_REQUESTS


def test_a_table_carried_over_lies_in_the_new_folder_byte_for_byte(store):
    old = publish(store, OLD, None)
    with SnapshotWriter(store, NEW, old) as writer:
        writer.carry("pokemon")
        writer.carry("slots")
        writer.add(TYPES, None, old.tables["types"].files)
    commit = draft(NEW, writer.tables, old)
    commit_snapshot(store, commit)
    assert same_files(writer.tables, old)
    assert seen_by_readers(store) == NEW
    assert all(key.startswith(snapshot_folder(NEW)) for key in commit.keys())  # noqa: SIM118


def test_a_file_that_comes_out_as_the_parents_is_copied_unless_that_is_damaged_or_gone(store):
    """What is sent is what changed."""
    old = publish(store, OLD, None)
    files = encode(POKEMON, pokemon(25, 1, ROWS[OLD]), pokemon(26, 1, "raichu"), part_bytes=1)
    before = requests_to_s3()
    with SnapshotWriter(store, NEW, old) as writer:
        listed = writer.listed([POKEMON.name])[POKEMON.name]
        assert [writer.put(POKEMON.name, *pair) for pair in zip(files, listed, strict=True)] == [
            file.data_file for file in files
        ]
    assert requests_to_s3() - before == {"ListObjectsV2": 1, "CopyObject": 1, "PutObject": 1}
    key = f"{table_folder(OLD, POKEMON.name)}/{files[0].name}"
    for name, spoilt in ((RIVAL, b"damaged"), (RIVAL[:-1] + "d", None)):
        store.delete([key])
        if spoilt is not None:
            store.create(key, spoilt)
        with SnapshotWriter(store, name) as writer:
            writer.put(POKEMON.name, files[0], listed[0])
        assert store.get(f"{table_folder(name, POKEMON.name)}/{files[0].name}") == files[0].body


def test_finished_files_wait_for_those_that_are_being_written(store, monkeypatch):
    """So memory does not grow where S3 is slow."""
    gate, create = threading.Event(), store.create
    monkeypatch.setattr(store, "create", lambda key, body: gate.wait() and create(key, body))
    [file] = encode(TYPES)
    put: list[int] = []

    def fill() -> None:
        with SnapshotWriter(store, NEW) as writer:
            for number in range(FILES_AT_ONCE + 1):
                writer.put(TYPES.name, replace(file, name=f"part-{number}.parquet"))
                put.append(number)

    thread = threading.Thread(target=fill)
    thread.start()
    until(lambda: len(put) >= FILES_AT_ONCE, every=0.001)
    assert len(put) == FILES_AT_ONCE
    gate.set()
    thread.join()
    assert len(list(store.list(snapshot_folder(NEW)))) == FILES_AT_ONCE + 1


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
