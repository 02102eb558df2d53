"""What stands under an id: the names of documents, and where a name stands that an id has lost."""

from collections.abc import Collection, Iterable, Iterator, Mapping
from dataclasses import replace

import pyarrow as pa
import pyarrow.compute as pc

from lake.canonical import name_of
from lake.resource import IdentityChange

# The least and the greatest id under which each of some names stands.
Standing = Mapping[str, tuple[int, int]]


def names_in(bodies: pa.ChunkedArray) -> pa.Array:
    """Return the `name` of each document; null where it has none that is a string."""
    return pa.array([name_of(body.as_buffer()) for body in bodies], pa.string())


def standing(parts: Iterable[pa.Table], names: Collection[str]) -> Standing:
    """Return where these names stand among the documents of one resource, whose parts have an `id` and a `name`."""
    wanted, found = pa.array(sorted(names), pa.string()), dict[str, tuple[int, int]]()
    for part in parts:
        rows = part.select(["id", "name"]).filter(pc.is_in(part["name"], wanted))
        bounds = rows.group_by("name").aggregate([("id", "min"), ("id", "max")]).select(["name", "id_min", "id_max"])
        for name, low, high in zip(*(column.to_pylist() for column in bounds.columns), strict=True):
            before = found.get(name, (low, high))
            found[name] = min(low, before[0]), max(high, before[1])
    return found


def stands_elsewhere(where: Standing, name: str, id_: int) -> bool:
    """Tell whether a name stands under another id than this one."""
    return where.get(name, (id_, id_)) != (id_, id_)


def judged(changes: Iterable[IdentityChange], where: Standing) -> Iterator[IdentityChange]:
    """Yield changes of names; an id whose old name stands under another id was reused, however alike the two are."""
    for change in changes:
        is_elsewhere = stands_elsewhere(where, change.before_name, change.id)
        yield replace(change, is_reused=change.is_reused or is_elsewhere)
