"""A table or a ready view as a frame that says what it is of."""

from collections.abc import Sequence

import pandas as pd

from lake.commit import Commit
from lake.read.columns import attrs_of
from lake.read.filters import Filters
from lake.read.frames import frame_of
from lake.read.rows import read_rows
from lake.store import Store


def read_frame(
    store: Store, commit: Commit, name: str, filters: Filters | None, columns: Sequence[str] | None
) -> pd.DataFrame:
    """Return the rows of a table or a view that match, as `Lake.read` says.

    Raises:
        UnknownNameError: No such table, column or operator.
        LakeError: A file is not what the commit says, or a filter does not fit its column.
    """
    rows = read_rows(store, commit, name, filters, columns)
    # The files of a table say which types pandas is to give; a view has none.
    frame = rows.to_pandas() if name in commit.tables else frame_of(rows)
    frame.attrs.update(attrs_of(commit, name, rows.schema))
    return frame
