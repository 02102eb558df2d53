"""Writes a table's rows into Parquet files, one per partition; the same rows always become the same bytes."""

import io
from dataclasses import dataclass
from hashlib import sha256

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from lake.commit import DataFile
from lake.layout import part_name
from lake.publish.check import KeyCheck
from lake.schema import Table

COMPRESSION = "zstd"
COMPRESSION_LEVEL = 9


@dataclass(frozen=True, slots=True)
class EncodedFile:
    """One finished Parquet file: its name below the table's folder, its partition's value, its rows, its content."""

    name: str
    partition: int | str | None
    rows: int
    body: bytes

    @property
    def sha256(self) -> str:
        """SHA-256 of the content, in hexadecimal."""
        return sha256(self.body).hexdigest()

    @property
    def data_file(self) -> DataFile:
        """The file as a commit names it."""
        return DataFile(self.name, self.partition, self.rows, len(self.body), self.sha256)


@dataclass(frozen=True, slots=True)
class FileStyle:
    """How a table is written: rows per row group, bytes per page, and whether repeated values go into a dictionary.

    If `measured` names a column of texts, `row_group_rows` does not count. A row group then has as many rows as fit
    `row_group_bytes` of that column, at least one. Either way row groups do not depend on the batches of rows.
    """

    row_group_rows: int = 256 * 1024
    page_bytes: int = 1 << 20
    use_dictionary: bool = True
    measured: str = ""
    row_group_bytes: int = 0


class _File:
    """A Parquet file in the making; holds at most one row group that is not yet compressed."""

    def __init__(self, schema: pa.Schema, style: FileStyle) -> None:
        self._style = style
        self._schema = schema
        self._sink = io.BytesIO()
        self._pending: list[pa.Table] = []
        self._pending_rows = 0
        self.rows = 0
        self._writer = pq.ParquetWriter(
            self._sink,
            schema,
            compression=COMPRESSION,
            compression_level=COMPRESSION_LEVEL,
            use_dictionary=style.use_dictionary,
            data_page_size=style.page_bytes,
            write_page_index=True,
            write_page_checksum=True,
        )

    def add(self, rows: pa.Table) -> None:
        self._pending.append(rows)
        self._pending_rows += rows.num_rows
        self.rows += rows.num_rows
        while count := self._full():
            self._flush(count)

    def _full(self) -> int:
        """Return how many pending rows make a full row group, 0 if there may be room for another row."""
        style = self._style
        if not style.measured:
            return style.row_group_rows if self._pending_rows > style.row_group_rows else 0
        lengths = [pc.binary_length(rows[style.measured]).to_numpy() for rows in self._pending]
        ends = np.cumsum(np.concatenate(lengths))
        if not len(ends) or ends[-1] <= style.row_group_bytes:
            return 0
        return max(1, int(np.searchsorted(ends, style.row_group_bytes, side="right")))

    def _flush(self, count: int) -> None:
        rows = pa.concat_tables(self._pending)
        # Pages end where chunks end, so the bytes of several chunks would depend on the batches.
        self._writer.write_table(rows.slice(0, count).combine_chunks(), row_group_size=count)
        self._pending = [rows.slice(count)]
        self._pending_rows -= count

    def close(self) -> bytes:
        if self._pending_rows or self.rows == 0:
            self._flush(max(self._pending_rows, 1)) if self._pending else self._writer.write_table(
                self._schema.empty_table()
            )
        self._writer.close()
        return self._sink.getvalue()


class TableWriter:
    """Writes one table of one snapshot; takes rows in batches, in the order of the primary key, and checks them.

    `by` names the column whose values are the partitions, and `partition` is its name in the path. Without them the
    table is one file.
    """

    def __init__(
        self, table: Table, partition: str | None = None, by: str | None = None, style: FileStyle | None = None
    ) -> None:
        self.table = table
        self.partition = partition
        self._by = by
        self._style = style or FileStyle()
        self._files: dict[int | str | None, _File] = {}
        self.check = KeyCheck(table)

    def add(self, rows: pa.Table) -> None:
        """Take the next batch of rows; they have the table's schema and come after all rows before."""
        self.check.add(rows)
        for name in self.table.primary_key:
            # No file can hold a null key. The check has noted these rows, and its finding blocks the snapshot.
            if rows[name].null_count:
                rows = rows.filter(pc.is_valid(rows[name]))
        if self._by is None:
            self._file(None).add(rows)
            return
        column = rows[self._by]
        values = pc.unique(column).to_pylist()
        for value in values:
            part = rows if len(values) == 1 else rows.filter(pc.equal(column, value))
            self._file(value).add(part)

    def _file(self, value: int | str | None) -> _File:
        if value not in self._files:
            self._files[value] = _File(self.table.schema, self._style)
        return self._files[value]

    def close(self) -> list[EncodedFile]:
        """Return the finished files in the order of their partitions; a table without rows has one empty file."""
        if not self._files:
            empty = 0 if self._by is not None and pa.types.is_integer(self.table.field(self._by).type) else None
            self._file(empty)
        ordered = sorted(self._files.items(), key=lambda item: str(item[0]).rjust(10))
        return [
            EncodedFile(part_name(self.partition if value is not None else None, value), value, file.rows, file.close())
            for value, file in ordered
        ]
