"""What merging leads to: every resource's documents in the parent and in the snapshot in the making."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace

import pyarrow as pa

from lake.assemble.index import SCHEMA, Index, index_of_files, replaced_rows, write_index
from lake.assemble.lost import lost_findings
from lake.assemble.piece import KINDS, SELF_DESCRIPTION, MergedPiece
from lake.assemble.ranges import Range
from lake.assemble.shared import SharedRows, read_shared
from lake.assemble.stored import StoredFile, open_documents
from lake.commit import Commit
from lake.documents import DOCUMENT_INDEX, DOCUMENTS, DOCUMENTS_PARTITION
from lake.publish import Finding, SnapshotWriter
from lake.resource import IdentityChange
from lake.store import Store


@dataclass(frozen=True, slots=True)
class MergedResource:
    """One resource's documents in the parent and in the snapshot in the making, and how they differ.

    `before` and `after` are its files; what did not change is the parent's file in both. `before` has none if one of
    its files is damaged.
    """

    resource: str
    before: tuple[StoredFile, ...]
    after: tuple[StoredFile, ...]
    changes: Mapping[str, int] = field(default_factory=lambda: dict.fromkeys(KINDS, 0))
    deleted: tuple[str, ...] = ()
    identities: tuple[IdentityChange, ...] = ()
    findings: tuple[Finding, ...] = ()
    # Documents that this crawl and another run, which published meanwhile, both changed, so that the other run's are
    # kept, and one more if the other run changed any.
    contested: int = 0

    @property
    def is_changed(self) -> bool:
        """Whether a document was added, modified or deleted."""
        return any(self.changes[kind] for kind in ("added", "modified", "deleted"))

    @property
    def rows_before(self) -> int:
        """How many documents it had in the parent."""
        return sum(stored.file.rows for stored in self.before)

    @property
    def rows(self) -> int:
        """How many documents it has."""
        return sum(stored.file.rows for stored in self.after)

    @property
    def replaced(self) -> tuple[tuple[StoredFile, ...], tuple[StoredFile, ...]]:
        """The files before that are no longer there after, and the files after that were not there before."""
        old, new = ({stored.file.sha256 for stored in files} for files in (self.before, self.after))
        gone = tuple(stored for stored in self.before if stored.file.sha256 not in new)
        return gone, tuple(stored for stored in self.after if stored.file.sha256 not in old)


@dataclass(frozen=True, slots=True)
class Merging:
    """What merging led to: every resource, and what is known of the index of documents.

    `index` is the parent's, None if it has none; `staged` are the rows of the documents that are new or have changed.
    """

    store: Store
    parent: Commit | None
    resources: Mapping[str, MergedResource]
    index: Index | None
    staged: tuple[SharedRows, ...]

    @property
    def is_same(self) -> bool:
        """Whether every document is the parent's."""
        return all(item.before == item.after for item in self.resources.values())

    def ids_before(self, resource: str) -> pa.Array:
        """Return the ids of a resource's documents in the parent."""
        if self.index is not None:
            return self.index.ids(resource) if self.resources[resource].before else pa.array([], pa.int64())
        return open_documents(self.store, self.resources[resource].before).ids()

    def index_after(self, is_anew: bool = False) -> Index:
        """Return the index of the snapshot in the making; with `is_anew` of its documents alone."""
        came = pa.concat_tables([SCHEMA.empty_table(), *(read_shared(self.store, one) for one in self.staged)])
        came = Index.of(came.sort_by([(name, "ascending") for name in ("resource_name", "id", "path")]))
        rows = dict[str, pa.Table]()
        for name, item in self.resources.items():
            if self.index is None or is_anew:
                every = index_of_files(self.store, item.after)
            else:
                every = self.index.of_resource(name) if item.before else SCHEMA.empty_table()
                every = replaced_rows(every, came.of_resource(name), item.deleted)
            if len(every):
                rows[name] = every
        return Index(rows)


def joined(resource: MergedResource, ranges: Sequence[Range], pieces: Mapping[int, MergedPiece]) -> MergedResource:
    """Return a resource as its ranges leave it, some of which were merged."""
    after = list[StoredFile]()
    for one in ranges:
        if one.number in pieces:
            after += pieces[one.number].after
        elif one.before:
            after.append(one.before.numbered(one.number))
    return _with_changes(replace(resource, after=tuple(after)), list(pieces.values()))


def _with_changes(resource: MergedResource, pieces: Sequence[MergedPiece]) -> MergedResource:
    return replace(
        resource,
        changes={kind: sum(piece.changes[kind] for piece in pieces) for kind in KINDS},
        deleted=tuple(path for piece in pieces for path in piece.deleted),
        identities=tuple(change for piece in pieces for change in piece.identities),
        findings=(
            *(finding for piece in pieces for finding in piece.findings),
            *lost_findings(resource.resource, [lost for piece in pieces for lost in piece.lost]),
        ),
        contested=resource.contested + sum(piece.contested for piece in pieces),
    )


def changed(merged: Mapping[str, MergedResource]) -> set[str]:
    """Return the resources whose documents changed; none if only the source's self-description did."""
    names = {name for name, item in merged.items() if item.is_changed}
    return set() if names <= {SELF_DESCRIPTION} else names


def write_merged(writer: SnapshotWriter, snapshot: str, merging: Merging, index: Index, is_index_new: bool) -> None:
    """Carry over the documents that did not change, describe the table of all documents, and write their index."""
    stored = [one for item in merging.resources.values() for one in item.after]
    for one in stored:
        if one.snapshot != snapshot:
            writer.copy(DOCUMENTS.name, one.file, one.snapshot, one.placed.name)
    writer.tables[DOCUMENTS.name] = writer.describe(DOCUMENTS, DOCUMENTS_PARTITION, [one.placed for one in stored])
    if merging.index is not None and merging.is_same and not is_index_new:
        writer.carry(DOCUMENT_INDEX.name)
        return
    like = {one.file.name: one for one in writer.listed([DOCUMENT_INDEX.name]).get(DOCUMENT_INDEX.name, ())}
    files = write_index(index, lambda file: writer.put(DOCUMENT_INDEX.name, file, like.get(file.name)))
    writer.tables[DOCUMENT_INDEX.name] = writer.describe(DOCUMENT_INDEX, None, files)
