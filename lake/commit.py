"""The commit log: creating ``commits/<seq>.json`` publishes a snapshot of all tables; the highest is current."""

from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from functools import partial
from itertools import islice
from typing import Annotated, Any, TypeVar

import msgspec
from msgspec import Meta

from lake.accept import findings, first
from lake.errors import LakeError, NoCommitError, OversizeError
from lake.layout import CommitNumber, FileName, SnapshotId, TableName, commit_key, file_key
from lake.numbers import commit_seqs as commit_seqs
from lake.numbers import newest_first
from lake.resource import Failure
from lake.store import FETCHES, PARALLEL_REQUESTS, Store
from lake.verdict import Restored, Verdict

FORMAT = 2
# Commits of format 1 hold the fields of each table, those of format 2 name where they are stored.
FORMATS = (1, FORMAT)

# Commits that are asked for together, of each of which little is kept.
_TOGETHER = 64

# A lake of 500 tables with 100 files each has commits of 20 MB.
MAX_BYTES = 64 << 20

Count = Annotated[int, Meta(ge=0, le=2**63 - 1)]
Sha256 = Annotated[str, Meta(pattern=r"^[0-9a-f]{64}$(?!\n)")]
T = TypeVar("T")

# A generation, or another number that a table is partitioned by.
Partition = Annotated[int, Meta(ge=-(2**31), lt=2**31)]


@dataclass(frozen=True, slots=True)
class DataFile:
    """One Parquet file of a snapshot: its name below its table's folder, its partition's value, its size and hash."""

    name: FileName
    partition: Partition | str | None
    rows: Count
    bytes: Count
    sha256: Sha256


@dataclass(frozen=True, slots=True)
class Inferred:
    """Where the rows of an inferred table come from: a resource, and the list in its documents, if it is one."""

    resource: str
    rows: str = ""


@dataclass(frozen=True, slots=True)
class TableFiles:
    """One table of a snapshot: the name of its partition (None: it has none), its live files, and what its rows are.

    `schema` is the SHA-256 under which the list of its fields is stored; `nulls` counts the nulls of each field that
    has some (None: not counted). Commits of format 1 have both in `fields`, and no `schema`. A table that nobody
    declared is `inferred`, and the next snapshot keeps its columns.
    """

    partition: str | None
    files: Annotated[tuple[DataFile, ...], Meta(min_length=1)]
    fields: tuple[dict[str, Any], ...] = ()
    grain: str = ""
    primary_key: tuple[str, ...] = ()
    schema: Sha256 | None = None
    nulls: dict[str, Count] | None = None
    inferred: Inferred | None = None

    @property
    def rows(self) -> int:
        """How many rows the table has."""
        return sum(file.rows for file in self.files)

    @property
    def bytes(self) -> int:
        """How many bytes the table's files have."""
        return sum(file.bytes for file in self.files)


@dataclass(frozen=True, slots=True)
class SourceFacts:
    """The facts that a commit keeps of its source, and of the crawl that asked it.

    `answers` counts the answers of each upstream version; `version` is None if there were several, or none. `listed`
    are all resources that the source has, `resources` those that were crawled; `refused` gives the reason for each
    collection that could not be crawled. `declared` are the settings of the source that declare tables. `since` gives a
    time for each collection of which only what changed since then was listed; nothing of it was deleted. The earliest
    commits, all of PokeAPI, have no kind, answers, listed (None), refused, declared or since.
    """

    base_url: str = ""
    kind: str = "pokeapi"
    version: str | None = None
    answers: dict[str, Count] = field(default_factory=dict)
    listed: tuple[str, ...] | None = None
    resources: tuple[str, ...] = ()
    refused: dict[str, str] = field(default_factory=dict)
    requests: Count = 0
    declared: dict[str, Any] = field(default_factory=dict)
    since: dict[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Commit:
    """One published snapshot: everything that a reader or the next run needs to know about it.

    `changes` counts documents added, modified and deleted against the parent, by resource. `stale` names documents
    that could not be fetched and kept their last good version, `missing` those that never had one. `verdict` is that of
    a person on a snapshot that an audit had held back. One that `restores` an earlier snapshot has its files, and what
    is said of its source and its tables; it names no version of the source, so the next refresh asks for everything.
    """

    seq: CommitNumber
    snapshot: SnapshotId
    parent: SnapshotId | None
    committed_at: str
    tables: Annotated[dict[TableName, TableFiles], Meta(min_length=1)]
    source: SourceFacts
    run: dict[str, Any]
    fingerprint: str
    changes: dict[str, dict[str, Count]] = field(default_factory=dict)
    stale: tuple[Failure, ...] = ()
    missing: tuple[Failure, ...] = ()
    audits: tuple[dict[str, Any], ...] = ()
    verdict: Verdict | None = None
    restores: Restored | None = None
    format: int = FORMAT

    def keys(self) -> list[str]:
        """Return the key of every file of the snapshot."""
        return list(self.sizes())

    def sizes(self) -> dict[str, int]:
        """Return the bytes of every file of the snapshot, by its key."""
        return {
            file_key(self.snapshot, name, file.name): file.bytes
            for name, table in self.tables.items()
            for file in table.files
        }

    def totals(self) -> Counter[str]:
        """Return the counts of `changes`, summed over all resources."""
        totals = Counter[str]()
        for counts in self.changes.values():
            totals.update(counts)
        return totals

    def to_json(self) -> bytes:
        """Return the commit as the object's content: a line for each member, and one for each table."""
        members = msgspec.to_builtins(self)
        for table in members["tables"].values():
            for name in ("fields", "inferred"):
                if not table[name]:
                    del table[name]
        if not members["source"]["declared"]:
            del members["source"]["declared"]
        tables = members["tables"].items()
        lines = b",\n".join(b"  %b: %b" % (msgspec.json.encode(name), msgspec.json.encode(of)) for name, of in tables)
        members["tables"] = msgspec.Raw(b"{\n%b\n }" % lines)
        said = (b' "%b": %b' % (name.encode(), msgspec.json.encode(value)) for name, value in members.items())
        return b"{\n%b\n}" % b",\n".join(said)

    @classmethod
    def from_json(cls, body: bytes, uri: str) -> "Commit":
        """Read a commit's content; `uri` says where it came from.

        Raises:
            NoCommitError: The content is none that a writer makes.
            LakeError: It is a commit of a later format.
        """
        try:
            found = msgspec.json.decode(body, type=_Format).format
            if found not in FORMATS:
                raise LakeError(f"{uri}: expected commit format {FORMAT} or below, found {found}; upgrade Pokélake")
            commit = msgspec.json.decode(body, type=cls)
        except (msgspec.DecodeError, UnicodeDecodeError) as error:
            raise NoCommitError(uri, str(error)) from error
        except RecursionError as error:
            raise NoCommitError(uri, "it is nested too deeply") from error
        if finding := next(findings(commit), None):
            raise NoCommitError(uri, finding)
        return commit


class _Format(msgspec.Struct):
    format: Annotated[int, Meta(ge=1, le=999)]


def read_commit(store: Store, seq: int) -> Commit:
    """Return one commit.

    Raises:
        NoCommitError: The object is no commit, or not the one of its key.
        LakeError: It is a commit of a later format.
    """
    key = commit_key(seq)
    for _ in range(FETCHES - 1):
        body = _body(store, key)
        try:
            return _of_key(body, store.uri(key), seq)
        except NoCommitError:
            # No commit says which bytes it should have, so what comes twice is what is there.
            if _body(store, key) == body:
                raise
    return _of_key(_body(store, key), store.uri(key), seq)


def _body(store: Store, key: str) -> bytes:
    try:
        return store.get(key, MAX_BYTES)
    except OversizeError as error:
        raise NoCommitError(store.uri(key), str(error)) from error


def _of_key(body: bytes, uri: str, seq: int) -> Commit:
    commit = Commit.from_json(body, uri)
    if commit.seq != seq:
        raise NoCommitError(uri, f"it says that it is number {commit.seq}")
    return commit


def each_commit(store: Store, seqs: Iterable[int], take: Callable[[Commit], T]) -> Iterator[T]:
    """Yield what is taken of each commit; several are read at the same time, and none is kept.

    Raises:
        LakeError: One of them cannot be read.
    """
    return ahead(lambda seq: take(read_commit(store, seq)), seqs)


def ahead(ask: Callable[[int], T], seqs: Iterable[int], together: int = _TOGETHER) -> Iterator[T]:
    """Yield an answer for each number; several are asked for at the same time, and so many at most are kept."""
    pending = iter(seqs)
    with ThreadPoolExecutor(PARALLEL_REQUESTS, "commits") as pool:
        while batch := list(islice(pending, together)):
            yield from pool.map(ask, batch)


def head(store: Store, known: Commit | None = None) -> Commit | None:
    """Return the current commit; None if nothing was ever published.

    If it is one that is `known` already, it is not read again, because no commit ever changes.

    Raises:
        LakeError: It is a commit of a later format, which nobody may pass over.
    """

    def read(seq: int) -> Commit:
        return known if known is not None and known.seq == seq else read_commit(store, seq)

    return first(newest_first(store), read)


def parent_of(store: Store, commit: Commit) -> Commit | None:
    """Return the commit that a snapshot followed; None for the first snapshot, and if that commit was forgotten."""
    if commit.parent is None:
        return None
    # Numbers between the two may have been passed over.
    found = first(newest_first(store, commit.seq), partial(read_commit, store))
    return found if found is not None and found.snapshot == commit.parent else None


def read_file(store: Store, snapshot: str, table: str, file: DataFile) -> bytes:
    """Return the content of one file of a published table.

    Raises:
        DamagedObjectError: Its content is not the one that its commit names.
        MissingObjectError: It is gone.
    """
    return store.whole(file_key(snapshot, table, file.name), file.sha256)
