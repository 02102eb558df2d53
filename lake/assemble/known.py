"""What every unit that builds tables must know of all documents: their ids, and the generation of each species.

It lies in the store as one small staged object, because units run anywhere; a process reads it once.
"""

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import lru_cache

import pyarrow as pa
import pyarrow.compute as pc

from lake.assemble.shared import SharedRows, read_shared, share
from lake.store import Store

_SCHEMA = pa.schema([("resource", pa.string()), ("id", pa.int64())])
_GENERATIONS = b"generations"
_RESOURCES = b"resources"


@dataclass(frozen=True, slots=True)
class Known:
    """The ids of the documents of some resources, those without documents as well, and the generation of species."""

    ids: Mapping[str, pa.Array] = field(default_factory=dict)
    generations: Mapping[int, int] = field(default_factory=dict)


def stage_known(store: Store, snapshot: str, known: Known) -> SharedRows:
    """Put what units on a snapshot must know into the store."""
    names = sorted(known.ids)
    columns = [
        pa.concat_arrays([pa.array([], pa.string()), *(pa.repeat(name, len(known.ids[name])) for name in names)]),
        pa.concat_arrays([pa.array([], pa.int64()), *(known.ids[name].cast(pa.int64()) for name in names)]),
    ]
    pairs = {str(species): generation for species, generation in known.generations.items()}
    facts = {_RESOURCES: json.dumps(names), _GENERATIONS: json.dumps(pairs)}
    rows = pa.Table.from_arrays(columns, schema=_SCHEMA.with_metadata(facts))
    return share(store, snapshot, "known", rows)


@lru_cache(maxsize=1)
def read_known(store: Store, place: SharedRows | None) -> Known:
    """Return what units must know; nothing for None.

    Raises:
        StoreError: The object is gone, or is another one.
    """
    if place is None:
        return Known()
    rows = read_shared(store, place)
    facts, ids = rows.schema.metadata, dict[str, pa.Array]()
    for name in json.loads(facts[_RESOURCES]):
        ids[name] = rows["id"].filter(pc.equal(rows["resource"], name)).combine_chunks()
    generations = json.loads(facts[_GENERATIONS])
    return Known(ids, {int(species): generation for species, generation in generations.items()})
