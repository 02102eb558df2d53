"""What readers import: tables of one whole snapshot as DataFrames, today's or any earlier one's. Never writes."""

from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from datetime import UTC, date, datetime, time
from hashlib import sha256
from typing import Any

import pandas as pd
import pyarrow as pa
import pyarrow.dataset as ds
import pyarrow.fs as pafs
import pyarrow.parquet as pq

from lake.commit import Commit, DataFile, TableFiles, commit_seqs, read_commit
from lake.errors import LakeError, UnknownNameError
from lake.layout import is_snapshot_id, table_folder
from lake.store import PARALLEL_REQUESTS, Store

# As pandas takes them: a list is a conjunction, a list of lists a disjunction of those.
Filters = Sequence[tuple[str, str, Any]] | Sequence[Sequence[tuple[str, str, Any]]]


class Lake:
    """One lake as its readers see it; holds an S3 client open and remembers commits, which never change.

    Args:
        lake: ``s3://bucket/prefix``, with credentials, region and endpoint as boto3 finds them; or an open store.

    Every method that takes `as_of` reads the current snapshot without it, and otherwise a snapshot's name, or the
    one that was current at a time: a date means its end, in UTC.
    """

    def __init__(self, lake: str | Store) -> None:
        self.store = lake if isinstance(lake, Store) else Store.at(lake)
        self._commits: dict[int, Commit] = {}

    def snapshots(self) -> pd.DataFrame:
        """Return one row per published snapshot, newest first."""
        return pd.DataFrame(
            [
                {
                    "snapshot": commit.snapshot,
                    "committed_at": commit.committed_at,
                    "documents": commit.tables["documents"].rows,
                    **{
                        kind: sum(c[kind] for c in commit.changes.values()) for kind in ("added", "modified", "deleted")
                    },
                    "bytes": sum(table.bytes for table in commit.tables.values()),
                    "failed": len(commit.stale) + len(commit.missing),
                }
                for commit in self._all_commits()
            ]
        )

    def tables(self, as_of: str | date | None = None) -> pd.DataFrame:
        """Return one row per table of a snapshot: its name, rows, bytes, partitions, and what a row stands for."""
        return pd.DataFrame(
            [
                {
                    "table": name,
                    "rows": table.rows,
                    "bytes": table.bytes,
                    "partitions": len(table.files) if table.partition else 0,
                    "grain": table.grain,
                }
                for name, table in sorted(self.commit(as_of).tables.items())
            ]
        )

    def path(self, table: str, as_of: str | date | None = None) -> str:
        """Return the folder that holds a table's live files and nothing else, for ``pd.read_parquet`` and others."""
        commit = self.commit(as_of)
        self._table(commit, table)
        return self.store.uri(table_folder(commit.snapshot, table))

    def read(
        self,
        table: str,
        filters: Filters | None = None,
        columns: Sequence[str] | None = None,
        as_of: str | date | None = None,
    ) -> pd.DataFrame:
        """Read a table; of a partitioned one, a filter on its partition fetches only the files that can match.

        Every file is checked against the hash that its commit gives.

        Raises:
            UnknownNameError: No such table, column or snapshot.
            LakeError: A file is not what the commit says.
        """
        commit = self.commit(as_of)
        found = self._table(commit, table)
        expression = pq.filters_to_expression(filters) if filters else None
        files = _matching(found, expression)
        with ThreadPoolExecutor(PARALLEL_REQUESTS) as pool:
            parts = list(pool.map(lambda file: self._part(commit, table, found, file, expression, columns), files))
        frame: pd.DataFrame = pa.concat_tables(parts).to_pandas()
        return frame

    def commit(self, as_of: str | date | None = None) -> Commit:
        """Return the commit of a snapshot: the current one, or the one that `as_of` names.

        Raises:
            UnknownNameError: No snapshot has this name, or none was published by then.
            LakeError: Nothing was ever published.
        """
        seqs = commit_seqs(self.store)
        if not seqs:
            raise LakeError(f"{self.store.uri()}: nothing was ever published here; run `pokelake refresh` first")
        if as_of is None:
            return self._commit(seqs[-1])
        if isinstance(as_of, str) and is_snapshot_id(as_of):
            matches = (commit for commit in self._all_commits() if commit.snapshot == as_of)
        else:
            moment = _moment(as_of)
            matches = (c for c in self._all_commits() if datetime.fromisoformat(c.committed_at) <= moment)
        commit = next(matches, None)
        if commit is None:
            raise UnknownNameError("snapshot", str(as_of), [known.snapshot for known in self._all_commits()])
        return commit

    def _all_commits(self) -> list[Commit]:
        """Return every commit, newest first."""
        with ThreadPoolExecutor(PARALLEL_REQUESTS) as pool:
            return list(pool.map(self._commit, reversed(commit_seqs(self.store))))

    def _commit(self, seq: int) -> Commit:
        if seq not in self._commits:
            self._commits[seq] = read_commit(self.store, seq)
        return self._commits[seq]

    @staticmethod
    def _table(commit: Commit, name: str) -> TableFiles:
        if name not in commit.tables:
            raise UnknownNameError("table", name, sorted(commit.tables))
        return commit.tables[name]

    def _part(
        self,
        commit: Commit,
        name: str,
        table: TableFiles,
        file: DataFile,
        expression: ds.Expression | None,
        columns: Sequence[str] | None,
    ) -> pa.Table:
        """Return what one file holds of a table: the rows that match, the columns asked for."""
        key = f"{table_folder(commit.snapshot, name)}/{file.name}"
        body = self.store.get(key)
        if sha256(body).hexdigest() != file.sha256:
            raise LakeError(f"{self.store.uri(key)}: expected the content with SHA-256 {file.sha256}, found another")
        parquet = pq.ParquetFile(pa.BufferReader(body))
        stored = parquet.schema_arrow.names
        wanted = list(columns) if columns is not None else stored
        known = [*stored, table.partition] if table.partition else stored
        for column in wanted:
            if column not in known:
                raise UnknownNameError(f"column of {name}", column, known)
        rows = parquet.read(columns=[c for c in wanted if c in stored] if expression is None else None)
        if table.partition and (expression is not None or table.partition in wanted):
            value = pa.scalar(file.partition, _partition_type(table))
            rows = rows.append_column(table.partition, pa.repeat(value, rows.num_rows))
        if expression is not None:
            try:
                rows = rows.filter(expression)
            except pa.ArrowException as error:
                facts = str(error).splitlines()[0]
                raise LakeError(f"{name}: the filter does not fit its columns, {', '.join(known)}: {facts}") from error
        return rows.select(wanted)


def _matching(table: TableFiles, expression: ds.Expression | None) -> list[DataFile]:
    """Return the files that can hold rows for which `expression` is true; the first one where none can."""
    if table.partition is None or expression is None:
        return list(table.files)
    field = pa.field(table.partition, _partition_type(table))
    partitions = [ds.field(table.partition) == pa.scalar(file.partition, field.type) for file in table.files]
    # A dataset whose files are never opened: it only knows how to tell partitions apart.
    dataset = ds.FileSystemDataset.from_paths(
        [str(number) for number in range(len(table.files))],
        schema=pa.schema([field, *(pa.field(f["name"], _type(f["type"])) for f in table.fields)]),
        format=ds.ParquetFileFormat(),
        filesystem=pafs.LocalFileSystem(),
        partitions=partitions,
    )
    try:
        fragments = list(dataset.get_fragments(filter=expression))
    except pa.ArrowException:
        # An expression that does not fit the columns is refused where the rows are.
        return list(table.files)
    return [table.files[int(fragment.path)] for fragment in fragments] or list(table.files[:1])


def _type(name: str) -> pa.DataType:
    """Return the type of this name; null for one that no partition is filtered together with, such as a time."""
    try:
        return pa.type_for_alias(name)
    except ValueError:
        return pa.null()


def _partition_type(table: TableFiles) -> pa.DataType:
    return pa.int16() if all(isinstance(file.partition, int) for file in table.files) else pa.string()


def _moment(as_of: str | date) -> datetime:
    """Return the moment that a date, the end of its day, or a time stands for."""
    if isinstance(as_of, str):
        as_of = _parsed(as_of)
    if not isinstance(as_of, datetime):
        as_of = datetime.combine(as_of, time.max)
    return as_of if as_of.tzinfo else as_of.replace(tzinfo=UTC)


def _parsed(text: str) -> date:
    for kind in (date, datetime):
        with suppress(ValueError):
            return kind.fromisoformat(text)
    raise LakeError(f"as_of: expected a snapshot's name, a date or a time, found {text!r}")
