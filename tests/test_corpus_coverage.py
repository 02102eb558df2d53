"""Every leaf of every document of the real corpora is in a table, or in none for a reason that holds."""

import json
import re
from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest

from lake.tables import build, is_declared, species_generations, unknown_paths
from lake.tables.coverage import EXCLUSIONS, MIRROR, SLUG, known_paths, listed_reference
from lake.tables.declare import Mirror
from lake.tables.members import url_id
from lake.tables.registry import MIRRORS, table_named
from lake.tables.wrap import WRAPPED
from tests.corpora import documents_of, opened, resources

pytestmark = pytest.mark.corpus

# A null or an empty container in the place of something known.
ABSENT = "absent"

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

# A place in documents: what stands below each name or "[]", and under _VALUES what kinds of leaves were met there.
_VALUES = ""


@dataclass(repr=False)
class Walked:
    """What walking all documents of a corpus has found; each document is decoded once."""

    leaves: dict[str, dict[str, set[str]]] = field(default_factory=dict)
    slugs: set[tuple[str, str]] = field(default_factory=set)
    names: dict[str, str] = field(default_factory=dict)
    listed: dict[Mirror, Pairs] = field(default_factory=lambda: defaultdict(set))
    attributes: dict[Mirror, set[tuple[int, int, str]]] = field(default_factory=lambda: defaultdict(set))
    mirrored: dict[Mirror, set[tuple[int, int, str]]] = field(default_factory=lambda: defaultdict(set))
    tables: dict[str, list[pa.Table]] = field(default_factory=lambda: defaultdict(list))
    unknown: dict[str, dict[str, int]] = field(default_factory=dict)
    damage: dict[str, Pairs] = field(default_factory=lambda: defaultdict(set))


def note(value: Any, place: dict[str, Any], slugs: set[tuple[str, str]]) -> None:
    """Note what kinds of leaves stand where below a value: null, empty or value."""
    if isinstance(value, dict) and value:
        if "url" in value and "name" in value:
            slugs.add((value["url"], value["name"]))
        for name, inner in value.items():
            if name not in place:
                place[name] = {}
            note(inner, place[name], slugs)
    elif isinstance(value, list) and value:
        if "[]" not in place:
            place["[]"] = {}
        for inner in value:
            note(inner, place["[]"], slugs)
    else:
        place.setdefault(_VALUES, set()).add(
            "null" if value is None else "empty" if isinstance(value, dict | list) else "value"
        )


def paths(place: dict[str, Any], path: str = "") -> Iterator[tuple[str, set[str]]]:
    """Yield each leaf path below a place, as declarations write it, with the kinds of leaves met there."""
    for name, inner in place.items():
        if name == _VALUES:
            # Families are trees: every generation of one looks like the first.
            yield re.sub(r"evolves_to\[\]\.(?=evolves_to)", "", path), inner
        elif name == "[]":
            yield from paths(inner, f"{path}[]")
        else:
            yield from paths(inner, f"{path}.{name}".removeprefix("."))


def elements(document: Any, path: str) -> Iterator[dict[str, Any]]:
    """Yield the elements of the list at a path."""
    values = [document]
    for name in path.removesuffix("[]").split("."):
        values = [value[name] for value in values if value.get(name) is not None]
    yield from (element for value in values for element in value)


def pointed_at(element: dict[str, Any], resource: str) -> int | None:
    """Return the id of the document of a resource that an element of a list points at, itself or in a member."""
    references = [element, *(inner for inner in element.values() if isinstance(inner, dict))]
    return next((id_ for item in references if (id_ := url_id(item.get("url", ""), resource)) is not None), None)


def canonical(value: Any) -> Any:
    """Return a value with all lists in one order: that of mirrors is another one."""
    if isinstance(value, dict):
        return {name: canonical(inner) for name, inner in sorted(value.items())}
    return sorted((canonical(item) for item in value), key=json.dumps) if isinstance(value, list) else value


def attributes(element: dict[str, Any], names: Iterable[str]) -> str:
    """Return those members of an element as a text to compare."""
    return json.dumps(canonical({name: element.get(name) for name in names}))


def note_mirrors(resource: str, id_: int, document: Any, found: Walked) -> None:
    """Note what the lists of a document that are mirrors say, and what those say that other documents mirror."""
    for mirror in MIRRORS:
        names = ATTRIBUTES.get((mirror.resource, mirror.path), set())
        if mirror.resource == resource:
            target = listed_reference(mirror)
            for element in elements(document, mirror.path):
                other = pointed_at(element, target)
                said = element.keys() - {"name", "url", target.replace("-", "_")}
                found.listed[mirror].add((id_, other))
                found.attributes[mirror].add((id_, other, attributes(element, said)))
        root, is_list, _ = table_named(mirror.table).rows.partition("[]")
        if names and table_named(mirror.table).resources == (resource,):
            for element in elements(document, f"{root}[]") if is_list else [document]:
                found.mirrored[mirror].add((pointed_at(element, mirror.resource), id_, attributes(element, names)))


@pytest.fixture(scope="module", params=["2026-07-06", "2026-08-08"])
def walked(request: pytest.FixtureRequest) -> Walked:
    path: Path = request.getfixturevalue(f"corpus_{request.param.replace('-', '_')}")
    corpus, found = opened(path), Walked()
    mirrored = {mirror.table for mirror in MIRRORS}
    generations = species_generations(documents_of(corpus, "pokemon-species")["body"].combine_chunks())
    for resource in resources(corpus):
        documents = documents_of(corpus, resource)
        place: dict[str, Any] = {}
        for id_, body in zip(documents["id"].to_pylist(), documents["body"].to_pylist(), strict=True):
            document = json.loads(body)
            if resource in WRAPPED:
                document = {WRAPPED[resource]: document}
            note(document, place, found.slugs)
            note_mirrors(resource, id_, document, found)
            if "name" in document:
                found.names[f"/api/v2/{resource}/{id_}/"] = document["name"]
            if resource == "type":
                for way, types in document["damage_relations"].items():
                    found.damage[way] |= {(id_, url_id(other["url"], "type")) for other in types}
        leaves = found.leaves[resource] = {}
        for leaf, kinds in paths(place):
            leaves[leaf] = leaves.get(leaf, set()) | kinds
        found.unknown[resource] = unknown_paths(resource, documents["body"].combine_chunks())
        for built in build(resource, documents, generations, only=mirrored):
            found.tables[built.table.name].append(built.rows)
    return found


def reasons(resource: str, leaves: dict[str, set[str]]) -> dict[str, str | None]:
    """Return for each leaf why it is in no table: empty if it is in one, None if nobody knows."""
    known = known_paths(resource)
    stars = tuple(path.removesuffix("*") for path in known if path.endswith(".*"))
    inner = {path[: match.start()] for path in known for match in re.finditer(r"\.|\[\]", path)}

    def reason(path: str, kinds: set[str]) -> str | None:
        if path in known:
            return known[path]
        if path.startswith(stars):
            return ""
        return ABSENT if path in inner and "value" not in kinds else None

    return {path: reason(path, kinds) for path, kinds in leaves.items()}


def test_every_leaf_of_every_document_is_in_a_table_or_excluded_for_a_reason(walked: Walked):
    counted: Counter[str] = Counter()
    for resource, leaves in walked.leaves.items():
        found = reasons(resource, leaves)
        assert [path for path, reason in found.items() if reason is None] == [], resource
        counted.update("in a table" if reason == "" else reason for reason in found.values())
    print(f"{counted.total()} leaf paths of {len(walked.leaves)} resources: {dict(counted.most_common())}")
    assert [resource for resource in walked.leaves if not is_declared(resource)] == []
    assert counted["in a table"] > 500


def test_the_fast_look_at_documents_finds_nothing_unknown_either(walked: Walked):
    assert {resource: paths for resource, paths in walked.unknown.items() if paths} == {}


def test_no_exclusion_is_there_for_nothing(walked: Walked):
    assert [item for item in EXCLUSIONS if item.path not in walked.leaves[item.resource]] == []
    assert [mirror for mirror in MIRRORS if mirror not in walked.listed] == []
    counted = Counter(reason for name, leaves in walked.leaves.items() for reason in reasons(name, leaves).values())
    assert min(counted[SLUG], counted[MIRROR]) > 50


def test_every_mirror_says_what_its_table_says(walked: Walked):
    """Lists that mirror one column together are compared together."""
    stated: dict[tuple[str, str, str], Pairs] = defaultdict(set)
    for mirror, pairs in walked.listed.items():
        stated[mirror.resource, mirror.table, mirror.column] |= pairs
    for mirror in MIRRORS:
        table = table_named(mirror.table)
        rows = pa.concat_tables(walked.tables[mirror.table])
        listed = mirror.listed or table.primary_key[0]
        known = rows.filter(rows[mirror.column].is_valid())
        pairs = set(zip(known[mirror.column].to_pylist(), known[listed].to_pylist(), strict=True))
        assert stated[mirror.resource, mirror.table, mirror.column] == pairs, mirror


def test_what_a_mirror_says_beside_whom_it_lists_the_mirrored_document_says_too(walked: Walked):
    for mirror, said in walked.attributes.items():
        if (mirror.resource, mirror.path) in ATTRIBUTES:
            assert said - walked.mirrored[mirror] == set(), mirror
        else:
            assert {text for *_, text in said} == {"{}"}, mirror


def test_every_slug_is_the_name_of_the_document_beside_it(walked: Walked):
    assert {(url, slug) for url, slug in walked.slugs if walked.names.get(url) != slug} == set()


def test_damage_from_a_type_is_damage_to_the_other(walked: Walked):
    for kind in ("double", "half", "no"):
        dealt = {(other, type_) for type_, other in walked.damage[f"{kind}_damage_to"]}
        assert walked.damage[f"{kind}_damage_from"] == dealt
