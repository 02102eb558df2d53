"""What every unit that builds tables must know of all documents: their ids, and the generation of each species.

It lies in the store as one small staged object, because units run anywhere; a process reads it once.
"""

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import lru_cache
from io import BytesIO

import msgspec
import pyarrow as pa
import pyarrow.parquet as pq

from lake.documents import digest
from lake.errors import StoreError
from lake.layout import unit_key
from lake.store import Store

_SCHEMA = pa.schema([("resource", pa.string()), ("id", pa.int64())])
_GENERATIONS = "generations"
_RESOURCES = b"resources"


@dataclass(frozen=True, slots=True)
class Known:
    """The ids of the documents of some resources, those without documents as well, and the generation of species."""

    ids: Mapping[str, pa.Array] = field(default_factory=dict)
    generations: Mapping[int, int] = field(default_factory=dict)


class KnownKey(msgspec.Struct, frozen=True):
    """The key of a staged object with what is known, and the hash of its content."""

    key: str
    sha256: str


def stage_known(store: Store, snapshot: str, known: Known) -> KnownKey:
    """Put what units on a snapshot must know into the store."""
    names = sorted(known.ids)
    columns = [
        pa.concat_arrays([pa.array([], pa.string()), *(pa.repeat(name, len(known.ids[name])) for name in names)]),
        pa.concat_arrays([pa.array([], pa.int64()), *(known.ids[name].cast(pa.int64()) for name in names)]),
    ]
    pairs = {str(species): generation for species, generation in known.generations.items()}
    rows = pa.Table.from_arrays(columns, schema=_SCHEMA).replace_schema_metadata(
        {_RESOURCES: json.dumps(names), _GENERATIONS: json.dumps(pairs)}
    )
    sink = BytesIO()
    pq.write_table(rows, sink, compression="zstd", use_dictionary=["resource"])
    body = sink.getvalue()
    place = KnownKey(unit_key(snapshot, "known"), digest(body))
    store.create(place.key, body)
    return place


@lru_cache(maxsize=1)
def read_known(store: Store, place: KnownKey | None) -> Known:
    """Return what units must know; nothing for None.

    Raises:
        StoreError: The object is gone, or is another one.
    """
    if place is None:
        return Known()
    body = store.find(place.key)
    if body is None or digest(body) != place.sha256:
        raise StoreError(f"{store.uri(place.key)}: expected what was staged, found something else; run again", True)
    rows = pq.read_table(BytesIO(body))
    metadata, ids = rows.schema.metadata, dict[str, pa.Array]()
    for name in json.loads(metadata[_RESOURCES]):
        ids[name] = rows["id"].filter(pa.compute.equal(rows["resource"], name)).combine_chunks()
    generations = json.loads(metadata[_GENERATIONS.encode()])
    return Known(ids, {int(species): generation for species, generation in generations.items()})
