"""Tables and ready views of a snapshot as views of a DuckDB connection, with comments where they are asked for."""

from collections.abc import Iterable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress

import duckdb
import pyarrow as pa
import pyarrow.dataset as ds

from lake.commit import Commit
from lake.errors import DamagedObjectError, MissingObjectError
from lake.fields import Entries, read_fields
from lake.read.columns import PARTITION_MEANING, describe
from lake.read.dataset import open_dataset
from lake.read.files import partition_field, type_of
from lake.read.ready import ready_views
from lake.store import PARALLEL_REQUESTS, Store
from lake.views import View

# The types of the columns of ready views in SQL, by their names in Arrow.
_TYPES = {"int32": "INTEGER", "double": "DOUBLE", "string": "VARCHAR", "bool": "BOOLEAN"}

# The comment on a table or view, and that on each of its columns, by their names.
Comments = tuple[str, dict[str, str]]


def add(connection: duckdb.DuckDBPyConnection, store: Store, commit: Commit, asked: Iterable[str]) -> None:
    """Add the tables and ready views among these names, and the tables that those views need.

    Each table costs a request for its first file, which a query reads anyway.
    """
    names = set(asked)
    views = [view for view in ready_views(commit) if view.name in names]
    tables = sorted({*(names & commit.tables.keys()), *(need for view in views for need in view.needs)})
    with ThreadPoolExecutor(PARALLEL_REQUESTS) as pool:
        datasets = list(pool.map(lambda name: open_dataset(store, commit, name), tables))
    _create(connection, zip(tables, datasets, strict=True), views)


def add_all(connection: duckdb.DuckDBPyConnection, store: Store, commit: Commit) -> None:
    """Add every table and every ready view, with comments on all of them and on all columns.

    Each table costs a request for the list of its fields, if its commit does not have it; no file is fetched.
    """
    names = sorted(commit.tables)
    listed = entries_of(store, commit, names)
    datasets = [open_dataset(store, commit, name, schema=_schema(listed[name])) for name in names]
    views = ready_views(commit)
    _create(connection, zip(names, datasets, strict=True), views)
    comments = {name: table_comments(commit, name, listed[name]) for name in names}
    comments |= {view.name: view_comments(view) for view in views}
    connection.execute("".join(comment_statements(comments)))


def _create(
    connection: duckdb.DuckDBPyConnection, datasets: Iterable[tuple[str, ds.Dataset]], views: Sequence[View]
) -> None:
    for name, dataset in datasets:
        # A view that is no temporary one: other cursors of the same database see it, too.
        connection.from_arrow(dataset).create_view(name)
    for view in views:
        connection.execute(f"CREATE VIEW {quoted(view.name)} AS {query_of(view)}")


def query_of(view: View) -> str:
    """Return the query of a ready view, with its columns in the types that are declared."""
    columns = (
        f"{quoted(field.name)}::{_TYPES[str(field.type)]} AS {quoted(field.name)}" for field in view.table.fields
    )
    return f"SELECT {', '.join(columns)} FROM ({view.sql})"


def entries_of(store: Store, commit: Commit, names: Sequence[str]) -> dict[str, Entries]:
    """Return the fields of some tables; each costs a request, if its commit does not have them."""
    with ThreadPoolExecutor(PARALLEL_REQUESTS) as pool:
        return dict(zip(names, pool.map(lambda name: _entries(store, commit, name), names), strict=True))


def _entries(store: Store, commit: Commit, name: str) -> Entries:
    """Return the fields of a table; where the list of them is lost, as its smallest file describes them."""
    table = commit.tables[name]
    if table.fields:
        return table.fields
    if table.schema is not None:
        with suppress(MissingObjectError, DamagedObjectError):
            return read_fields(store, table.schema)
    partition = partition_field(table).name if table.partition else None
    return tuple(
        {**column, "description": " ".join(_said(column["description"], column["null_means"]))}
        for column in describe(store, commit, name).columns
        if column["name"] != partition
    )


def _said(description: str | None, null_means: str | None) -> Iterator[str]:
    if description:
        yield description
    if null_means:
        yield f"Null: {null_means}."


def _schema(entries: Entries) -> pa.Schema:
    return pa.schema([pa.field(entry["name"], type_of(entry["type"])) for entry in entries])


def table_comments(commit: Commit, name: str, entries: Entries) -> Comments:
    """Return the comments of a table."""
    table = commit.tables[name]
    columns = {entry["name"]: _meaning(entry.get("description", ""), entry.get("unit") or "") for entry in entries}
    if table.partition:
        columns[table.partition] = PARTITION_MEANING
    return _meaning_of_rows(table.grain, table.primary_key), columns


def view_comments(view: View) -> Comments:
    """Return the comments of a ready view."""
    columns = {field.name: _meaning(field.description, field.unit) for field in view.table.fields}
    made = f"{_meaning_of_rows(view.table.grain, view.table.primary_key)} A view of {', '.join(view.needs)}."
    return made, columns


def _meaning_of_rows(grain: str, key: Sequence[str]) -> str:
    said = f"{grain[0].upper()}{grain[1:]}." if grain else ""
    return f"{said} Key: {', '.join(key)}.".strip() if key else said


def _meaning(description: str, unit: str) -> str:
    """Return what a column means as one text, its unit before what null means."""
    values, null, meaning = description.partition("Null: ")
    parts = (values.strip(), f"Unit: {unit}." if unit else "", f"{null}{meaning}")
    return " ".join(part for part in parts if part)


def comment_statements(comments: dict[str, Comments], kind: str = "VIEW") -> Iterator[str]:
    """Yield the statements that put comments on views, or on tables, and on their columns."""
    for name, (rows, columns) in comments.items():
        yield f"COMMENT ON {kind} {quoted(name)} IS {text(rows)};"
        for column, meaning in columns.items():
            yield f"COMMENT ON COLUMN {quoted(name)}.{quoted(column)} IS {text(meaning)};"


def quoted(name: str) -> str:
    """Return a name as SQL has it."""
    return '"' + name.replace('"', '""') + '"'


def text(value: str) -> str:
    """Return a text as SQL has it."""
    return "'" + value.replace("'", "''") + "'"
