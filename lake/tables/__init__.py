"""Documents in, Arrow tables out; pure: no clock, bucket, network or environment. Same documents, same rows."""

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass, replace
from functools import cache

import numpy as np
import pyarrow as pa

from lake.schema import Field, Table
from lake.tables.catalog import POKEAPI, Catalog, catalog_of
from lake.tables.coverage import unknown_paths
from lake.tables.extract import extract
from lake.tables.faults import stranger, strangers, without_bad_keys
from lake.tables.fill import fill
from lake.tables.fingerprint import fingerprint
from lake.tables.inferred.assumed import Assumed
from lake.tables.parse import Drift, document_schema, parse
from lake.tables.registry import TABLES, table_named
from lake.tables.rows import rows_of
from lake.tables.values import DOCUMENT_VALUES, value_rows
from lake.tables.wrap import wrapped

__all__ = [
    "POKEAPI",
    "TABLES",
    "Built",
    "Catalog",
    "Drift",
    "build",
    "catalog_of",
    "fingerprint",
    "species_generations",
    "table_named",
    "unknown_paths",
]


@dataclass(frozen=True, slots=True)
class Built:
    """The rows that one batch of documents gives one table, and what did not fit on the way."""

    table: Table
    rows: pa.Table
    drifts: tuple[Drift, ...]


@cache
def _schema_of(names: tuple[str, ...]) -> pa.Schema:
    schema = document_schema([table_named(name) for name in names])
    # A document's id is compared with the one that it is stored by, also where no table reads it.
    return schema if "id" in schema.names else schema.append(pa.field("id", pa.int32()))


def build(
    catalog: Catalog,
    resource: str,
    rows: pa.Table,
    generations: Mapping[int, int],
    only: Collection[str] | None = None,
    bases: frozenset[str] | None = None,
    assumed: Assumed | None = None,
) -> list[Built]:
    """Turn a batch of one resource's documents into the rows of every table that they fill.

    `rows` has the columns ``id``, ``path`` and ``body`` of the documents, in the order of their ids; `generations` is
    what `species_generations` returned; `only` names the tables that are wanted, None means all of them; `bases` is
    as in `url_id`: what lies below none of them is no reference. A document that cannot be read, or has another id,
    gives no rows. No row has a key that is null or there twice. The documents must be as `assumed`, if something is.

    Raises:
        UnassumedError: They are not.
    """
    tables = [table for table in catalog.tables_of(resource) if only is None or table.name in only]
    if not tables:
        return []
    if catalog.kind != POKEAPI:
        found = rows_of(tables, resource, rows, assumed)
        return [Built(table, own, tuple(drifts)) for table, (own, drifts) in zip(tables, found, strict=True)]
    if not catalog.is_declared(resource):
        return [_keyed(DOCUMENT_VALUES, *value_rows(resource, rows))]
    bodies = wrapped(resource, rows)
    documents, drifts = parse(bodies, _schema_of(tuple(table.name for table in tables)))
    strange = strangers(rows["id"], documents)
    if strange.any():
        places = np.flatnonzero(strange).tolist()
        odd = [stranger(rows["id"][place].as_py(), bodies[place].as_buffer()) for place in places]
        built = build(catalog, resource, rows.filter(pa.array(~strange)), generations, only, bases)
        return [replace(built[0], drifts=(*built[0].drifts, *odd)), *built[1:]]
    filled = iter(fill([table for table in tables if table.fill], bodies, documents, generations, bases))
    built = []
    for table in tables:
        found, met = next(filled) if table.fill else extract(table, resource, documents, generations, bases)
        built.append(_keyed(table, found, met))
    if drifts:
        built[0] = Built(built[0].table, built[0].rows, (*built[0].drifts, *drifts))
    return built


def _keyed(table: Table, rows: pa.Table, drifts: Iterable[Drift]) -> Built:
    kept, bad = without_bad_keys(table, rows)
    return Built(table, kept, (*drifts, *bad))


_SPECIES = Table(
    name="species_generations",
    grain="one row per species",
    resources=("pokemon-species",),
    primary_key=("species_id",),
    fields=(
        Field("species_id", pa.int32(), "The species.", "id"),
        Field("generation", pa.int32(), "Its generation.", "generation.url", references="generation", nullable=True),
    ),
)


def species_generations(bodies: pa.StringArray, bases: frozenset[str] | None = None) -> dict[int, int]:
    """Return the generation of each species among documents of ``pokemon-species``, without those that have none."""
    documents, _ = parse(bodies, document_schema([_SPECIES]))
    rows, _ = extract(_SPECIES, "pokemon-species", documents, {}, bases)
    pairs = zip(rows["species_id"].to_pylist(), rows["generation"].to_pylist(), strict=True)
    return {species: generation for species, generation in pairs if generation is not None}
