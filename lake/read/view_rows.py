"""The rows of a ready view, with filters and columns as those of a table have them."""

from collections.abc import Iterator, Sequence
from typing import Any

import pyarrow as pa

from lake.commit import Commit
from lake.errors import UnknownNameError
from lake.read.files import column_names
from lake.read.filters import Filters, expression_of
from lake.read.query import query
from lake.read.relations import quoted
from lake.store import Store
from lake.views import View

# What means the same in SQL as in a filter, also where there is null.
_OPERATORS = {"==": "=", "=": "=", "<": "<", "<=": "<=", ">": ">", ">=": ">="}


def read_view(
    store: Store, commit: Commit, view: View, filters: Filters | None, columns: Sequence[str] | None
) -> pa.Table:
    """Return the rows of a view that match, sorted by its key; a filter on `generation` spares the files of others.

    Raises:
        UnknownNameError: It has no such column, or there is no such operator.
        LakeError: A filter does not fit its column, or a file of its tables cannot be read.
    """
    names = view.schema.names
    wanted = names if columns is None else column_names(columns)
    for name in wanted:
        if name not in names:
            raise UnknownNameError(f"column of {view.name}", name, names)
    expression = None if filters is None else expression_of(view.name, view.schema, filters)
    key = view.table.primary_key
    asked = names if expression is not None else [*wanted, *(name for name in key if name not in wanted)]
    conditions, values = [], []
    for condition, value in _conditions(filters):
        conditions.append(condition)
        values.append(value)
    where = f" WHERE {' AND '.join(conditions)}" if conditions else ""
    text = f"SELECT {', '.join(map(quoted, asked))} FROM {quoted(view.name)}{where}"
    rows = query(store, commit, text, values or None)
    rows = rows.cast(pa.schema([view.schema.field(name) for name in asked]))
    if expression is not None:
        rows = rows.filter(expression)
    rows = rows.sort_by([(name, "ascending") for name in key])
    return rows.select(wanted).replace_schema_metadata(view.schema.metadata)


def _conditions(filters: Any) -> Iterator[tuple[str, Any]]:
    """Yield conditions of SQL that leave at least the rows that match, each with its value."""
    for condition in filters or ():
        # A list of lists is a choice between several conjunctions.
        if not isinstance(condition[0], str):
            return
        column, operator, value = condition
        if operator in _OPERATORS and isinstance(value, (int, str)):
            yield f"{quoted(column)} {_OPERATORS[operator]} ?", value
