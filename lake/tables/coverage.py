"""Which paths of PokeAPI's documents are known, and which appeared that no table has yet.

A path is known if a table has it, or if it is declared here why no table needs it. A path ends in a leaf: a value that
is neither an object nor an array with something in it. Paths are written as in declarations, ``types[].type.url``.
"""

import json
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from functools import cache
from typing import Any

import msgspec
import pyarrow as pa

from lake.decode import halves_escaped
from lake.schema import Table
from lake.tables.catalog import POKEAPI, Catalog, catalog_of
from lake.tables.declare import Mirror
from lake.tables.registry import MIRRORS, table_named
from lake.tables.wrap import WRAPPED


@dataclass(frozen=True, slots=True)
class Exclusion:
    """A path that is in no table, and the reason why nothing is lost."""

    resource: str
    path: str
    reason: str


EXCLUSIONS = (
    Exclusion("evolution-chain", "chain.evolution_details", "empty, because a root evolves from nothing"),
    Exclusion("pokemon", "location_area_encounters", "address of its document of pokemon-encounters"),
    *(
        Exclusion("type", f"damage_relations.{kind}_damage_from[].url", "mirrors the other types' lists of …_to")
        for kind in ("double", "half", "no")
    ),
)

# The reasons of paths that need no entry in EXCLUSIONS. SLUG: beside a URL such as type.url stands the slug type.name,
# which the table of types has as well. MIRROR: the path is in a list that a `Mirror` declares.
SLUG = "slug beside the address of a document that states it"
MIRROR = "list of links back, mirrors a table"

# The path of what is too deep in a document to be named.
UNREADABLE = "(not readable)"

# Recursive lists: each element of chain.evolves_to[] has a list evolves_to[] of its own, with the same members.
_RECURSIONS = {"evolution-chain": "chain.evolves_to[]"}


@cache
def known_paths(resource: str) -> Mapping[str, str]:
    """Return all known paths of a resource's documents, each with the reason why it is in no table.

    The reason is empty if it is in a table. ``sprites.*`` stands for every path below ``sprites``. Of a recursive list
    only the first level is listed.

    >>> known_paths("berry-firmness")["id"]
    ''
    >>> known_paths("berry-firmness")["berries[].url"]
    'list of links back, mirrors a table'
    """
    known = dict.fromkeys(_declared(catalog_of(POKEAPI).tables_of(resource)), "")
    found = {item.path: item.reason for item in EXCLUSIONS if item.resource == resource}
    for mirror in MIRRORS:
        if mirror.resource == resource:
            found |= dict.fromkeys(_mirrored(mirror), MIRROR)
    known = found | known
    slugs = {f"{path.removesuffix('.url')}.name": SLUG for path in known if path.endswith(".url")}
    return slugs | known


def _declared(tables: Iterable[Table]) -> set[str]:
    """Return the paths of the tables' fields that end in a leaf."""
    paths = {path for table in tables for field_ in table.fields for path in field_.paths if not path.startswith("@")}
    # A field that is made of several values names the object or list around them, which is no leaf.
    return {path for path in paths if not any(other.startswith(f"{path}.") for other in paths)}


def listed_reference(mirror: Mirror) -> str:
    """Return the resource whose documents a mirror lists."""
    table = table_named(mirror.table)
    return table.field(mirror.listed or table.primary_key[0]).references or table.resources[0]


def _mirrored(mirror: Mirror) -> Iterator[str]:
    """Yield the paths in a mirror's list: the reference to the listed document, and the members that it states itself.

    A type lists its Pokémon with their slots. Both documents state the slot: ``pokemon[].slot`` of a type mirrors
    ``types[].slot`` of a Pokémon.
    """
    yield f"{mirror.path}.url"
    yield f"{mirror.path}.{listed_reference(mirror).replace('-', '_')}.url"
    table = table_named(mirror.table)
    root, is_list, _ = table.rows.partition("[]")
    for path in _declared(catalog_of(POKEAPI).tables_of(table.resources[0]) if is_list else [table]):
        if not is_list or path.startswith(f"{root}[]."):
            yield f"{mirror.path}.{path.removeprefix(f'{root}[].')}"


@dataclass(slots=True)
class _Place:
    """A place in a document, with its known members by name; a leaf has none, and a list has those of its elements."""

    members: "dict[str, _Place]" = field(default_factory=dict)

    def at(self, path: str) -> "_Place":
        """Return the place at a path, and make it if it is missing; ``sprites.*`` is the place of ``sprites``."""
        place = self
        for name in path.replace("[]", "").removesuffix(".*").split("."):
            place = place.members.setdefault(name, _Place())
        return place


@cache
def _document(resource: str) -> _Place:
    """Return the root of the known places in a resource's documents, without the wrapping of `wrap`."""
    root = _Place()
    for path in known_paths(resource):
        root.at(path)
    if recursion := _RECURSIONS.get(resource):
        name = recursion.removesuffix("[]").rpartition(".")[2]
        root.at(recursion).members[name] = root.at(recursion)
    return root.members[WRAPPED[resource]] if resource in WRAPPED else root


@cache
def _decoder(resource: str) -> Any:
    """Return a decoder that refuses documents with unknown members; None for a recursive resource.

    Decoding a document is faster than walking through it, and nearly all documents pass.
    """
    return None if resource in _RECURSIONS else msgspec.json.Decoder(_type_of(_document(resource)))


def _type_of(place: _Place) -> Any:
    if not place.members:
        return Any
    names = {f"member_{number}": name for number, name in enumerate(place.members)}
    members = [(key, _type_of(place.members[name]), None) for key, name in names.items()]
    object_ = msgspec.defstruct("Object", members, rename=names, forbid_unknown_fields=True, gc=False)
    return object_ | list[object_] | None  # type: ignore[valid-type]


def unknown_paths(catalog: Catalog, resource: str, bodies: pa.StringArray) -> dict[str, int]:
    """Return every unknown path, and the number of documents that have it.

    `bodies` are documents as received. A resource without declared tables has no unknown paths, and no other kind of
    source has some. A value of another
    type at a known path is drift, which `build` reports.
    """
    if catalog.kind != POKEAPI or not catalog.is_declared(resource):
        return {}
    met: Counter[str] = Counter()
    decoder, document = _decoder(resource), _document(resource)
    for body in bodies:
        try:
            if decoder is not None:
                decoder.decode(body.as_buffer())
                continue
        except (msgspec.DecodeError, RecursionError):
            pass
        try:
            # Numbers stay digits because Python refuses to read very long ones.
            value = json.loads(halves_escaped(body.as_py().removeprefix("\ufeff")), parse_int=str, parse_float=str)
            met.update(set(_unknown(value, document, WRAPPED.get(resource, ""))))
        except (ValueError, RecursionError):
            # `build` names the documents that cannot be read.
            met.update([UNREADABLE])
    return dict(sorted(met.items()))


def _unknown(value: Any, place: _Place | None, path: str) -> Iterator[str]:
    """Yield the paths below a value that its place does not know; `place` is None if the value itself is unknown."""
    if isinstance(value, list) and value:
        for item in value:
            yield from _unknown(item, place, f"{path}[]")
    elif isinstance(value, dict) and value:
        for name, inner in value.items() if place is None or place.members else ():
            known = place.members.get(name) if place else None
            # All levels of a recursive list are reported under the path of the first.
            below = path.removesuffix("[]") if place and known is place else f"{path}.{name}".removeprefix(".")
            yield from _unknown(inner, known, below)
    elif place is None:
        yield path
