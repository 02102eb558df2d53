"""Renders contests and what they turn on: flavors, berries and natures."""

from __future__ import annotations

from collections.abc import Iterator

from flows.local.replica.demo.facts import Facts, World
from flows.local.replica.demo.shapes import Document, Shapes

# Who has a stat that grows faster likes this flavor, and who has one that grows slower hates it.
FLAVORS = {
    "attack": "spicy",
    "defense": "sour",
    "special-attack": "dry",
    "special-defense": "bitter",
    "speed": "sweet",
}

# An individual value of a stat runs from 0 to 31.
INDIVIDUAL_VALUES = range(32)
CHARACTERISTIC_MODULUS = 5


def contest_documents(world: World, shapes: Shapes) -> Iterator[tuple[str, Document]]:
    """Yield the path and document of every contest type and effect."""
    for name, facts in world.terms["contest-type"].items():
        yield (
            f"contest-type/{facts['id']}",
            {
                "berry_flavor": shapes.ref("berry-flavor", facts["flavor"]),
                "id": facts["id"],
                "name": name,
                "names": [entry | {"color": facts["color"]} for entry in shapes.names(facts["names"])],
            },
        )
    for id, facts in world.terms["contest-effect"].items():
        yield (
            f"contest-effect/{id}",
            {
                "appeal": facts["appeal"],
                "effect_entries": shapes.english(effect=facts["text"]),
                "flavor_text_entries": shapes.english(flavor_text=facts["text"]),
                "id": int(id),
                "jam": facts["jam"],
            },
        )
    for id, facts in world.terms["super-contest-effect"].items():
        moves = [name for name, row in world.moves.items() if row.get("super_contest_effect") == int(id)]
        yield (
            f"super-contest-effect/{id}",
            {
                "appeal": facts["appeal"],
                "flavor_text_entries": shapes.english(flavor_text=facts["text"]),
                "id": int(id),
                "moves": shapes.refs("move", moves),
            },
        )


def berry_documents(world: World, shapes: Shapes) -> Iterator[tuple[str, Document]]:
    """Yield the path and document of every berry, flavor and firmness."""
    berries = world.terms["berry"]
    for name, facts in berries.items():
        measures = ("growth_time", "max_harvest", "natural_gift_power", "size", "smoothness", "soil_dryness")
        yield (
            f"berry/{facts['id']}",
            {
                "firmness": shapes.ref("berry-firmness", facts["firmness"]),
                "flavors": [
                    {"flavor": flavor, "potency": facts["flavors"][flavor["name"]]}
                    for flavor in shapes.refs("berry-flavor", facts["flavors"])
                ],
                "id": facts["id"],
                "item": shapes.ref("item", facts["item"]),
                "name": name,
                "natural_gift_type": shapes.ref("type", facts["natural_gift_type"]),
                **{measure: facts[measure] for measure in measures},
            },
        )
    for name, facts in world.terms["berry-flavor"].items():
        yield (
            f"berry-flavor/{facts['id']}",
            {
                "berries": [
                    {"berry": shapes.ref("berry", berry), "potency": row["flavors"][name]}
                    for berry, row in berries.items()
                ],
                "contest_type": shapes.ref("contest-type", facts["contest"]),
                **shapes.term(name, facts),
            },
        )
    for name, facts in world.terms["berry-firmness"].items():
        soft = [berry for berry, row in berries.items() if row["firmness"] == name]
        yield f"berry-firmness/{facts['id']}", {"berries": shapes.refs("berry", soft), **shapes.term(name, facts)}


def nature_documents(world: World, shapes: Shapes) -> Iterator[tuple[str, Document]]:
    """Yield the path and document of every nature and characteristic, and of what natures change."""
    for name, facts in world.terms["nature"].items():
        up, down = facts.get("up"), facts.get("down")
        yield (
            f"nature/{facts['id']}",
            {
                "decreased_stat": shapes.ref_or_null("stat", down),
                "hates_flavor": shapes.ref_or_null("berry-flavor", FLAVORS[down] if down else None),
                "increased_stat": shapes.ref_or_null("stat", up),
                "likes_flavor": shapes.ref_or_null("berry-flavor", FLAVORS[up] if up else None),
                "move_battle_style_preferences": _styles(shapes, facts),
                "pokeathlon_stat_changes": [],
                **shapes.term(name, facts),
            },
        )
    for id, facts in world.terms["characteristic"].items():
        yield (
            f"characteristic/{id}",
            {
                "descriptions": shapes.english(description=facts["text"]),
                "gene_modulo": facts["modulo"],
                "highest_stat": shapes.ref("stat", facts["stat"]),
                "id": int(id),
                "possible_values": [
                    value for value in INDIVIDUAL_VALUES if value % CHARACTERISTIC_MODULUS == facts["modulo"]
                ],
            },
        )
    for name, facts in world.terms["move-battle-style"].items():
        yield f"move-battle-style/{facts['id']}", shapes.term(name, facts)
    for name, facts in world.terms["pokeathlon-stat"].items():
        yield (
            f"pokeathlon-stat/{facts['id']}",
            {"affecting_natures": {"decrease": [], "increase": []}, **shapes.term(name, facts)},
        )


def _styles(shapes: Shapes, facts: Facts) -> list[Document]:
    return [
        {
            "high_hp_preference": high,
            "low_hp_preference": low,
            "move_battle_style": shapes.ref("move-battle-style", style),
        }
        for style, (low, high) in facts.get("styles", {}).items()
    ]
