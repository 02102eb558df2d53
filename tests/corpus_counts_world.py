"""How many rows one document has in the tables of items, berries, places, encounters and games, by plain Python."""

from collections.abc import Callable
from typing import Any

Document = dict[str, Any]


def count_in(*names: str) -> Callable[[Document], int]:
    """Return what counts the elements of a list, or of lists inside the elements of lists."""

    def count(owner: Document, depth: int = 0) -> int:
        inner = owner.get(names[depth]) or []
        return len(inner) if depth == len(names) - 1 else sum(count(item, depth + 1) for item in inner)

    return count


# How many rows one document of a resource has in a table; one where nothing is said.
COUNTS: dict[str, Callable[[Document], int]] = {
    "item_prices": count_in("prices"),
    "item_game_indices": count_in("game_indices"),
    "item_attribute_items": count_in("items"),
    "berry_flavor_potencies": count_in("flavors"),
    "berry_flavor_berries": count_in("berries"),
    "location_game_indices": count_in("game_indices"),
    "location_area_encounter_rates": count_in("encounter_method_rates", "version_details"),
    "pokemon_encounters": count_in("encounters", "version_details", "encounter_details"),
    "pokemon_encounter_conditions": count_in("encounters", "version_details", "encounter_details", "condition_values"),
    "pokemon_encounter_versions": count_in("encounters", "version_details"),
    "version_group_regions": count_in("regions"),
    "version_group_pokedexes": count_in("pokedexes"),
    "version_group_move_learn_methods": count_in("move_learn_methods"),
}
