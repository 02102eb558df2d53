"""Renders ``type``, ``ability`` and ``move`` documents."""

from __future__ import annotations

from collections.abc import Iterator

from flows.local.replica.demo.facts import World
from flows.local.replica.demo.shapes import SPRITES, Document, Shapes, url

Chart = dict[tuple[str, str], int]

RELATIONS = {"double_damage": 200, "half_damage": 50, "no_damage": 0}
PLAIN_PERCENT = 100


def type_documents(world: World, shapes: Shapes) -> Iterator[tuple[str, Document]]:
    """Yield the path and document of every type."""
    chart = effectiveness(world)
    generations = list(world.terms["generation"])
    for name, facts in world.types.items():
        born = generations.index(facts["generation"])
        indices = facts["indices"] + facts["indices"][-1:] * (len(generations) - born - len(facts["indices"]))
        yield (
            f"type/{facts['id']}",
            {
                "damage_relations": _relations(shapes, chart, name, list(world.types)),
                "game_indices": [
                    {"game_index": index, "generation": shapes.ref("generation", generation)}
                    for index, generation in zip(indices, generations[born:], strict=True)
                ],
                "generation": shapes.ref("generation", facts["generation"]),
                "id": facts["id"],
                "move_damage_class": shapes.ref_or_null("move-damage-class", facts.get("category")),
                "moves": shapes.refs("move", [move for move, row in world.moves.items() if row["type"] == name]),
                "name": name,
                "names": shapes.names(facts["names"]),
                "past_damage_relations": list(_past_relations(world, shapes, chart, name)),
                "pokemon": [
                    {"pokemon": shapes.ref("pokemon", pokemon.name), "slot": pokemon.body.types.index(name) + 1}
                    for pokemon in sorted(world.pokemon.values(), key=lambda pokemon: pokemon.id)
                    if name in pokemon.body.types
                ],
                "sprites": {
                    generation: {
                        group: {
                            "name_icon": f"{SPRITES}/types/{generation}/{group}/{facts['id']}.png",
                            "symbol_icon": None,
                        }
                        for group in world.version_groups(generation)
                    }
                    for generation in generations[max(born, generations.index("generation-iii")) :]
                },
            },
        )


def effectiveness(world: World) -> Chart:
    """Return (attacker, defender) -> percent of the plain damage, for all pairs of types."""
    chart = {(attacker, defender): PLAIN_PERCENT for attacker in world.types for defender in world.types}
    for attacker, facts in world.types.items():
        for effect, percent in (("double", 200), ("half", 50), ("none", 0)):
            chart |= {(attacker, defender): percent for defender in facts.get(effect, ())}
    return chart


def _relations(shapes: Shapes, chart: Chart, name: str, known: list[str]) -> Document:
    relations = {}
    for relation, percent in RELATIONS.items():
        relations[f"{relation}_from"] = shapes.refs("type", [other for other in known if chart[other, name] == percent])
        relations[f"{relation}_to"] = shapes.refs("type", [other for other in known if chart[name, other] == percent])
    return relations


def _past_relations(world: World, shapes: Shapes, chart: Chart, name: str) -> Iterator[Document]:
    """Yield, oldest first, the relations up to each generation after which one of this type's changed."""
    for generation, changes in world.past_chart.items():
        if not any(name in (attacker, defender) for attacker, defender, _ in changes):
            continue
        last = shapes.id("generation", generation)
        known = [other for other, facts in world.types.items() if shapes.id("generation", facts["generation"]) <= last]
        past = dict(chart)
        for later, rows in reversed(list(world.past_chart.items())):
            if shapes.id("generation", later) >= last:
                past |= {(attacker, defender): percent for attacker, defender, percent in rows}
        yield {
            "damage_relations": _relations(shapes, past, name, known),
            "generation": shapes.ref("generation", generation),
        }


def ability_documents(world: World, shapes: Shapes) -> Iterator[tuple[str, Document]]:
    """Yield the path and document of every ability."""
    for name, facts in world.abilities.items():
        generation = world.generation("abilities", facts["id"])
        yield (
            f"ability/{facts['id']}",
            {
                "effect_changes": [],
                "effect_entries": shapes.english(effect=facts["text"], short_effect=facts["text"]),
                "flavor_text_entries": shapes.flavor_texts(
                    "version-group", world.version_groups(generation)[:1], facts["text"]
                ),
                "generation": shapes.ref("generation", generation),
                "id": facts["id"],
                "is_main_series": True,
                "name": name,
                "names": shapes.names(facts["names"]),
                "pokemon": [
                    {"is_hidden": slot == 3, "pokemon": shapes.ref("pokemon", pokemon.name), "slot": slot}
                    for pokemon in sorted(world.pokemon.values(), key=lambda pokemon: pokemon.id)
                    for slot, ability in enumerate(pokemon.body.abilities, 1)
                    if ability == name
                ],
            },
        )


def move_documents(world: World, shapes: Shapes) -> Iterator[tuple[str, Document]]:
    """Yield the path and document of every move, and of the machines that teach some."""
    for name, facts in world.moves.items():
        generation = world.generation("moves", facts["id"])
        contest, super_contest = facts.get("contest_effect"), facts.get("super_contest_effect")
        min_hits, max_hits = facts.get("hits", (None, None))
        min_turns, max_turns = facts.get("turns", (None, None))
        machines = facts.get("machines", {})
        for group, (id, item) in machines.items():
            yield (
                f"machine/{id}",
                {
                    "id": id,
                    "item": shapes.ref("item", item),
                    "move": shapes.ref("move", name),
                    "version_group": shapes.ref("version-group", group),
                },
            )
        meta = {
            "ailment": shapes.ref("move-ailment", facts.get("ailment", "none")),
            "ailment_chance": facts.get("chance", 0),
            "category": shapes.ref("move-category", facts.get("category", "damage")),
            "crit_rate": facts.get("crit", 0),
            "drain": facts.get("drain", 0),
            "flinch_chance": facts.get("flinch", 0),
            "healing": facts.get("healing", 0),
            "max_hits": max_hits,
            "max_turns": max_turns,
            "min_hits": min_hits,
            "min_turns": min_turns,
            "stat_chance": facts.get("stat_chance", 0),
        }
        yield (
            f"move/{facts['id']}",
            {
                "accuracy": facts.get("accuracy"),
                "contest_combos": _combos(world, shapes, name),
                "contest_effect": {"url": url("contest-effect", contest)} if contest else None,
                "contest_type": shapes.ref_or_null("contest-type", facts.get("contest")),
                "damage_class": shapes.ref("move-damage-class", facts["class"]),
                "effect_chance": facts.get("chance") or facts.get("flinch") or facts.get("stat_chance"),
                "effect_changes": [],
                "effect_entries": shapes.english(effect=facts["text"], short_effect=facts["text"]),
                "flavor_text_entries": shapes.flavor_texts(
                    "version-group", world.version_groups(generation)[:1], facts["text"]
                ),
                "generation": shapes.ref("generation", generation),
                "id": facts["id"],
                "learned_by_pokemon": shapes.refs(
                    "pokemon", [pokemon.name for pokemon in world.pokemon.values() if name in pokemon.learnset]
                ),
                "machines": [
                    {"machine": {"url": url("machine", id)}, "version_group": shapes.ref("version-group", group)}
                    for group, (id, _) in machines.items()
                ],
                "meta": meta if facts.get("has_meta", True) else None,
                "name": name,
                "names": shapes.names(facts["names"]),
                "past_values": [_past_values(shapes, group, past) for group, past in facts.get("past", {}).items()],
                "power": facts.get("power"),
                "pp": facts.get("pp"),
                "priority": facts.get("priority", 0),
                "stat_changes": [
                    {"change": change, "stat": shapes.ref("stat", stat)}
                    for stat, change in facts.get("stats", {}).items()
                ],
                "super_contest_effect": {"url": url("super-contest-effect", super_contest)} if super_contest else None,
                "target": shapes.ref("move-target", facts.get("target", "selected-pokemon")),
                "type": shapes.ref("type", facts["type"]),
            },
        )


def _combos(world: World, shapes: Shapes, name: str) -> Document | None:
    """Return which moves a move is best shown after and before in contests, or null if there are none."""
    after = world.moves[name].get("combo_after", ())
    before = [move for move, row in world.moves.items() if name in row.get("combo_after", ())]
    if not after and not before:
        return None
    return {
        "normal": {
            "use_after": shapes.refs("move", after) or None,
            "use_before": shapes.refs("move", before) or None,
        },
        "super": {"use_after": None, "use_before": None},
    }


def _past_values(shapes: Shapes, version_group: str, past: Document) -> Document:
    return {
        "accuracy": past.get("accuracy"),
        "effect_chance": past.get("effect_chance"),
        "effect_entries": [],
        "power": past.get("power"),
        "pp": past.get("pp"),
        "type": shapes.ref_or_null("type", past.get("type")),
        "version_group": shapes.ref("version-group", version_group),
    }
