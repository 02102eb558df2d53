"""Trainers whose tables nobody declared: what is declared of their documents, and a short form of it."""

import pyarrow as pa

from lake.schema import Table
from lake.table_settings import TableSettings
from lake.tables.inferred import NOTHING, Declared, Key, declare, grown
from tests.lake.tables.inferred import bodies

ID = Key("id", pa.int64())
TRAINER = {
    "id": 1,
    "name": "Ash",
    "joinedAt": "2024-01-01T00:00:00Z",
    "isActive": True,
    "score": 1.5,
    "address": {"city": "Pallet", "geo": {"lat": 1}},
    "tags": ["a", None],
    "team": [{"name": "Pikachu", "moves": ["surf"]}, None],
    "nothing": None,
    "empty": {},
    "none": [],
}


def declared(
    *documents: object, before: tuple[Table, ...] = (), settings: dict[str, TableSettings] | None = None
) -> Declared:
    shape = grown(NOTHING, bodies(*documents))
    return declare({"trainer": shape}, {"trainer": ID}, before, settings or {})


def columns(found: Declared, table: str = "trainer") -> dict[str, str]:
    """Return the columns of a table with their types; that of JSON text is json."""
    [fields] = [item.fields for item in found.tables if item.name == table]
    return {field.name: "json" if field.is_json else str(field.type) for field in fields}


def notes(found: Declared) -> set[tuple[str, str]]:
    return {(note.kind, note.path) for note in found.notes}
