"""The generic table, for resources without declared tables: one row per scalar of a document."""

import json
import re
from decimal import Decimal, InvalidOperation
from math import isfinite
from typing import Any

import pyarrow as pa

from lake.schema import RESOURCE, Field, Table
from lake.tables.extract import sort
from lake.tables.parse import Drift

_INT64 = range(-(2**63), 2**63)
_INT64_DIGITS = len(str(-(2**63)))

DOCUMENT_VALUES = Table(
    name="document_values",
    grain="one row per scalar, or empty object or array, in a document of a resource without tables of its own",
    resources=(),
    primary_key=("resource_name", "id", "ordinal"),
    fields=(
        Field("resource_name", pa.string(), "The resource of the document.", RESOURCE),
        Field("id", pa.int64(), "The document's id within the resource, as in the table of documents."),
        Field("ordinal", pa.int32(), "Running number within the document, from 1."),
        Field(
            "json_path",
            pa.string(),
            'Where it stands: address.city, tags[0], ["a.b"]; empty for the document.',
            stand_ins=(("", "the document itself"),),
        ),
        Field("kind", pa.string(), "What it is: string, integer, number, boolean, null, or an empty object or array."),
        Field(
            "text",
            pa.string(),
            "The string; of a number its digits where no other column holds it. Null: neither.",
            nullable=True,
        ),
        Field("whole", pa.int64(), "The integer. Null: not one of 64 bits.", nullable=True),
        Field("number", pa.float64(), "The number with a fraction or exponent. Null: not one.", nullable=True),
        Field("truth", pa.bool_(), "The boolean. Null: not one.", nullable=True),
    ),
)

# A row without the document's resource, id and ordinal: path, kind, text, whole, number and truth.
_Found = tuple[str, str, str | None, int | None, float | None, bool | None]

_PLAIN_NAME = re.compile(r"[A-Za-z0-9_$-]+")


class _Members(list[tuple[str, Any]]):
    """An object as a list of its members, because a name may stand there twice."""


class _Digits(str):
    """A number as it is written, because it may have more digits than a number of the machine can hold."""


class _Fraction(_Digits):
    """A number with a fraction or an exponent, as it is written."""


def _refused(name: str) -> None:
    raise ValueError(f"expected JSON, found {name}, which is no number of it")


_decode = json.JSONDecoder(
    object_pairs_hook=_Members, parse_int=_Digits, parse_float=_Fraction, parse_constant=_refused
).decode


def value_rows(resource: str, documents: pa.Table) -> tuple[pa.Table, list[Drift]]:
    """Return one row per scalar of each document, sorted by the primary key, and the documents that cannot be read.

    `documents` has the columns ``id`` and ``body``. No value is lost.
    """
    drifts: list[Drift] = []
    ids: list[int] = []
    ordinals: list[int] = []
    found: list[_Found] = []
    for id_, body in zip(documents["id"].to_pylist(), documents["body"].to_pylist(), strict=True):
        before = len(found)
        try:
            _add_scalars("", _decode(body.removeprefix("\ufeff")), found)
        except (ValueError, RecursionError) as error:
            del found[before:]
            drifts.append(Drift("", "a readable document", f"{error!r:.200}", id_))
        ids += [id_] * (len(found) - before)
        ordinals += range(1, len(found) - before + 1)
    if not found:
        return DOCUMENT_VALUES.schema.empty_table(), drifts
    columns = [[resource] * len(found), ids, ordinals, *zip(*found, strict=True)]
    arrays = [pa.array(column, type_) for column, type_ in zip(columns, DOCUMENT_VALUES.schema.types, strict=True)]
    return sort(pa.Table.from_arrays(arrays, schema=DOCUMENT_VALUES.schema), DOCUMENT_VALUES), drifts


def _add_scalars(path: str, value: Any, found: list[_Found]) -> None:
    """Add every scalar and every empty container below a value, in the order of the document."""
    if value and isinstance(value, _Members):
        for name, inner in value:
            _add_scalars(_below(path, name), inner, found)
    elif value and isinstance(value, list):
        for place, inner in enumerate(value):
            _add_scalars(f"{path}[{place}]", inner, found)
    else:
        found.append((path, *_cells(value)))


def _below(path: str, name: str) -> str:
    if not _PLAIN_NAME.fullmatch(name):
        return f"{path}[{json.dumps(name)}]"
    return f"{path}.{name}" if path else name


def _cells(value: Any) -> tuple[str, str | None, int | None, float | None, bool | None]:
    """Return kind, text, whole, number and truth of a scalar or an empty container."""
    match value:
        case None:
            return "null", None, None, None, None
        case bool():
            return "boolean", None, None, None, value
        case _Fraction():
            number = float(value)
            digits = None if _is_exact(number, value) else str(value)
            return "number", digits, None, number if isfinite(number) else None, None
        case _Digits():
            fits = len(value) <= _INT64_DIGITS and int(value) in _INT64
            return ("integer", None, int(value), None, None) if fits else ("integer", str(value), None, None, None)
        case str():
            # Half of a code point, which JSON can escape and UTF-8 cannot hold, stays escaped.
            return "string", value.encode(errors="backslashreplace").decode(), None, None, None
        case _Members():
            return "object", None, None, None, None
        case _:
            return "array", None, None, None, None


def _is_exact(number: float, digits: str) -> bool:
    """Tell whether a number equals its digits; an exponent that even `Decimal` cannot hold makes it unequal."""
    try:
        return Decimal(repr(number)) == Decimal(digits)
    except InvalidOperation:
        return False
