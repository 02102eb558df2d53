"""What is known of documents, and what is found to be new in them."""

import json

import pyarrow as pa
import pytest

from lake.tables import catalog_of
from lake.tables.coverage import MIRROR, SLUG, known_paths, unknown_paths
from lake.tables.wrap import WRAPPED
from tests.lake.tables import NAMES, received, resource_of, sample


def unknown(resource: str, *documents: dict, kind: str = "pokeapi") -> dict[str, int]:
    return unknown_paths(catalog_of(kind), resource, received(resource, *documents)["body"].combine_chunks())


def test_of_a_sample_everything_is_known():
    assert {name: found for name in NAMES if (found := unknown(resource_of(name), sample(name)))} == {}


def with_news(document: dict, open_members: set[str]) -> tuple[dict, set[str]]:
    """Return a document with a new member in each of its objects, and the paths of these."""
    places = set()

    def changed(value, path):
        if isinstance(value, list):
            return [changed(item, f"{path}[]") for item in value]
        if not isinstance(value, dict):
            return value
        places.add(f"{path}.zz_new".removeprefix("."))
        inner = {key: item if key in open_members else changed(item, f"{path}.{key}") for key, item in value.items()}
        return {**inner, "zz_new": 1}

    return changed(document, ""), places


def test_a_new_member_is_found_in_every_object():
    """Below sprites and cries the members' names are data."""
    broken = {}
    for name in NAMES:
        resource = resource_of(name)
        open_members = {"sprites", "cries"} if resource in {"pokemon", "pokemon-form", "type"} else set()
        document, places = with_news(sample(name), open_members)
        if resource in WRAPPED:
            document["id"] = sample(name)["id"]
            places.remove("zz_new")
        found = unknown(resource, document)
        if found != {path.replace("evolves_to[].evolves_to[]", "evolves_to[]"): 1 for path in places}:
            broken[name] = found
    assert broken == {}


def test_a_new_path_is_counted_by_documents_and_told_leaf_by_leaf():
    new = {**sample("pokemon-25"), "aura": [{"color": "red", "size": 1}, {"color": "blue", "size": 2}]}
    newer = {**sample("pokemon-25"), "aura": [{"color": "red"}], "mood": {}}
    assert unknown("pokemon", new, sample("pokemon-35"), newer) == {"aura[].color": 2, "aura[].size": 1, "mood": 1}


def test_null_in_place_of_anything_known_is_no_news():
    document = sample("pokemon-25")
    assert unknown("pokemon", {"id": 25} | dict.fromkeys(document.keys() - {"id"})) == {}


def test_a_removed_member_is_no_news():
    assert unknown("pokemon", {"id": 25}) == {}


@pytest.mark.parametrize("value", [5, "none", [], {}, [[]], [1]])
def test_another_shape_at_a_known_place_is_drift_and_no_news(value):
    assert unknown("pokemon", {**sample("pokemon-25"), "types": value, "height": value}) == {}


def test_a_number_that_python_cannot_read_is_no_obstacle():
    body = json.dumps({**sample("pokemon-25"), "height": "HERE", "aura": 1}).replace('"HERE"', "9" * 5000)
    assert unknown_paths(catalog_of("pokeapi"), "pokemon", pa.array([body])) == {"aura": 1}


def test_of_what_no_table_is_declared_for_nothing_is_unknown():
    assert unknown("weather", {"id": 1, "rain": True}) == {}
    assert unknown("pokemon", {"id": 1, "rain": True}, kind="rest") == {}


def test_what_is_in_no_table_says_why():
    known = known_paths("ability")
    assert known["name"] == known["generation.url"] == ""
    assert known["generation.name"] == SLUG
    assert known["pokemon[].pokemon.url"] == known["pokemon[].slot"] == MIRROR
    assert "address" in known_paths("pokemon")["location_area_encounters"]


def test_an_object_that_a_field_names_as_a_whole_does_not_hide_what_is_new_in_it():
    assert "damage_relations" not in known_paths("type")
    document = sample("type-9")
    document["damage_relations"]["quarter_damage_to"] = [{"name": "rock", "url": "/api/v2/type/6/"}]
    assert unknown("type", document) == {
        "damage_relations.quarter_damage_to[].name": 1,
        "damage_relations.quarter_damage_to[].url": 1,
    }
