"""Filters on the columns of a table, as pandas takes them; each condition is checked before any file is fetched."""

from collections.abc import Sequence
from typing import Any

import pyarrow as pa
import pyarrow.dataset as ds
import pyarrow.parquet as pq

from lake.errors import LakeError, UnknownNameError

# A list is a conjunction, a list of lists a disjunction of those.
Filters = Sequence[tuple[str, str, Any]] | Sequence[Sequence[tuple[str, str, Any]]]

OPERATORS = ("==", "=", "!=", "<", "<=", ">", ">=", "in", "not in")


def expression_of(name: str, schema: pa.Schema, filters: Filters) -> ds.Expression:
    """Return filters on a table of these columns as one expression.

    Raises:
        UnknownNameError: The table has no such column, or there is no such operator.
        LakeError: A value does not fit the type of its column.
    """
    conditions: Any = filters if isinstance(filters[0][0], str) else [one for group in filters for one in group]
    for column, operator, value in conditions:
        if column not in schema.names:
            raise UnknownNameError(f"column of {name}", column, schema.names)
        if operator not in OPERATORS:
            raise UnknownNameError("operator", operator, OPERATORS)
        _check(f"{name}, filter {column} {operator} {value!r}", schema.field(column), operator, value)
    return pq.filters_to_expression(filters)


def _check(place: str, field: pa.Field, operator: str, value: Any) -> None:
    """Raise a `LakeError` unless a value can be compared with the values of a column."""
    takes_list = operator.endswith("in")
    found = f"found {value!r}, {type(value).__name__}"
    if takes_list and (isinstance(value, str) or not hasattr(value, "__iter__")):
        raise LakeError(f"{place}: expected a list of values after {operator!r}, {found}")
    try:
        pa.schema([field]).empty_table().filter(pq.filters_to_expression([(field.name, operator, value)]))
    except (pa.ArrowException, OverflowError) as error:
        kind = "a list of values" if takes_list else "a value"
        raise LakeError(
            f"{place}: column {field.name} is {field.type}; expected {kind} of that type, {found}"
        ) from error
