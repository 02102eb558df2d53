"""Faults: what a document has that its tables cannot take as it is. Its last good version is better than that."""

from collections.abc import Sequence
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from lake.decode import decode
from lake.schema import Table
from lake.tables.parse import Drift


def strangers(ids: pa.ChunkedArray, documents: pa.StructArray) -> npt.NDArray[np.bool_]:
    """Tell of each parsed document whether it lacks the id that it is stored by; one that could not be read does."""
    own = pc.struct_field(documents, ["id"]).cast(pa.int64())
    same = pc.fill_null(pc.equal(own, ids.combine_chunks()), False)
    strange: npt.NDArray[np.bool_] = np.logical_not(same.to_numpy(zero_copy_only=False))
    return strange


def stranger(id_: int, body: bytes | memoryview) -> Drift:
    """Say why a document lacks the id that it is stored by."""
    try:
        document: Any = decode(body)
    except ValueError as error:
        return Drift("", "a readable document", str(error)[:200], id_)
    found = document.get("id") if isinstance(document, dict) else type(document).__name__
    return Drift("id", str(id_), f"{found!r:.60}", id_)


def without_bad_keys(table: Table, rows: pa.Table) -> tuple[pa.Table, list[Drift]]:
    """Return the rows of a batch, sorted by the primary key, without those whose key is null or there twice.

    Of two rows with one key neither is better than the other, so both are left out. The rows may have the column
    DOCUMENT_ID; the key begins with their document's id if not.
    """
    of = table.document_column(rows.column_names)
    keys = [rows[name].combine_chunks() for name in table.primary_key]
    bad = np.zeros(rows.num_rows, np.bool_)
    for key in keys:
        if key.null_count:
            bad |= pc.is_null(key).to_numpy(zero_copy_only=False)
    if rows.num_rows > 1:
        twice = np.ones(rows.num_rows - 1, np.bool_)
        # Of two documents that state one key, neither is at fault alone; whoever has all rows finds them.
        for key in (*keys, rows[of].combine_chunks()):
            same = pc.fill_null(pc.equal(key.slice(1), key.slice(0, len(key) - 1)), False)
            twice &= same.to_numpy(zero_copy_only=False)
        bad[1:] |= twice
        bad[:-1] |= twice
    if not bad.any():
        return rows, []
    found: dict[int, list[str]] = {}
    for row in rows.select([*dict.fromkeys([*table.primary_key, of])]).filter(pa.array(bad)).to_pylist():
        key = "(" + ", ".join(f"{name}={row[name]!r}" for name in table.primary_key) + ")"
        found.setdefault(row[of], []).append(f"{key:.200}")
    return rows.filter(pa.array(~bad)), [
        Drift(table.rows, f"{_expected(shown)} in {table.name}", ", ".join(shown[:3]), id_)
        for id_, shown in found.items()
    ]


def _expected(keys: Sequence[str]) -> str:
    return "a key that is not null" if any("=None" in key for key in keys) else "keys that are there once"
