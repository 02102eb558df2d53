"""SQL over the tables of one snapshot, by DuckDB; it can do nothing but query them."""

import json
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from itertools import count
from typing import Any

import duckdb
import pyarrow as pa

from lake.commit import Commit
from lake.errors import LakeError, UnknownNameError
from lake.read.dataset import open_dataset
from lake.store import PARALLEL_REQUESTS, Store

# A query reaches registered tables alone: no file, address, secret or extension, no variable of the program.
# The order counts, because DuckDB lets a query read the folder that it spills into, and the files of a database that is
# opened without access to others. It gets no such folder: a query that needs more memory than there is fails.
_SETTINGS = (
    "SET temp_directory = ''",
    # Its default tells a query where the home of whoever asks is.
    "SET secret_directory = ''",
    "SET autoinstall_known_extensions = false",
    "SET autoload_known_extensions = false",
    "SET python_enable_replacements = false",
    "SET allow_persistent_secrets = false",
    "SET enable_external_access = false",
    "SET disabled_filesystems = 'LocalFileSystem'",
    "SET TimeZone = 'UTC'",
    "SET lock_configuration = true",
)

# How often a query is asked, at most. Where S3 refuses one request in ten, one query in four meets that.
_TRIES = 5

# What is raised, besides DuckDB's errors, where a file cannot be read or is damaged.
_UNREAD = (OSError, pa.ArrowException, RuntimeError)

_QUERIES = "which begins with SELECT, FROM, WITH, VALUES, PIVOT, UNPIVOT, DESCRIBE, SUMMARIZE or SHOW"

# The type of numbers of more than 64 bits, such as DuckDB's sums of integers.
_HUGE = pa.decimal128(38, 0)


def query(store: Store, commit: Commit, text: str) -> pa.Table:
    """Return the rows of one query, in which every table of a snapshot that it names is a view.

    Filters and columns reach the files: those of other partitions are not opened, other columns not fetched.

    Raises:
        UnknownNameError: The snapshot has no table of a name in the query.
        LakeError: It is not one query, DuckDB refuses it, or a file cannot be read.
    """
    with duckdb.connect() as connection:
        for setting in _SETTINGS:
            connection.execute(setting)
        tree = _parsed(connection, text)
        asked = {name.lower() for name in _names(tree, "BASE_TABLE")}
        if any(_names(tree, "SHOW_REF")):
            asked |= commit.tables.keys()
        known = sorted(asked & commit.tables.keys())
        with ThreadPoolExecutor(PARALLEL_REQUESTS) as pool:
            datasets = list(pool.map(lambda name: open_dataset(store, commit, name), known))
        for name, dataset in zip(known, datasets, strict=True):
            connection.register(name, dataset)
        try:
            return _distinct(_whole_numbers(_answered(connection, text)))
        except duckdb.CatalogException as error:
            unknown = sorted(asked - commit.tables.keys() - set(_named_inside(tree)))
            if unknown:
                raise UnknownNameError("table", unknown[0], sorted(commit.tables)) from error
            raise _refused(error) from error
        except duckdb.OutOfMemoryException as error:
            raise LakeError(
                "sql: the query needs more memory than this machine has; let it take fewer columns, rows or groups"
            ) from error
        except (*_UNREAD, duckdb.Error) as error:
            raise _refused(error) from error


def _parsed(connection: duckdb.DuckDBPyConnection, text: str) -> dict[str, Any]:
    """Return the syntax tree of one query.

    The tables are looked up in it because DuckDB's own `get_table_names` binds the query, before there are any tables:
    it refuses ``WITH a AS (SELECT * FROM b) … JOIN c USING (d)``, and it does not tell of ``SHOW TABLES``.

    Raises:
        LakeError: It is not one query, or not SQL.
    """
    if not isinstance(text, str):
        raise LakeError(f"sql: expected a query as text, found {type(text).__name__}")
    try:
        [(answer,)] = connection.execute("SELECT json_serialize_sql(?)", [text]).fetchall()
        tree: dict[str, Any] = json.loads(answer)
    except duckdb.Error as error:
        raise _refused(error) from error
    except RecursionError as error:
        raise LakeError("sql: the query is nested too deeply; split it by WITH") from error
    if tree["error"]:
        raise LakeError(_no_query(connection, text, tree["error_message"]))
    if len(tree["statements"]) != 1:
        raise LakeError(f"sql: expected one query, found {len(tree['statements'])}")
    return tree


def _no_query(connection: duckdb.DuckDBPyConnection, text: str, said: str) -> str:
    """Return what is wrong with a text that has no syntax tree, because it is no query or no SQL."""
    try:
        kinds = [statement.type for statement in connection.extract_statements(text)]
    except duckdb.Error:
        kinds = []
    if duckdb.StatementType.MULTI in kinds:
        return "sql: expected a PIVOT with its values, found one without; list them: PIVOT … ON column IN ('a', 'b') …"
    if kinds:
        said = ", ".join(kind.name for kind in kinds)
    return f"sql: expected one query, {_QUERIES}, because a reader never writes, found: {said}"


def _nodes(tree: Any) -> Iterator[dict[str, Any]]:
    """Yield every object in a syntax tree."""
    pending = [tree]
    while pending:
        part = pending.pop()
        if isinstance(part, dict):
            yield part
        pending += part.values() if isinstance(part, dict) else part if isinstance(part, list) else ()


def _names(tree: Any, kind: str) -> Iterator[str]:
    """Yield the table that each reference of a kind names; some name none."""
    yield from (node["table_name"] for node in _nodes(tree) if node.get("type") == kind and node["table_name"])


def _named_inside(tree: Any) -> Iterator[str]:
    """Yield the names that the query itself gives to a part of it, ``WITH name AS``."""
    for node in _nodes(tree):
        yield from (entry["key"].lower() for entry in node.get("cte_map", {}).get("map", ()))


def _answered(connection: duckdb.DuckDBPyConnection, text: str) -> pa.Table:
    """Return the rows of a query; where a file could not be read, it is asked again.

    pyarrow does not repeat a request for fewer bytes than the answer of S3 that refuses it, nor one whose pages came
    damaged.
    """
    for _ in range(_TRIES - 1):
        try:
            return _answer(connection.sql(text))
        except _UNREAD:
            continue
        except duckdb.Error as error:
            if "IOError" not in str(error) and "reading the stream" not in str(error):
                raise
    return _answer(connection.sql(text))


def _answer(relation: duckdb.DuckDBPyRelation) -> pa.Table:
    """Return the rows of a query; DuckDB would hand over its largest type of integers with the sign lost."""
    for name, kind in zip(relation.columns, relation.types, strict=True):
        if "UHUGEINT" in str(kind):
            raise LakeError(f"sql: column {name!r} is {kind}, which no other program reads; cast it, name::VARCHAR")
    return relation.to_arrow_table()


def _distinct(rows: pa.Table) -> pa.Table:
    """Return rows whose columns have names of their own; of two columns `a`, DuckDB calls the second one `a_1`."""
    names: list[str] = []
    for name in rows.column_names:
        tries = (f"{name}_{number}" if number else name for number in count())
        names.append(next(free for free in tries if free not in names))
    return rows.rename_columns(names)


def _whole_numbers(rows: pa.Table) -> pa.Table:
    """Return rows with 64 bits for integers that DuckDB widened, where they fit."""
    for index, field in enumerate(rows.schema):
        if field.type == _HUGE:
            try:
                rows = rows.set_column(index, field.name, rows[index].cast(pa.int64()))
            except pa.ArrowInvalid:
                continue
    return rows


def _refused(error: Exception) -> LakeError:
    """Return DuckDB's message as one paragraph, without its drawing of the place."""
    said = str(error).partition("\nLINE ")[0]
    return LakeError(f"sql: {' '.join(said.split())}")
