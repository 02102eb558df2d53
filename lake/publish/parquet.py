"""Writes a table's rows into Parquet files, one or more per partition; the same rows always become the same bytes."""

import io
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import cached_property
from hashlib import sha256

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from lake.commit import DataFile
from lake.layout import part_name
from lake.publish import cut
from lake.publish.check import KeyCheck
from lake.publish.partition import partition_values, require_few
from lake.schema import DOCUMENT_ID, Table

COMPRESSION = "zstd"
COMPRESSION_LEVEL = 9


@dataclass(frozen=True)
class EncodedFile:
    """One finished Parquet file: its name below the table's folder, its partition's value, its rows, its content."""

    name: str
    partition: int | str | None
    rows: int
    body: bytes

    @property
    def sha256(self) -> str:
        """SHA-256 of the content, in hexadecimal."""
        return self.data_file.sha256

    @cached_property
    def data_file(self) -> DataFile:
        """The file as a commit names it."""
        return DataFile(self.name, self.partition, self.rows, len(self.body), sha256(self.body).hexdigest())


# Takes a file as soon as it is finished.
Sink = Callable[[EncodedFile], object]


@dataclass(frozen=True, slots=True)
class FileStyle:
    """How a table is written: rows per row group, bytes per page, and whether repeated values go into a dictionary.

    If `measured` names a column of texts, `row_group_rows` does not count. A row group then has as many rows as fit
    `row_group_bytes` of that column, at least one. Either way row groups do not depend on the batches of rows. A
    partition is cut into files of `part_bytes`, as `Cutter` says; None means its usual size, 0 one file. `level` is
    zstd's.
    """

    row_group_rows: int = 256 * 1024
    page_bytes: int = 1 << 20
    use_dictionary: bool = True
    measured: str = ""
    row_group_bytes: int = 0
    part_bytes: int | None = None
    level: int = COMPRESSION_LEVEL


# Tables that nobody declared may be many times as large as PokeAPI's. They are written in a third of the time like
# this, and have a twentieth more bytes.
QUICK = FileStyle(level=3)


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
            compression_level=style.level,
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


class _Partition:
    """The files of one value of the partition: yields each with its number when it is finished."""

    def __init__(self, table: Table, style: FileStyle) -> None:
        self._table, self._style = table, style
        most = cut.PART_BYTES if style.part_bytes is None else style.part_bytes
        self._cutter = cut.Cutter(table, most) if most else None
        self._file = _File(table.schema, style)
        self._number = 0

    def add(self, rows: pa.Table) -> Iterator[tuple[int, _File]]:
        if self._cutter is None:
            self._file.add(rows)
            return
        for part in self._cutter.add(rows):
            self._file.add(part)
            yield self._number, self._file
            self._number, self._file = self._number + 1, _File(self._table.schema, self._style)

    def close(self) -> Iterator[tuple[int, _File]]:
        rest = self._cutter.rest() if self._cutter is not None else None
        if rest is not None:
            self._file.add(rest)
        yield self._number, self._file


class TableWriter:
    """Writes one table of one snapshot; takes rows in batches, in the order of the primary key, and checks them.

    `by` names the column whose values are the partitions, and `partition` is its name in the path. Without them the
    table has one partition. `sink` is given each file as soon as it is finished; what waits in memory is one part of
    each partition.
    """

    def __init__(
        self,
        table: Table,
        partition: str | None = None,
        by: str | None = None,
        style: FileStyle | None = None,
        sink: Sink = lambda file: None,
    ) -> None:
        self.table = table
        self.partition = partition
        self._by = by
        self._style = style or FileStyle()
        self._sink = sink
        self._partitions: dict[int | str | None, _Partition] = {}
        self._written: list[tuple[str, int, DataFile]] = []
        self.check = KeyCheck(table)

    def add(self, rows: pa.Table) -> None:
        """Take the next batch of rows; they have the table's schema and come after all rows before."""
        self.check.add(rows)
        for name in self.table.primary_key:
            # No file can hold a null key. The check has noted these rows, and its finding blocks the snapshot.
            if rows[name].null_count:
                rows = rows.filter(pc.is_valid(rows[name]))
        column = None if self._by is None else partition_values(self.table, self._by, rows)
        if DOCUMENT_ID in rows.column_names:
            rows = rows.drop_columns([DOCUMENT_ID])
        if column is None:
            self._add(None, rows)
            return
        values = pc.unique(column).to_pylist()
        for value in values:
            part = rows if len(values) == 1 else rows.filter(pc.equal(column, value))
            self._add(value, part)

    def _add(self, value: int | str | None, rows: pa.Table) -> None:
        for number, file in self._partition(value).add(rows):
            self._finish(value, number, file)

    def _partition(self, value: int | str | None) -> _Partition:
        if value not in self._partitions:
            self._partitions[value] = _Partition(self.table, self._style)
            require_few(self.table, len(self._partitions))
        return self._partitions[value]

    def _finish(self, value: int | str | None, number: int, file: _File) -> None:
        name = part_name(self.partition if value is not None else None, value, number)
        encoded = EncodedFile(name, value, file.rows, file.close())
        self._sink(encoded)
        self._written.append((str(value).rjust(10), number, encoded.data_file))

    def close(self) -> list[DataFile]:
        """Finish the last files; return all in the order of partitions and rows. A table without rows has one file."""
        if not self._partitions:
            empty = 0 if self._by is not None and pa.types.is_integer(self.table.field(self._by).type) else None
            self._partition(empty)
        for value in list(self._partitions):
            for number, file in self._partitions.pop(value).close():
                self._finish(value, number, file)
        return [file for *_, file in sorted(self._written, key=lambda item: item[:2])]
