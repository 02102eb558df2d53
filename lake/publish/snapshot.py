"""The publish protocol: files under a fresh folder, a comparison with the plan, then the one PUT that is the commit."""

from concurrent.futures import Future, ThreadPoolExecutor
from types import TracebackType
from typing import Self

from lake.commit import Commit, DataFile, TableFiles
from lake.errors import PublishError
from lake.layout import commit_key, snapshot_folder, table_folder
from lake.publish.parquet import EncodedFile
from lake.schema import Table, dictionary_of
from lake.store import PARALLEL_REQUESTS, Store


class SnapshotWriter:
    """One attempt at a snapshot: writes its files into its own folder while more are being made.

    Holds a pool of writing threads; leaving the ``with`` block waits for them, and raises what went wrong.
    """

    def __init__(self, store: Store, snapshot: str) -> None:
        self.store = store
        self.snapshot = snapshot
        self.tables: dict[str, TableFiles] = {}
        self._pool = ThreadPoolExecutor(PARALLEL_REQUESTS, thread_name_prefix="publish")
        self._writes: list[Future[None]] = []

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._pool.shutdown(cancel_futures=error is not None)
        if error is None:
            for write in self._writes:
                write.result()

    def add(self, table: Table, partition: str | None, files: list[EncodedFile]) -> None:
        """Write the files of one table; returns before they are written."""
        folder = table_folder(self.snapshot, table.name)
        described = tuple(DataFile(file.name, file.partition, file.rows, len(file.body), file.sha256) for file in files)
        self.tables[table.name] = TableFiles(
            partition, described, tuple(dictionary_of(table)), table.grain, table.primary_key
        )
        for file in files:
            self._writes.append(self._pool.submit(self.store.create, f"{folder}/{file.name}", file.body))


def commit_snapshot(store: Store, commit: Commit) -> None:
    """Publish: compare the snapshot's folder with the commit's plan, and create the commit.

    Raises:
        PublishError: The folder does not hold what was planned; nothing was published.
        ConflictError: Another writer published this sequence number first.
    """
    planned = {
        f"{table_folder(commit.snapshot, name)}/{file.name}": file.bytes
        for name, table in commit.tables.items()
        for file in table.files
    }
    found = {item.key: item.size for item in store.list(snapshot_folder(commit.snapshot))}
    if found != planned:
        wrong = sorted(key for key in planned.keys() | found.keys() if planned.get(key) != found.get(key))
        raise PublishError(
            commit.snapshot,
            commit.parent,
            [f"{key}: expected {planned.get(key)} bytes, found {found.get(key)}" for key in wrong],
        )
    store.create(commit_key(commit.seq), commit.to_json())


def remove_snapshot(store: Store, snapshot: str) -> None:
    """Delete the files of a snapshot; only for one that no commit names, nor can name any more."""
    store.delete([item.key for item in store.list(snapshot_folder(snapshot))])


def same_files(tables: dict[str, TableFiles], parent: Commit | None) -> bool:
    """Tell whether every file equals the parent's."""
    return parent is not None and _hashes(tables) == _hashes(parent.tables)


def _hashes(tables: dict[str, TableFiles]) -> dict[str, str]:
    return {f"{name}/{file.name}": file.sha256 for name, table in tables.items() for file in table.files}
