"""The index of documents: what a crawl and a build must know of every document of a snapshot, without its body.

It is a table of the snapshot, written with the documents. A commit of earlier code has none; then documents are read.
"""

from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from itertools import pairwise

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from lake import documents
from lake.assemble.stored import StoredFile, document_files, open_documents
from lake.commit import Commit, DataFile, read_file
from lake.documents import DOCUMENT_INDEX
from lake.errors import DamagedObjectError, MissingObjectError
from lake.publish import EncodedFile, TableWriter
from lake.resource import AtHand
from lake.store import Store

SCHEMA = DOCUMENT_INDEX.schema


@dataclass(frozen=True, slots=True)
class Index:
    """The rows of the index, by resource, each by ascending ids."""

    rows: Mapping[str, pa.Table]

    @classmethod
    def of(cls, rows: pa.Table) -> "Index":
        """Return an index with these rows, which come by resource."""
        runs = pc.run_end_encode(rows["resource_name"].combine_chunks())
        ends = runs.run_ends.to_pylist() if len(rows) else []
        bounds = pairwise([0, *ends])
        return cls({runs.values[place].as_py(): rows.slice(one, end - one) for place, (one, end) in enumerate(bounds)})

    def of_resource(self, resource: str) -> pa.Table:
        """Return the rows of one resource, none if it has no document."""
        return self.rows.get(resource, SCHEMA.empty_table())

    def ids(self, resource: str) -> pa.Array:
        """Return the ids of a resource's documents, in order."""
        return self.of_resource(resource)["id"].combine_chunks()

    def at_hand(self, resource: str) -> dict[int, AtHand]:
        """Return ETag and path of every document of a resource, by id."""
        columns = (self.of_resource(resource)[name].to_pylist() for name in ("id", "etag", "path"))
        return {id_: AtHand(etag, path) for id_, etag, path in zip(*columns, strict=True)}


def read_index(store: Store, commit: Commit | None) -> Index | None:
    """Return the index of a published snapshot; None if it has none, or if it is missing or damaged."""
    if commit is None or DOCUMENT_INDEX.name not in commit.tables:
        return None
    try:
        found = _read(store, commit.snapshot, commit.tables[DOCUMENT_INDEX.name].files)
    except (DamagedObjectError, MissingObjectError):
        return None
    counted = {name: sum(stored.file.rows for stored in files) for name, files in document_files(commit).items()}
    return found if {name: len(rows) for name, rows in found.rows.items()} == counted else None


@lru_cache(maxsize=2)
def _read(store: Store, snapshot: str, files: tuple[DataFile, ...]) -> Index:
    bodies = (read_file(store, snapshot, DOCUMENT_INDEX.name, file) for file in files)
    return Index.of(pa.concat_tables(pq.read_table(pa.BufferReader(body)).cast(SCHEMA) for body in bodies))


def index_of_files(store: Store, files: Sequence[StoredFile]) -> pa.Table:
    """Return the rows of the index of some files of documents, which are read for it.

    Raises:
        DamagedObjectError: A file is not what its commit says.
        MissingObjectError: It is gone.
    """
    groups = (documents.index_rows(rows) for rows in open_documents(store, files).row_groups())
    return pa.concat_tables([SCHEMA.empty_table(), *groups])


def write_index(index: Index, sink: Callable[[EncodedFile], object]) -> list[DataFile]:
    """Encode an index, hand each file to `sink`, and return what a commit says of them."""
    writer = TableWriter(DOCUMENT_INDEX, sink=sink)
    for _, rows in sorted(index.rows.items()):
        writer.add(rows)
    return writer.close()


def replaced_rows(rows: pa.Table, came: pa.Table, deleted: Collection[str]) -> pa.Table:
    """Return a resource's rows with those that came in the place of those of the same paths, without deleted paths."""
    if not (len(came) or deleted):
        return rows
    gone = pa.concat_arrays([came["path"].combine_chunks(), pa.array(deleted, pa.string())])
    kept = rows.filter(pc.invert(pc.is_in(rows["path"], gone)))
    return pa.concat_tables([kept, came]).sort_by([("id", "ascending"), ("path", "ascending")])


def starts_of(store: Store, index: Index | None, resource: str, files: Sequence[StoredFile]) -> list[int]:
    """Return the least id of each of a resource's files, but the first."""
    if len(files) < 2:
        return []
    if index is None:
        return [open_documents(store, [stored]).starts()[0] for stored in files[1:]]
    ids, places = index.ids(resource), np.cumsum([stored.file.rows for stored in files[:-1]])
    return [int(ids[int(place)].as_py()) for place in places]
