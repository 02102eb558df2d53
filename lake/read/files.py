"""The files of one table of one snapshot: which of them a filter needs, and what they hold, checked by their hashes."""

from collections.abc import Iterable, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from typing import Any

import pyarrow as pa
import pyarrow.dataset as ds
import pyarrow.fs as pafs
import pyarrow.parquet as pq

from lake.commit import Commit, DataFile, TableFiles, read_file
from lake.errors import DamagedObjectError, LakeError, MissingObjectError, UnknownNameError
from lake.fields import read_fields
from lake.read.filters import Filters, expression_of
from lake.read.history import table_of
from lake.schema import GENERATION, PARTITION, pandas_metadata
from lake.store import PARALLEL_REQUESTS, Store
from lake.text import shown

# The only types in a lake whose names pyarrow cannot read back.
_TIMES = {str(time): time for time in (pa.timestamp("ms", "UTC"), pa.timestamp("us", "UTC"))}


def read_table(
    store: Store, commit: Commit, name: str, filters: Filters | None, columns: Sequence[str] | None
) -> pa.Table:
    """Return the rows of a table that match, with the columns asked for; fetches only files that can hold some.

    Raises:
        UnknownNameError: No such table, column or operator.
        LakeError: A file is not what the commit says, or a filter does not fit its column.
    """
    table = table_of(commit, name)
    if columns is not None:
        columns = column_names(columns)
    schema = schema_of(store, commit, name, with_partition=True) if filters is not None else None
    expression = None if schema is None or filters is None else expression_of(name, schema, filters)

    def part(file: DataFile) -> pa.Table:
        return _part(fetch(store, commit, name, file), name, table, file, expression, columns)

    with ThreadPoolExecutor(PARALLEL_REQUESTS) as pool:
        rows = pa.concat_tables(list(pool.map(part, _matching(table, schema, expression))))
    return rows.replace_schema_metadata(typed(rows.schema, table).metadata)


def typed(schema: pa.Schema, table: TableFiles) -> pa.Schema:
    """Return the columns of a table's files with the types that pandas gives to each, whoever wrote the files.

    What a file can hold nulls of has a type that can, whether or not there are any. Files of earlier versions say so of
    `GENERATION`, too, although it has none in a table that is partitioned by it.
    """
    never = {GENERATION, PARTITION} if table.partition == PARTITION else set()
    fields = [field.with_nullable(field.nullable and field.name not in never) for field in schema]
    return schema.with_metadata({**(schema.metadata or {}), b"pandas": pandas_metadata(fields).encode()})


def column_names(columns: object) -> list[str]:
    """Return the columns that were asked for, each by its name.

    Raises:
        LakeError: It is no list of names, such as one text, or it has a name twice.
    """
    names: list[Any] = list(columns) if isinstance(columns, Iterable) and not isinstance(columns, str) else [None]
    if not all(isinstance(name, str) for name in names):
        raise LakeError(f'columns: expected a list of names, such as ["name"], found {shown(repr(columns))}')
    if len(set(names)) < len(names):
        raise LakeError(f"columns: expected each name once, found {shown(repr(names))}")
    return names


def fetch(store: Store, commit: Commit, name: str, file: DataFile) -> pq.ParquetFile:
    """Open one file of a table, fetched whole.

    Raises:
        LakeError: It is not what the commit says.
    """
    return pq.ParquetFile(pa.BufferReader(read_file(store, commit.snapshot, name, file)))


def partition_field(table: TableFiles) -> pa.Field:
    """Return the column that a partitioned table's paths hold."""
    numbers = all(isinstance(file.partition, int) for file in table.files)
    return pa.field(table.partition, pa.int32() if numbers else pa.string())


def partition_guarantee(field: pa.Field, file: DataFile) -> ds.Expression:
    """Return the condition that every row of a partitioned table's file meets."""
    return ds.field(field.name) == pa.scalar(file.partition, field.type)


def _part(
    parquet: pq.ParquetFile,
    name: str,
    table: TableFiles,
    file: DataFile,
    expression: ds.Expression | None,
    columns: Sequence[str] | None,
) -> pa.Table:
    """Return the matching rows of one file of a table, with the columns that were asked for."""
    stored = parquet.schema_arrow.names
    wanted = list(columns) if columns is not None else stored
    known = [*stored, table.partition] if table.partition else stored
    for column in wanted:
        if column not in known:
            raise UnknownNameError(f"column of {name}", column, known)
    rows = parquet.read(columns=[c for c in wanted if c in stored] if expression is None else None)
    if table.partition and (expression is not None or table.partition in wanted):
        value = pa.scalar(file.partition, partition_field(table).type)
        rows = rows.append_column(table.partition, pa.repeat(value, rows.num_rows))
    if expression is not None:
        rows = rows.filter(expression)
    return rows.select(wanted)


def schema_of(store: Store, commit: Commit, name: str, with_partition: bool = False) -> pa.Schema:
    """Return the columns of a table, its partition last; where the list of them is lost, those of its smallest file.

    Raises:
        LakeError: That file is not what the commit says.
    """
    table = commit.tables[name]
    fields = table.fields
    if not fields and table.schema is not None:
        with suppress(MissingObjectError, DamagedObjectError):
            fields = read_fields(store, table.schema)
    columns = [pa.field(entry["name"], type_of(entry["type"])) for entry in fields]
    if not columns:
        smallest = min(table.files, key=lambda file: file.bytes)
        columns = [pa.field(one.name, one.type) for one in fetch(store, commit, name, smallest).schema_arrow]
    return pa.schema([*columns, partition_field(table)] if table.partition and with_partition else columns)


def _matching(table: TableFiles, schema: pa.Schema | None, expression: ds.Expression | None) -> list[DataFile]:
    """Return the files that can hold rows for which `expression` is true; if none can, the first, for its columns."""
    if table.partition is None or expression is None:
        return list(table.files)
    field = partition_field(table)
    # A dataset whose files are never opened: it only knows how to tell partitions apart.
    dataset = ds.FileSystemDataset.from_paths(
        [str(number) for number in range(len(table.files))],
        schema=schema,
        format=ds.ParquetFileFormat(),
        filesystem=pafs.LocalFileSystem(),
        partitions=[partition_guarantee(field, file) for file in table.files],
    )
    fragments = dataset.get_fragments(filter=expression)
    return [table.files[int(fragment.path)] for fragment in fragments] or list(table.files[:1])


def type_of(name: str) -> pa.DataType:
    """Return the type of a field as a commit names it; text for one that this version does not know."""
    if name in _TIMES:
        return _TIMES[name]
    try:
        return pa.type_for_alias(name)
    except ValueError:
        return pa.string()
