"""What settings say of the tables of one resource, by paths that all begin at the document's root."""

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field

import pyarrow as pa

from lake.table_settings import ColumnSettings, TableSettings
from lake.tables.inferred.places import below, is_within
from lake.tables.inferred.plan import JSON, TIMES, Column

_TYPES = {
    "boolean": pa.bool_(),
    "int64": pa.int64(),
    "double": pa.float64(),
    "string": pa.string(),
    "timestamp": TIMES,
    "date": pa.date32(),
}
_PATH = re.compile(r"(?:[^.@\[\]]+(?:\[\])?(?:\.(?!$)|$))*")


@dataclass(frozen=True, slots=True)
class Said:
    """The settings of one resource: of its tables by their rows, of columns by their paths, and what is omitted.

    `typed` are the columns that settings give a type. `refused` are the settings that contradict others, or have no
    path, each with the reason.
    """

    tables: Mapping[str, TableSettings]
    columns: Mapping[str, ColumnSettings]
    omitted: tuple[str, ...]
    typed: Mapping[str, Column]
    refused: Mapping[str, str] = field(default_factory=dict)

    @property
    def key(self) -> str:
        """The path of the key in the place of the document's id; empty for that."""
        return self.tables[""].key if "" in self.tables else ""

    def omits(self, path: str) -> bool:
        """Tell whether what stands at a path is omitted."""
        return any(is_within(path, omitted) for omitted in self.omitted)

    def hides(self, path: str) -> bool:
        """Tell whether something below a path is omitted, so that nobody may see it as JSON text."""
        return any(is_within(omitted, path) for omitted in self.omitted)


def said_of(settings: Mapping[str, TableSettings], resource: str) -> Said:
    """Return what settings say of a resource; their names are those of resources, or of lists: ``trainer.team[]``."""
    tables = {rows: table for name, table in settings.items() for of, rows in [split(name)] if of == resource}
    refused = {rows: _NO_LIST for rows in tables if rows and not (is_path(rows) and rows.endswith("[]"))}
    tables = {rows: tables[rows] for rows in sorted(tables.keys() - refused.keys())}
    given = [(below(rows, path), column) for rows, table in tables.items() for path, column in table.columns]
    omitted = tuple(sorted({below(rows, path) for rows, table in tables.items() for path in table.omit if path}))
    refused |= {path: _NO_PATH for path in (*omitted, *(path for path, _ in given)) if not is_path(path)}
    omitted = tuple(path for path in omitted if path not in refused)
    # Of two settings of one path the one counts that stands with the longer list.
    columns = {path: column for path, column in sorted(given, key=lambda pair: pair[0]) if path not in refused}
    said = Said(tables, columns, omitted, {})
    refused |= {path: "it, or what it lies in, is omitted" for path in columns if said.omits(path)}
    typed = dict(_typed({path: column for path, column in columns.items() if path not in refused}, said, refused))
    kept = {path: column for path, column in columns.items() if path not in refused}
    return Said(tables, kept, omitted, typed, refused)


_NO_LIST = "expected a resource, or a resource and the path of a list, such as trainer.team[]"
_NO_PATH = "expected a path, such as address.city or team[].name; a list of lists has none"


def _typed(columns: Mapping[str, ColumnSettings], said: Said, refused: dict[str, str]) -> Iterator[tuple[str, Column]]:
    outer = dict[str, ColumnSettings]()
    for path, column in columns.items():
        if not column.type:
            continue
        around = next((other for other in outer if is_within(path, other)), None)
        if around is not None:
            refused[path] = f"{around or 'the document'}, which it lies in, is one column by another setting"
        elif path == "" and column.type != "json":
            refused[path] = f"expected the type json, because the whole document is an object, found {column.type}"
        elif column.type == "json" and said.hides(path):
            refused[path] = "as JSON text it would show what is omitted"
        else:
            outer[path] = column
            yield path, JSON if column.type == "json" else Column(_TYPES[column.type])


def split(name: str) -> tuple[str, str]:
    """Return the resource, and the path of the list or nothing, in the name of a table in settings.

    >>> split("trainer.team[]")
    ('trainer', 'team[]')
    """
    resource, _, rows = name.partition(".")
    return resource, rows


def is_path(path: str) -> bool:
    """Tell whether a text is the path of something that can be a column: the document, a member, or an element.

    >>> [is_path(path) for path in ("", "address.city", "team[].name", "team[]", "grid[][]", "a..b", "a.")]
    [True, True, True, True, False, False, False]
    """
    return _PATH.fullmatch(path) is not None
