"""What a source's setting `tables` says of the tables of its documents; what it leaves open is inferred."""

import re
from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass
from typing import Any, Literal, get_args

import msgspec

from lake.errors import SourceError
from lake.setting import setting

# Other packages name the tables that they declare in Python under this: by the kind of source, a module, or any object,
# with a tuple `TABLES`.
TABLE_ENTRY_POINTS = "pokelake.tables"

ColumnType = Literal["", "boolean", "int64", "double", "string", "timestamp", "date", "json"]

# By the names that the setting has for them; an empty one is inferred.
COLUMN_TYPES: tuple[str, ...] = get_args(ColumnType)

# What a column or a table may be called.
_NAME = re.compile(r"[a-z][a-z0-9_]{0,62}")


@dataclass(frozen=True, slots=True)
class ColumnSettings:
    """What is said of one column."""

    name: str = setting("", "Name of the column; empty: made from its path.")
    type: ColumnType = setting(  # noqa: RUF009
        "", "Type: boolean, int64, double, string, timestamp, date or json, which is JSON text; empty: inferred."
    )
    unit: str = setting("", "Unit of its values, such as metre; empty: none.")
    description: str = setting("", "What it means, a sentence; empty: where it stands in the documents.")


@dataclass(frozen=True, slots=True)
class TableSettings:
    """What is said of one table; the paths of columns begin at a document, or at an element of the table's list."""

    name: str = setting("", "Name of the table; empty: made from the resource, and from the path of the list.")
    grain: str = setting("", "What a row stands for; empty: a document of the resource, or an element of the list.")
    key: str = setting("", "Path of the column that is the key in the place of the document's id; for documents alone.")
    partition: str = setting(
        "", "Path of the column that the table is partitioned by, of a time by its year; empty: none."
    )
    omit: tuple[str, ...] = setting((), "Paths that become no column or table; the documents keep what stands there.")
    columns: tuple[tuple[str, ColumnSettings], ...] = setting((), "What is said of columns, by their paths.")


def require_valid(tables: Iterable[tuple[str, TableSettings]]) -> None:
    """Refuse settings with a name or a type that no table or column can have.

    Raises:
        SourceError: Some have; it names the setting by its table and its column.
    """
    for of, table in tables:
        _require_name(f"tables.{of}.name", table.name)
        for path, column in table.columns:
            _require_name(f"tables.{of}.columns.{path}.name", column.name)
            if column.type not in COLUMN_TYPES:
                place = f"tables.{of}.columns.{path}.type"
                raise SourceError(f"{place}: expected {_listed()}, found {column.type!r}", may_pass=False)


def said_of(tables: Iterable[tuple[str, TableSettings]]) -> dict[str, Any]:
    """Return settings as a commit keeps them, without what they leave open."""
    return {
        name: _said({**asdict(table), "columns": {path: _said(asdict(column)) for path, column in table.columns}})
        for name, table in tables
    }


def _said(settings: Mapping[str, Any]) -> dict[str, Any]:
    return {name: list(value) if isinstance(value, tuple) else value for name, value in settings.items() if value}


def read_said(said: Mapping[str, Any]) -> dict[str, TableSettings]:
    """Return the settings that a commit keeps."""
    columns = {name: tuple((table.get("columns") or {}).items()) for name, table in said.items()}
    return msgspec.convert(
        {name: {**table, "columns": columns[name]} for name, table in said.items()}, dict[str, TableSettings]
    )


def _require_name(place: str, name: str) -> None:
    if name and not _NAME.fullmatch(name):
        raise SourceError(
            f"{place}: expected at most 63 lower-case letters, digits and underscores, a letter first, found"
            f" {name[:80]!r}",
            may_pass=False,
        )


def _listed() -> str:
    named = [name for name in COLUMN_TYPES if name]
    return f"{', '.join(named[:-1])} or {named[-1]}"
