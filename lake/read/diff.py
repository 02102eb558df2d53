"""What changed in a table, or in all, between two snapshots, by primary key."""

from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import Executor, ThreadPoolExecutor
from functools import partial
from typing import TypeVar

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from lake.commit import Commit, DataFile, TableFiles
from lake.errors import LakeError, UnknownNameError
from lake.layout import part_number
from lake.read.files import fetch, schema_of
from lake.read.windows import Load, Stream, UnorderedError, windows
from lake.store import PARALLEL_REQUESTS, Store
from lake.views import VIEWS

T = TypeVar("T")

ADDED, REMOVED, CHANGED = "added", "removed", "changed"
# The columns that a result adds to the table's own; none is called "change", because a table has such a column.
ROW_CHANGE, CHANGED_COLUMNS, BEFORE = "row_change", "changed_columns", "_before"

# A body is as long as the rest of its row, and `sha256` tells whether it changed.
_LEFT_OUT = {"documents": "body"}

# The number of a key's row on each side, null where it has none.
_OLD, _NEW = "@old", "@new"


class IncomparableError(LakeError):
    """The rows of a table cannot be compared: its primary key, or the type of a column, is another one."""


def diff(store: Store, name: str, before: Commit, after: Commit) -> pa.Table:
    """Return the rows of a table that differ between two snapshots, as `Lake.diff` says.

    Raises:
        UnknownNameError: Neither snapshot has such a table.
        LakeError: It is a view; or the table's primary key, or the type of a column, differs between the two.
    """
    found = _each(store, name, before, after, lambda rows: rows)
    return (
        pa.concat_tables(found) if found else compare(_key(name, before, after), *(_no_rows(store, after, name),) * 2)
    )


def summary(store: Store, before: Commit, after: Commit) -> pa.Table:
    """Return, for each table of either snapshot, how many rows differ between them, as `Lake.diff` says.

    The tables come one after the other, and of each a window of rows is in memory.
    """
    names = sorted(before.tables.keys() | after.tables.keys())
    counts: dict[str, list[int | None]] = {kind: [] for kind in (ADDED, REMOVED, CHANGED)}
    for name in names:
        try:
            total: Counter[str] | None = sum(_each(store, name, before, after, _counted), Counter[str]())
        except IncomparableError:
            total = None
        for kind, column in counts.items():
            column.append(None if total is None else total[kind])
    columns = {kind: pa.array(column, pa.int64()) for kind, column in counts.items()}
    return pa.table({"table": pa.array(names, pa.string()), **columns})


def _counted(rows: pa.Table) -> Counter[str]:
    counts = pc.value_counts(rows[ROW_CHANGE].combine_chunks())
    return Counter({item["values"]: item["counts"] for item in counts.to_pylist()})


def _each(store: Store, name: str, before: Commit, after: Commit, take: Callable[[pa.Table], T]) -> list[T]:
    """Return what is taken of the rows that differ, window by window of their keys."""
    key = _key(name, before, after)
    sides = differing_files(before.tables.get(name), after.tables.get(name))
    with ThreadPoolExecutor(PARALLEL_REQUESTS) as pool:
        loads = [_loads(store, commit, name, files) for commit, files in zip((before, after), sides, strict=True)]
        try:
            try:
                return [take(rows) for rows in _compared(pool, key, *loads)]
            except UnorderedError:
                whole = ([[partial(_all, side)]] if side else [] for side in loads)
                return [take(rows) for rows in _compared(pool, key, *whole)]
        except pa.ArrowException as error:
            raise IncomparableError(
                f"{name}: expected columns of the same types in {before.snapshot} and {after.snapshot}: {error};"
                " read both and compare them yourself"
            ) from error


def _compared(
    pool: Executor, key: tuple[str, ...], before: Sequence[Sequence[Load]], after: Sequence[Sequence[Load]]
) -> Iterator[pa.Table]:
    """Yield what differs between the rows of both sides, window by window of their keys."""
    sides = [[Stream(pool, key, parts) for parts in side] for side in (after, before)]
    streams = [one for side in sides for one in side]
    if not streams:
        return
    # The later side's columns come first; a column that a side lacks is null there.
    schema = pa.unify_schemas([one.schema() for one in streams], promote_options="permissive")
    if lacking := set(key) - set(schema.names):
        raise LakeError(
            f"expected the columns of the primary key, {', '.join(sorted(lacking))}, in the files, found none"
        )
    for one in streams:
        one.shape = partial(_shaped, schema)
    empty = schema.empty_table()
    yield compare(key, empty, empty)
    for rows in windows(streams):
        later, earlier = (pa.concat_tables([empty, *part]) for part in (rows[: len(after)], rows[len(after) :]))
        yield compare(key, earlier.combine_chunks(), later.combine_chunks())


def _shaped(schema: pa.Schema, rows: pa.Table) -> pa.Table:
    """Return rows under the columns of both sides."""
    return pa.concat_tables([schema.empty_table(), rows], promote_options="permissive")


def _loads(store: Store, commit: Commit, name: str, files: Sequence[DataFile]) -> list[list[Load]]:
    """Return, for each partition, what reads its files, one after the other."""
    partitions: dict[object, list[DataFile]] = {}
    for file in sorted(files, key=lambda file: part_number(file.name)):
        partitions.setdefault(file.partition, []).append(file)
    return [[partial(_rows, store, commit, name, file) for file in parts] for parts in partitions.values()]


def _all(partitions: Sequence[Sequence[Load]]) -> pa.Table:
    """Return the rows of all files at once."""
    return pa.concat_tables([load() for parts in partitions for load in parts], promote_options="permissive")


def _key(name: str, before: Commit, after: Commit) -> tuple[str, ...]:
    """Return the primary key that a table has in both snapshots."""
    tables = [commit.tables[name] for commit in (before, after) if isinstance(name, str) and name in commit.tables]
    if not tables:
        if isinstance(name, str) and name in VIEWS:
            raise LakeError(f"{name} is a view, and only tables are compared: read it at both snapshots")
        raise UnknownNameError("table", name, sorted(before.tables.keys() | after.tables.keys()))
    if tables[0].primary_key != tables[-1].primary_key or not tables[0].primary_key:
        raise IncomparableError(
            f"{name}: expected one primary key in both snapshots, found ({', '.join(tables[0].primary_key)}) in"
            f" {before.snapshot} and ({', '.join(tables[-1].primary_key)}) in {after.snapshot};"
            " read both and compare them by columns of your choice"
        )
    return tables[0].primary_key


def differing_files(
    before: TableFiles | None, after: TableFiles | None
) -> tuple[Sequence[DataFile], Sequence[DataFile]]:
    """Return the files of each side that the other does not have under the same name and with the same content."""
    old, new = before.files if before else (), after.files if after else ()
    common = {(file.name, file.sha256) for file in old} & {(file.name, file.sha256) for file in new}
    return (
        [file for file in old if (file.name, file.sha256) not in common],
        [file for file in new if (file.name, file.sha256) not in common],
    )


def _rows(store: Store, commit: Commit, name: str, file: DataFile) -> pa.Table:
    parquet = fetch(store, commit, name, file)
    columns = [column for column in parquet.schema_arrow.names if column != _LEFT_OUT.get(name)]
    return parquet.read(columns=columns).replace_schema_metadata(None)


def _no_rows(store: Store, commit: Commit, name: str) -> pa.Table:
    fields = [field for field in schema_of(store, commit, name) if field.name != _LEFT_OUT.get(name)]
    return pa.schema(fields).empty_table()


def compare(key: tuple[str, ...], before: pa.Table, after: pa.Table) -> pa.Table:
    """Return the rows of either side that the other lacks or has with other values, in the order of their keys."""
    pairs = _numbered(key, before, _OLD).join(_numbered(key, after, _NEW), list(key), join_type="full outer")
    added, removed = pairs[_OLD].is_null(), pairs[_NEW].is_null()
    both = pairs.filter(pc.invert(pc.or_(added, removed)))
    values = [name for name in after.column_names if name not in key]
    differs = {name: _differs(before[name].take(both[_OLD]), after[name].take(both[_NEW])) for name in values}
    changed = pa.chunked_array([pa.repeat(False, both.num_rows)])
    for flags in differs.values():
        changed = pc.or_(changed, flags)
    modified = both.filter(changed)
    parts = [
        _part(ADDED, key, after.take(pairs.filter(added)[_NEW])),
        _part(REMOVED, key, before.take(pairs.filter(removed)[_OLD])),
        _part(
            CHANGED,
            key,
            after.take(modified[_NEW]),
            before.take(modified[_OLD]),
            {name: flags.filter(changed) for name, flags in differs.items()},
        ),
    ]
    return pa.concat_tables(parts).sort_by([(name, "ascending") for name in key])


def _numbered(key: tuple[str, ...], rows: pa.Table, name: str) -> pa.Table:
    return rows.select(key).append_column(name, pa.array(np.arange(rows.num_rows)))


def _differs(before: pa.ChunkedArray, after: pa.ChunkedArray) -> pa.ChunkedArray:
    """Return for each row whether its two values differ; null equals only null."""
    return pc.coalesce(pc.not_equal(before, after), pc.xor(before.is_null(), after.is_null()))


def _part(
    kind: str,
    key: tuple[str, ...],
    rows: pa.Table,
    before: pa.Table | None = None,
    differs: Mapping[str, pa.ChunkedArray] | None = None,
) -> pa.Table:
    """Return rows with their change; `differs` marks, for each column, the rows with another value in `before`."""
    columns = {ROW_CHANGE: pa.repeat(kind, rows.num_rows), **{name: rows[name] for name in key}}
    columns[CHANGED_COLUMNS] = pa.nulls(rows.num_rows, pa.string())
    if differs:
        named = [pc.if_else(flags, name, pa.scalar(None, pa.string())) for name, flags in differs.items()]
        columns[CHANGED_COLUMNS] = pc.binary_join_element_wise(*named, ",", null_handling="skip")
    for name in rows.column_names:
        if name not in key:
            columns[name] = rows[name]
            nothing = pa.scalar(None, rows[name].type)
            columns[name + BEFORE] = (
                pc.if_else(differs[name], before[name], nothing)
                if before is not None and differs is not None
                else pa.nulls(rows.num_rows, rows[name].type)
            )
    return pa.table(columns)
