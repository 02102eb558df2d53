"""Tests of reading: small lakes published by hand."""

from collections.abc import Sequence
from datetime import UTC, datetime
from functools import partial
from typing import Any

import pyarrow as pa

from lake.commit import Commit, head
from lake.documents import DOCUMENTS, DOCUMENTS_PARTITION, to_arrow
from lake.publish import FileStyle, SnapshotWriter, TableWriter, commit_snapshot
from lake.resource import Document
from lake.schema import GENERATION, Field, Table
from lake.store import Store
from tests.lake.publish import draft

MOVES = Table(
    name="moves",
    grain="one row per move",
    resources=("move",),
    primary_key=("move_id",),
    fields=(
        Field("move_id", pa.int32(), "The move."),
        Field(GENERATION, pa.int16(), "Its generation. 0: unknown."),
        Field("power", pa.int32(), "Power. Null: none.", nullable=True),
    ),
)

LEARNT = Table(
    name="learnt",
    grain="one row per move of a Pokémon",
    resources=("pokemon",),
    primary_key=("pokemon", "move_id"),
    fields=(
        Field("pokemon", pa.string(), "The Pokémon's slug."),
        Field("move_id", pa.int32(), "The move."),
        Field("method", pa.string(), "How. Null: unknown.", nullable=True),
        Field("is_hidden", pa.bool_(), "Whether it is hidden."),
    ),
)

FIRST, SECOND = "20260706T040000Z-8be2d1f4", "20260808T041200Z-1f3a9c02"
COMMITTED = {FIRST: "2026-07-06T04:01:00+00:00", SECOND: "2026-08-08T04:13:00+00:00"}


def moves(*rows: tuple[int, int, int | None]) -> tuple[Table, pa.Table]:
    """Return `MOVES` with these rows: id, generation, power."""
    columns = [list(column) for column in zip(*rows, strict=True)] or [[], [], []]
    return MOVES, pa.table(dict(zip(MOVES.schema.names, columns, strict=True)), schema=MOVES.schema)


def learnt(*rows: tuple[str, int, str | None, bool], table: Table = LEARNT) -> tuple[Table, pa.Table]:
    """Return `LEARNT`, or a variant of it, with these rows: Pokémon, move, method, whether hidden."""
    return table, pa.Table.from_pylist([dict(zip(LEARNT.schema.names, row, strict=True)) for row in rows], table.schema)


def document(resource: str, id_: int, body: str, path: str | None = None) -> Document:
    """Return a document as it was received on some day."""
    return Document(resource, id_, path or f"{resource}/{id_}", None, datetime(2026, 7, 6, tzinfo=UTC), body.encode())


def publish(
    store: Store,
    snapshot: str,
    tables: Sequence[tuple[Table, pa.Table]],
    documents: Sequence[Document] = (),
    audits: Sequence[dict[str, Any]] = (),
    part_bytes: int | None = None,
) -> Commit:
    """Publish a snapshot of these tables and documents; a row group holds two rows, a file `part_bytes`."""
    raw = to_arrow(documents)
    with SnapshotWriter(store, snapshot) as writer:
        for table, rows, partition, by in (
            *((table, rows, table.partition, GENERATION if table.partition else None) for table, rows in tables),
            (DOCUMENTS, raw, DOCUMENTS_PARTITION, "resource_name"),
        ):
            style = FileStyle(row_group_rows=2, part_bytes=part_bytes)
            files = TableWriter(table, partition, by, style, partial(writer.put, table.name))
            files.add(rows)
            writer.tables[table.name] = writer.describe(table, partition, files.close())
    commit = draft(snapshot, writer.tables, head(store), COMMITTED[snapshot], audits)
    commit_snapshot(store, commit)
    return commit
