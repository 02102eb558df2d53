"""Documents in, Arrow tables out; pure: no clock, bucket, network or environment. Same documents, same rows."""

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from hashlib import sha256
from pathlib import Path

import pyarrow as pa

from lake import schema
from lake.schema import Field, Table
from lake.tables import battle, evolution, pokemon, species, texts
from lake.tables.extract import extract, fill
from lake.tables.parse import Drift, document_schema, parse

TABLES: tuple[Table, ...] = (
    *pokemon.TABLES,
    *species.TABLES,
    *evolution.TABLES,
    *battle.TABLES,
    *texts.TABLES,
)

__all__ = ["TABLES", "Drift", "build", "fingerprint", "species_generations", "tables_of"]


@dataclass(frozen=True, slots=True)
class Built:
    """The rows that one batch of documents gives one table, and what did not fit on the way."""

    table: Table
    rows: pa.Table
    drifts: tuple[Drift, ...]


def tables_of(resource: str) -> tuple[Table, ...]:
    """Return the tables that documents of a resource fill; none for a resource without a declaration."""
    return tuple(table for table in TABLES if resource in table.resources)


@cache
def _schema_of(resource: str) -> pa.Schema:
    return document_schema(tables_of(resource))


def build(resource: str, bodies: pa.StringArray, generations: Mapping[int, int]) -> list[Built]:
    """Turn a batch of one resource's documents into the rows of every table that they fill.

    `bodies` are JSON texts in the order of their ids; `generations` is what `species_generations` returned.
    """
    tables = tables_of(resource)
    if not tables:
        return []
    documents, drifts = parse(bodies, _schema_of(resource))
    built = []
    for table in tables:
        if table.fill:
            rows, met = fill(table, bodies, documents, generations)
        else:
            rows, met = extract(table, resource, documents, generations)
        built.append(Built(table, rows, tuple(met)))
    if drifts:
        built[0] = Built(built[0].table, built[0].rows, (*built[0].drifts, *drifts))
    return built


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


def species_generations(bodies: pa.StringArray) -> dict[int, int]:
    """Return the generation of each species among documents of ``pokemon-species``, without those that have none."""
    documents, _ = parse(bodies, document_schema([_SPECIES]))
    rows, _ = extract(_SPECIES, "pokemon-species", documents, {})
    pairs = zip(rows["species_id"].to_pylist(), rows["generation"].to_pylist(), strict=True)
    return {species: generation for species, generation in pairs if generation is not None}


@cache
def fingerprint() -> str:
    """Return what tells two versions of this code apart: same documents and same fingerprint, same bytes."""
    sources = [Path(schema.__file__), *sorted(Path(__file__).parent.glob("*.py"))]
    digest = sha256(pa.__version__.encode())
    for source in sources:
        digest.update(source.read_bytes())
    return digest.hexdigest()[:16]
