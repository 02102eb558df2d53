"""How many rows one document has in a table, by plain Python."""

from collections.abc import Callable
from typing import Any

from tests import corpus_counts_world
from tests.corpus_counts_world import count_in

Document = dict[str, Any]


def _leaves(value: Any) -> int:
    return sum(map(_leaves, value.values())) if isinstance(value, dict) else value is not None


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
