"""Merging one range of ids of a resource's documents, and the unit of work that merges several of them."""

from bisect import bisect_right
from collections.abc import Iterator, Sequence
from dataclasses import replace
from functools import partial
from itertools import pairwise, repeat

import msgspec
import pyarrow as pa
import pyarrow.compute as pc

from lake import documents
from lake.assemble.lost import Lost, LostRows
from lake.assemble.ranges import PART_JSON_BYTES
from lake.assemble.shared import SharedRows, share
from lake.assemble.staging import Staged, read_staged
from lake.assemble.stored import StoredFile, find_shared, open_documents, write_documents
from lake.commit import DataFile
from lake.documents import DOCUMENTS, DOCUMENTS_PARTITION
from lake.layout import part_name
from lake.publish import EncodedFile, FileStyle, Finding, TableWriter, audit_table
from lake.resource import IdentityChange
from lake.store import Store
from lake.tables import Catalog, catalog_of
from lake.tables.inferred.stored import InferredTable

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

    `before` are the parent's files of this range, `staged` the objects with fetched documents, `gone` the ids of
    documents that are gone. `began` are the resource's files that the crawl began from if another run has published
    since, None if `before` are those. Fetched documents with `rejected` ids are omitted. The documents go into a file
    of this `number`, those from the first of `cuts` on into the next one, and so on.
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
    cuts: tuple[int, ...] = ()

    @property
    def staged_bytes(self) -> int:
        """About how many bytes of JSON were staged for it; an object may have documents of the next range as well."""
        return min(sum(staged.json_bytes for staged in self.staged), (1 + len(self.cuts)) * PART_JSON_BYTES)


class MergeUnit(msgspec.Struct, frozen=True, tag="merge"):
    """A unit of work: merge some ranges of documents, and write those that changed into the snapshot.

    `inferred` are the parent's tables of these documents that nobody declared.
    """

    number: int
    snapshot: str
    kind: str
    pieces: tuple[Piece, ...]
    inferred: tuple[InferredTable, ...] = ()

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
    """The outcome of a unit that merges; `index` has the rows that its new and changed documents have in the index."""

    number: int
    pieces: tuple[MergedPiece, ...]
    index: SharedRows | None = None


def merge_unit(store: Store, unit: MergeUnit) -> MergeResult:
    """Merge the ranges of a unit one after the other.

    Raises:
        StoreError: A staged object is not what its manifest says.
    """
    reader, index, merged = _Reader(store, unit.snapshot), list[pa.Table](), list[MergedPiece]()
    catalog = catalog_of(unit.kind, unit.inferred)
    for piece in unit.pieces:
        found, rows = merge_piece(store, unit.snapshot, catalog, piece, reader)
        merged.append(found)
        index += rows
    staged = share(store, unit.snapshot, "index", pa.concat_tables(index)) if index else None
    return MergeResult(unit.number, tuple(merged), staged)


def merge_piece(
    store: Store, snapshot: str, catalog: Catalog, piece: Piece, reader: "_Reader"
) -> tuple[MergedPiece, list[pa.Table]]:
    """Merge the staged documents of one range into those before; write them into the snapshot if they changed.

    With it comes what the index must say of those that are new or have changed.

    Raises:
        StoreError: A staged object is not what its manifest says.
    """
    resource = piece.resource
    output = _Output(store, snapshot, piece)
    ordered, lost = catalog.keeps_order(resource), LostRows(catalog, resource)
    changes, contested = dict.fromkeys(KINDS, 0), 0
    deleted: list[str] = []
    index: list[pa.Table] = []
    identities: list[IdentityChange] = []
    for low, rows, staged, base in _ranges(store, snapshot, piece, reader):
        fetched = staged
        if piece.rejected:
            fetched = fetched.filter(pc.invert(pc.is_in(fetched["id"], pa.array(piece.rejected, pa.int64()))))
        merged = documents.merge(rows, fetched, piece.gone, ordered, base)
        contested += merged.contested
        for change in KINDS:
            changes[change] += getattr(merged, change)
        deleted += rows["path"].filter(pc.invert(pc.is_in(rows["path"], merged.rows["path"]))).to_pylist()
        identities += merged.identities
        if len(merged.taken):
            index.append(documents.index_rows(merged.taken))
        if merged.modified and resource != SELF_DESCRIPTION:
            lost.add(merged.before, merged.after)
        output.add(low, merged.rows)
    if not (changes["added"] or changes["modified"] or changes["deleted"]):
        before = tuple(stored.numbered(piece.number) for stored in piece.before)
        return MergedPiece(resource, piece.number, before, changes, contested=contested), []
    return MergedPiece(
        resource,
        piece.number,
        output.write(),
        changes,
        tuple(deleted),
        tuple(identities),
        tuple(output.findings),
        lost.found(),
        contested,
    ), index


class _Output:
    """The files of one range, encoded one after the other, and written when it is known that something changed."""

    def __init__(self, store: Store, snapshot: str, piece: Piece) -> None:
        self.findings: list[Finding] = []
        self._store, self._snapshot, self._piece = store, snapshot, piece
        self._files: list[tuple[DataFile, bytes]] = []
        self._number = piece.number
        self._writer = self._new_writer()

    def _new_writer(self) -> TableWriter:
        # Not a method of this object: a circle with its writer would keep the files until garbage is looked for.
        name, files = part_name(DOCUMENTS_PARTITION, self._piece.resource, self._number), self._files

        def finish(encoded: EncodedFile) -> None:
            files.append((replace(encoded.data_file, name=name), encoded.body))

        return TableWriter(DOCUMENTS, DOCUMENTS_PARTITION, "resource_name", DOCUMENTS_STYLE, finish)

    def add(self, low: int, rows: pa.Table) -> None:
        """Add the documents of a range that begins with this id, and goes beyond no cut."""
        number = self._piece.number + bisect_right(self._piece.cuts, low)
        if number != self._number:
            self._close()
            self._number = number
            self._writer = self._new_writer()
        if rows.num_rows:
            self._writer.add(rows)

    def _close(self) -> None:
        self.findings += audit_table(DOCUMENTS, self._writer.check.checked({}), None)
        if self._writer.check.rows:
            self._writer.close()

    def write(self) -> tuple[StoredFile, ...]:
        """Write the files into the snapshot."""
        self._close()
        return tuple(write_documents(self._store, self._snapshot, file, body) for file, body in self._files)


class _Reader:
    """Reads staged objects for ranges of ascending ids; holds those that a later range may need as well."""

    def __init__(self, store: Store, snapshot: str) -> None:
        self._store, self._snapshot = store, snapshot
        self._held: dict[Staged, pa.Table] = {}

    def read(self, staged: Sequence[Staged], low: int, high: int) -> pa.Table:
        """Return the documents of some objects in a range of ids; what lies below it is not asked for again."""
        wanted = [one for one in staged if one.first_id <= high and one.last_id >= low]
        self._held = {one: rows for one, rows in self._held.items() if one in wanted}
        for one in wanted:
            if one not in self._held:
                find = partial(find_shared, self._store, self._snapshot) if one.is_small else None
                self._held[one] = read_staged(self._store, one, find)
        return pa.concat_tables(
            [documents.SCHEMA.empty_table(), *(_inside(self._held[one], low, high) for one in wanted)]
        )


def _ranges(
    store: Store, snapshot: str, piece: Piece, reader: _Reader
) -> Iterator[tuple[int, pa.Table, pa.Table, pa.Table | None]]:
    """Yield the parent's documents, the fetched ones, and those that the crawl began from, range by range of ids.

    A range ends where a staged object or a row group of the parent does, so none is longer than either. Each comes with
    its least id.
    """
    parent = open_documents(store, piece.before, snapshot)
    ends = {staged.last_id + 1 for staged in piece.staged}
    cuts = sorted(cut for cut in {*ends, *parent.starts()[1:], *piece.cuts} if piece.low < cut <= piece.high)
    bounds = [(low, high - 1) for low, high in pairwise([piece.low, *cuts, piece.high + 1])]
    base = repeat(None, len(bounds)) if piece.began is None else open_documents(store, piece.began).between(bounds)
    for (low, high), rows, base_rows in zip(bounds, parent.between(bounds), base, strict=True):
        yield low, rows, reader.read(piece.staged, low, high), base_rows


def _inside(rows: pa.Table, low: int, high: int) -> pa.Table:
    """Return the rows of a range of ids, both ends included; no copy if that is all rows, because bodies are large."""
    inside = pc.and_(pc.greater_equal(rows["id"], low), pc.less_equal(rows["id"], high))
    return rows if pc.all(inside).as_py() is not False else rows.filter(inside)
