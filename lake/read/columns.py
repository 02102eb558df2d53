"""The columns of one table of one snapshot, as the metadata of its own files describes them."""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import pyarrow as pa

from lake.commit import Commit, TableFiles
from lake.read.dataset import open_dataset
from lake.read.history import table_of
from lake.read.ready import ready_view
from lake.schema import PARTITION, UNKNOWN_GENERATION, split_null
from lake.store import Store

NAMES = (
    *("name", "type", "unit", "description", "null_means", "stand_ins"),
    *("references", "is_key", "is_nullable", "source"),
)

# The partition is a column for every reader, but it stands in the files' paths and not in the files.
PARTITION_MEANING = "The partition, from the path of the file; a filter on it fetches only the files that can match."


_UNKNOWN = json.dumps({UNKNOWN_GENERATION: "unknown"})


@dataclass(frozen=True, slots=True)
class Description:
    """A table in words: `facts` hold for the whole of it, `columns` has one entry per column with the keys `NAMES`."""

    facts: dict[str, Any]
    columns: list[dict[str, Any]]


def describe(store: Store, commit: Commit, name: str) -> Description:
    """Describe a table from its smallest file, which is checked as `open_dataset` does; what it does not say is None.

    A ready view is described from its declaration, and nothing is fetched.

    Raises:
        UnknownNameError: No such table.
        LakeError: The file cannot be read.
    """
    if (view := ready_view(commit, name)) is not None:
        table, schema = TableFiles(None, (), grain=view.table.grain, primary_key=view.table.primary_key), view.schema
    else:
        table = table_of(commit, name)
        smallest = min(table.files, key=lambda file: file.bytes)
        schema = open_dataset(store, commit, name, [smallest]).schema
    said = _texts(schema.metadata)
    key = said["primary_key"].split(",") if "primary_key" in said else list(table.primary_key)
    facts = {
        "table": name,
        "snapshot": commit.snapshot,
        "grain": said.get("grain") or table.grain or None,
        "source": said.get("source") or None,
        "primary_key": key,
        "partition": table.partition,
    }
    return Description(facts, [_column(field, table, key) for field in schema])


def attrs_of(commit: Commit, name: str, schema: pa.Schema) -> dict[str, Any]:
    """Return what a frame of a table keeps of it: JSON, and small, because pandas copies it with every new frame."""
    said = {field.name: _texts(field.metadata) for field in schema}
    return {
        "table": name,
        "snapshot": commit.snapshot,
        "units": {column: facts["unit"] for column, facts in said.items() if "unit" in facts},
        "descriptions": {column: facts["description"] for column, facts in said.items() if "description" in facts},
    }


def _column(field: pa.Field, table: TableFiles, key: list[str]) -> dict[str, Any]:
    said = _texts(field.metadata)
    is_partition = field.name == table.partition
    description, null_means = split_null(PARTITION_MEANING if is_partition else said.get("description", ""))
    values = (
        field.name,
        str(field.type),
        said.get("unit"),
        description or None,
        null_means,
        _stand_ins(said.get("stand_ins", _UNKNOWN if is_partition and field.name == PARTITION else "{}")),
        said.get("references"),
        field.name in key,
        field.nullable and not is_partition,
        said.get("source"),
    )
    return dict(zip(NAMES, values, strict=True))


def _stand_ins(said: str) -> str | None:
    """Return the values that stand for something else than the others, each with its meaning, as one text."""
    try:
        found = json.loads(said)
    except ValueError:
        return None
    pairs = found.items() if isinstance(found, dict) else ()
    return "; ".join(f"{value or json.dumps(value)}: {meaning}" for value, meaning in pairs) or None


def _texts(metadata: Mapping[bytes, bytes] | None) -> dict[str, str]:
    return {name.decode(): text.decode() for name, text in (metadata or {}).items()}
