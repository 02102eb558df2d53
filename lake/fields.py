"""The fields of published tables. They rarely change, so a list of them is stored once, under the hash of its content.

A commit names the list of each table by that hash. What differs from snapshot to snapshot, such as the number of nulls,
stands in the commit.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from hashlib import sha256
from typing import Any

import msgspec
import pyarrow as pa

from lake.layout import schema_key
from lake.store import Store

Entries = tuple[dict[str, Any], ...]

# A table of 1,000 columns, each of which is described in 1,000 characters, has 1 MB.
_MAX_BYTES = 4 << 20

# The members of an entry that are not the same from snapshot to snapshot.
_COUNTED = ("nulls",)


def encoded(fields: Iterable[Mapping[str, Any]]) -> tuple[str, bytes]:
    """Return the hash under which a list of fields is stored, and the content of the object: one field a line."""
    entries = [{name: fact for name, fact in entry.items() if name not in _COUNTED} for entry in fields]
    body = b"[\n" + b",\n".join(map(msgspec.json.encode, entries)) + b"\n]\n"
    return sha256(body).hexdigest(), body


def nulls_of(fields: Iterable[Mapping[str, Any]]) -> dict[str, int] | None:
    """Return the number of nulls of each field that has some; None if they were not counted."""
    counts = {entry["name"]: entry["nulls"] for entry in fields if "nulls" in entry}
    return {name: count for name, count in counts.items() if count} if counts else None


def read_fields(store: Store, schema: str) -> Entries:
    """Return the list of fields that is stored under a hash.

    Raises:
        MissingObjectError: There is none.
        DamagedObjectError: It has another content.
    """
    body = store.whole(schema_key(schema), schema, _MAX_BYTES)
    return msgspec.json.decode(body, type=tuple[dict[str, Any], ...])


def entries_of(schema: pa.Schema) -> Entries:
    """Return the list of fields that the files of an inferred table say they have."""

    def entry(field: pa.Field) -> dict[str, Any]:
        said = {name.decode(): text.decode() for name, text in (field.metadata or {}).items()}
        return {
            "name": field.name,
            "type": str(field.type),
            "nullable": field.nullable,
            **({"unit": said["unit"]} if "unit" in said else {}),
            "description": said.get("description", ""),
            "path": said.get("source", ""),
            **({"is_json": True} if "is_json" in said else {}),
        }

    return tuple(map(entry, schema))


def findings(fields: Sequence[Mapping[str, Any]]) -> Iterator[str]:
    """Yield what is wrong with a list of fields."""
    names = [entry.get("name") for entry in fields]
    if len(set(map(str, names))) < len(names):
        yield "expected each field once"
    for entry in fields:
        if not (isinstance(entry.get("name"), str) and isinstance(entry.get("type"), str)):
            yield "expected fields with a name and a type"
        if not isinstance(entry.get("nulls", 0), int):
            yield "expected the number of nulls of each field"
