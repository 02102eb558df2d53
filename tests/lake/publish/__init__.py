"""Tests of publishing; two small tables stand for all of them."""

from collections.abc import Mapping, Sequence
from typing import Any

import pyarrow as pa

from lake.commit import Commit, SourceFacts, TableFiles
from lake.publish import EncodedFile, FileStyle, Finding, KeyCheck, TableWriter, audit_table
from lake.schema import GENERATION, PARTITION, Field, Table, conform

POKEMON = Table(
    name="pokemon",
    grain="one row per Pokémon",
    resources=("pokemon",),
    primary_key=("pokemon_id",),
    fields=(
        Field("pokemon_id", pa.int32(), "PokeAPI's id."),
        Field(GENERATION, pa.int16(), "Its generation. 0: unknown."),
        Field("name", pa.string(), "Its name."),
        Field("species_id", pa.int32(), "Its species.", references="pokemon-species"),
        Field("sort_order", pa.int32(), "Place in the order. Null: none.", nullable=True),
    ),
)

TYPES = Table(
    name="types",
    grain="one row per slot",
    resources=("pokemon",),
    primary_key=("pokemon_id", "slot"),
    fields=(
        Field("pokemon_id", pa.int32(), "The Pokémon."),
        Field("slot", pa.int32(), "1 or 2."),
        Field("type_id", pa.int32(), "The type. Null: unknown.", nullable=True, references="type"),
    ),
)


def pokemon(id_: int, generation: int = 1, name: str = "pikachu", species: int | None = None) -> dict:
    """Return a row of `POKEMON`."""
    return {
        "pokemon_id": id_,
        GENERATION: generation,
        "name": name,
        "species_id": species or id_,
        "sort_order": None,
    }


def write(table: Table, *batches: pa.Table, style: FileStyle | None = None) -> list[EncodedFile]:
    """Return the files of a table whose rows come in these batches."""
    files: list[EncodedFile] = []
    by = GENERATION if table.partition == PARTITION else None
    writer = TableWriter(table, table.partition, by, style, files.append)
    for batch in batches:
        writer.add(batch)
    described = writer.close()
    return sorted(files, key=lambda file: described.index(file.data_file))


def encode(table: Table, *rows: dict, part_bytes: int | None = None) -> list[EncodedFile]:
    """Return the files of a table with these rows."""
    return write(table, conform(table, rows), style=FileStyle(part_bytes=part_bytes))


def draft(
    snapshot: str,
    tables: dict[str, TableFiles],
    parent: Commit | None,
    committed_at: str = "2026-08-08T04:13:05+00:00",
    audits: Sequence[dict[str, Any]] = (),
) -> Commit:
    """Return the commit of a snapshot that follows its parent, where it has one."""
    return Commit(
        seq=parent.seq + 1 if parent else 1,
        snapshot=snapshot,
        parent=parent.snapshot if parent else None,
        committed_at=committed_at,
        tables=tables,
        source=SourceFacts(),
        run={},
        fingerprint="test",
        audits=tuple(audits),
    )


def judged(check: KeyCheck, before: TableFiles | None, known_ids: Mapping[str, pa.Array], *given: Any) -> list[Finding]:
    """Return the findings about rows that passed a check, while these documents are known."""
    return audit_table(check.table, check.checked(known_ids), before, *given)
