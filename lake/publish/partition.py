"""The values of a partition: of a column, or the years of one; they become part of keys, so no text does as it came."""

import re
import unicodedata

import pyarrow as pa
import pyarrow.compute as pc

from lake.errors import LakeError
from lake.schema import Table

# Each value has a file of its own, and a reader of the whole table fetches all of them.
MOST_PARTITIONS = 1000

# What stands for null, because readers cannot unify a null partition.
NO_NUMBER, NO_TEXT = 0, "none"

_INT32 = 2**31


def partition_values(table: Table, by: str, rows: pa.Table) -> pa.ChunkedArray:
    """Return the value of the partition that each row belongs to: an integer of 32 bits, or a short name.

    The values of the column `by` are such already, unless settings have named it.

    Raises:
        LakeError: There are too many of them, or one is too large.
    """
    column = rows[by]
    if by != table.partition_by:
        return column
    if pa.types.is_temporal(column.type):
        column = pc.year(column)
    if pa.types.is_string(column.type):
        encoded = column.combine_chunks().dictionary_encode()
        names = pa.array([short_name(text) for text in encoded.dictionary.to_pylist()], pa.string())
        return pa.chunked_array([pc.fill_null(pc.take(names, encoded.indices), NO_TEXT)])
    values = pc.fill_null(column, NO_NUMBER)
    bounds = pc.min_max(values).as_py()
    if rows.num_rows and not (bounds["min"] >= -_INT32 and bounds["max"] < _INT32):
        raise LakeError(
            f"table {table.name}: expected partitions of 32 bits, found {by} from {bounds['min']} to"
            f" {bounds['max']}; {_ADVICE}"
        )
    return values


def require_few(table: Table, count: int) -> None:
    """Raise `LakeError` if a table has more partitions than readers can bear."""
    if count > MOST_PARTITIONS:
        raise LakeError(
            f"table {table.name}: expected at most {MOST_PARTITIONS:,} partitions, found more of {table.partition_by};"
            f" {_ADVICE}"
        )


_ADVICE = "name another column as `partition` in the setting `tables` of the source, or none"


def short_name(text: str) -> str:
    """Return the name of the partition that a text belongs to: lower-case letters, digits and dashes.

    >>> short_name("Pallet Town"), short_name("é"), short_name("3rd"), short_name("!")
    ('pallet-town', 'e', 'x-3rd', 'none')
    """
    plain = unicodedata.normalize("NFKD", text).encode("ascii", "ignore").decode().lower()
    name = re.sub(r"[^a-z0-9]+", "-", plain).strip("-")[:60].rstrip("-")
    if not name:
        return NO_TEXT
    return name if name[0].isalpha() else f"x-{name}"
