"""The rows of one table or ready view as Arrow has them, before pandas gives them other types."""

from collections.abc import Sequence

import pyarrow as pa

from lake.commit import Commit
from lake.read.filters import Filters
from lake.read.ready import ready_view
from lake.store import Store


def read_rows(
    store: Store, commit: Commit, name: str, filters: Filters | None = None, columns: Sequence[str] | None = None
) -> pa.Table:
    """Return the rows that match, with the columns asked for.

    Raises:
        UnknownNameError: No such table, view, column or operator.
        LakeError: A file is not what the commit says, or a filter does not fit its column.
    """
    if (view := ready_view(commit, name)) is not None:
        from lake.read.view_rows import read_view

        return read_view(store, commit, view, filters, columns)
    from lake.read.files import read_table

    return read_table(store, commit, name, filters, columns)
