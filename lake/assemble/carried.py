"""The rows of a parent's tables that are carried over because their documents did not change."""

from collections.abc import Iterator, Mapping, Sequence

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from lake.commit import read_file
from lake.publish import ListedFile
from lake.schema import RESOURCE, Table
from lake.store import Store


class ParentTables:
    """The files of the parent's tables; of each table the last one that was read is held packed.

    It remembers which resources a file has rows of, so few are read again.
    """

    def __init__(self, store: Store, files: Mapping[str, Sequence[ListedFile]]) -> None:
        self._store, self._files = store, files
        self._resources: dict[tuple[str, str], set[str]] = {}
        self._held: dict[str, tuple[str, bytes]] = {}

    def rows(self, table: Table, resources: Sequence[str]) -> Iterator[pa.Table]:
        """Yield the rows that some resources' documents have in a table, a row group of a file at a time."""
        column = next(field.name for field in table.fields if RESOURCE in field.paths)
        wanted = pa.array(sorted(resources), pa.string())
        for one in self._files[table.name]:
            known = self._resources.get((table.name, one.file.name))
            if known is not None and known.isdisjoint(resources):
                continue
            parquet = pq.ParquetFile(pa.BufferReader(self._body(table.name, one)))
            found: set[str] = set()
            for number in range(parquet.num_row_groups):
                rows = parquet.read_row_group(number)
                found |= set(pc.unique(rows[column]).to_pylist())
                yield rows.filter(pc.is_in(rows[column], wanted)).cast(table.schema)
            self._resources[table.name, one.file.name] = found

    def _body(self, table: str, one: ListedFile) -> bytes:
        name, body = self._held.get(table, ("", b""))
        if name != one.file.name:
            body = read_file(self._store, one.snapshot, table, one.file)
            self._held[table] = one.file.name, body
        return body
