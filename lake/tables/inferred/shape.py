"""What values stand at each place of a resource's documents, over all of them and whatever their order."""

import re
from collections.abc import Iterable
from functools import cache
from typing import Any, Literal

import msgspec

from lake.decode import Digits
from lake.tables.moments import MOMENT

Kind = Literal[
    "null", "boolean", "int", "wide", "huge", "double", "time", "string", "object", "map", "list", "deep"
]  # fmt: skip

# The most members that an object may have over all documents. What has more is keyed by date or id, and has more every
# day.
MEMBERS = 1000

# Objects and lists that may lie in one another below the document. A column eight names long is read by nobody.
DEPTH = 8

# Doubles hold each integer up to here.
EXACT = 2**53
INT64 = 2**63

# The kinds that another one includes: a place where both were met has that one alone.
_INCLUDED: dict[str, tuple[str, ...]] = {
    "wide": ("int",),
    "huge": ("int", "wide"),
    "double": ("int",),
    "string": ("time",),
    "map": ("object",),
}

# The texts that are times: all that a column of times takes.
TIME = rf"^{MOMENT}\Z"

_is_time = re.compile(TIME).match


class Shape(msgspec.Struct, frozen=True, omit_defaults=True):
    """One place of the documents: the kinds of values met there, and the places below it.

    An integer is `int` as far as a double holds each, `wide` if it needs 64 bits, and `huge` beyond them; a number with
    a fraction or an exponent is `double`. A text is `time` if it matches `TIME`, otherwise `string`. Of kinds of which
    one includes the other the place has the larger one: of `int` and `double`, `double`. A place that has other kinds
    as well as `time` has `string`, because it is of none that a column of times could hold.

    `members` are those of all objects, by name; `elements` is the one place of all elements of lists, None if no list
    was met. With more than `MEMBERS` members an object is a `map`, whose members are not kept. An object or a list
    that lies in `DEPTH` others, without the document, is `deep`, and nobody looks into it.
    """

    kinds: tuple[Kind, ...] = ()
    members: dict[str, "Shape"] = {}
    elements: "Shape | None" = None

    @property
    def values(self) -> frozenset[str]:
        """The kinds without null."""
        return frozenset(self.kinds) - {"null"}


# Of no documents.
NOTHING = Shape()


def joined(one: Shape, other: Shape) -> Shape:
    """Return the shape of all documents that two shapes are of; neither order nor grouping nor repetition matters.

    >>> joined(Shape(("int",)), Shape(("double", "null"))).kinds
    ('double', 'null')
    """
    # Nearly all are equal, and to see it takes a tenth of the time.
    if one == other:
        return one
    members = one.members
    if other.members:
        members = members | {
            name: joined(members[name], place) if name in members else place for name, place in other.members.items()
        }
    elements = one.elements or other.elements
    if one.elements and other.elements:
        elements = joined(one.elements, other.elements)
    return _shape(one.kinds + other.kinds, members, elements)


def _shape(kinds: tuple[Kind, ...], members: dict[str, Shape], elements: Shape | None) -> Shape:
    """Return the only shape of this content: equal shapes are equal as JSON as well."""
    if len(members) > MEMBERS:
        kinds = (*kinds, "map")
    kinds = _largest(kinds)
    return Shape(kinds, {} if "map" in kinds else dict(sorted(members.items())), elements)


@cache
def _largest(kinds: tuple[Kind, ...]) -> tuple[Kind, ...]:
    found = set(kinds)
    if "time" in found and found - {"time", "null"}:
        found.add("string")
    return tuple(sorted(found.difference(*(_INCLUDED.get(kind, ()) for kind in found))))


def shape_of(value: Any, depth: int = 0) -> Shape:
    """Return the shape of one value, as `lake.decode.decode` returns it, which lies in `depth` objects and lists.

    >>> shape_of({"id": 25, "types": [{"slot": 1}]}).members["types"].elements.members["slot"].kinds
    ('int',)
    """
    if isinstance(value, dict | list) and depth > DEPTH:
        return Shape(("deep",))
    if isinstance(value, dict):
        return _shape(("object",), {name: shape_of(item, depth + 1) for name, item in value.items()}, None)
    if isinstance(value, list):
        return _shape(("list",), {}, all_joined(shape_of(item, depth + 1) for item in value))
    return _SCALARS[_scalar_kind(value)]


def all_joined(shapes: Iterable[Shape]) -> Shape:
    """Return the shape of all documents that some shapes are of."""
    found = NOTHING
    for shape in shapes:
        found = joined(found, shape)
    return found


def _scalar_kind(value: Any) -> Kind:
    if value is None:
        return "null"
    if isinstance(value, Digits):
        return "huge" if value.lstrip("-").isdigit() else "double"
    if isinstance(value, str):
        return "time" if _is_time(value) else "string"
    if isinstance(value, bool):
        return "boolean"
    if isinstance(value, float):
        return "double"
    if abs(value) <= EXACT:
        return "int"
    return "wide" if -INT64 <= value < INT64 else "huge"


_SCALARS: dict[Kind, Shape] = {
    kind: Shape((kind,)) for kind in ("null", "boolean", "int", "wide", "huge", "double", "time", "string")
}
