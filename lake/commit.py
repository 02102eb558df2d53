"""The commit log: creating ``commits/<seq>.json`` publishes a snapshot of all tables; the highest is current."""

from collections import Counter
from dataclasses import dataclass, field
from hashlib import sha256
from typing import Any

import msgspec

from lake.errors import LakeError, StoreError
from lake.layout import COMMITS, commit_key, commit_seq, file_key
from lake.resource import Failure
from lake.store import Store

FORMAT = 1


@dataclass(frozen=True, slots=True)
class DataFile:
    """One Parquet file of a snapshot: its name below its table's folder, its partition's value, its size and hash."""

    name: str
    partition: int | str | None
    rows: int
    bytes: int
    sha256: str


@dataclass(frozen=True, slots=True)
class TableFiles:
    """One table of a snapshot: the name of its partition (None: one file), its live files, rows, and schema."""

    partition: str | None
    files: tuple[DataFile, ...]
    fields: tuple[dict[str, Any], ...]
    grain: str = ""
    primary_key: tuple[str, ...] = ()

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
    collection that could not be crawled. The earliest commits, all of PokeAPI, have no kind, answers, listed (None) or
    refused.
    """

    base_url: str = ""
    kind: str = "pokeapi"
    version: str | None = None
    answers: dict[str, int] = field(default_factory=dict)
    listed: tuple[str, ...] | None = None
    resources: tuple[str, ...] = ()
    refused: dict[str, str] = field(default_factory=dict)
    requests: int = 0


@dataclass(frozen=True, slots=True)
class Commit:
    """One published snapshot: everything that a reader or the next run needs to know about it.

    `changes` counts documents added, modified and deleted against the parent, by resource. `stale` names documents
    that could not be fetched and kept their last good version, `missing` those that never had one.
    """

    seq: int
    snapshot: str
    parent: str | None
    committed_at: str
    tables: dict[str, TableFiles]
    source: SourceFacts
    run: dict[str, Any]
    fingerprint: str
    changes: dict[str, dict[str, int]] = field(default_factory=dict)
    stale: tuple[Failure, ...] = ()
    missing: tuple[Failure, ...] = ()
    audits: tuple[dict[str, Any], ...] = ()
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
        """Return the commit as the object's content."""
        return msgspec.json.format(msgspec.json.encode(self), indent=1)

    @classmethod
    def from_json(cls, body: bytes, uri: str) -> "Commit":
        """Read a commit's content; `uri` says where it came from.

        Raises:
            LakeError: The content is not a commit of a format that this version reads.
        """
        try:
            found = msgspec.json.decode(body, type=_Format).format
            if found != FORMAT:
                raise LakeError(f"{uri}: expected commit format {FORMAT}, found {found}; upgrade Pokélake")
            return msgspec.json.decode(body, type=cls)
        except (msgspec.DecodeError, UnicodeDecodeError) as error:
            raise LakeError(f"{uri}: expected a commit, found an object that is none: {error}") from error


class _Format(msgspec.Struct):
    format: int


def commit_seqs(store: Store) -> list[int]:
    """Return the sequence numbers of all commits, oldest first."""
    return [seq for item in store.list(COMMITS) if (seq := commit_seq(item.key)) is not None]


def read_commit(store: Store, seq: int) -> Commit:
    """Return one commit."""
    key = commit_key(seq)
    return Commit.from_json(store.get(key), store.uri(key))


def head(store: Store) -> Commit | None:
    """Return the current commit; None if nothing was ever published."""
    seqs = commit_seqs(store)
    return read_commit(store, seqs[-1]) if seqs else None


def read_file(store: Store, snapshot: str, table: str, file: DataFile) -> bytes:
    """Return the content of one file of a published table.

    Raises:
        StoreError: Its content is not the one that its commit names.
    """
    key = file_key(snapshot, table, file.name)
    body = store.get(key)
    if sha256(body).hexdigest() != file.sha256:
        raise StoreError(
            f"{store.uri(key)}: expected the content with SHA-256 {file.sha256}, found another; put back the object"
            " as it was published, because nothing can be built on a damaged one"
        )
    return body
