"""Renders the games: generations, version groups, versions, regions, Pokédexes, places and what lives there."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from flows.local.replica.demo.facts import Facts, World
from flows.local.replica.demo.shapes import Document, Shapes


def game_documents(world: World, shapes: Shapes) -> Iterator[tuple[str, Document]]:
    """Yield the path and document of everything that names a game."""
    groups = world.terms["version-group"]
    for name, facts in world.terms["generation"].items():
        yield (
            f"generation/{facts['id']}",
            {
                "abilities": shapes.refs("ability", _born(world, "abilities", world.abilities, name)),
                "id": facts["id"],
                "main_region": shapes.ref("region", facts["region"]),
                "moves": shapes.refs("move", _born(world, "moves", world.moves, name)),
                "name": name,
                "names": shapes.names(facts["names"]),
                "pokemon_species": shapes.refs(
                    "pokemon-species",
                    [one.name for one in world.species.values() if world.generation("species", one.id) == name],
                ),
                "types": shapes.refs("type", [type for type, row in world.types.items() if row["generation"] == name]),
                "version_groups": shapes.refs("version-group", world.version_groups(name)),
            },
        )
    for name, facts in groups.items():
        yield (
            f"version-group/{facts['id']}",
            {
                "generation": shapes.ref("generation", facts["generation"]),
                "id": facts["id"],
                "move_learn_methods": shapes.refs("move-learn-method", learn_methods(world, name)),
                "name": name,
                "order": facts["order"],
                "pokedexes": shapes.refs("pokedex", facts.get("pokedexes", ())),
                "regions": shapes.refs("region", facts["regions"]),
                "versions": shapes.refs("version", facts["versions"]),
            },
        )
    for name, facts in world.terms["version"].items():
        [group] = [group for group, row in groups.items() if name in row["versions"]]
        yield (
            f"version/{facts['id']}",
            shapes.term(name, facts) | {"version_group": shapes.ref("version-group", group)},
        )


def place_documents(world: World, shapes: Shapes) -> Iterator[tuple[str, Document]]:
    """Yield the path and document of every region, Pokédex, location and location area."""
    groups = world.terms["version-group"]
    for name, facts in world.terms["region"].items():
        main = [generation for generation, row in world.terms["generation"].items() if row["region"] == name]
        yield (
            f"region/{facts['id']}",
            shapes.term(name, facts)
            | {
                "locations": shapes.refs("location", _where(world, "location", "region", name)),
                "main_generation": shapes.ref_or_null("generation", main[0] if main else None),
                "pokedexes": shapes.refs("pokedex", _where(world, "pokedex", "region", name)),
                "version_groups": shapes.refs(
                    "version-group", [group for group, row in groups.items() if name in row["regions"]]
                ),
            },
        )
    for name, facts in world.terms["pokedex"].items():
        yield (
            f"pokedex/{facts['id']}",
            shapes.term(name, facts)
            | {
                "descriptions": shapes.english(description=facts["text"]),
                "is_main_series": True,
                "pokemon_entries": [
                    {"entry_number": species.id, "pokemon_species": shapes.ref("pokemon-species", species.name)}
                    for species in sorted(world.species.values(), key=lambda species: species.id)
                    if name == "national" or world.generation("species", species.id) == "generation-i"
                ],
                "region": shapes.ref_or_null("region", facts.get("region")),
                "version_groups": shapes.refs(
                    "version-group", [group for group, row in groups.items() if name in row.get("pokedexes", ())]
                ),
            },
        )
    for name, facts in world.terms["location"].items():
        yield (
            f"location/{facts['id']}",
            shapes.term(name, facts)
            | {
                "areas": shapes.refs("location-area", _where(world, "location-area", "location", name)),
                "game_indices": [],
                "region": shapes.ref("region", facts["region"]),
            },
        )
    for name, facts in world.terms["location-area"].items():
        here = dict.fromkeys(row[0] for row in facts["encounters"])
        yield (
            f"location-area/{facts['id']}",
            shapes.term(name, facts)
            | {
                "encounter_method_rates": [],
                "game_index": facts["game_index"],
                "location": shapes.ref("location", facts["location"]),
                "pokemon_encounters": [
                    {"pokemon": pokemon, "version_details": encounters(shapes, facts, pokemon["name"])}
                    for pokemon in shapes.refs("pokemon", here)
                ],
            },
        )


def encounter_documents(world: World, shapes: Shapes) -> Iterator[tuple[str, list[Document]]]:
    """Yield the path and the array of places of every variety; most are empty."""
    for pokemon in world.pokemon.values():
        yield (
            f"pokemon/{pokemon.id}/encounters",
            [
                {
                    "location_area": shapes.ref("location-area", area),
                    "version_details": encounters(shapes, facts, pokemon.name),
                }
                for area, facts in world.terms["location-area"].items()
                if any(row[0] == pokemon.name for row in facts["encounters"])
            ],
        )


def encounters(shapes: Shapes, area: Facts, pokemon: str) -> list[Document]:
    """Return how one Pokémon is met in one area: an entry per version."""
    rows = [row for row in area["encounters"] if row[0] == pokemon]
    return [
        {
            "encounter_details": [
                {
                    "chance": chance,
                    "condition_values": [],
                    "max_level": highest,
                    "method": shapes.ref("encounter-method", method),
                    "min_level": lowest,
                    "pokemon_details": None,
                }
                for _, method, chance, lowest, highest, *versions in rows
                if version["name"] in versions
            ],
            "max_chance": sum(row[2] for row in rows if version["name"] in row[5:]),
            "version": version,
        }
        for version in shapes.refs("version", {name for row in rows for name in row[5:]})
    ]


def learn_methods(world: World, version_group: str) -> set[str]:
    """Return the ways in which the demo's Pokémon learn moves in a version group."""
    return {
        learnt.method
        for pokemon in world.pokemon.values()
        for ways in pokemon.learnset.values()
        for learnt in ways
        if learnt.version_group == version_group
    }


def _born(world: World, kind: Any, rows: Facts, generation: str) -> list[str]:
    return [name for name, row in rows.items() if world.generation(kind, row["id"]) == generation]


def _where(world: World, endpoint: str, key: str, value: str) -> list[str]:
    return [name for name, row in world.terms[endpoint].items() if row.get(key) == value]
