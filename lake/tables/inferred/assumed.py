"""Tables of which not every document was looked at: what is assumed of the others, and how they are held to it.

Tables follow from the shape of all documents, and to look at each took a third of the time that it takes to build them.
So some are looked at. While the tables are built, Arrow parses all by types that leave no room for anything else: what
it takes adds nothing to the shape, and what it refuses is looked at after all.
"""

from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass
from typing import Self

import msgspec
import pyarrow as pa
import pyarrow.compute as pc

from lake.schema import Table
from lake.tables.inferred.grow import grown
from lake.tables.inferred.known import fields_of
from lake.tables.inferred.places import member, place_at
from lake.tables.inferred.plan import TIMES, TYPES
from lake.tables.inferred.said import Said
from lake.tables.inferred.shape import EXACT, NOTHING, Kind, Shape, joined
from lake.tables.parse import Drift, parse_exactly
from lake.tables.paths import steps

# As what Arrow parses a value that is to be in such a column.
_PARSED = {**TYPES, "time": pa.string()}
# What a column may hold. One of the snapshot before takes each text for a time that may be none.
_KINDS: dict[pa.DataType, tuple[Kind, ...]] = {
    pa.bool_(): ("boolean",),
    pa.int64(): ("wide",),
    pa.float64(): ("double",),
    TIMES: ("time",),
}


class UnassumedError(Exception):
    """Documents have something that was assumed of none; `args` are the resources of which all must be looked at."""


class Assumption(msgspec.Struct, frozen=True):
    """What all documents of a resource have at most.

    Columns at `settled` paths keep their types, whatever comes: what does not fit lands as null.
    """

    shape: Shape
    settled: frozenset[str] = frozenset()


def assumable(shape: Shape, tables: Sequence[Table], before: Sequence[Table], said: Said) -> Assumption | None:
    """Return what may be assumed of all documents of a resource if some have a shape, of which its `tables` follow.

    Documents that have no more than what is returned change nothing of the tables. None means that types cannot say it,
    or that what settings say was not met: then all must be looked at.
    """
    named = {*said.columns, *said.omitted, said.key, *(rows for rows in said.tables if rows)}
    if any(place_at(shape, path) is None for path in named):
        return None
    fields = {path: field for path, field in fields_of(tables).items() if path and not path.startswith("@")}
    if any(field.is_json for field in fields.values()):
        return None
    old = {path: field.type for path, field in fields_of(before).items()}
    settled = frozenset(path for path, field in fields.items() if old.get(path) == field.type)
    for path, field in fields.items():
        kinds = _KINDS.get(field.type, ("string",))
        shape = joined(shape, _at(path, kinds))
        if path in settled:
            shape = _replaced(shape, steps(path), Shape(("string",) if kinds == ("time",) else kinds))
    for table in tables:
        if table.rows and table.rows not in fields:
            shape = joined(shape, _at(table.rows, ("object",)))
    found = Assumption(shape, settled)
    return found if shape.members and Assumed.of(found) else None


def _at(path: str, kinds: tuple[Kind, ...]) -> Shape:
    """Return the shape of documents that have values of some kinds at a path, and nothing else."""
    place = Shape(kinds)
    for name, is_list in reversed(steps(path)):
        place = Shape(("object",), {name: Shape(("list",), {}, place) if is_list else place})
    return place


def _replaced(place: Shape | None, way: Sequence[tuple[str, bool]], leaf: Shape) -> Shape:
    """Return a place with another one at the end of a way that it has."""
    if place is None or not way:
        return leaf
    (name, is_list), *rest = way
    inner = place.members[name]
    if is_list:
        inner = Shape(inner.kinds, inner.members, _replaced(inner.elements, rest, leaf))
    else:
        inner = _replaced(inner, rest, leaf)
    return Shape(place.kinds, {**place.members, name: inner}, place.elements)


@dataclass(frozen=True, slots=True)
class Assumed:
    """What is assumed of documents, and the types to parse them as.

    `nulls` are the paths of what must be null, `times` those of texts that must be times, and `doubles` those of
    numbers with a fraction, which may not be integers that a double does not hold.
    """

    assumption: Assumption
    schema: pa.Schema
    nulls: tuple[str, ...]
    times: frozenset[str]
    doubles: frozenset[str]

    @classmethod
    def of(cls, assumption: Assumption) -> Self | None:
        """Return what an assumption says of documents; None if no types say it, as of values of several kinds."""
        type_ = _type(assumption.shape)
        if type_ is None:
            return None
        kinds = dict(_leaves(assumption.shape, ""))
        nulls = tuple(path for path, values in kinds.items() if not values)
        times, doubles = (
            frozenset(path for path in kinds.keys() - assumption.settled if kinds[path] == {kind})
            for kind in ("time", "double")
        )
        return cls(assumption, pa.schema(list(type_)), nulls, times, doubles)

    def parsed(self, bodies: pa.StringArray) -> pa.StructArray | None:
        """Return documents that are as they are assumed to be; None if some may not be."""
        documents = parse_exactly(bodies, self.schema)
        return None if documents is None or any(_has_values(documents, path) for path in self.nulls) else documents

    def holds(self, table: Table, rows: pa.Table, drifts: Sequence[Drift]) -> bool:
        """Tell whether the rows of parsed documents, and what did not fit, are as it is assumed as well."""
        doubles = [rows[field.name] for field in table.fields if field.paths[0] in self.doubles]
        is_exact = not any(pc.any(pc.greater_equal(pc.abs(values), float(EXACT))).as_py() for values in doubles)
        return is_exact and not any(drift.path in self.times for drift in drifts)

    def require(self, bodies: pa.StringArray) -> None:
        """Look at each of some documents, and raise `UnassumedError` if they have more than is assumed."""
        shape = self.assumption.shape
        if _adds(grown(shape, bodies), shape, "", self.assumption.settled):
            raise UnassumedError


def _type(place: Shape) -> pa.DataType | None:
    """Return the type of all values that a place has; None if no type says it."""
    values = place.values
    if values == {"object"}:
        types = {name: _type(inner) for name, inner in place.members.items()}
        return None if None in types.values() else pa.struct(list(types.items()))
    if values == {"list"}:
        elements = place.elements or NOTHING
        # What lies in a list of lists has no path.
        inner = None if "list" in elements.values else _type(elements)
        return None if inner is None else pa.list_(inner)
    if not values:
        # Arrow 26 reads no nulls of their own type in a list, so they have another one.
        return pa.bool_()
    return _PARSED.get(min(values)) if len(values) == 1 else None


def _leaves(place: Shape, path: str) -> Iterator[tuple[str, frozenset[str]]]:
    """Yield the path of each value that is neither an object nor a list, and its kinds."""
    if place.values == {"object"}:
        for name, inner in place.members.items():
            yield from _leaves(inner, member(path, name))
    elif place.values == {"list"}:
        yield from _leaves(place.elements or NOTHING, f"{path}[]")
    else:
        yield path, place.values


def _has_values(documents: pa.StructArray, path: str) -> bool:
    values: pa.Array = documents
    for name, is_list in steps(path):
        values = pc.struct_field(values, [name])
        values = pc.list_flatten(values) if is_list else values
    return bool(values.null_count < len(values))


def _adds(more: Shape, shape: Shape, path: str, settled: Collection[str]) -> bool:
    """Tell whether columns would follow of a shape that do not of another one, which it was made of; null is none."""
    if more is shape:
        return False
    if path in settled:
        # An integer column alone may have another type, and be wider.
        return shape.kinds == ("wide",) and "double" in more.values
    if more.values != shape.values:
        return True
    pairs = [(place, shape.members.get(name, NOTHING), member(path, name)) for name, place in more.members.items()]
    pairs.append((more.elements or NOTHING, shape.elements or NOTHING, f"{path}[]"))
    return any(_adds(*pair, settled) for pair in pairs)
