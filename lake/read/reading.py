"""A table or a ready view as a frame that says what it is of."""

from collections.abc import Sequence

import pandas as pd

from lake.commit import Commit
from lake.read.columns import attrs_of
from lake.read.files import read_table
from lake.read.filters import Filters
from lake.read.frames import frame_of
from lake.read.ready import ready_view
from lake.store import Store


def read_frame(
    store: Store, commit: Commit, name: str, filters: Filters | None, columns: Sequence[str] | None
) -> pd.DataFrame:
    """Return the rows of a table or a view that match, as `Lake.read` says.

    Raises:
        UnknownNameError: No such table, column or operator.
        LakeError: A file is not what the commit says, or a filter does not fit its column.
    """
    if (view := ready_view(commit, name)) is not None:
        # It loads DuckDB, which tables do without.
        from lake.read.view_rows import read_view

        rows = read_view(store, commit, view, filters, columns)
        frame = frame_of(rows)
    else:
        rows = read_table(store, commit, name, filters, columns)
        frame = rows.to_pandas()
    frame.attrs.update(attrs_of(commit, name, rows.schema))
    return frame
