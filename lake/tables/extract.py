"""Turns nested Arrow columns into the flat rows that a table declares, with Arrow's kernels instead of loops."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from lake.schema import (
    DOCUMENT_ID,
    GENERATION,
    ORDINAL,
    RESOURCE,
    SPECIES_GENERATION,
    UNKNOWN_GENERATION,
    Field,
    Table,
    is_reference,
)
from lake.tables.members import url_id
from lake.tables.moments import moments
from lake.tables.parse import Drift
from lake.tables.paths import quoted, steps, unquoted

# None of its documents has an id below 1, and UNKNOWN_GENERATION must not come from a URL.
_GENERATIONS = "generation"


@dataclass(frozen=True, slots=True)
class _Level:
    """The elements at one depth of nested lists; `parents` holds each one's index in the level above."""

    prefix: str
    elements: pa.StructArray
    parents: pa.Int64Array | None


def extract(
    table: Table,
    resource: str,
    documents: pa.StructArray,
    generations: Mapping[int, int],
    bases: frozenset[str] | None = None,
    given: Mapping[str, pa.Array] | None = None,
) -> tuple[pa.Table, list[Drift]]:
    """Return the rows of `table` in the parsed `documents` of one resource, sorted by the primary key, and the drift.

    `generations` gives each species' generation; a species without an entry gets the generation 0. `bases` is as in
    `url_id`. `given` has what does not stand in the documents, by the path of a field, one value for each document:
    with DOCUMENT_ID, the ids that they are stored by, which the rows have then as a last column of this name.
    """
    levels, given = _levels(table, documents), given or {}
    rows = _Rows(resource, levels, generations, bases, given)
    columns = [rows.column(field) for field in table.fields]
    found = pa.Table.from_arrays(columns, schema=table.schema)
    if DOCUMENT_ID in given:
        found = found.append_column(DOCUMENT_ID, rows.given(DOCUMENT_ID))
    # In a table that nobody declared, an element may be null.
    ids = given[DOCUMENT_ID] if DOCUMENT_ID in given else _member(documents, ["id"])
    hollow = [] if table.is_inferred else _hollow(levels, ids)
    return sort(found, table), [*rows.drifts, *hollow]


def column_of(
    field: Field, documents: pa.StructArray, generations: Mapping[int, int], bases: frozenset[str] | None
) -> pa.Array:
    """Return the values of one field, one for each of the parsed `documents`."""
    return _Rows("", [_Level("", documents, None)], generations, bases, {}).column(field)


def _hollow(levels: Sequence[_Level], of: pa.Array) -> Iterator[Drift]:
    """Yield each document with a null, or another value, in the place of an object in one of the table's lists."""
    for depth, level in enumerate(levels[1:], 1):
        if level.elements.null_count and pa.types.is_struct(level.elements.type):
            places = pc.indices_nonzero(pc.is_null(level.elements))
            for above in reversed(levels[1 : depth + 1]):
                places = pc.take(above.parents, places)
            ids = pc.unique(pc.take(of, places))
            path = level.prefix.removesuffix(".")
            yield from (Drift(path, "an object", "null, or another value", id_) for id_ in ids.to_pylist())


def sort(rows: pa.Table, table: Table) -> pa.Table:
    """Return the rows in the order of the table's primary key; with DOCUMENT_ID, in that of their documents first."""
    keys = [(name, "ascending") for name in table.order(rows.column_names)]
    order = pc.sort_indices(rows, sort_keys=keys)
    if pc.all(pc.equal(order, pa.array(np.arange(len(order)), order.type))).as_py() is not False:
        return rows
    return rows.take(order)


def _levels(table: Table, documents: pa.StructArray) -> list[_Level]:
    """Return one level for the documents, and below it one for each list on the way to the table's rows."""
    levels = [_Level("", documents, None)]
    prefix = ""
    pending: list[str] = []
    for name, is_list in steps(table.rows) if table.rows else []:
        pending.append(name)
        prefix = f"{prefix}.{quoted(name)}" if prefix else quoted(name)
        if is_list:
            lists = _member(levels[-1].elements, pending)
            parents = pc.list_parent_indices(lists)
            levels.append(_Level(f"{prefix}[].", pc.list_flatten(lists), parents))
            prefix += "[]"
            pending = []
    return levels


def _member(elements: pa.Array, names: list[str]) -> pa.Array:
    return pc.struct_field(elements, names) if names else elements


class _Rows:
    """The rows of one table in one batch of documents, and the drift among them."""

    def __init__(
        self,
        resource: str,
        levels: list[_Level],
        generations: Mapping[int, int],
        bases: frozenset[str] | None,
        given: Mapping[str, pa.Array],
    ) -> None:
        self._bases = bases
        self._given = given
        self.drifts: list[Drift] = []
        self._resource = resource
        self._levels = levels
        self._generations = generations
        # One array per level: for each row, the index of the element that the row lies in.
        self._index: list[pa.Array] = [pa.array(np.arange(len(levels[-1].elements)))]
        for level in reversed(levels[1:]):
            self._index.insert(0, pc.take(level.parents, self._index[0]))

    def column(self, field: Field) -> pa.Array:
        """Return the values of one field, one per row, in the declared type."""
        found = [self._values(field, path) for path in field.paths]
        values = found[0] if len(found) == 1 else pc.coalesce(*found)
        if field.null_when is not None:
            values = pc.if_else(pc.equal(values, field.null_when), pa.scalar(None, values.type), values)
        values = self._narrowed(values, field)
        if field.name == GENERATION:
            values = pc.fill_null(values, pa.scalar(UNKNOWN_GENERATION, values.type))
        return values

    def given(self, path: str) -> pa.Array:
        """Return the given value of its document for each row."""
        return pc.take(self._given[path], self._index[0])

    def _narrowed(self, values: pa.Array, field: Field) -> pa.Array:
        """Return values as the field's type; what it cannot hold becomes null and is reported."""
        if pa.types.is_temporal(field.type):
            found, odd = moments(values, field.type)
            self.drifts += [Drift(field.paths[0], str(field.type), repr(value[:80])) for value in odd]
            return found
        if not pa.types.is_integer(field.type):
            return values.cast(field.type)
        narrow = values.cast(field.type, safe=False)
        fits = pc.equal(narrow.cast(values.type), values)
        self.drifts += [
            Drift(field.paths[0], str(field.type), str(value))
            for value in pc.unique(values.filter(pc.invert(fits))).to_pylist()
        ]
        return pc.if_else(fits, narrow, pa.scalar(None, field.type))

    def _values(self, field: Field, path: str) -> pa.Array:
        if path in self._given:
            return self.given(path)
        if path == RESOURCE:
            return pa.repeat(pa.scalar(self._resource, pa.string()), len(self._index[-1]))
        if path == ORDINAL:
            return self._ordinals(len(self._levels) - 1)
        if path.startswith(f"{ORDINAL} "):
            prefixes = [level.prefix for level in self._levels]
            return self._ordinals(prefixes.index(f"{path.removeprefix(f'{ORDINAL} ')}."))
        if path == SPECIES_GENERATION:
            species = self._ids(self._at("species.url"), "pokemon-species", "species.url")
            return _looked_up(species, self._generations)
        values = self._at(path)
        if is_reference(field, path):
            return self._ids(values, field.references, path)
        return values

    def _ordinals(self, depth: int) -> pa.Array:
        """Return one number per row: of the elements at `depth` in one document, from 1, which one the row lies in."""
        documents = pa.array(np.arange(len(self._levels[depth].elements)))
        for level in reversed(self._levels[1 : depth + 1]):
            documents = pc.take(level.parents, documents)
        document = documents.to_numpy(zero_copy_only=False)
        ordinals = pa.array(np.arange(len(document)) - np.searchsorted(document, document) + 1)
        return ordinals if depth == len(self._levels) - 1 else pc.take(ordinals, self._index[depth])

    def _at(self, path: str) -> pa.Array:
        """Return the values at `path`; one that has several rows below it is repeated for each."""
        depth = max(i for i, level in enumerate(self._levels) if f"{path}.".startswith(level.prefix))
        level = self._levels[depth]
        rest = f"{path}.".removeprefix(level.prefix).rstrip(".")
        values = _member(level.elements, [unquoted(step) for step in rest.split(".")] if rest else [])
        return values if depth == len(self._levels) - 1 else pc.take(values, self._index[depth])

    def _ids(self, urls: pa.StringArray, resource: str, path: str) -> pa.Array:
        """Return the ids at the end of URLs of one resource; a URL of another form becomes null and is reported."""
        encoded = urls.dictionary_encode()
        ids: list[int | None] = []
        for url in encoded.dictionary.to_pylist():
            id_ = url_id(url, resource, self._bases) if url is not None else None
            if id_ is not None and resource == _GENERATIONS and id_ < 1:
                id_ = None
            if id_ is None and url is not None:
                self.drifts.append(Drift(path, f"a URL ending in /{resource}/<id>/", repr(url[:80])))
            ids.append(id_)
        return pc.take(pa.array(ids, pa.int32()), encoded.indices)


def _looked_up(keys: pa.Array, values: Mapping[int, int]) -> pa.Array:
    """Return the value of each key, null for a key without one."""
    encoded = keys.dictionary_encode()
    found = [values.get(key) for key in encoded.dictionary.to_pylist()]
    return pc.take(pa.array(found, pa.int32()), encoded.indices)
