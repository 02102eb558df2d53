"""SQL over the tables of one snapshot, by DuckDB; it can do nothing but query them."""

import json
import re
from collections.abc import Iterator, Mapping, Sequence
from itertools import count
from typing import Any

import duckdb
import pyarrow as pa

from lake.commit import Commit
from lake.errors import LakeError
from lake.read.interruptible import interruptible
from lake.read.ready import ready_view
from lake.read.relations import add, add_all
from lake.store import Store
from lake.text import shown

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

_QUERIES = "SELECT, FROM, WITH, VALUES, PIVOT, UNPIVOT, DESCRIBE, SUMMARIZE or SHOW"

# What a query that is no single statement for DuckDB can begin with: a PIVOT without values makes a type of those that
# it finds, and queries with it. A statement that stores what a PIVOT finds looks the same from outside.
_PIVOTING = re.compile(r"\W*(pivot|pivot_wider|select|from|with)\b", re.IGNORECASE)

# What DuckDB's own tables and functions are called that tell of tables, and the schemas in which some of them lie.
_CATALOGS = ("duckdb_", "pragma_", "sqlite_master", "sqlite_schema", "pg_")
_CATALOG_SCHEMAS = {"information_schema", "pg_catalog"}

# Functions that take the name of a table, or a query, as text, which a query may put together.
_NAMED_BY_TEXT = ("query", "query_table")

_UNKNOWN = re.compile(r"Table with name (\S+) does not exist")

# Parameters of a query: by position, or by name.
Parameters = Sequence[Any] | Mapping[str, Any]

# The type of numbers of more than 64 bits, such as DuckDB's sums of integers.
_HUGE = pa.decimal128(38, 0)


def query(store: Store, commit: Commit, text: str, params: Parameters | None = None) -> pa.Table:
    """Return the rows of one query, in which every table and ready view of a snapshot that it names is a view.

    Where it asks for names, of tables or columns, all of them are there, with comments. Filters and columns reach the
    files: those of other partitions are not opened, other columns not fetched.

    Raises:
        UnknownNameError: The snapshot has no table of a name in the query.
        LakeError: It is not one query, DuckDB refuses it, or a file cannot be read.
    """
    if params is not None and not isinstance(params, (list, tuple, Mapping)):
        raise LakeError(f"sql, params: expected a list, or an object of named ones, found {shown(repr(params))}")
    with duckdb.connect() as connection:
        for setting in _SETTINGS:
            connection.execute(setting)
        tree = _parsed(connection, text)
        asked = set(_names(tree)) if tree else _words(text)
        if tree and _asks_for_names(tree):
            add_all(connection, store, commit)
        else:
            add(connection, store, commit, asked)
        try:
            rows = interruptible(lambda: _answered(connection, text, params), connection.interrupt)
            return _distinct(_whole_numbers(rows))
        except duckdb.CatalogException as error:
            if unknown := _UNKNOWN.search(str(error)):
                ready_view(commit, unknown[1])
            raise _refused(error) from error
        except duckdb.OutOfMemoryException as error:
            raise LakeError(
                "sql: the query needs more memory than this machine has; let it take fewer columns, rows or groups"
            ) from error
        except (*_UNREAD, duckdb.Error) as error:
            raise _refused(error) from error


def _parsed(connection: duckdb.DuckDBPyConnection, text: str) -> dict[str, Any] | None:
    """Return the syntax tree of one query; None for one with a PIVOT without values, which has none.

    The tables are looked up in it because DuckDB's own `get_table_names` binds the query, before there are any tables:
    it refuses ``WITH a AS (SELECT * FROM b) … JOIN c USING (d)``, UNPIVOT and every parameter, and it does not tell of
    ``SHOW TABLES``.

    Raises:
        LakeError: It is not one query, or not SQL.
    """
    if not isinstance(text, str):
        raise LakeError(f"sql: expected a query as text, found {type(text).__name__}")
    try:
        text.encode()
        kinds = [statement.type for statement in connection.extract_statements(text)]
        if len(kinds) != 1:
            raise LakeError(f"sql: expected one query, found {len(kinds)}")
        if kinds[0] == duckdb.StatementType.MULTI and _PIVOTING.match(_bare(text)):
            return None
        if kinds[0] != duckdb.StatementType.SELECT:
            raise LakeError(_no_query(kinds[0].name))
        [(answer,)] = connection.execute("SELECT json_serialize_sql(?)", [text]).fetchall()
        tree: dict[str, Any] = json.loads(answer)
    except (duckdb.Error, UnicodeError) as error:
        raise _refused(error) from error
    except RecursionError as error:
        raise LakeError("sql: the query is nested too deeply; split it by WITH") from error
    if tree["error"]:
        raise LakeError(f"sql: {' '.join(tree['error_message'].split())}")
    return tree


def _bare(text: str) -> str:
    """Return a query without the comments that it begins with."""
    starts = [place for place, kind in duckdb.tokenize(text) if kind != duckdb.token_type.comment]
    return text.encode()[starts[0] :].decode() if starts else ""


def _no_query(kind: str) -> str:
    """Say that a statement is none that `query` answers, and what does."""
    if kind == "EXPLAIN":
        return (
            f"sql: expected a query, which begins with {_QUERIES}, found EXPLAIN, which asks for a plan: ask for it by"
            " `lake.connect()`, which returns a connection to DuckDB"
        )
    found = "one that a PIVOT is part of" if kind == "MULTI" else kind.replace("_", " ")
    return (
        f"sql: expected a query, which begins with {_QUERIES}, found a statement of another kind: {found}. `sql` only"
        " reads, and changes no setting; `lake.connect()` returns a DuckDB connection that may write and set what it"
        " likes, in memory"
    )


def _words(text: str) -> set[str]:
    """Return every word of a query: among them are the names of all tables that it names."""
    return set(re.findall(r"[\w-]+", text.lower())) | set(re.findall(r"\w+", text.lower()))


def _nodes(tree: Any) -> Iterator[dict[str, Any]]:
    """Yield every object in a syntax tree."""
    pending = [tree]
    while pending:
        part = pending.pop()
        if isinstance(part, dict):
            yield part
        pending += part.values() if isinstance(part, dict) else part if isinstance(part, list) else ()


def _asks_for_names(tree: Any) -> bool:
    """Tell whether a query asks DuckDB itself which tables or columns there are, or names tables by a text."""
    for node in _nodes(tree):
        match node:
            case {"type": "SHOW_REF", "query": None, "show_type": "SHOW_SPECIAL" | "SHOW_FROM"}:
                return True
            case {"type": "TABLE_FUNCTION", "function": {"function_name": str(name)}} if _tells(name):
                return True
            case {"type": "BASE_TABLE", "schema_name": str(schema), "table_name": str(name)} if _tells(name, schema):
                return True
    return False


def _tells(name: str, schema: str = "") -> bool:
    return name.lower().startswith(_CATALOGS) or name.lower() in _NAMED_BY_TEXT or schema.lower() in _CATALOG_SCHEMAS


def _names(tree: Any) -> Iterator[str]:
    """Yield the name of each table in a syntax tree, also of one that is only shown."""
    for node in _nodes(tree):
        if node.get("type") in ("BASE_TABLE", "SHOW_REF") and node["table_name"]:
            yield node["table_name"].lower()


def _answered(connection: duckdb.DuckDBPyConnection, text: str, params: Parameters | None) -> pa.Table:
    """Return the rows of a query; where a file could not be read, it is asked again.

    pyarrow does not repeat a request for fewer bytes than the answer of S3 that refuses it, nor one whose pages came
    damaged.
    """
    for _ in range(_TRIES - 1):
        try:
            return _answer(connection.sql(text, params=params))
        except _UNREAD:
            continue
        except duckdb.Error as error:
            if "IOError" not in str(error) and "reading the stream" not in str(error):
                raise
    return _answer(connection.sql(text, params=params))


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
