"""Merging one range of ids of a resource's documents, and the unit of work that merges several of them."""

from bisect import bisect_left
from collections.abc import Iterator
from dataclasses import replace
from itertools import pairwise, repeat

import msgspec
import pyarrow as pa
import pyarrow.compute as pc

from lake import documents
from lake.assemble.lost import Lost, LostRows
from lake.assemble.staging import Staged, read_staged
from lake.assemble.stored import StoredFile, open_documents
from lake.documents import DOCUMENTS, DOCUMENTS_PARTITION
from lake.layout import file_key, part_name
from lake.publish import EncodedFile, FileStyle, Finding, TableWriter, audit_table
from lake.resource import IdentityChange
from lake.store import Store
from lake.tables import catalog_of

# A row group is one page, as long as zstd looks back, so everything in it is compressed together. A range is one file.
DOCUMENTS_STYLE = FileStyle(
    page_bytes=documents.PAGE_BYTES,
    use_dictionary=False,
    measured="body",
    row_group_bytes=documents.PAGE_BYTES,
    part_bytes=0,
)

# The kinds of change that a commit counts: each resource's documents against the parent's.
KINDS = ("added", "modified", "deleted", "reordered")

# The resource in which a source describes itself, such as its version. It differs in every release, and that alone is
# no change of the data.
SELF_DESCRIPTION = "meta"


class Piece(msgspec.Struct, frozen=True):
    """One range of ids of a resource's documents, both ends included, and all that it takes to merge it.

    `number` is that of the file in the making; `before` are the parent's files of this range, `staged` the objects with
    fetched documents, `gone` the ids of documents that are gone. `began` are the resource's files that the crawl began
    from if another run has published since, None if `before` are those. Fetched documents with `rejected` ids are
    omitted.
    """

    resource: str
    number: int
    low: int
    high: int
    before: tuple[StoredFile, ...]
    began: tuple[StoredFile, ...] | None
    staged: tuple[Staged, ...]
    gone: tuple[int, ...] = ()
    rejected: tuple[int, ...] = ()

    @property
    def staged_bytes(self) -> int:
        """The bytes of JSON that were staged."""
        return sum(staged.json_bytes for staged in self.staged)


class MergeUnit(msgspec.Struct, frozen=True, tag="merge"):
    """A unit of work: merge some ranges of documents, and write those that changed into the snapshot."""

    number: int
    snapshot: str
    kind: str
    pieces: tuple[Piece, ...]

    @property
    def weight(self) -> int:
        """About how many bytes it holds at a time: the largest staged object, and the row groups beside it."""
        staged = max((staged.json_bytes for piece in self.pieces for staged in piece.staged), default=0)
        return 2 * staged + 3 * documents.PAGE_BYTES


class MergedPiece(msgspec.Struct, frozen=True):
    """One merged range: its files, those before if nothing changed, and how its documents differ from those before."""

    resource: str
    number: int
    after: tuple[StoredFile, ...]
    changes: dict[str, int]
    deleted: tuple[str, ...] = ()
    identities: tuple[IdentityChange, ...] = ()
    findings: tuple[Finding, ...] = ()
    lost: tuple[Lost, ...] = ()
    contested: int = 0


class MergeResult(msgspec.Struct, frozen=True, tag="merged"):
    """The outcome of a unit that merges."""

    number: int
    pieces: tuple[MergedPiece, ...]


def merge_unit(store: Store, unit: MergeUnit) -> MergeResult:
    """Merge the ranges of a unit one after the other.

    Raises:
        StoreError: A staged object is not what its manifest says.
    """
    return MergeResult(unit.number, tuple(merge_piece(store, unit.snapshot, unit.kind, piece) for piece in unit.pieces))


def merge_piece(store: Store, snapshot: str, kind: str, piece: Piece) -> MergedPiece:
    """Merge the staged documents of one range into those before; write them into the snapshot if they changed.

    Raises:
        StoreError: A staged object is not what its manifest says.
    """
    resource, catalog = piece.resource, catalog_of(kind)
    written: list[EncodedFile] = []
    writer = TableWriter(DOCUMENTS, DOCUMENTS_PARTITION, "resource_name", DOCUMENTS_STYLE, written.append)
    ordered, lost = catalog.keeps_order(resource), LostRows(catalog, resource)
    changes, contested = dict.fromkeys(KINDS, 0), 0
    deleted: list[str] = []
    identities: list[IdentityChange] = []
    for rows, staged, base in _ranges(store, piece):
        fetched = staged
        if piece.rejected:
            fetched = fetched.filter(pc.invert(pc.is_in(fetched["id"], pa.array(piece.rejected, pa.int64()))))
        merged = documents.merge(rows, fetched, piece.gone, ordered, base)
        contested += merged.contested
        for change in KINDS:
            changes[change] += getattr(merged, change)
        deleted += rows["path"].filter(pc.invert(pc.is_in(rows["path"], merged.rows["path"]))).to_pylist()
        identities += merged.identities
        if merged.modified and resource != SELF_DESCRIPTION:
            lost.add(merged.before, merged.after)
        if merged.rows.num_rows:
            writer.add(merged.rows)
    if not (changes["added"] or changes["modified"] or changes["deleted"]):
        return MergedPiece(resource, piece.number, piece.before, changes, contested=contested)
    after: tuple[StoredFile, ...] = ()
    if writer.check.rows:
        writer.close()
        [encoded] = written
        file = replace(encoded.data_file, name=part_name(DOCUMENTS_PARTITION, resource, piece.number))
        store.create(file_key(snapshot, DOCUMENTS.name, file.name), encoded.body)
        after = (StoredFile(snapshot, file),)
    findings = tuple(audit_table(DOCUMENTS, writer.check.checked({}), None))
    return MergedPiece(
        resource,
        piece.number,
        after,
        changes,
        tuple(deleted),
        tuple(identities),
        findings,
        lost.found(),
        contested,
    )


def _ranges(store: Store, piece: Piece) -> Iterator[tuple[pa.Table, pa.Table, pa.Table | None]]:
    """Yield the parent's documents, the fetched ones, and those that the crawl began from, range by range of ids.

    A range ends where a staged object of the first round or a row group of the parent does, so none is longer than
    either.
    """
    first = sorted((staged for staged in piece.staged if not staged.is_second), key=lambda staged: staged.last_id)
    second = pa.concat_tables(
        [documents.SCHEMA.empty_table(), *(read_staged(store, staged) for staged in piece.staged if staged.is_second)]
    )
    parent = open_documents(store, piece.before)
    # Documents of the parent with higher ids than the last object's belong to that object's ranges.
    ends = [staged.last_id for staged in first[:-1]]
    cuts = sorted({end + 1 for end in ends} | set(parent.starts()[1:]))
    cuts = [cut for cut in cuts if piece.low < cut <= piece.high]
    bounds = [(low, high - 1) for low, high in pairwise([piece.low, *cuts, piece.high + 1])]
    loaded, rows_of = -1, documents.SCHEMA.empty_table()
    base = repeat(None, len(bounds)) if piece.began is None else open_documents(store, piece.began).between(bounds)
    for (low, high), rows, base_rows in zip(bounds, parent.between(bounds), base, strict=True):
        place = bisect_left(ends, low)
        if place != loaded and first:
            loaded, rows_of = place, read_staged(store, first[place])
        yield rows, pa.concat_tables([_inside(rows_of, low, high), _inside(second, low, high)]), base_rows


def _inside(rows: pa.Table, low: int, high: int) -> pa.Table:
    """Return the rows of a range of ids, both ends included; no copy if that is all rows, because bodies are large."""
    inside = pc.and_(pc.greater_equal(rows["id"], low), pc.less_equal(rows["id"], high))
    return rows if pc.all(inside).as_py() is not False else rows.filter(inside)
