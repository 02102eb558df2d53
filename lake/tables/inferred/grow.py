"""Finds the shape of many documents at the speed of a decoder: only what has something new is walked through."""

from collections.abc import Iterable
from functools import lru_cache, reduce
from operator import or_
from threading import Lock
from typing import Annotated, Any

import msgspec
import pyarrow as pa

from lake.decode import decode
from lake.tables.inferred.shape import EXACT, INT64, TIME, Shape, joined, shape_of

# Documents with something new that are walked through before a new decoder is made, at first and at most. A decoder
# takes as long to make as some ten documents to walk through, and the first few documents have most of what there is.
_FEW, _MANY = 8, 512

# Two threads that decode JSON take a third longer than one, because only one of them can work; meanwhile others fetch.
# And msgspec 0.22 crashes where two threads ask it for the same types for the first time.
_LOOKING = Lock()

_encode = msgspec.json.Encoder().encode

# What a decoder raises at a document that it does not know, or cannot read.
_REFUSED = (msgspec.DecodeError, ValueError, RecursionError)

_Integer = Annotated[int, msgspec.Meta(ge=-EXACT, le=EXACT)]
_Int64 = Annotated[int, msgspec.Meta(ge=-INT64, le=INT64 - 1)]
# No value has this type; a list of its elements is empty.
_Never = Annotated[int, msgspec.Meta(ge=1, le=0)]
_TYPES: dict[str, Any] = {
    "null": None,
    "boolean": bool,
    "int": _Integer,
    "wide": _Int64,
    "huge": int,
    # Only null may stand beside it: in a union with a list or a map, msgspec 0.22 frees memory that is in use.
    "time": Annotated[str, msgspec.Meta(pattern=TIME)],
    "string": str,
    "map": dict[str, msgspec.Raw],
    "deep": dict[str, msgspec.Raw] | list[msgspec.Raw],
}


def grown(shape: Shape, bodies: pa.StringArray) -> Shape:
    """Return the shape of the documents that `shape` is of and of those in `bodies`, whatever their order.

    A body that cannot be decoded, or is no object, is no document.
    """
    with _LOOKING:
        return _grown(shape, bodies)


def _grown(shape: Shape, bodies: pa.StringArray) -> Shape:
    # A decoder accepts only what adds nothing to the shape that it was made of, so these need no other look.
    decoder, pending, patience = _decoder(_encode(shape)), list[pa.Buffer](), _FEW
    for body in bodies:
        if (buffer := body.as_buffer()) is None:
            continue
        try:
            decoder.decode(buffer)
        except _REFUSED:
            pending.append(buffer)
            if len(pending) == patience:
                shape, before = _walked(shape, pending), shape
                pending, patience = [], min(2 * patience, _MANY)
                if shape != before:
                    decoder = _decoder(_encode(shape))
    return _walked(shape, pending)


def _walked(shape: Shape, bodies: Iterable[pa.Buffer]) -> Shape:
    for body in bodies:
        try:
            document = decode(memoryview(body))
        except ValueError:
            continue
        if isinstance(document, dict):
            shape = joined(shape, shape_of(document))
    return shape


@lru_cache(maxsize=16)
def _decoder(shape: bytes) -> msgspec.json.Decoder[Any]:
    """Return a decoder that accepts only documents that add nothing to a shape, which is given as JSON.

    It refuses some that add nothing as well, such as one with a member whose name has a quote.
    """
    return msgspec.json.Decoder(_type_of(msgspec.json.decode(shape, type=Shape)))


def _type_of(place: Shape) -> Any:
    types = [_TYPES[kind] for kind in place.kinds if kind in _TYPES]
    if "double" in place.kinds:
        # Without a type for integers, the type for fractions would take those of any size.
        types += [float] if "wide" in place.kinds or "huge" in place.kinds else [float, _Integer]
    if "object" in place.kinds:
        types.append(_object_type(place.members))
    if place.elements is not None:
        types.append(list[_type_of(place.elements)])  # type: ignore[misc]
    return reduce(or_, types) if types else _Never


def _object_type(members: dict[str, Shape]) -> Any:
    # msgspec takes no other name for a member.
    usable = {name: place for name, place in members.items() if name.isprintable() and not set(name) & {'"', "\\"}}
    names = {f"member_{number}": name for number, name in enumerate(usable)}
    declared = [(key, _type_of(usable[name]), None) for key, name in names.items()]
    return msgspec.defstruct("Object", declared, rename=names, forbid_unknown_fields=True, gc=False)
