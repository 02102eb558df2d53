"""Checks a table's keys, and collects its nulls and references, while the rows pass by in batches."""

from collections.abc import Iterator, Mapping
from typing import Any

import msgspec
import pyarrow as pa
import pyarrow.compute as pc

from lake.schema import DOCUMENT_ID, GENERATION, KEY, UNKNOWN_GENERATION, Table

# A finding names this many rows at most, because a table that is wrong throughout must not fill the report.
SHOWN_ROWS = 10


class Unresolved(msgspec.Struct, frozen=True):
    """Values of a reference that point at no document of its resource: how many, and the first of them."""

    field: str
    resource: str
    count: int
    examples: tuple[int, ...]


class Checked(msgspec.Struct, frozen=True):
    """What is known of a table's rows after all of them passed by: small, and JSON, whatever the table's size."""

    rows: int
    bad_keys: tuple[str, ...]
    bad_key_count: int
    unknown_generations: int
    null_counts: dict[str, int]
    unresolved: tuple[Unresolved, ...] = ()


class KeyCheck:
    """Checks that primary keys ascend strictly, so that each is there once; holds the last key between batches.

    Those of rows with a DOCUMENT_ID ascend within each document only, and the documents by this id. The keys that are
    not made of the id that a source gives a document are held then, all of them.

    It also counts every field's nulls and the rows of unknown generation, and collects the distinct values of every
    reference.
    """

    def __init__(self, table: Table) -> None:
        self.table = table
        self.rows = 0
        self.bad_keys: list[str] = []
        self.bad_key_count = 0
        self.unknown_generations = 0
        self.null_counts = {field.name: 0 for field in table.fields}
        self._last: pa.Table | None = None
        # Several documents may state the same key, wherever they lie.
        self._states_key = not any(KEY in table.field(name).paths for name in table.primary_key)
        self._keys: list[pa.Table] = []
        self._referenced: dict[str, pa.Array] = {}

    def add(self, rows: pa.Table) -> None:
        """Check the next batch."""
        if rows.num_rows == 0:
            return
        self.rows += rows.num_rows
        keys = rows.select(self.table.order(rows.column_names))
        self._note_order(keys)
        self._last = keys.slice(keys.num_rows - 1)
        if self._states_key and DOCUMENT_ID in rows.column_names:
            self._keys.append(rows.select(self.table.primary_key))
        for field in self.table.fields:
            column = rows[field.name]
            self.null_counts[field.name] += column.null_count
            if field.name == GENERATION:
                self.unknown_generations += pc.sum(pc.equal(column, UNKNOWN_GENERATION)).as_py() or 0
            if field.references:
                known = self._referenced.get(field.name)
                found = pc.unique(column.drop_null())
                if field.name == GENERATION:
                    found = found.filter(pc.not_equal(found, UNKNOWN_GENERATION))
                self._referenced[field.name] = found if known is None else pc.unique(pa.concat_arrays([known, found]))

    def _note_order(self, keys: pa.Table) -> None:
        """Note the keys that are null, and those that do not come after their predecessor."""
        known = keys if self._last is None else pa.concat_tables([self._last, keys])
        before, after = known.slice(0, known.num_rows - 1), known.slice(1)
        ascends = pa.scalar(False)
        for name in reversed(keys.column_names):
            greater, equal = pc.greater(after[name], before[name]), pc.equal(after[name], before[name])
            ascends = pc.or_kleene(greater, pc.and_kleene(equal, ascends))
        # A comparison with a null key is null. Only the null key itself is bad, not the key after it.
        bad = pc.invert(pc.fill_null(ascends, True))
        if self._last is None:
            bad = pa.chunked_array([[False], *bad.chunks])
        for column in keys.columns:
            bad = pc.or_(bad, pc.is_null(column))
        wrong = keys.filter(bad)
        self.bad_key_count += wrong.num_rows
        for row in wrong.slice(0, max(0, SHOWN_ROWS - len(self.bad_keys))).to_pylist():
            self.bad_keys.append(_shown(row))

    def _note_twice(self) -> None:
        """Note the keys that are there in several documents."""
        if not self._keys:
            return
        names = list(self.table.primary_key)
        counts = pa.concat_tables(self._keys).group_by(names).aggregate([([], "count_all")])
        twice = counts.filter(pc.greater(counts["count_all"], 1)).sort_by([(name, "ascending") for name in names])
        self._keys = []
        self.bad_key_count += pc.sum(twice["count_all"]).as_py() or 0
        self.bad_keys += map(_shown, twice.select(names).slice(0, SHOWN_ROWS).to_pylist())

    def referenced(self) -> set[str]:
        """Return the resources that the rows refer to."""
        return {self.table.field(name).references for name in self._referenced}

    def checked(self, known_ids: Mapping[str, pa.Array]) -> Checked:
        """Return what was found.

        `known_ids` has the ids of crawled resources; references to a resource that is none of them are not judged.
        """
        self._note_twice()
        return Checked(
            self.rows,
            tuple(self.bad_keys),
            self.bad_key_count,
            self.unknown_generations,
            self.null_counts,
            tuple(self._unresolved(known_ids)),
        )

    def _unresolved(self, known_ids: Mapping[str, pa.Array]) -> Iterator[Unresolved]:
        for name, ids in self._referenced.items():
            resource = self.table.field(name).references
            if resource not in known_ids:
                continue
            known = known_ids[resource].cast(pa.int64())
            unresolved = ids.filter(pc.invert(pc.is_in(ids.cast(pa.int64()), known)))
            if len(unresolved):
                # One more than is shown, so that it shows that there are more.
                examples = unresolved.slice(0, SHOWN_ROWS + 1).to_pylist()
                yield Unresolved(name, resource, len(unresolved), tuple(examples))


def _shown(key: Mapping[str, Any]) -> str:
    return "(" + ", ".join(f"{name}={value!r}" for name, value in key.items()) + ")"
