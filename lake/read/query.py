"""SQL over the tables of one snapshot, by DuckDB; it can do nothing but query them."""

import json
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import duckdb
import pyarrow as pa

from lake.commit import Commit
from lake.errors import LakeError, UnknownNameError
from lake.read.dataset import open_dataset
from lake.store import PARALLEL_REQUESTS, Store

# A query reaches registered tables alone: no file, address or extension, and no variable of the calling program.
_CONFIG: dict[str, str | bool | int | float | list[str]] = {
    "enable_external_access": False,
    "autoinstall_known_extensions": False,
    "autoload_known_extensions": False,
    "python_enable_replacements": False,
}

# The type of numbers of more than 64 bits, such as DuckDB's sums of integers.
_HUGE = pa.decimal128(38, 0)


def query(store: Store, commit: Commit, text: str) -> pa.Table:
    """Return the rows of one query, in which every table of a snapshot that it names is a view.

    Filters and columns reach the files: those of other partitions are not opened, other columns not fetched.

    Raises:
        UnknownNameError: The snapshot has no table of a name in the query.
        LakeError: It is not one query, DuckDB refuses it, or a file cannot be read.
    """
    with duckdb.connect(config=_CONFIG) as connection:
        connection.execute("SET TimeZone = 'UTC'")
        connection.execute("SET lock_configuration = true")
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
            return _whole_numbers(connection.sql(text).to_arrow_table())
        except duckdb.CatalogException as error:
            unknown = sorted(asked - commit.tables.keys() - set(_named_inside(tree)))
            if unknown:
                raise UnknownNameError("table", unknown[0], sorted(commit.tables)) from error
            raise _refused(error) from error
        except (duckdb.Error, OSError, pa.ArrowException) as error:
            raise _refused(error) from error


def _parsed(connection: duckdb.DuckDBPyConnection, text: str) -> dict[str, Any]:
    """Return the syntax tree of one query.

    The tables are looked up in it because DuckDB's own `get_table_names` binds the query, before there are any tables:
    it refuses ``WITH a AS (SELECT * FROM b) … JOIN c USING (d)``, and it does not tell of ``SHOW TABLES``.

    Raises:
        LakeError: It is not one query, or not SQL.
    """
    [(answer,)] = connection.execute("SELECT json_serialize_sql(?)", [text]).fetchall()
    tree: dict[str, Any] = json.loads(answer)
    if tree["error"]:
        raise LakeError(f"sql: expected one SELECT, because a reader never writes, found: {tree['error_message']}")
    if len(tree["statements"]) != 1:
        raise LakeError(f"sql: expected one query, found {len(tree['statements'])}")
    return tree


def _nodes(tree: Any) -> Iterator[dict[str, Any]]:
    """Yield every object in a syntax tree."""
    if isinstance(tree, dict):
        yield tree
        tree = list(tree.values())
    if isinstance(tree, list):
        for part in tree:
            yield from _nodes(part)


def _names(tree: Any, kind: str) -> Iterator[str]:
    """Yield the table that each reference of a kind names; some name none."""
    yield from (node["table_name"] for node in _nodes(tree) if node.get("type") == kind and node["table_name"])


def _named_inside(tree: Any) -> Iterator[str]:
    """Yield the names that the query itself gives to a part of it, ``WITH name AS``."""
    for node in _nodes(tree):
        yield from (entry["key"].lower() for entry in node.get("cte_map", {}).get("map", ()))


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
