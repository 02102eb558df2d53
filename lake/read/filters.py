"""Filters on the columns of a table, as pandas takes them; each condition is checked before any file is fetched."""

import re
from collections.abc import Callable, Sequence
from typing import Any

import pyarrow as pa
import pyarrow.dataset as ds
import pyarrow.parquet as pq

from lake.errors import LakeError, UnknownNameError
from lake.schema import PARTITION
from lake.text import shown

# A list is a conjunction, a list of lists a disjunction of those.
Filters = Sequence[tuple[str, str, Any]] | Sequence[Sequence[tuple[str, str, Any]]]

# More digits than the number of any partition has are left a text, which is refused.
_DIGITS = re.compile(r"-?[0-9]{1,9}", re.ASCII)

OPERATORS = ("==", "=", "!=", "<", "<=", ">", ">=", "in", "not in")


def expression_of(name: str, schema: pa.Schema, filters: Filters) -> ds.Expression | None:
    """Return filters on a table of these columns as one expression; None if there are none.

    The generation stands in the path, where some engines find a number and others a text, so it may be given as either.

    Raises:
        UnknownNameError: The table has no such column, or there is no such operator.
        LakeError: They have another form, or a value does not fit the type of its column.
    """
    groups = _groups(filters)
    if PARTITION in schema.names and pa.types.is_integer(schema.field(PARTITION).type):
        groups = [[_as_numbers(condition) for condition in group] for group in groups]
    for column, operator, value in [condition for group in groups for condition in group]:
        if column not in schema.names:
            raise UnknownNameError(f"column of {name}", column, schema.names)
        if operator not in OPERATORS:
            raise UnknownNameError("operator", operator, OPERATORS)
        _check(f"{name}, filter {column} {operator} {shown(repr(value))}", schema.field(column), operator, value)
    return pq.filters_to_expression(groups) if groups else None


def _groups(filters: object) -> list[list[tuple[str, str, Any]]]:
    """Return filters as a disjunction of conjunctions, each condition with a column and an operator.

    Raises:
        LakeError: They have another form.
    """
    groups = [filters] if _is_list(filters, _is_condition) else filters
    if not _is_list(groups, lambda group: _is_list(group, _is_condition)):
        raise LakeError(
            'filters: expected a list of conditions, such as [("generation", "==", 1)], or a list of such lists,'
            f" found {shown(repr(filters))}"
        )
    found: Any = groups
    return [[(column, operator, value) for column, operator, value in group] for group in found if group]


def _as_numbers(condition: tuple[str, str, Any]) -> tuple[str, str, Any]:
    """Return a condition; of one on the generation, texts of digits are numbers."""
    column, operator, value = condition
    if column == PARTITION and operator.endswith("in") and not isinstance(value, str) and hasattr(value, "__iter__"):
        value = [_as_number(one) for one in value]
    return column, operator, _as_number(value) if column == PARTITION else value


def _as_number(value: Any) -> Any:
    return int(value) if isinstance(value, str) and _DIGITS.fullmatch(value) else value


def _is_list(value: object, of: Callable[[object], bool]) -> bool:
    return isinstance(value, (list, tuple)) and all(map(of, value))


def _is_condition(value: object) -> bool:
    return isinstance(value, (list, tuple)) and len(value) == 3 and all(isinstance(part, str) for part in value[:2])


def _check(place: str, field: pa.Field, operator: str, value: Any) -> None:
    """Raise a `LakeError` unless a value can be compared with the values of a column."""
    takes_list = operator.endswith("in")
    found = f"found {shown(repr(value))}, {type(value).__name__}"
    if takes_list and (isinstance(value, str) or not hasattr(value, "__iter__")):
        raise LakeError(f"{place}: expected a list of values after {operator!r}, {found}")
    if value is None or _is_null(value):
        raise LakeError(
            f"{place}: nothing is equal to null, nor other than it; read the column and ask"
            f' frame["{field.name}"].isna(), or `sql`, which has IS NULL'
        )
    try:
        pa.schema([field]).empty_table().filter(pq.filters_to_expression([(field.name, operator, value)]))
    except (pa.ArrowException, OverflowError) as error:
        kind = "a list of values" if takes_list else "a value"
        raise LakeError(
            f"{place}: column {field.name} is {field.type}; expected {kind} of that type, {found}{_hint(field.type)}"
        ) from error


def _is_null(value: object) -> bool:
    """Tell whether a value is what pandas or NumPy has in the place of null."""
    try:
        return not pa.scalar(value, from_pandas=True).is_valid
    except (pa.ArrowException, OverflowError, TypeError, ValueError):
        return False


def _hint(kind: pa.DataType) -> str:
    """Return how a value is written for a column of which people get that wrong."""
    if pa.types.is_string(kind):
        return '; a text stands in quotes, such as "25"'
    return "; write true or false" if pa.types.is_boolean(kind) else ""
