"""The publish protocol: files into a fresh folder, a comparison of the folder with the plan, one PUT of the commit."""

from collections.abc import Iterable, Mapping, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import suppress
from dataclasses import replace
from functools import partial
from itertools import count
from threading import BoundedSemaphore
from types import TracebackType
from typing import Any, Self

import msgspec

from lake.accept import first
from lake.commit import Commit, DataFile, Inferred, TableFiles, commit_seqs, read_commit
from lake.errors import ConflictError, DamagedObjectError, MissingObjectError, PublishError
from lake.fields import encoded, nulls_of
from lake.layout import SnapshotId, commit_key, file_key, schema_key, snapshot_folder
from lake.publish.parquet import EncodedFile
from lake.schema import Table, dictionary_of
from lake.store import PARALLEL_REQUESTS, Store, StoredObject

# Files that are finished and not yet written wait in memory, as many as this.
FILES_AT_ONCE = 2 * PARALLEL_REQUESTS


class ListedFile(msgspec.Struct, frozen=True):
    """A file of a published snapshot, with the ETag by which a listing of its folder named it."""

    snapshot: SnapshotId
    file: DataFile
    etag: str


class SnapshotWriter:
    """Writes the files of one attempt at a snapshot into its own folder, while the caller makes more.

    It holds a pool of writing threads. Leaving the ``with`` block waits for them, and raises the first error. `listed`
    is the parent's folder, if somebody has listed it already.
    """

    def __init__(
        self, store: Store, snapshot: str, parent: Commit | None = None, listed: Iterable[StoredObject] = ()
    ) -> None:
        self.store = store
        self.snapshot = snapshot
        self.tables: dict[str, TableFiles] = {}
        self._parent = parent
        self._known_fields = {table.schema for table in parent.tables.values()} if parent else set()
        self._pool = ThreadPoolExecutor(PARALLEL_REQUESTS, thread_name_prefix="publish")
        self._writes: list[Future[None]] = []
        self._room = BoundedSemaphore(FILES_AT_ONCE)
        self._etags: dict[str, dict[str, str]] = {}
        if parent is not None and (etags := {item.key: item.etag for item in listed}):
            self._etags[parent.snapshot] = etags

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        try:
            self._pool.shutdown(cancel_futures=error is not None)
        except BaseException:
            # A signal ends the run. Its rollback lists the folder and would miss a file that is written after that.
            self._pool.shutdown(cancel_futures=True)
            raise
        if error is None:
            for write in self._writes:
                write.result()

    def put(self, table: str, file: EncodedFile, like: ListedFile | None = None) -> DataFile:
        """Start to write a file, and return it as a commit names it; wait while too many others are being written.

        A file of the parent that is `like` it, with the same content, is copied within S3 instead, if it is whole.
        """
        self._room.acquire()
        write = self._pool.submit(self._write, table, file, like)
        write.add_done_callback(lambda _: self._room.release())
        self._writes.append(write)
        return file.data_file

    def _write(self, table: str, file: EncodedFile, like: ListedFile | None) -> None:
        key = file_key(self.snapshot, table, file.name)
        if like is not None and like.file.sha256 == file.sha256:
            with suppress(DamagedObjectError, MissingObjectError):
                self.store.copy(file_key(like.snapshot, table, like.file.name), key, like.etag, file.sha256)
                return
        self.store.create(key, file.body)

    def add(
        self,
        table: Table,
        partition: str | None,
        files: Sequence[EncodedFile | DataFile],
        null_counts: Mapping[str, int] | None = None,
    ) -> None:
        """Start to write the files of one table; a `DataFile` is copied from the parent."""
        for file in files:
            if isinstance(file, DataFile):
                self.copy(table.name, file)
            else:
                self.put(table.name, file)
        described = [file if isinstance(file, DataFile) else file.data_file for file in files]
        self.tables[table.name] = self.describe(table, partition, described, null_counts)

    def describe(
        self,
        table: Table,
        partition: str | None,
        files: Sequence[DataFile],
        null_counts: Mapping[str, int] | None = None,
    ) -> TableFiles:
        """Return a commit's entry for a table that has these files, and start to store its fields if they are new."""
        described = table_files(table, partition, files, null_counts)
        if described.schema not in self._known_fields:
            self._store_fields(dictionary_of(table))
        return described

    def _store_fields(self, fields: Iterable[Mapping[str, Any]]) -> str:
        schema, body = encoded(fields)
        if schema not in self._known_fields:
            self._known_fields.add(schema)
            self._writes.append(self._pool.submit(self.store.create, schema_key(schema), body))
        return schema

    def carry(self, name: str) -> None:
        """Start to copy a whole table from the parent; its fields are stored if the parent's commit holds them."""
        assert self._parent is not None
        table = self._parent.tables[name]
        if table.fields:
            schema = self._store_fields(table.fields)
            table = replace(table, fields=(), schema=schema, nulls=nulls_of(table.fields))
        self.tables[name] = table
        for file in self.tables[name].files:
            self.copy(name, file)

    def copy(self, table: str, file: DataFile, of: str | None = None, name: str | None = None) -> None:
        """Start to copy one file of a table within S3, from the parent or from another snapshot.

        `name` is the one that it gets; default: its own.

        Raises:
            MissingObjectError: The file is gone. That it is damaged is raised when the block is left.
        """
        if of is None:
            assert self._parent is not None
            of = self._parent.snapshot
        source, key = file_key(of, table, file.name), file_key(self.snapshot, table, name or file.name)
        etag = self._etags_of(of).get(source)
        if etag is None:
            raise MissingObjectError(self.store.uri(source))
        self._writes.append(self._pool.submit(self.store.copy, source, key, etag, file.sha256))

    def listed(self, names: Iterable[str]) -> dict[str, tuple[ListedFile, ...]]:
        """Return the files of some of the parent's tables, with their ETags; one that is gone has none."""
        if self._parent is None:
            return {}
        of, etags = self._parent.snapshot, self._etags_of(self._parent.snapshot)

        def files(name: str, table: TableFiles) -> tuple[ListedFile, ...]:
            return tuple(ListedFile(of, file, etags.get(file_key(of, name, file.name), "")) for file in table.files)

        return {name: files(name, table) for name, table in self._parent.tables.items() if name in set(names)}

    def _etags_of(self, snapshot: str) -> dict[str, str]:
        """Return the ETag of every file of a snapshot, all of which one listing names."""
        if snapshot not in self._etags:
            self._etags[snapshot] = {item.key: item.etag for item in self.store.list(snapshot_folder(snapshot))}
        return self._etags[snapshot]


def table_files(
    table: Table, partition: str | None, files: Sequence[DataFile], null_counts: Mapping[str, int] | None = None
) -> TableFiles:
    """Return a commit's entry for a table that has these files."""
    schema, _ = encoded(dictionary_of(table))
    nulls = None if null_counts is None else {name: count for name, count in null_counts.items() if count}
    return TableFiles(
        partition,
        tuple(files),
        grain=table.grain,
        primary_key=table.primary_key,
        schema=schema,
        nulls=nulls,
        inferred=Inferred(table.resources[0], table.rows) if table.is_inferred else None,
    )


def commit_snapshot(store: Store, commit: Commit) -> Commit:
    """Publish a snapshot: compare its folder with the commit's plan, and create the commit.

    Return it as it was published: where objects that are no commits have its number, it has the next.

    Raises:
        PublishError: The folder does not hold what was planned; nothing was published.
        ConflictError: Another writer published this sequence number first.
    """
    planned = commit.sizes()
    found = {item.key: item.size for item in store.list(snapshot_folder(commit.snapshot))}
    if found != planned:
        wrong = sorted(key for key in planned.keys() | found.keys() if planned.get(key) != found.get(key))
        raise PublishError(
            commit.snapshot,
            commit.parent,
            [f"{key}: expected {planned.get(key)} bytes, found {found.get(key)}" for key in wrong],
        )
    commit = replace(commit, seq=_free_number(store, commit))
    store.create(commit_key(commit.seq), commit.to_json())
    return commit


def _free_number(store: Store, commit: Commit) -> int:
    later = commit_seqs(store, commit.seq - 1)
    rival = first(reversed(later), partial(read_commit, store))
    if rival is not None and rival != commit:
        raise ConflictError(store.uri(commit_key(rival.seq)))
    return commit.seq if rival else next(seq for seq in count(commit.seq) if seq not in later)


def remove_snapshot(store: Store, snapshot: str) -> None:
    """Delete the files of a snapshot. Only for a snapshot that no commit names, or will name later."""
    store.delete([item.key for item in store.list(snapshot_folder(snapshot))])


def same_files(tables: dict[str, TableFiles], parent: Commit | None) -> bool:
    """Tell whether every file equals the parent's."""
    return parent is not None and file_hashes(tables) == file_hashes(parent.tables)


def file_hashes(tables: Mapping[str, TableFiles]) -> dict[str, str]:
    """Return the hash of every file, by the names of its table and of the file."""
    return {f"{name}/{file.name}": file.sha256 for name, table in tables.items() for file in table.files}
