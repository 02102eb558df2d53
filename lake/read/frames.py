"""What readers get: frames of pandas, which is loaded with this module."""

from collections.abc import Mapping, Sequence
from typing import Any

import pandas as pd
import pyarrow as pa

from lake.errors import LakeError
from lake.schema import NULLABLE

# The types of pandas that can hold nulls, by those of Arrow.
_NULLABLE = {pa.type_for_alias(name): pd.api.types.pandas_dtype(kind) for name, kind in NULLABLE.items()}


def listed(entries: Sequence[Mapping[str, Any]], columns: Sequence[str] | None = None) -> pd.DataFrame:
    """Return one row per entry, with these columns, or with those that the entries have."""
    return pd.DataFrame(list(entries), columns=None if columns is None else list(columns))


def frame_of(rows: pa.Table) -> pd.DataFrame:
    """Return rows that have no declaration; the type of a column never depends on its values.

    Lists, structs and maps are lists and dicts, in which integers stay integers beside a null.

    Raises:
        LakeError: pandas has nothing that can hold a value, such as a union or a day in the year 290,000.
    """
    try:
        frame: pd.DataFrame = rows.to_pandas(types_mapper=_NULLABLE.get, ignore_metadata=True)
        for place, field in enumerate(rows.schema):
            if pa.types.is_nested(field.type):
                frame.isetitem(place, pd.Series(_values(rows.column(place)), dtype=object).to_numpy())
    except (pa.ArrowException, ValueError, OverflowError) as error:
        raise LakeError(f"expected values that pandas can hold: {error}; cast them, name::VARCHAR") from error
    return frame


def _values(column: pa.ChunkedArray) -> list[Any]:
    """Return the values of a nested column; maps whose keys Python cannot look up are lists of pairs."""
    try:
        values: list[Any] = column.to_pylist(maps_as_pydicts="lossy")
    except TypeError:
        values = column.to_pylist()
    return values
