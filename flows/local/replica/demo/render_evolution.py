"""Renders ``evolution-chain`` documents."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import groupby

from flows.local.replica.demo.facts import Facts, World
from flows.local.replica.demo.shapes import Document, Shapes

# What a step may ask for: a plain value, or the endpoint that the named thing belongs to.
CONDITIONS: dict[str, str | None] = {
    "base_form": "pokemon",
    "evolved_form": "pokemon",
    "gender": None,
    "held_item": "item",
    "item": "item",
    "known_move": "move",
    "known_move_type": "type",
    "location": "location",
    "min_affection": None,
    "min_beauty": None,
    "min_damage_taken": None,
    "min_happiness": None,
    "min_level": None,
    "min_move_count": None,
    "min_steps": None,
    "party_species": "pokemon-species",
    "party_type": "type",
    "region": "region",
    "relative_physical_stats": None,
    "trade_species": "pokemon-species",
    "used_move": "move",
}
CIRCUMSTANCES = ("near_special_rock", "needs_multiplayer", "needs_overworld_rain", "turn_upside_down")


def chain_documents(world: World, shapes: Shapes) -> Iterator[tuple[str, Document]]:
    """Yield the path and document of every evolution chain."""
    for id, chain in world.chains.items():
        yield (
            f"evolution-chain/{id}",
            {
                "baby_trigger_item": shapes.ref_or_null("item", chain.get("baby_trigger_item")),
                "chain": _link(world, shapes, chain, chain["root"], ()),
                "id": id,
            },
        )


def _link(world: World, shapes: Shapes, chain: Facts, name: str, ways: tuple[Facts, ...]) -> Document:
    onward = [step for step in chain["steps"] if step["from"] == name]
    return {
        "evolution_details": [_details(world, shapes, way) for way in ways],
        "evolves_to": [
            _link(world, shapes, chain, evolved, tuple(steps))
            for evolved, steps in groupby(onward, key=lambda step: str(step["to"]))
        ],
        "is_baby": world.species[name].looks.get("is_baby", False),
        "species": shapes.ref("pokemon-species", name),
    }


def _details(world: World, shapes: Shapes, step: Facts) -> Document:
    debut = world.version_groups(world.generation("species", world.species[step["to"]].id))[0]
    asked: Document = {
        condition: step.get(condition) if endpoint is None else shapes.ref_or_null(endpoint, step.get(condition))
        for condition, endpoint in CONDITIONS.items()
    }
    return {
        **asked,
        **{circumstance: step.get(circumstance, False) for circumstance in CIRCUMSTANCES},
        "is_default": step.get("is_default", True),
        "time_of_day": step.get("time_of_day", ""),
        "trigger": shapes.ref("evolution-trigger", step.get("trigger", "level-up")),
        "version_group": shapes.ref("version-group", step.get("since", debut)),
    }
