"""The demo corpus: documents that PokeAPI could have served, referring only to each other."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import replace
from functools import cache
from typing import Any

import pytest

from flows.local.replica.demo import build, corpus, documents
from flows.local.replica.demo.facts import FactsError, load
from flows.local.replica.demo.shapes import Shapes

KEYS = {
    "pokemon": """abilities base_experience cries forms game_indices height held_items id is_default
        location_area_encounters moves name order past_abilities past_stats past_types species sprites stats types
        weight""",
    "pokemon-species": """base_happiness capture_rate color egg_groups evolution_chain evolves_from_species
        flavor_text_entries form_descriptions forms_switchable gender_rate genera generation growth_rate habitat
        has_gender_differences hatch_counter id is_baby is_legendary is_mythical name names order pal_park_encounters
        pokedex_numbers shape varieties""",
    "evolution-chain": "baby_trigger_item chain id",
    "type": """damage_relations game_indices generation id move_damage_class moves name names past_damage_relations
        pokemon sprites""",
    "ability": """effect_changes effect_entries flavor_text_entries generation id is_main_series name names
        pokemon""",
    "move": """accuracy contest_combos contest_effect contest_type damage_class effect_chance effect_changes
        effect_entries flavor_text_entries generation id learned_by_pokemon machines meta name names past_values power
        pp priority stat_changes super_contest_effect target type""",
    "generation": "abilities id main_region moves name names pokemon_species types version_groups",
}

EVOLUTION_DETAILS = """base_form evolved_form gender held_item is_default item known_move known_move_type location
    min_affection min_beauty min_damage_taken min_happiness min_level min_move_count min_steps near_special_rock
    needs_multiplayer needs_overworld_rain party_species party_type region relative_physical_stats time_of_day
    trade_species trigger turn_upside_down used_move version_group"""


@cache
def demo() -> dict[str, Any]:
    return {path: json.loads(body) for path, body in documents().items()}


def resources(endpoint: str) -> list[dict[str, Any]]:
    """Return the documents of one endpoint, without the encounters below them."""
    return [
        document
        for path, document in demo().items()
        if path.startswith(f"{endpoint}/") and not path.endswith("/encounters")
    ]


def named(endpoint: str, name: str) -> dict[str, Any]:
    [document] = [document for document in resources(endpoint) if document["name"] == name]
    return document


def names(references: list[dict[str, Any]], key: str | None = None) -> set[str]:
    return {reference[key]["name"] if key else reference["name"] for reference in references}


def references(value: Any) -> Iterator[tuple[str, str | None]]:
    """Yield every relative URL inside a document, with the name beside it."""
    if isinstance(value, dict):
        if str(value.get("url", "")).startswith("/"):
            yield value["url"], value.get("name")
        for key, inner in value.items():
            if key == "location_area_encounters":
                yield inner, None
            yield from references(inner)
    elif isinstance(value, list):
        for inner in value:
            yield from references(inner)


def links(chain: dict[str, Any]) -> Iterator[tuple[str | None, dict[str, Any]]]:
    """Yield (species it evolves from, link) for every species of a chain."""
    yield None, chain
    for inner in chain["evolves_to"]:
        for parent, link in links(inner):
            yield parent or chain["species"]["name"], link


def relations_of(document: dict[str, Any]) -> dict[str, set[str]]:
    return {relation: names(types) for relation, types in document["damage_relations"].items()}


def test_every_url_resolves_to_a_document_of_that_name():
    broken = [
        (path, url, name)
        for path, document in demo().items()
        for url, name in references(document)
        if (found := demo().get(url.removeprefix("/api/v2/").strip("/"))) is None
        or (name is not None and found["name"] != name)
    ]
    assert broken == []


def test_a_document_is_at_the_path_of_its_id():
    wrong = [
        path
        for path, document in demo().items()
        if path != "meta" and not path.endswith("/encounters") and path.split("/")[1] != str(document["id"])
    ]
    assert wrong == []


def test_names_are_unique_within_an_endpoint():
    for endpoint in {path.split("/")[0] for path in demo()} - {"meta"}:
        found = [document["name"] for document in resources(endpoint) if "name" in document]
        assert len(found) == len(set(found)), endpoint


@pytest.mark.parametrize("endpoint", KEYS)
def test_documents_have_the_keys_of_the_source(endpoint: str):
    for document in resources(endpoint):
        assert set(document) == set(KEYS[endpoint].split()), document["id"]


def test_evolution_details_have_the_keys_of_the_source():
    details = [
        detail
        for chain in resources("evolution-chain")
        for _, link in links(chain["chain"])
        for detail in link["evolution_details"]
    ]
    assert {frozenset(detail) for detail in details} == {frozenset(EVOLUTION_DETAILS.split())}


def test_every_condition_that_readers_ask_about_occurs():
    details = [
        detail
        for chain in resources("evolution-chain")
        for _, link in links(chain["chain"])
        for detail in link["evolution_details"]
    ]
    for condition in (
        *("base_form", "evolved_form", "gender", "held_item", "item", "known_move_type", "location", "min_affection"),
        *("min_beauty", "min_happiness", "min_level", "near_special_rock", "region", "time_of_day"),
    ):
        assert any(detail[condition] for detail in details), condition
    assert {detail["trigger"]["name"] for detail in details} == {"level-up", "trade", "use-item"}


def test_rendering_twice_gives_the_same_bytes_in_the_same_order():
    assert list(documents().items()) == list(documents().items())


def test_meta_tells_of_a_hash_over_all_other_documents():
    meta = demo()["meta"]
    assert set(meta) == {"deploy_date", "hash", "tag"}
    assert len(meta["hash"]) == 40


def test_the_hash_changes_with_a_fact(monkeypatch: pytest.MonkeyPatch):
    before, world = demo()["meta"]["hash"], load()
    items = {**world.items, "leftovers": {**world.items["leftovers"], "text": "Crumbs."}}
    monkeypatch.setattr(build, "load", lambda: replace(world, items=items))
    assert json.loads(documents()["meta"])["hash"] != before


def test_the_bytes_are_minified_and_relative():
    for path, body in documents().items():
        assert b"https://pokeapi.co" not in body, path
        assert json.dumps(json.loads(body), ensure_ascii=False, separators=(",", ":")).encode() == body, path


def test_every_generation_has_a_species():
    generations = sorted(resources("generation"), key=lambda document: document["id"])
    assert [generation["id"] for generation in generations] == list(range(1, 10))
    assert all(generation["pokemon_species"] for generation in generations)


def test_each_variety_has_an_encounters_document():
    varieties = {f"pokemon/{pokemon['id']}/encounters" for pokemon in resources("pokemon")}
    assert varieties == {path for path in demo() if path.endswith("/encounters")}


def test_an_encounter_is_told_by_the_pokemon_and_by_the_area():
    for area in resources("location-area"):
        for row in area["pokemon_encounters"]:
            places = demo()[row["pokemon"]["url"].removeprefix("/api/v2/") + "encounters"]
            [here] = [place for place in places if place["location_area"]["name"] == area["name"]]
            assert here["version_details"] == row["version_details"]
    told = sum(len(area["pokemon_encounters"]) for area in resources("location-area"))
    assert told == sum(len(document) for path, document in demo().items() if path.endswith("/encounters"))


def test_types_and_pokemon_agree():
    assert {
        (type_["name"], row["slot"], row["pokemon"]["name"]) for type_ in resources("type") for row in type_["pokemon"]
    } == {
        (row["type"]["name"], row["slot"], pokemon["name"])
        for pokemon in resources("pokemon")
        for row in pokemon["types"]
    }


def test_abilities_and_pokemon_agree():
    assert {
        (ability["name"], row["slot"], row["is_hidden"], row["pokemon"]["name"])
        for ability in resources("ability")
        for row in ability["pokemon"]
    } == {
        (row["ability"]["name"], row["slot"], row["is_hidden"], pokemon["name"])
        for pokemon in resources("pokemon")
        for row in pokemon["abilities"]
    }


def test_moves_and_pokemon_agree():
    for move in resources("move"):
        learners = {one["name"] for one in resources("pokemon") if move["name"] in names(one["moves"], "move")}
        assert names(move["learned_by_pokemon"]) == learners, move["name"]


def test_items_and_pokemon_agree():
    for item in resources("item"):
        holders = {one["name"] for one in resources("pokemon") if item["name"] in names(one["held_items"], "item")}
        assert names(item["held_by_pokemon"], "pokemon") == holders, item["name"]


def test_varieties_forms_and_species_agree():
    for species in resources("pokemon-species"):
        assert [row["is_default"] for row in species["varieties"]].count(True) == 1
        varieties = [one for one in resources("pokemon") if one["species"]["name"] == species["name"]]
        assert names(species["varieties"], "pokemon") == names(varieties), species["name"]
    for form in resources("pokemon-form"):
        assert form["name"] in names(named("pokemon", form["pokemon"]["name"])["forms"])


@pytest.mark.parametrize(
    ("endpoint", "key", "back"),
    [
        ("pokemon-species", "generation", "pokemon_species"),
        ("pokemon-species", "color", "pokemon_species"),
        ("pokemon-species", "shape", "pokemon_species"),
        ("pokemon-species", "habitat", "pokemon_species"),
        ("pokemon-species", "growth_rate", "pokemon_species"),
        ("pokemon-species", "egg_groups", "pokemon_species"),
        ("move", "generation", "moves"),
        ("move", "type", "moves"),
        ("move", "damage_class", "moves"),
        ("move", "target", "moves"),
        ("ability", "generation", "abilities"),
        ("type", "generation", "types"),
        ("version-group", "generation", "version_groups"),
        ("version", "version_group", "versions"),
        ("item", "category", "items"),
        ("item", "attributes", "items"),
        ("location", "region", "locations"),
        ("location-area", "location", "areas"),
        ("item-category", "pocket", "categories"),
        ("encounter-condition-value", "condition", "values"),
        ("version-group", "regions", "version_groups"),
        ("version-group", "pokedexes", "version_groups"),
    ],
)
def test_a_reference_is_answered_by_what_it_refers_to(endpoint: str, key: str, back: str):
    forth = {
        (document["name"], reference["url"])
        for document in resources(endpoint)
        for reference in (document[key] if isinstance(document[key], list) else [document[key]])
        if reference
    }
    targets = {url.removeprefix("/api/v2/").split("/")[0] for _, url in forth}
    assert len(targets) == 1
    [target] = targets
    assert forth == {
        (reference["name"], f"/api/v2/{target}/{document['id']}/")
        for document in resources(target)
        for reference in document[back]
    }


def test_evolution_chains_and_species_agree():
    told = {
        link["species"]["name"]: (parent, f"/api/v2/evolution-chain/{chain['id']}/")
        for chain in resources("evolution-chain")
        for parent, link in links(chain["chain"])
    }
    assert told == {
        species["name"]: (
            species["evolves_from_species"] and species["evolves_from_species"]["name"],
            species["evolution_chain"]["url"],
        )
        for species in resources("pokemon-species")
    }


def test_eevee_evolves_in_eight_ways():
    chain = demo()["evolution-chain/67"]["chain"]
    assert len(chain["evolves_to"]) == 8


def test_stats_and_types_are_plausible():
    for pokemon in resources("pokemon"):
        assert [row["stat"]["name"] for row in pokemon["stats"]] == [
            *("hp", "attack", "defense", "special-attack", "special-defense", "speed")
        ]
        assert all(1 <= row["base_stat"] <= 255 for row in pokemon["stats"])
        assert 1 <= sum(row["effort"] for row in pokemon["stats"]) <= 3
        assert [row["slot"] for row in pokemon["types"]] in ([1], [1, 2])
        assert pokemon["height"] > 0
        assert pokemon["weight"] > 0


def test_damage_relations_mirror_each_other():
    for document in resources("type"):
        for relation in ("double_damage", "half_damage", "no_damage"):
            for other in relations_of(document)[f"{relation}_to"]:
                assert document["name"] in relations_of(named("type", other))[f"{relation}_from"]


def test_the_chart_has_as_many_exceptions_as_the_games():
    """In the games of today 51 pairs of types do double, 61 half and 8 no damage."""
    counts = {
        relation: sum(len(document["damage_relations"][f"{relation}_to"]) for document in resources("type"))
        for relation in ("double_damage", "half_damage", "no_damage")
    }
    assert counts == {"double_damage": 51, "half_damage": 61, "no_damage": 8}


def test_steel_resisted_ghost_and_dark_until_generation_five():
    steel = named("type", "steel")
    [past] = steel["past_damage_relations"]
    assert past["generation"]["name"] == "generation-v"
    lost = relations_of(past)["half_damage_from"] - relations_of(steel)["half_damage_from"]
    assert lost == {"ghost", "dark"}
    assert "fairy" not in relations_of(past)["double_damage_to"]


def test_ghosts_could_not_hurt_psychics_in_generation_one():
    first, second = named("type", "ghost")["past_damage_relations"]
    assert relations_of(first)["no_damage_to"] == {"normal", "psychic"}
    assert relations_of(second)["no_damage_to"] == {"normal"}


def test_growth_rates_reach_the_totals_that_players_know():
    at_100 = {rate["name"]: rate["levels"][99]["experience"] for rate in resources("growth-rate")}
    assert at_100 == {
        "slow": 1_250_000,
        "medium": 1_000_000,
        "fast": 800_000,
        "medium-slow": 1_059_860,
        "slow-then-very-fast": 600_000,
    }


def test_the_source_s_stand_ins_for_null_occur():
    """Readers that would trip over them should trip in the demo, too."""
    assert named("pokemon-species", "ditto")["gender_rate"] == -1
    assert named("pokemon", "charizard-gmax")["order"] == -1
    assert demo()["move-ailment/-1"]["moves"][0]["name"] == "tri-attack"
    assert named("move-category", "damage")["id"] == 0
    assert named("move", "flower-trick")["meta"] is None
    learnt = {row["move"]["name"]: row["version_group_details"] for row in named("pokemon", "decidueye")["moves"]}
    assert learnt["spirit-shackle"][0]["level_learned_at"] == 0
    [hidden] = named("pokemon", "pikachu")["past_abilities"]
    assert hidden["abilities"] == [{"ability": None, "is_hidden": True, "slot": 3}]


def test_pikachu_is_as_everybody_knows_it():
    pikachu = demo()["pokemon/25"]
    assert (pikachu["name"], pikachu["height"], pikachu["weight"]) == ("pikachu", 4, 60)
    assert pikachu["types"] == [{"slot": 1, "type": {"name": "electric", "url": "/api/v2/type/13/"}}]
    assert [row["base_stat"] for row in pikachu["stats"]] == [35, 55, 40, 50, 50, 90]
    assert pikachu["abilities"] == [
        {"ability": {"name": "static", "url": "/api/v2/ability/9/"}, "is_hidden": False, "slot": 1},
        {"ability": {"name": "lightning-rod", "url": "/api/v2/ability/31/"}, "is_hidden": True, "slot": 3},
    ]
    assert names(pikachu["held_items"], "item") == {"oran-berry", "light-ball"}
    assert pikachu["location_area_encounters"] == "/api/v2/pokemon/25/encounters"
    assert pikachu["game_indices"][0] == {"game_index": 84, "version": {"name": "red", "url": "/api/v2/version/1/"}}
    assert pikachu["sprites"]["front_female"].endswith("/sprites/pokemon/female/25.png")

    species = demo()["pokemon-species/25"]
    assert species["evolves_from_species"] == {"name": "pichu", "url": "/api/v2/pokemon-species/172/"}
    assert {entry["language"]["name"]: entry["name"] for entry in species["names"]}["ja"] == "ピカチュウ"


def test_the_demo_opens_as_a_corpus():
    opened = corpus()
    assert opened.canonical("pokemon/pikachu") == "pokemon/25"
    assert opened.document("pokemon/25") == documents()["pokemon/25"]


def test_a_name_without_facts_is_refused_by_name():
    with pytest.raises(FactsError, match="missingno"):
        Shapes(load()).ref("pokemon", "missingno")


def test_rendering_needs_nothing_but_the_replica():
    """The replica runs in an image of its own, where neither Prefect nor the lake's other rooms are wanted."""
    program = """
import sys
from flows.local.replica.demo import documents
documents()
print(*(name for name in sys.modules if name.startswith(("prefect", "lake"))))
"""
    loaded = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True).stdout.split()
    assert [name for name in loaded if name != "lake" and not name.startswith("flows.local.replica")] == []
