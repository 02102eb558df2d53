"""What a page says of the snapshot itself: what is in it, what changed, what was found, and what its crawl took."""

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, field
from functools import partial
from itertools import islice
from typing import Any

from lake.accept import accepted
from lake.commit import Commit, TableFiles, ahead, parent_of, read_commit
from lake.numbers import newest_first
from lake.report.rows import Rows
from lake.resource import Failure
from lake.store import PARALLEL_REQUESTS, Store

# Snapshots over which a page looks back, the newest ones; each is a request.
SNAPSHOTS = 200

# Documents that are compared one by one; a million would take a gigabyte.
_HELD = 200_000
_NONE = TableFiles(None, ())

KINDS = ("added", "modified", "deleted", "reordered")

# A document in the index: its resource, its id, its path.
Place = tuple[str, int, str]


@dataclass(frozen=True)
class Grown:
    """One table: its rows and bytes, and by how many rows it grew since the parent (None: nobody knows)."""

    name: str
    rows: int
    bytes: int
    grown: int | None
    grain: str


@dataclass(frozen=True)
class Moment:
    """One snapshot of the history: when it was published, what it changed, and what it held."""

    snapshot: str
    committed_at: str
    added: int
    modified: int
    deleted: int
    documents: int
    rows: int
    bytes: int
    requests: int

    @property
    def day(self) -> str:
        """The day on which it was published."""
        return self.committed_at[:10]


@dataclass(frozen=True)
class Brought:
    """The documents of the crawl: the bytes of those that are new or other than before, and which came and went."""

    documents: int
    bytes: int
    added: list[Place]
    deleted: list[Place]
    is_compared: bool


@dataclass(frozen=True)
class Facts:
    """Everything that commits and the index of documents say of a snapshot."""

    commit: Commit
    parent: Commit | None
    tables: list[Grown]
    resources: list[tuple[str, int]]
    changes: list[tuple[str, dict[str, int]]]
    moments: list[Moment]
    brought: Brought | None
    json_bytes: int | None
    failed: list[tuple[str, str, Failure]] = field(default_factory=list)

    @property
    def documents(self) -> int:
        """How many documents the snapshot holds."""
        return sum(count for _, count in self.resources)

    @property
    def rows(self) -> int:
        """How many rows all tables have, those of the documents among them."""
        return sum(table.rows for table in self.tables)

    @property
    def bytes(self) -> int:
        """How many bytes the snapshot's files have."""
        return sum(table.bytes for table in self.tables)

    @property
    def grown(self) -> list[Grown]:
        """The tables that grew or shrank, by how much."""
        return sorted((one for one in self.tables if one.grown), key=lambda one: (-abs(one.grown or 0), one.name))

    @property
    def largest(self) -> list[Grown]:
        """The snapshot's tables, the one with the most rows first."""
        return sorted(
            (one for one in self.tables if one.name in self.commit.tables), key=lambda one: (-one.rows, one.name)
        )


def gather(rows: Rows) -> Facts:
    """Return the facts of a snapshot, compared with its parent and with those before it."""
    commit, store = rows.commit, rows.lake.store
    parent = parent_of(store, commit)
    index = _index(rows)
    changes = {name: counts for name, counts in commit.changes.items() if any(counts.values())}
    return Facts(
        commit=commit,
        parent=parent,
        tables=_compared(commit, parent),
        resources=_resources(commit),
        changes=sorted(changes.items(), key=lambda item: (-sum(item[1].values()), item[0])),
        moments=_moments(store, commit),
        brought=_brought(rows, parent, index),
        json_bytes=sum(size for _, size in index.values()) if index else None,
        failed=[
            *((failure.path, "kept from before", failure) for failure in commit.stale),
            *((failure.path, "missing", failure) for failure in commit.missing),
        ],
    )


def _compared(commit: Commit, parent: Commit | None) -> list[Grown]:
    before = parent.tables if parent else {}
    found = []
    for name in sorted(commit.tables.keys() | before.keys()):
        now, then = commit.tables.get(name), before.get(name)
        count, size = (now.rows, now.bytes) if now else (0, 0)
        grown = count - (then.rows if then else 0) if parent else None
        found.append(Grown(name, count, size, grown, now.grain if now else ""))
    return found


def _resources(commit: Commit) -> list[tuple[str, int]]:
    """Return the resources and how many documents each has, the largest first, as the files' partitions say."""
    counts = Counter[str]()
    for file in commit.tables["documents"].files if "documents" in commit.tables else ():
        counts[str(file.partition)] += file.rows
    return sorted(((name, count) for name, count in counts.items() if count), key=lambda one: (-one[1], one[0]))


def _moments(store: Store, commit: Commit) -> list[Moment]:
    """Return the snapshot and those before it, the oldest first."""
    read = partial(read_commit, store)
    before = ahead(lambda seq: accepted(seq, read), newest_first(store, commit.seq), PARALLEL_REQUESTS)
    past = (_moment(one) for one in before if one is not None)
    return [_moment(commit), *islice(past, SNAPSHOTS - 1)][::-1]


def _moment(commit: Commit) -> Moment:
    totals = commit.totals()
    tables = commit.tables.values()
    return Moment(
        snapshot=commit.snapshot,
        committed_at=commit.committed_at,
        added=totals["added"],
        modified=totals["modified"],
        deleted=totals["deleted"],
        documents=commit.tables["documents"].rows if "documents" in commit.tables else 0,
        rows=sum(table.rows for table in tables),
        bytes=sum(table.bytes for table in tables),
        requests=commit.source.requests,
    )


def _index(rows: Rows) -> dict[Place, tuple[str | None, int]]:
    """Return ETag and bytes of every document of a snapshot.

    There is nothing if earlier code wrote it without its index, or if there are too many to be held at once.
    """
    if rows.commit.tables.get("document_index", _NONE).rows > _HELD:
        return {}
    found = rows.of("document_index", "resource_name", "id", "path", "etag", "bytes")
    return {(row["resource_name"], row["id"], row["path"]): (row["etag"], row["bytes"]) for row in found}


def _brought(rows: Rows, parent: Commit | None, index: dict[Place, Any]) -> Brought | None:
    if not index or (parent is None and rows.commit.parent is not None):
        return None
    before = _index(Rows(rows.lake.at(parent.snapshot))) if parent else {}
    if parent and not before:
        return None
    new = [size for place, (etag, size) in index.items() if etag is None or before.get(place, ("", 0))[0] != etag]
    return Brought(
        documents=len(new),
        bytes=sum(new),
        added=_ordered(index.keys() - before.keys()) if parent else [],
        deleted=_ordered(before.keys() - index.keys()),
        is_compared=parent is not None,
    )


def _ordered(places: Iterable[Place]) -> list[Place]:
    return sorted(places)
