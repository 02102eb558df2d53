"""One walk through all documents of a corpus: what stands in them by plain Python, and what becomes of them."""

import json
import re
from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from itertools import chain, repeat
from types import NoneType
from typing import Any

import pyarrow as pa

from flows.local.replica import Corpus
from lake.publish.check import KeyCheck
from lake.tables import POKEAPI, TABLES, Built, build, catalog_of, species_generations, unknown_paths
from lake.tables.coverage import listed_reference
from lake.tables.declare import Mirror
from lake.tables.members import url_id
from lake.tables.registry import MIRRORS, table_named
from lake.tables.wrap import WRAPPED
from tests.corpora import documents_of, resources
from tests.corpus_counts import COUNTS

# Documents parsed at once, so that tables are made of several batches.
CATALOG = catalog_of(POKEAPI)

BATCH = 256

Pairs = set[tuple[int, int]]

# What mirrors say beside whom they list, by resource and path; the documents that they mirror say it too.
ATTRIBUTES = {
    ("ability", "pokemon[]"): {"is_hidden", "slot"},
    ("item", "held_by_pokemon[]"): {"version_details"},
    ("item", "machines[]"): {"version_group"},
    ("location-area", "pokemon_encounters[]"): {"version_details"},
    ("pal-park-area", "pokemon_encounters[]"): {"base_score", "rate"},
    ("pokeathlon-stat", "affecting_natures.decrease[]"): {"max_change"},
    ("pokeathlon-stat", "affecting_natures.increase[]"): {"max_change"},
    ("pokedex", "pokemon_entries[]"): {"entry_number"},
    ("stat", "affecting_moves.decrease[]"): {"change"},
    ("stat", "affecting_moves.increase[]"): {"change"},
    ("type", "pokemon[]"): {"slot"},
}

# A place in documents: what stands below each name or "[]", and under the type of a leaf that was met there nothing.
Place = dict[str | type, "Place"]


@dataclass(repr=False)
class Walked:
    """What walking all documents of a corpus has found; each document is decoded and built once."""

    leaves: dict[str, dict[str, set[str]]] = field(default_factory=dict)
    slugs: set[tuple[str, str]] = field(default_factory=set)
    names: dict[str, str] = field(default_factory=dict)
    listed: dict[Mirror, Pairs] = field(default_factory=lambda: defaultdict(set))
    attributes: dict[Mirror, set[tuple[int, int, str]]] = field(default_factory=lambda: defaultdict(set))
    mirrored: dict[Mirror, set[tuple[int, int, str]]] = field(default_factory=lambda: defaultdict(set))
    pairs: dict[tuple[int, int, str | None], set[str]] = field(default_factory=lambda: defaultdict(set))
    damage: dict[str, Pairs] = field(default_factory=lambda: defaultdict(set))
    counted: Counter[str] = field(default_factory=Counter)
    unknown: dict[str, dict[str, int]] = field(default_factory=dict)
    built: dict[str, list[Built]] = field(default_factory=lambda: defaultdict(list))
    checks: dict[str, KeyCheck] = field(default_factory=lambda: {table.name: KeyCheck(table) for table in TABLES})


def walk(corpus: Corpus) -> Walked:
    """Decode and build all documents, and return what was found."""
    found = Walked()
    generations = species_generations(documents_of(corpus, "pokemon-species")["body"].combine_chunks())
    for resource in resources(corpus):
        documents = documents_of(corpus, resource)
        found.leaves[resource] = _note_documents(resource, documents, found)
        found.unknown[resource] = unknown_paths(CATALOG, resource, documents["body"].combine_chunks())
        for start in range(0, len(documents), BATCH):
            for built in build(CATALOG, resource, documents.slice(start, BATCH), generations):
                found.checks[built.table.name].add(built.rows)
                found.built[built.table.name].append(built)
    # Two documents may state the same of two types.
    found.counted["type_effectiveness"] = len(found.pairs)
    return found


def _note_documents(resource: str, documents: pa.Table, found: Walked) -> dict[str, set[str]]:
    """Note what documents say of themselves and of others, and how many rows they have; return their leaves."""
    listing = [mirror for mirror in MIRRORS if mirror.resource == resource]
    stating = [mirror for mirror in MIRRORS if table_named(mirror.table).resources == (resource,)]
    filled = [table.name for table in CATALOG.tables_of(resource)]
    place: Place = {}
    for id_, body in zip(documents["id"].to_pylist(), documents["body"].to_pylist(), strict=True):
        document = json.loads(body)
        if resource in WRAPPED:
            document = {WRAPPED[resource]: document}
        _note(document, place, found.slugs)
        for mirror in listing:
            _note_listed(mirror, id_, document, found)
        for mirror in stating:
            _note_stated(mirror, id_, document, found)
        for name in filled:
            found.counted[name] += COUNTS[name](document) if name in COUNTS else 1
        if "name" in document:
            found.names[f"/api/v2/{resource}/{id_}/"] = document["name"]
        if resource == "type":
            _note_pairs(id_, document, found.pairs)
            for way, types in document["damage_relations"].items():
                found.damage[way] |= {(id_, url_id(other["url"], "type")) for other in types}
    leaves: dict[str, set[str]] = defaultdict(set)
    for path, kind in _leaves(place):
        leaves[path].add(kind)
    return leaves


def _note_pairs(id_: int, document: Any, pairs: dict[tuple[int, int, str | None], set[str]]) -> None:
    """Note the damage between a type and others that its document states, today or up to a generation."""
    past = [(entry["generation"]["name"], entry["damage_relations"]) for entry in document["past_damage_relations"]]
    for until, relations in [(None, document["damage_relations"]), *past]:
        for name, types in relations.items():
            for other in types:
                kind, _, way = name.rpartition("_")
                pair = (id_, url_id(other["url"], "type"))
                pairs[(*(pair if way == "to" else pair[::-1]), until)].add(kind)


def _note(value: dict[str, Any] | list[Any], place: Place, slugs: set[tuple[str, str]]) -> None:
    """Note what stands in a value: below each name, or below "[]", the types of the leaves and what stands in others.

    It is done for millions of values, so it calls itself for those only in which something stands.
    """
    inside = value.items() if type(value) is dict else zip(repeat("[]"), value)
    if type(value) is dict and "url" in value and "name" in value:
        slugs.add((value["url"], value["name"]))
    for name, inner in inside:
        if name not in place:
            place[name] = {}
        kind = type(inner)
        if inner and (kind is dict or kind is list):
            _note(inner, place[name], slugs)
        else:
            place[name][kind] = {}


def _leaves(place: Place, path: str = "") -> Iterator[tuple[str, str]]:
    """Yield each leaf path below a place, as declarations write it, with a kind of leaf met there."""
    for name, inner in place.items():
        if name == "[]":
            yield from _leaves(inner, f"{path}[]")
        elif isinstance(name, str):
            yield from _leaves(inner, f"{path}.{name}".removeprefix("."))
        else:
            # Families are trees: every generation of one looks like the first.
            kind = "null" if name is NoneType else "empty" if name in (dict, list) else "value"
            yield re.sub(r"evolves_to\[\]\.(?=evolves_to)", "", path), kind


def _note_listed(mirror: Mirror, id_: int, document: Any, found: Walked) -> None:
    """Note whom a list of a document that is a mirror lists, and what it says beside that."""
    target = listed_reference(mirror)
    for element in _elements(document, mirror.path):
        other = _pointed_at(element, target)
        said = element.keys() - {"name", "url", target.replace("-", "_")}
        found.listed[mirror].add((id_, other))
        found.attributes[mirror].add((id_, other, _attributes(element, said)))


def _note_stated(mirror: Mirror, id_: int, document: Any, found: Walked) -> None:
    """Note what a document says that a mirror of it says too."""
    if names := ATTRIBUTES.get((mirror.resource, mirror.path)):
        root, is_list, _ = table_named(mirror.table).rows.partition("[]")
        for element in _elements(document, f"{root}[]") if is_list else [document]:
            found.mirrored[mirror].add((_pointed_at(element, mirror.resource), id_, _attributes(element, names)))


def _elements(document: Any, path: str) -> Iterator[dict[str, Any]]:
    """Yield the elements of the list at a path."""
    values = [document]
    for name in path.removesuffix("[]").split("."):
        values = [value[name] for value in values if value.get(name) is not None]
    yield from chain.from_iterable(values)


def _pointed_at(element: dict[str, Any], resource: str) -> int | None:
    """Return the id of the document of a resource that an element of a list points at, itself or in a member."""
    references = [element, *(inner for inner in element.values() if isinstance(inner, dict))]
    return next((id_ for item in references if (id_ := url_id(item.get("url", ""), resource)) is not None), None)


def _canonical(value: Any) -> str:
    """Return a value as a text to compare, with all lists in one order: that of mirrors is another one."""
    if isinstance(value, dict):
        return "{" + ", ".join(f"{name!r}: {_canonical(value[name])}" for name in sorted(value)) + "}"
    return "[" + ", ".join(sorted(map(_canonical, value))) + "]" if isinstance(value, list) else repr(value)


def _attributes(element: dict[str, Any], names: Iterable[str]) -> str:
    """Return those members of an element as a text to compare."""
    return _canonical({name: element.get(name) for name in names})


def rows_of(found: Walked, table: str) -> pa.Table:
    """Return all rows of a table."""
    return pa.concat_tables([built.rows for built in found.built[table]])
