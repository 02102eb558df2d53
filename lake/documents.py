"""Documents as they were received, byte for byte, and how a crawl's documents meet those of the parent snapshot."""

import io
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from hashlib import sha256

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from lake.schema import Field, Table

# Bodies are long and alike: a page is one zstd frame, so small pages would forget what they have in common.
PAGE_BYTES = 8 << 20

DOCUMENTS = Table(
    name="documents",
    grain="one row per document, as received",
    resources=(),
    primary_key=("resource_name", "id", "path"),
    fields=(
        Field("resource_name", pa.string(), "The collection it belongs to."),
        Field("id", pa.int32(), "PokeAPI's id within the resource."),
        Field("path", pa.string(), "Where it lies below the base URL: pokemon/25."),
        Field("etag", pa.string(), "ETag it was sent with. Null: none.", nullable=True),
        Field("fetched_at", pa.timestamp("ms", "UTC"), "When this content was first received."),
        Field("sha256", pa.string(), "SHA-256 of the body, in hexadecimal."),
        Field("body", pa.string(), "The JSON, byte for byte as UTF-8."),
    ),
)
# The partition's name in the path; resource names are checked before they become part of a key.
PARTITION = "resource"
SCHEMA = DOCUMENTS.schema


@dataclass(frozen=True, slots=True)
class Document:
    """One document as received; `body` has been checked to be JSON in UTF-8."""

    resource: str
    id: int
    path: str
    etag: str | None
    fetched_at: datetime
    body: bytes


def digest(body: bytes) -> str:
    """Return the hash under which a body is known."""
    return sha256(body).hexdigest()


def to_arrow(documents: Sequence[Document]) -> pa.Table:
    """Return documents as rows of `DOCUMENTS`, sorted by id."""
    ordered = sorted(documents, key=lambda document: (document.id, document.path))
    columns = {
        "resource_name": [document.resource for document in ordered],
        "id": [document.id for document in ordered],
        "path": [document.path for document in ordered],
        "etag": [document.etag for document in ordered],
        "fetched_at": [document.fetched_at for document in ordered],
        "sha256": [digest(document.body) for document in ordered],
        "body": [document.body for document in ordered],
    }
    return pa.Table.from_pydict(columns, schema=SCHEMA)


def pack(rows: pa.Table) -> bytes:
    """Return rows as the Parquet of a staged shard; small rather than smallest, for it lives for a day."""
    sink = io.BytesIO()
    pq.write_table(rows, sink, compression="zstd", compression_level=1, use_dictionary=False, data_page_size=PAGE_BYTES)
    return sink.getvalue()


def unpack(body: bytes) -> pa.Table:
    """Return the rows of a staged shard, without those whose body is not what its hash says."""
    rows = pq.read_table(pa.BufferReader(body)).cast(SCHEMA)
    good = [
        digest(text.as_buffer()) == expected.as_py()
        for text, expected in zip(rows["body"], rows["sha256"], strict=True)
    ]
    return rows if all(good) else rows.filter(pa.array(good, pa.bool_()))


def merge(parent: pa.Table, fetched: pa.Table, gone: Sequence[int] = ()) -> pa.Table:
    """Return the documents that hold after a crawl, sorted by id: fetched ones in place of old ones, without `gone`.

    A document fetched again with the same body keeps the parent's row, so that nothing changed gives the same bytes;
    so does one that the parent has received later, in a run that was faster.
    """
    fresh = _fresh(parent, fetched)
    replaced = pc.is_in(parent["path"], fresh["path"])
    removed = pc.is_in(parent["id"], pa.array(gone, pa.int32()))
    kept = parent.filter(pc.invert(pc.or_(replaced, removed)))
    return _sorted(pa.concat_tables([part for part in (kept, fresh) if part.num_rows] or [kept]).combine_chunks())


def _sorted(rows: pa.Table) -> pa.Table:
    """Return rows by id and path; bodies are large, so rows in that order already are not copied."""
    ids = rows["id"].to_numpy()
    if (ids[1:] > ids[:-1]).all():
        return rows
    return rows.sort_by([("id", "ascending"), ("path", "ascending")])


def _fresh(parent: pa.Table, fetched: pa.Table) -> pa.Table:
    """Return the fetched documents that take the parent's place or are new, each of them once."""
    fetched = _latest(fetched)
    before = parent["fetched_at"].take(pc.index_in(fetched["path"], parent["path"]))
    overtaken = pc.fill_null(pc.greater(before, fetched["fetched_at"]), False)
    same = pc.is_in(_identity(fetched), _identity(parent))
    return fetched.filter(pc.invert(pc.or_(same, overtaken)))


def _latest(rows: pa.Table) -> pa.Table:
    """Return each document once, as it was received last; the hash decides between two of the same time."""
    if pc.count_distinct(rows["path"]).as_py() == rows.num_rows:
        return rows
    rows = rows.sort_by([("path", "ascending"), ("fetched_at", "descending"), ("sha256", "descending")])
    paths = rows["path"].to_numpy()
    return rows.filter(pa.array(np.append(True, paths[1:] != paths[:-1])))


def slices(rows: pa.Table, limit_bytes: int) -> Iterator[pa.Table]:
    """Cut rows into runs whose bodies together have at most `limit_bytes`, or one row that alone has more."""
    ends = np.cumsum(pc.binary_length(rows["body"]).to_numpy())
    start = 0
    while start < rows.num_rows:
        before = ends[start - 1] if start else 0
        stop = max(start + 1, int(np.searchsorted(ends, before + limit_bytes, side="right")))
        yield rows.slice(start, stop - start)
        start = stop


def changed(parent: pa.Table, fetched: pa.Table) -> tuple[int, int]:
    """Return how many fetched documents `merge` adds, and how many it puts in place of the parent's."""
    # Bodies are known by their hashes here, and would be copied.
    fresh = _fresh(parent.drop_columns("body"), fetched.drop_columns("body"))
    modified = pc.sum(pc.is_in(fresh["path"], parent["path"])).as_py() or 0
    return fresh.num_rows - modified, modified


def _identity(rows: pa.Table) -> pa.ChunkedArray:
    return pc.binary_join_element_wise(rows["path"], rows["sha256"], " ")


class ParentDocuments:
    """One resource's documents in the parent snapshot, read row group by row group; holds the packed file in memory."""

    def __init__(self, body: bytes | None) -> None:
        self._file = pq.ParquetFile(pa.BufferReader(body)) if body is not None else None

    def etags(self) -> dict[int, str | None]:
        """Return the ETag of every document, by id."""
        if self._file is None:
            return {}
        rows = self._file.read(columns=["id", "etag"])
        return dict(zip(rows["id"].to_pylist(), rows["etag"].to_pylist(), strict=True))

    def between(self, bounds: Sequence[tuple[int, int]]) -> Iterator[pa.Table]:
        """Yield the documents of each range of ids, both ends included; the ranges must ascend and not overlap."""
        groups = self._groups()
        pending = SCHEMA.empty_table()
        for low, high in bounds:
            while groups and groups[0][1] <= high:
                number, _ = groups.pop(0)
                assert self._file is not None
                pending = pa.concat_tables([pending, self._file.read_row_group(number).cast(SCHEMA)])
            inside = pc.and_(pc.greater_equal(pending["id"], low), pc.less_equal(pending["id"], high))
            yield pending.filter(inside)
            pending = pending.filter(pc.greater(pending["id"], high))

    def row_groups(self) -> Iterator[pa.Table]:
        """Yield all documents, a row group at a time."""
        for number, _ in self._groups():
            assert self._file is not None
            yield self._file.read_row_group(number).cast(SCHEMA)

    def _groups(self) -> list[tuple[int, int]]:
        """Return each row group's number and its least id."""
        if self._file is None:
            return []
        column = SCHEMA.get_field_index("id")
        metadata = self._file.metadata
        groups = [(i, metadata.row_group(i)) for i in range(metadata.num_row_groups)]
        return [(i, group.column(column).statistics.min) for i, group in groups if group.num_rows]
