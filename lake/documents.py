"""Documents as they were received, byte for byte, and the merging of a crawl's documents with the parent's."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from hashlib import sha256
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from lake.canonical import is_same_thing, name_of, same_content
from lake.resource import AtHand, Document, IdentityChange
from lake.schema import RESOURCE, Field, Table

# Bodies are long and alike: a page is one zstd frame, so small pages would forget what they have in common.
PAGE_BYTES = 8 << 20

DOCUMENTS = Table(
    name="documents",
    grain="one row per document, as received",
    resources=(),
    primary_key=("resource_name", "id", "path"),
    fields=(
        Field("resource_name", pa.string(), "The collection it belongs to."),
        Field("id", pa.int64(), "Its id within the resource; of a source with other ids than numbers, their hash."),
        Field("path", pa.string(), "Where it lies below the base URL: pokemon/25."),
        Field("etag", pa.string(), "ETag it was sent with. Null: none.", nullable=True),
        Field("fetched_at", pa.timestamp("ms", "UTC"), "When this content was first received."),
        Field("sha256", pa.string(), "SHA-256 of the body, in hexadecimal."),
        Field("body", pa.string(), "The JSON, byte for byte as UTF-8."),
    ),
)
DOCUMENT_INDEX = Table(
    name="document_index",
    grain="one row per document: what a crawl must know of it, without its body",
    resources=(),
    primary_key=("resource_name", "id", "path"),
    fields=(
        Field("resource_name", pa.string(), "The collection it belongs to.", RESOURCE),
        *(DOCUMENTS.field(name) for name in ("id", "path", "etag")),
        Field("bytes", pa.int64(), "Length of the body.", unit="byte"),
    ),
)
# The partition's name in the path; resource names are checked before they become part of a key.
DOCUMENTS_PARTITION = "resource"
SCHEMA = DOCUMENTS.schema


def digest(body: bytes) -> str:
    """Return the SHA-256 of a body, in hexadecimal."""
    return sha256(body).hexdigest()


def to_arrow(documents: Sequence[Document]) -> pa.Table:
    """Return documents as rows of `DOCUMENTS`, sorted by id and path."""
    ordered = sorted(documents, key=lambda document: (document.id, document.path))
    columns = {
        "resource_name": [document.resource for document in ordered],
        "id": [document.id for document in ordered],
        "path": [document.path for document in ordered],
        "etag": [document.etag for document in ordered],
        "fetched_at": [document.fetched_at for document in ordered],
        "sha256": [digest(document.body) for document in ordered],
        # Bytes that are cast take a third of the time of bytes that are taken for texts one by one.
        "body": pa.array([document.body for document in ordered], pa.binary()).cast(pa.string()),
    }
    return pa.Table.from_pydict(columns, schema=SCHEMA)


def index_rows(rows: pa.Table) -> pa.Table:
    """Return the rows of `DOCUMENT_INDEX` of some documents."""
    sizes = pc.cast(pc.binary_length(rows["body"]), pa.int64())
    columns = [rows[name] for name in DOCUMENT_INDEX.schema.names[:-1]]
    return pa.Table.from_arrays([*columns, sizes], schema=DOCUMENT_INDEX.schema)


@dataclass(frozen=True, slots=True)
class Merged:
    """The documents that hold after a crawl, sorted by id and path, and how they differ from the parent's.

    `reordered` counts fetched documents that differ from the parent's only in order; the parent's are kept. `contested`
    counts those that the crawl and another run both changed: nobody knows which asked later. `taken` are the fetched
    documents that are among the rows. `before` and `after` are the modified documents as they were and as they are, by
    id and path.
    """

    rows: pa.Table
    added: int
    modified: int
    deleted: int
    reordered: int
    identities: tuple[IdentityChange, ...]
    contested: int = 0
    taken: pa.Table = field(default=None, compare=False)
    before: pa.Table = field(default=None, compare=False)
    after: pa.Table = field(default=None, compare=False)


def merge(
    parent: pa.Table,
    fetched: pa.Table,
    gone: Sequence[int] = (),
    ordered: bool = False,
    base: pa.Table | None = None,
) -> Merged:
    """Replace the parent's documents by the fetched ones, and omit `gone` ids; `ordered` is as in `same_content`.

    A document keeps the parent's row if it was fetched with the same content, so that a crawl without a change gives
    the same bytes. A fetched document is not gone. `base` has the documents that the crawl began from, if another run
    has published since: what that run changed stays as it made it. No clock decides, because that of another machine
    may be wrong by a day.
    """
    fetched = _latest(fetched)
    places = pc.index_in(fetched["path"], parent["path"])
    is_old, at = pc.is_valid(places).to_numpy(), pc.fill_null(places, 0).to_numpy()
    fresh = pc.invert(pc.fill_null(pc.equal(parent["sha256"].take(places), fetched["sha256"]), False)).to_numpy()
    removed = pc.is_in(parent["id"], pa.array(gone, pa.int64())).to_numpy()
    removed[at[is_old]] = False
    contested = 0
    if base is not None:
        by_another = _differs(parent, base)
        lost = np.zeros(len(fresh), np.bool_)
        lost[is_old] = fresh[is_old] & by_another[at[is_old]]
        back = ~is_old & pc.is_in(fetched["path"], base["path"].combine_chunks()).to_numpy()
        contested = int(lost.sum() + back.sum() + (removed & by_another).sum())
        fresh, removed = fresh & ~lost, removed & ~by_another
    reordered = 0
    identities: list[IdentityChange] = []
    for number in np.flatnonzero(fresh & is_old).tolist():
        resource, id_ = fetched["resource_name"][number].as_py(), fetched["id"][number].as_py()
        pair = parent["body"][int(at[number])], fetched["body"][number]
        old, new = (bytes(body.as_buffer()) for body in pair)
        if same_content(old, new, ordered):
            fresh[number] = False
            reordered += 1
        else:
            identities += _identity_change(resource, id_, old, new, ordered)
    kept = ~removed
    kept[at[fresh & is_old]] = False
    taken = _where(fetched, fresh)
    return Merged(
        rows=_sorted(pa.concat_tables([_where(parent, kept), taken])),
        added=int((fresh & ~is_old).sum()),
        modified=int((fresh & is_old).sum()),
        deleted=int(removed.sum()),
        reordered=reordered,
        identities=tuple(identities),
        contested=contested,
        taken=taken,
        before=_sorted(parent.take(at[fresh & is_old])),
        after=_sorted(fetched.filter(pa.array(fresh & is_old))),
    )


def _differs(rows: pa.Table, base: pa.Table) -> npt.NDArray[np.bool_]:
    """Tell for each row whether its content is another one in `base`, or not there."""
    places = pc.index_in(rows["path"], base["path"])
    same: npt.NDArray[np.bool_] = pc.fill_null(pc.equal(base["sha256"].take(places), rows["sha256"]), False).to_numpy()
    return ~same


def _identity_change(resource: str, id_: int, before: bytes, after: bytes, ordered: bool) -> Iterator[IdentityChange]:
    before_name, after_name = name_of(before), name_of(after)
    if before_name is not None and after_name is not None and before_name != after_name:
        yield IdentityChange(resource, id_, before_name, after_name, not is_same_thing(before, after, ordered))


def _where(rows: pa.Table, mask: npt.NDArray[np.bool_]) -> pa.Table:
    """Return the rows of a mask; no copy if that is all rows, because bodies are large."""
    return rows if mask.all() else rows.filter(pa.array(mask))


def _sorted(rows: pa.Table) -> pa.Table:
    """Return rows by id and path; no copy if they are in that order already, because bodies are large."""
    ids = rows["id"].to_numpy()
    if (ids[1:] > ids[:-1]).all():
        return rows
    return rows.sort_by([("id", "ascending"), ("path", "ascending")])


def _latest(rows: pa.Table) -> pa.Table:
    """Return each document once, as it was received last; the hash decides between two of the same time."""
    if pc.count_distinct(rows["path"]).as_py() == rows.num_rows:
        return rows
    rows = rows.sort_by([("path", "ascending"), ("fetched_at", "descending"), ("sha256", "descending")])
    paths = rows["path"].to_numpy()
    return rows.filter(pa.array(np.append(True, paths[1:] != paths[:-1])))


class DocumentFile:
    """One resource's documents in a snapshot, read row group by row group.

    `bodies` are its Parquet files by ascending ids, or functions that return them; none, or None, for no documents. A
    file is opened when it is first needed, and the last one that was opened is held packed.
    """

    def __init__(self, *bodies: bytes | Callable[[], bytes] | None) -> None:
        self._bodies = [body for body in bodies if body is not None]
        self._opened: tuple[int, Any] | None = None

    def _file(self, number: int) -> Any:
        if self._opened is None or self._opened[0] != number:
            self._opened = None
            body = self._bodies[number]
            self._opened = number, pq.ParquetFile(pa.BufferReader(body() if callable(body) else body))
        return self._opened[1]

    def at_hand(self) -> dict[int, AtHand]:
        """Return ETag and path of every document, by id."""
        columns = [column.to_pylist() for column in self.read("id", "etag", "path").columns]
        return {id_: AtHand(etag, path) for id_, etag, path in zip(*columns, strict=True)}

    def hashes(self) -> dict[str, str]:
        """Return the hash of every document, by its path."""
        columns = [column.to_pylist() for column in self.read("path", "sha256").columns]
        return dict(zip(*columns, strict=True))

    def ids(self) -> pa.Array:
        """Return the id of every document, in order."""
        return self.read("id")["id"].combine_chunks()

    def starts(self) -> list[int]:
        """Return the least id of each row group."""
        return [least for number in range(len(self._bodies)) for _, least in self._groups(number)]

    def between(self, bounds: Sequence[tuple[int, int]]) -> Iterator[pa.Table]:
        """Yield the documents of each range of ids, both ends included; the ranges must ascend and not overlap."""
        groups = self.row_groups(bounds[0][0]) if bounds else iter(())
        pending, is_more = SCHEMA.empty_table(), True
        for low, high in bounds:
            while is_more and (pending.num_rows == 0 or pending["id"][-1].as_py() <= high):
                following = next(groups, None)
                is_more = following is not None
                pending = pa.concat_tables([pending, following]) if following is not None else pending
            ids = pending["id"].to_numpy()
            yield _where(pending, (ids >= low) & (ids <= high))
            pending = pending.filter(pa.array(ids > high))

    def row_groups(self, least: int = -(2**63)) -> Iterator[pa.Table]:
        """Yield all documents, a row group at a time, without the row groups that have lower ids than `least` only."""
        column = SCHEMA.get_field_index("id")
        for number in range(len(self._bodies)):
            for group, _ in self._groups(number):
                if self._file(number).metadata.row_group(group).column(column).statistics.max >= least:
                    yield self._file(number).read_row_group(group).cast(SCHEMA)

    def read(self, *columns: str) -> pa.Table:
        """Return some columns of all documents."""
        schema = pa.schema([SCHEMA.field(name) for name in columns])
        read = (self._file(number).read(columns).select(columns).cast(schema) for number in range(len(self._bodies)))
        return pa.concat_tables([schema.empty_table(), *read])

    def _groups(self, file: int) -> list[tuple[int, int]]:
        """Return the number and the least id of each row group of a file."""
        metadata, column = self._file(file).metadata, SCHEMA.get_field_index("id")
        groups = [(i, metadata.row_group(i)) for i in range(metadata.num_row_groups)]
        return [(i, group.column(column).statistics.min) for i, group in groups if group.num_rows]
