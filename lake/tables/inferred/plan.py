"""Which columns and tables follow from the shape of a resource's documents."""

from collections.abc import Collection
from dataclasses import dataclass, field

import pyarrow as pa

from lake.tables.inferred.places import above, member, row_of
from lake.tables.inferred.shape import DEPTH, MEMBERS, Shape

TIMES = pa.timestamp("us", "UTC")

# What a place of one kind becomes.
TYPES = {
    "boolean": pa.bool_(),
    "int": pa.int64(),
    "wide": pa.int64(),
    "double": pa.float64(),
    "time": TIMES,
    "string": pa.string(),
}
# How a person is told a kind.
_WORDS = {
    "int": "int64",
    "wide": "int64 beyond 2^53",
    "huge": "integers beyond 64 bits",
    "time": "timestamp",
    "map": "object",
    "deep": "object or list",
}


@dataclass(frozen=True, slots=True)
class Column:
    """The type of a column; if it is JSON text, `why`, and `kind` is that of the note that says so."""

    type: pa.DataType
    is_json: bool = False
    why: str = ""
    kind: str = "json"


JSON = Column(pa.string(), is_json=True)


def as_json(why: str, kind: str = "json") -> Column:
    """Return a column of JSON text, and why it is one: "because …"."""
    return Column(pa.string(), True, why, kind)


@dataclass(slots=True)
class Plan:
    """The columns of a resource's tables by their paths, and the paths of the lists whose elements are rows.

    A column belongs to the table of the list that its path enters last. `closed` are objects that have columns, and so
    many members that no new ones are seen.
    """

    columns: dict[str, Column] = field(default_factory=dict)
    rows: set[str] = field(default_factory=lambda: {""})
    closed: list[str] = field(default_factory=list)


def column_of(place: Shape) -> Column | None:
    """Return the column that a place becomes; None for an object, a list of rows, and where no value was met."""
    values = place.values
    if not values or values == {"object"}:
        return None
    if values == {"list"}:
        return _list_as_json(place)
    if len(values) == 1 and (type_ := TYPES.get(min(values))):
        return Column(type_)
    if values == {"map"}:
        return as_json(f"its objects have more than {MEMBERS:,} different members")
    if values == {"deep"}:
        return as_json(f"it is nested deeper than {DEPTH}")
    if values == {"huge"}:
        return as_json("it has integers beyond 64 bits")
    return as_json(f"values of several kinds were found: {_listed(values)}")


def _listed(kinds: Collection[str]) -> str:
    return ", ".join(sorted(_WORDS.get(kind, kind) for kind in kinds))


def planned(shape: Shape, settled: Collection[str], rows: Collection[str], skipped: Collection[str]) -> Plan:
    """Return the columns and tables of a shape that are not settled yet.

    `settled` are the paths of columns and `rows` those of lists that are tables already: a path that is a column is
    never also an object or a table, and the other way round. `skipped` are paths that become nothing.
    """
    opened = {outer for path in (*settled, *rows) for outer in above(path)} | {path for path in rows if path}
    walk = _Walk(Plan(), {*settled, *skipped}, opened - {*settled}, {*settled, *rows, *opened})
    walk.visit("", shape)
    walk.plan.rows |= {row_of(path) for path in walk.plan.columns}
    return walk.plan


@dataclass(frozen=True, slots=True)
class _Walk:
    """One way through a shape; `closed` paths are passed by, and `opened` ones are objects or lists, as is `known`."""

    plan: Plan
    closed: Collection[str]
    opened: Collection[str]
    known: Collection[str]

    def visit(self, path: str, place: Shape) -> None:
        if path in self.closed:
            return
        values, elements = place.values, f"{path}[]"
        if path in self.opened:
            if elements in self.known:
                self._visit_list(elements, place)
            else:
                self.plan.closed += [path] * ("map" in values)
                self._visit_members(path, place)
        elif column := column_of(place):
            self.plan.columns[path] = column
        elif "list" in values:
            self._visit_list(elements, place)
        else:
            self._visit_members(path, place)

    def _visit_members(self, path: str, place: Shape) -> None:
        for name, inner in place.members.items():
            self.visit(member(path, name), inner)

    def _visit_list(self, path: str, place: Shape) -> None:
        if path not in self.closed and place.elements and place.elements.values:
            self.plan.rows.add(path)
            self.visit(path, place.elements)


def _list_as_json(place: Shape) -> Column | None:
    values = place.elements.values if place.elements else frozenset()
    if "list" in values:
        return as_json("it is a list of lists")
    if "object" in values and len(values) > 1:
        return as_json(f"its list has elements of several kinds: {_listed(values)}")
    return None
