"""All tables from the real corpora, counted once more by plain Python."""

import json
from collections import Counter
from collections.abc import Callable
from typing import Any

import pytest

from lake.publish.keys import KeyCheck
from lake.schema import GENERATION, UNKNOWN_GENERATION
from lake.tables import TABLES, build, species_generations, tables_of
from lake.tables.wrap import WRAPPED
from tests import corpus_counts_world
from tests.corpora import documents_of, opened, resources
from tests.corpus_counts_world import count_in

Document = dict[str, Any]

# Documents parsed at once, so that tables are made of several batches.
BATCH = 256


def _leaves(value: Any) -> int:
    return sum(map(_leaves, value.values())) if isinstance(value, dict) else value is not None


def _effectiveness(document: Document) -> int:
    today = sum(len(types) for name, types in document["damage_relations"].items() if name.endswith("_to"))
    past = (types for entry in document["past_damage_relations"] for types in entry["damage_relations"].values())
    return today + sum(map(len, past))


def _edges(document: Document) -> int:
    def below(link: Document) -> int:
        return sum(len(child["evolution_details"]) or 1 for child in link["evolves_to"]) + sum(
            below(child) for child in link["evolves_to"]
        )

    return below(document["chain"])


def _combos(document: Document) -> int:
    places = (place for contest in (document["contest_combos"] or {}).values() for place in contest.values())
    return sum(len(place or ()) for place in places)


# How many rows one document of a resource has in a table; one where nothing is said.
COUNTS: dict[str, Callable[[Document], int]] = {
    "pokemon_stats": count_in("stats"),
    "pokemon_types": count_in("types"),
    "pokemon_abilities": count_in("abilities"),
    "pokemon_moves": count_in("moves", "version_group_details"),
    "pokemon_forms": count_in("forms"),
    "pokemon_held_items": count_in("held_items", "version_details"),
    "pokemon_game_indices": count_in("game_indices"),
    "pokemon_past_types": count_in("past_types", "types"),
    "pokemon_past_abilities": count_in("past_abilities", "abilities"),
    "pokemon_past_stats": count_in("past_stats", "stats"),
    "pokemon_sprites": lambda document: _leaves(document["sprites"]),
    "pokemon_cries": lambda document: _leaves(document["cries"]),
    "species_varieties": count_in("varieties"),
    "species_egg_groups": count_in("egg_groups"),
    "species_pokedex_numbers": count_in("pokedex_numbers"),
    "species_pal_park_encounters": count_in("pal_park_encounters"),
    "species_genera": count_in("genera"),
    "species_form_descriptions": count_in("form_descriptions"),
    "evolution_edges": _edges,
    "type_effectiveness": _effectiveness,
    "move_stat_changes": count_in("stat_changes"),
    "move_machines": count_in("machines"),
    "move_past_values": count_in("past_values"),
    "move_past_effects": count_in("past_values", "effect_entries"),
    "move_contest_combos": _combos,
    "type_game_indices": count_in("game_indices"),
    "type_sprites": lambda document: _leaves(document["sprites"]),
    "form_types": count_in("types"),
    "form_names": count_in("form_names"),
    "form_triggers": count_in("trigger_conditions"),
    "form_sprites": lambda document: _leaves(document["sprites"]),
    "stat_items": count_in("affecting_items"),
    "characteristic_values": count_in("possible_values"),
    "nature_battle_styles": count_in("move_battle_style_preferences"),
    "nature_pokeathlon_stats": count_in("pokeathlon_stat_changes"),
    "shape_awesome_names": count_in("awesome_names"),
    "gender_species": count_in("pokemon_species_details"),
    "growth_rate_levels": count_in("levels"),
    "names": count_in("names"),
    "flavor_texts": count_in("flavor_text_entries"),
    "effects": count_in("effect_entries"),
    "effect_changes": count_in("effect_changes", "effect_entries"),
    "descriptions": count_in("descriptions"),
    **corpus_counts_world.COUNTS,
}

# Tables without rows: of what PokeAPI did not have yet, and the one for what is not declared.
EMPTY = {
    "2026_07_06": {"currencies", "document_values", "form_triggers", "item_prices"},
    "2026_08_08": {"document_values"},
}


@pytest.mark.corpus
@pytest.mark.parametrize("date", ["2026_07_06", "2026_08_08"])
def test_every_row_of_the_corpus_is_there(date: str, request: pytest.FixtureRequest):
    corpus = opened(request.getfixturevalue(f"corpus_{date}"))
    generations = species_generations(documents_of(corpus, "pokemon-species")["body"].combine_chunks())
    expected, drifts = Counter[str](), []
    without_generation = Counter[str]()
    checks = {table.name: KeyCheck(table) for table in TABLES}
    for resource in resources(corpus):
        documents = documents_of(corpus, resource)
        filled = [table.name for table in tables_of(resource)]
        for document in map(json.loads, documents["body"].to_pylist()):
            whole = {WRAPPED[resource]: document} if resource in WRAPPED else document
            for name in filled:
                expected[name] += COUNTS[name](whole) if name in COUNTS else 1
        for start in range(0, len(documents), BATCH):
            for built in build(resource, documents.slice(start, BATCH), generations):
                checks[built.table.name].add(built.rows)
                drifts += built.drifts
                if built.table.partition:
                    without_generation[built.table.name] += built.rows[GENERATION].to_pylist().count(UNKNOWN_GENERATION)
    assert {name: check.rows for name, check in checks.items() if check.rows} == dict(+expected)
    assert {name: check.bad_keys for name, check in checks.items() if check.bad_keys} == {}
    nulls = ((name, field) for name, check in checks.items() for field, count in check.null_counts.items() if count)
    assert [(name, field) for name, field in nulls if not checks[name].table.field(field).nullable] == []
    assert drifts == []
    assert +without_generation == {}
    # So that an empty corpus, or a wrong path in it, does not count as equal.
    assert expected["pokemon_moves"] > 600_000
    assert {table.name for table in TABLES if not expected[table.name]} == EMPTY[date]
