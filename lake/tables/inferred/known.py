"""What is settled of a resource's tables before anything is inferred: by settings, and by the snapshot before."""

from collections.abc import Sequence
from dataclasses import dataclass, field

import pyarrow as pa

from lake.schema import BODY, KEY, Field, Table
from lake.tables.inferred.places import above, is_within, place_at
from lake.tables.inferred.plan import JSON, Column, column_of
from lake.tables.inferred.said import Said
from lake.tables.inferred.shape import Shape
from lake.text import shown

_OMITTED = "it is omitted by a setting"


@dataclass(frozen=True, slots=True)
class Key:
    """The id of a resource's documents: its path in a document, and its type, int64 or string."""

    path: str
    type: pa.DataType


@dataclass(slots=True)
class Known:
    """What is settled of a resource's tables.

    `key` is the path of the key, KEY or a member's, and its type. `columns` are settled, by path; `fields` are those
    that the snapshot before had, the key among them, and `tables` are its tables by their rows. `dropped` are columns
    and tables of it that settings took away; `widened` and `retyped` are columns that have another type than there.
    `refusal` says why the key of the settings is not taken.
    """

    key: tuple[str, pa.DataType]
    columns: dict[str, Column]
    fields: dict[str, Field]
    tables: dict[str, Table]
    dropped: dict[str, str] = field(default_factory=dict)
    widened: list[str] = field(default_factory=list)
    retyped: list[str] = field(default_factory=list)
    refusal: str = ""


def known(shape: Shape, key: Key, before: Sequence[Table], said: Said) -> Known:
    """Return what is settled of a resource's tables by settings, and by its tables `before`; settings win."""
    tables, fields = {table.rows: table for table in before}, fields_of(before)
    columns = {path: Column(item.type, item.is_json) for path, item in fields.items()}
    found = Known((KEY, key.type), columns, fields, dict(sorted(tables.items())))
    _drop(found, said)
    for path, column in found.columns.items():
        if path not in said.typed and not path.startswith("@") and _widens(column, place_at(shape, path)):
            found.columns[path] = Column(pa.float64())
            found.widened.append(path)
    found.retyped += [
        path for path, column in said.typed.items() if path in columns and not _is_like(columns[path], column)
    ]
    found.columns |= said.typed
    if said.key:
        _take_key(found, shape, said)
    found.columns.pop(found.key[0], None)
    found.widened = [path for path in found.widened if path in found.columns]
    # What was the key beside the whole document as a column is part of that alone.
    for path in [path for path in found.columns if "" in found.columns and path and not path.startswith("@")]:
        del found.columns[path]
        found.dropped[path] = "the document is a column"
    if key.path not in fields and (KEY in (found.key[0], *found.columns)):
        found.columns.pop(key.path, None)
    return found


def fields_of(tables: Sequence[Table]) -> dict[str, Field]:
    """Return the fields of a resource's tables by their paths, without those that say whose row one is."""
    return {
        path: field
        for table in tables
        for field in table.fields
        for path in ["" if field.path == BODY else field.paths[0]]
        if not table.rows or not (path.startswith("@") or field.name in table.primary_key)
    }


def _drop(found: Known, said: Said) -> None:
    """Take away what settings omit, or have inside of another column, or around one."""
    for path in sorted(found.columns):
        if path.startswith("@"):
            continue
        typed = [other for other in said.typed if other != path and (is_within(path, other) or is_within(other, path))]
        if said.omits(path):
            found.dropped[path] = _OMITTED
        elif typed:
            found.dropped[path] = f"{typed[0] or 'the document'} is a column by a setting"
        elif found.columns[path].is_json and path not in said.typed and said.hides(path):
            found.dropped[path] = "as JSON text it would show what a setting omits"
    for rows in list(found.tables):
        outer = [path for path in said.typed if path != rows and is_within(rows, path)]
        if rows and (said.omits(rows) or outer):
            del found.tables[rows]
            found.dropped[rows] = f"{outer[0] or 'the document'} is a column by a setting" if outer else _OMITTED
    for path in found.dropped:
        found.columns.pop(path, None)


def _widens(column: Column, place: Shape | None) -> bool:
    values = place.values if place else frozenset()
    return column.type == pa.int64() and "double" in values and not values & {"wide", "huge"}


def _is_like(one: Column, other: Column) -> bool:
    return (one.type, one.is_json) == (other.type, other.is_json)


def _take_key(found: Known, shape: Shape, said: Said) -> None:
    """Have the key that settings name, if it is one value of a document."""
    path = said.key
    place = place_at(shape, path)
    column = said.typed.get(path)
    if column is None and path in found.fields:
        column = Column(found.fields[path].type, found.fields[path].is_json)
    column = column or (column_of(place) if place else None)
    around = next((other for other in above(path) if other and other in found.columns), None)
    if "[]" in path or said.omits(path):
        found.refusal = "expected the path of a member of the document that is not omitted"
    elif around:
        found.refusal = f"{shown(around)}, which it lies in, is one column"
    elif any(is_within(other, path) and other != path for other in (*found.columns, *found.tables)):
        found.refusal = "there are columns or tables below it"
    elif column is None or column.is_json:
        found.refusal = "expected the path of one value of the document, of one type" + (
            f"; as a column it is JSON text, because {column.why}" if column and column.why else ", and found none"
        )
    else:
        found.key = path, column.type
        # Beside the whole document as a column, the key alone stays.
        found.dropped.pop(path, None)
        if "" in found.dropped and not said.typed.keys() - {path} and not said.hides(""):
            del found.dropped[""]
            found.columns[""] = JSON
