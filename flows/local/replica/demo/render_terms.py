"""Renders the small vocabularies, each with what refers to it, and the items."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator

from flows.local.replica.demo.facts import Facts, Species, World
from flows.local.replica.demo.render_world import learn_methods
from flows.local.replica.demo.shapes import SPRITES, Document, Shapes, url

LEVELS = range(1, 101)

# Points in all that a level takes; level 1 takes none.
EXPERIENCE: dict[str, Callable[[int], int]] = {
    "slow": lambda level: 5 * level**3 // 4,
    "medium": lambda level: level**3,
    "fast": lambda level: 4 * level**3 // 5,
    "medium-slow": lambda level: 6 * level**3 // 5 - 15 * level**2 + 100 * level - 140,
    "slow-then-very-fast": lambda level: _slow_then_very_fast(level),
}


def term_documents(world: World, shapes: Shapes) -> Iterator[tuple[str, Document]]:
    """Yield the path and document of every term of every vocabulary."""
    for endpoint, extras in _extras(world, shapes).items():
        for name, facts in world.terms[endpoint].items():
            yield f"{endpoint}/{facts['id']}", {"id": facts["id"], "name": name, **extras(name, facts)}


def item_documents(world: World, shapes: Shapes) -> Iterator[tuple[str, Document]]:
    """Yield the path and document of every item."""
    for name, facts in world.items.items():
        baby_of = [id for id, chain in world.chains.items() if chain.get("baby_trigger_item") == name]
        holders = [one for one in world.species.values() if name in one.held_items]
        yield (
            f"item/{facts['id']}",
            {
                "attributes": shapes.refs("item-attribute", facts["attributes"]),
                "baby_trigger_for": {"url": url("evolution-chain", baby_of[0])} if baby_of else None,
                "category": shapes.ref("item-category", facts["category"]),
                "effect_entries": shapes.english(effect=facts["text"], short_effect=facts["text"]),
                "flavor_text_entries": shapes.flavor_texts("version-group", ["diamond-pearl"], facts["text"], "text"),
                "fling_effect": shapes.ref_or_null("item-fling-effect", facts.get("fling_effect")),
                "fling_power": facts.get("fling_power"),
                "game_indices": [],
                "held_by_pokemon": [
                    {
                        "pokemon": shapes.ref("pokemon", holder.name),
                        "version_details": [
                            {"rarity": holder.held_items[name]["rarity"], "version": version}
                            for version in shapes.refs("version", holder.held_items[name]["versions"])
                        ],
                    }
                    for holder in sorted(holders, key=lambda holder: holder.id)
                ],
                "id": facts["id"],
                "machines": [
                    {"machine": {"url": url("machine", id)}, "version_group": shapes.ref("version-group", group)}
                    for move in world.moves.values()
                    for group, (id, item) in move.get("machines", {}).items()
                    if item == name
                ],
                "name": name,
                "names": shapes.names(facts["names"]),
                "prices": [_price(shapes, facts["price"])] if "price" in facts else [],
                "sprites": {"default": f"{SPRITES}/items/{name}.png"},
            },
        )


def _extras(world: World, shapes: Shapes) -> dict[str, Callable[[str, Facts], Document]]:
    """Return, per endpoint, what a document has besides id and name."""

    def names(facts: Facts) -> Document:
        return {"names": shapes.names(facts["names"])}

    def described(facts: Facts) -> Document:
        return {"descriptions": shapes.english(description=facts["text"])}

    def species(matches: Callable[[Species], bool]) -> Document:
        return {"pokemon_species": _species(shapes, filter(matches, world.species.values()))}

    def moves(matches: Callable[[Facts], bool]) -> Document:
        return {"moves": _moves(world, shapes, matches)}

    def refs(key: str, endpoint: str, matches: Callable[[Facts], bool], rows: Facts) -> Document:
        return {key: shapes.refs(endpoint, [name for name, row in rows.items() if matches(row)])}

    return {
        "language": lambda name, facts: names(facts) | {"iso3166": facts["country"], "iso639": name, "official": True},
        "stat": lambda name, facts: names(facts) | _stat(world, shapes, name, facts),
        "pokemon-color": lambda name, facts: names(facts) | species(lambda one: one.looks["color"] == name),
        "pokemon-shape": lambda name, facts: (
            names(facts)
            | {"awesome_names": shapes.english(awesome_name=facts["awesome"])}
            | species(lambda one: one.looks["shape"] == name)
        ),
        "pokemon-habitat": lambda name, facts: names(facts) | species(lambda one: one.looks.get("habitat") == name),
        "egg-group": lambda name, facts: names(facts) | species(lambda one: name in one.breeding["egg_groups"]),
        "growth-rate": lambda name, facts: (
            {"descriptions": shapes.names(facts["names"], "description"), "formula": facts["tex"]}
            | {"levels": [{"experience": _experience(name, level), "level": level} for level in LEVELS]}
            | species(lambda one: one.breeding["growth_rate"] == name)
        ),
        "move-damage-class": lambda name, facts: (
            names(facts) | described(facts) | moves(lambda row: row["class"] == name)
        ),
        "move-target": lambda name, facts: (
            names(facts) | described(facts) | moves(lambda row: row.get("target", "selected-pokemon") == name)
        ),
        "move-ailment": lambda name, facts: (
            names(facts) | moves(lambda row: row.get("has_meta", True) and row.get("ailment", "none") == name)
        ),
        "move-category": lambda name, facts: (
            described(facts) | moves(lambda row: row.get("has_meta", True) and row.get("category", "damage") == name)
        ),
        "move-learn-method": lambda name, facts: (
            names(facts)
            | described(facts)
            | {
                "version_groups": shapes.refs(
                    "version-group",
                    [group for group in world.terms["version-group"] if name in learn_methods(world, group)],
                )
            }
        ),
        "evolution-trigger": lambda name, facts: (
            names(facts)
            | _evolving(world, shapes, "pokemon_species", lambda step: step.get("trigger", "level-up") == name)
        ),
        "pal-park-area": lambda name, facts: (
            names(facts)
            | {
                "pokemon_encounters": [
                    {key: value for key, value in one.pal_park.items() if key != "area"}
                    | {"pokemon_species": shapes.ref("pokemon-species", one.name)}
                    for one in world.species.values()
                    if one.pal_park and one.pal_park["area"] == name
                ]
            }
        ),
        "gender": lambda name, facts: _gender(world, shapes, name, facts),
        "encounter-method": lambda name, facts: names(facts) | {"order": facts["id"]},
        "encounter-condition": lambda name, facts: (
            names(facts)
            | refs(
                "values",
                "encounter-condition-value",
                lambda row: row["condition"] == name,
                world.terms["encounter-condition-value"],
            )
        ),
        "encounter-condition-value": lambda name, facts: (
            names(facts) | {"condition": shapes.ref("encounter-condition", facts["condition"])}
        ),
        "currency": lambda name, facts: names(facts),
        "item-fling-effect": lambda name, facts: (
            {"effect_entries": shapes.english(effect=facts["text"])}
            | refs("items", "item", lambda row: row.get("fling_effect") == name, world.items)
        ),
        "item-category": lambda name, facts: (
            names(facts)
            | {"pocket": shapes.ref("item-pocket", facts["pocket"])}
            | refs("items", "item", lambda row: row["category"] == name, world.items)
        ),
        "item-pocket": lambda name, facts: (
            names(facts)
            | refs("categories", "item-category", lambda row: row["pocket"] == name, world.terms["item-category"])
        ),
        "item-attribute": lambda name, facts: (
            names(facts) | described(facts) | refs("items", "item", lambda row: name in row["attributes"], world.items)
        ),
    }


def _species(shapes: Shapes, species: Iterable[Species]) -> list[Document]:
    return shapes.refs("pokemon-species", [one.name for one in species])


def _moves(world: World, shapes: Shapes, matches: Callable[[Facts], bool]) -> list[Document]:
    return shapes.refs("move", [name for name, row in world.moves.items() if matches(row)])


def _evolving(world: World, shapes: Shapes, key: str, matches: Callable[[Facts], bool]) -> Document:
    evolved = {step["to"] for chain in world.chains.values() for step in chain["steps"] if matches(step)}
    return {key: shapes.refs("pokemon-species", evolved)}


def _stat(world: World, shapes: Shapes, name: str, facts: Facts) -> Document:
    natures = world.terms["nature"]
    changes = [
        {"change": row["stats"][name], "move": shapes.ref("move", move)}
        for move, row in world.moves.items()
        if name in row.get("stats", {})
    ]
    return {
        "affecting_items": [],
        "affecting_moves": {
            "decrease": [change for change in changes if change["change"] < 0],
            "increase": [change for change in changes if change["change"] > 0],
        },
        "affecting_natures": {
            effect: shapes.refs("nature", [nature for nature, row in natures.items() if row.get(way) == name])
            for effect, way in (("decrease", "down"), ("increase", "up"))
        },
        "characteristics": [
            {"url": url("characteristic", int(id))}
            for id, row in world.terms["characteristic"].items()
            if row["stat"] == name
        ],
        "game_index": facts["game_index"],
        "is_battle_only": facts.get("is_battle_only", False),
        "move_damage_class": shapes.ref_or_null("move-damage-class", facts.get("class")),
    }


def _price(shapes: Shapes, price: Facts) -> Document:
    return {
        "currency": shapes.ref("currency", "poke-dollar"),
        "purchase_price": price["purchase"],
        "sell_price": price["sell"],
        "version_group": shapes.ref("version-group", price["version_group"]),
    }


def _gender(world: World, shapes: Shapes, name: str, facts: Facts) -> Document:
    """A rate counts eighths of females, so a species is male where it is below 8, and genderless at -1."""
    belongs: dict[str, Callable[[int], bool]] = {
        "female": lambda rate: rate > 0,
        "male": lambda rate: 0 <= rate < 8,
        "genderless": lambda rate: rate == -1,
    }
    return {
        "pokemon_species_details": [
            {"pokemon_species": reference, "rate": world.species[reference["name"]].breeding["gender_rate"]}
            for reference in _species(shapes, world.species.values())
            if belongs[name](world.species[reference["name"]].breeding["gender_rate"])
        ]
    } | _evolving(world, shapes, "required_for_evolution", lambda step: step.get("gender") == facts["id"])


def _experience(rate: str, level: int) -> int:
    return 0 if level == 1 else EXPERIENCE[rate](level)


def _slow_then_very_fast(level: int) -> int:
    if level <= 50:
        return level**3 * (100 - level) // 50
    if level <= 68:
        return level**3 * (150 - level) // 100
    if level <= 98:
        return level**3 * ((1911 - 10 * level) // 3) // 500
    return level**3 * (160 - level) // 100
