"""What of a resource's documents is in a table, what is in none and why, and what nobody has declared yet."""

import json
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from functools import cache
from typing import Any

import msgspec
import pyarrow as pa

from lake.canonical import POKEAPI
from lake.schema import Table
from lake.tables.declare import Mirror
from lake.tables.registry import MIRRORS, is_declared, table_named, tables_of
from lake.tables.wrap import WRAPPED


@dataclass(frozen=True, slots=True)
class Exclusion:
    """A leaf of a resource's documents that is in no table, and why nothing is lost."""

    resource: str
    path: str
    reason: str


EXCLUSIONS = (
    Exclusion("evolution-chain", "chain.evolution_details", "empty, for a root evolves from nothing"),
    Exclusion("pokemon", "location_area_encounters", "address of its document of pokemon-encounters"),
    *(
        Exclusion("type", f"damage_relations.{kind}_damage_from[].url", "mirrors the other types' lists of …_to")
        for kind in ("double", "half", "no")
    ),
)

# Reasons of what is known without an entry of its own.
SLUG = "slug beside the address of a document that states it"
MIRROR = "list of links back, mirrors a table"

# Lists whose elements hold a list of their like under the same name: what is known of one is known of all below.
_RECURSIONS = {"evolution-chain": "chain.evolves_to[]"}


@cache
def known_paths(resource: str) -> Mapping[str, str]:
    """Return every leaf path that is known of a resource, with why it is in no table, empty for one that is in one.

    A list's elements are ``[]``, and ``sprites.*`` stands for all below. Of a recursion the first level is there.
    """
    known = dict.fromkeys(_declared(tables_of(resource)), "")
    found = {item.path: item.reason for item in EXCLUSIONS if item.resource == resource}
    for mirror in MIRRORS:
        if mirror.resource == resource:
            found |= dict.fromkeys(_mirrored(mirror), MIRROR)
    known = found | known
    slugs = {f"{path.removesuffix('.url')}.name": SLUG for path in known if path.endswith(".url")}
    return slugs | known


def _declared(tables: Iterable[Table]) -> set[str]:
    """Return the leaf paths of the tables' fields."""
    paths = {path for table in tables for field_ in table.fields for path in field_.paths if not path.startswith("@")}
    # Some fields can only name the object or list around what they are made of.
    return {path for path in paths if not any(other.startswith(f"{path}.") for other in paths)}


def listed_reference(mirror: Mirror) -> str:
    """Return the resource whose documents a mirror lists."""
    table = table_named(mirror.table)
    return table.field(mirror.listed or table.primary_key[0]).references or table.resources[0]


def _mirrored(mirror: Mirror) -> Iterator[str]:
    """Yield the leaf paths of a mirror: the reference to what it lists, and what the mirrored document says there."""
    yield f"{mirror.path}.url"
    yield f"{mirror.path}.{listed_reference(mirror).replace('-', '_')}.url"
    table = table_named(mirror.table)
    root, is_list, _ = table.rows.partition("[]")
    for path in _declared(tables_of(table.resources[0]) if is_list else [table]):
        if not is_list or path.startswith(f"{root}[]."):
            yield f"{mirror.path}.{path.removeprefix(f'{root}[].')}"


@dataclass(slots=True)
class _Place:
    """An object or list in a document with the members that are known of it; a leaf has none."""

    members: "dict[str, _Place]" = field(default_factory=dict)

    def at(self, path: str) -> "_Place":
        """Return the place that a path leads to, made where it is not there; a star leads to what is before it."""
        place = self
        for name in path.replace("[]", "").removesuffix(".*").split("."):
            place = place.members.setdefault(name, _Place())
        return place


@cache
def _document(resource: str) -> _Place:
    """Return what is known of a resource's documents as they were received."""
    root = _Place()
    for path in known_paths(resource):
        root.at(path)
    if recursion := _RECURSIONS.get(resource):
        name = recursion.removesuffix("[]").rpartition(".")[2]
        root.at(recursion).members[name] = root.at(recursion)
    return root.members[WRAPPED[resource]] if resource in WRAPPED else root


@cache
def _decoder(resource: str) -> Any:
    """Return what decodes documents of which all is known, and refuses others; None for a recursive resource."""
    return None if resource in _RECURSIONS else msgspec.json.Decoder(_type_of(_document(resource)))


def _type_of(place: _Place) -> Any:
    if not place.members:
        return Any
    names = {f"member_{number}": name for number, name in enumerate(place.members)}
    members = [(key, _type_of(place.members[name]), None) for key, name in names.items()]
    object_ = msgspec.defstruct("Object", members, rename=names, forbid_unknown_fields=True, gc=False)
    return object_ | list[object_] | None  # type: ignore[valid-type]


def unknown_paths(resource: str, bodies: pa.StringArray, kind: str = POKEAPI) -> dict[str, int]:
    """Return every leaf path that no table and no exclusion knows, with in how many documents it was met.

    `bodies` are documents as received. Of a resource without declared tables nothing is unknown. A value of another
    shape at a known place is drift, and is what `build` reports.
    """
    if not is_declared(resource, kind):
        return {}
    met: Counter[str] = Counter()
    decoder, document = _decoder(resource), _document(resource)
    for body in bodies:
        try:
            if decoder is not None:
                decoder.decode(body.as_buffer())
                continue
        except msgspec.ValidationError:
            pass
        # Numbers stay digits, for Python refuses to read very long ones.
        value = json.loads(body.as_py(), parse_int=str, parse_float=str)
        met.update(set(_unknown(value, document, WRAPPED.get(resource, ""))))
    return dict(sorted(met.items()))


def _unknown(value: Any, place: _Place | None, path: str) -> Iterator[str]:
    """Yield the leaf paths below a value that are not below its place; None is the place of what is not known."""
    if isinstance(value, list) and value:
        for item in value:
            yield from _unknown(item, place, f"{path}[]")
    elif isinstance(value, dict) and value:
        for name, inner in value.items() if place is None or place.members else ():
            known = place.members.get(name) if place else None
            # Below a recursion all levels have the path of the first.
            below = path.removesuffix("[]") if place and known is place else f"{path}.{name}".removeprefix(".")
            yield from _unknown(inner, known, below)
    elif place is None:
        yield path
