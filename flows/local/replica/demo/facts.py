"""The demo's facts as read from the TOML files beside this module, checked against each other."""

from __future__ import annotations

import tomllib
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from importlib import resources
from typing import Any, Literal

Facts = Mapping[str, Any]

STATS = ("hp", "attack", "defense", "special-attack", "special-defense", "speed")

# The order of every `names` list in the TOML files.
LANGUAGES = ("en", "fr", "de", "ja")


class FactsError(ValueError):
    """The demo's facts contradict each other; ``problems`` names each place."""

    def __init__(self, problems: Iterable[str]) -> None:
        self.problems = tuple(problems)
        super().__init__("demo facts:\n" + "\n".join(f"- {problem}" for problem in self.problems))


@dataclass(frozen=True)
class Body:
    """What a variety is made of. Height in decimetres, weight in hectograms, lists in the order of ``STATS``."""

    types: list[str]
    abilities: list[str]
    stats: list[int]
    effort: list[int]
    height: int
    weight: int
    base_experience: int | None


@dataclass(frozen=True)
class Learnt:
    """One way to learn a move in one version group; ``level`` is 0 for a move learnt on evolution or not by level."""

    version_group: str
    method: str
    level: int
    order: int | None


@dataclass(frozen=True)
class Pokemon:
    """One variety of a species, with the form that belongs to it."""

    name: str
    id: int
    species: str
    is_default: bool
    body: Body
    form: Facts | None
    learnset: Mapping[str, list[Learnt]]


@dataclass(frozen=True)
class Species:
    """One species: what its table in ``species.toml`` says, and what follows from the other files."""

    name: str
    id: int
    sort_order: int
    names: list[str]
    genus: str
    text: str
    looks: Facts
    breeding: Facts
    pokemon: tuple[Pokemon, ...]
    past: Facts = field(default_factory=dict)
    held_items: Facts = field(default_factory=dict)
    red_index: int | None = None
    pal_park: Facts | None = None


@dataclass(frozen=True)
class World:
    """All facts of the demo, and the ids behind every name."""

    species: Mapping[str, Species]
    pokemon: Mapping[str, Pokemon]
    moves: Mapping[str, Facts]
    abilities: Mapping[str, Facts]
    types: Mapping[str, Facts]
    past_chart: Mapping[str, list[tuple[str, str, int]]]
    chains: Mapping[int, Facts]
    items: Mapping[str, Facts]
    terms: Mapping[str, Mapping[str, Facts]]
    ids: Mapping[str, Mapping[str, int]]

    def generation(self, kind: Literal["species", "moves", "abilities"], id: int) -> str:
        """Return the generation whose range of ids holds ``id``."""
        return next(name for name, facts in self.terms["generation"].items() if id <= facts[f"{kind}_through"])

    def version_groups(self, generation: str) -> list[str]:
        """Return the names of the version groups of a generation, oldest first."""
        return [name for name, facts in self.terms["version-group"].items() if facts["generation"] == generation]


def read(name: str) -> dict[str, Any]:
    """Return the content of one of the TOML files beside this module."""
    return tomllib.loads(resources.files(__package__).joinpath(f"{name}.toml").read_text("utf-8"))


def load() -> World:
    """Return the demo's facts.

    Raises:
        FactsError: The files contradict each other; every contradiction is listed.
    """
    types = read("types")
    past_chart = types.pop("past")
    terms = read("world")
    learnsets = read("learnsets")
    species = {
        name: _species(name, place, facts, learnsets) for place, (name, facts) in enumerate(read("species").items(), 1)
    }
    pokemon = {variety.name: variety for one in species.values() for variety in one.pokemon}
    abilities = {name: {"id": row[0], "names": row[1:-1], "text": row[-1]} for name, row in read("abilities").items()}
    moves, items = read("moves"), read("items")
    named = {**terms, "move": moves, "ability": abilities, "type": types, "item": items}
    ids = {endpoint: {name: facts.get("id", name) for name, facts in rows.items()} for endpoint, rows in named.items()}
    ids["pokemon-species"] = {one.name: one.id for one in species.values()}
    ids["pokemon"] = {one.name: one.id for one in pokemon.values()}
    ids["pokemon-form"] = {one.name: one.form["id"] if one.form else one.id for one in pokemon.values()}
    chains = {int(id): facts for id, facts in read("evolutions").items()}
    world = World(species, pokemon, moves, abilities, types, past_chart, chains, items, terms, ids)
    if problems := [
        *_problems(world),
        *(f"learnsets: no Pokémon {name}" for name in learnsets.keys() - pokemon.keys()),
    ]:
        raise FactsError(problems)
    return world


def _species(name: str, place: int, facts: dict[str, Any], learnsets: Facts) -> Species:
    bodies = {name: {"id": facts["id"], "body": facts.pop("body")}} | facts.pop("varieties", {})
    pokemon = tuple(
        Pokemon(
            name=variety,
            id=row["id"],
            species=name,
            is_default=variety == name,
            body=Body(**row["body"]),
            form=row.get("form"),
            learnset=_learnset(learnsets.get(variety, {})),
        )
        for variety, row in bodies.items()
    )
    return Species(name=name, sort_order=place, pokemon=pokemon, **facts)


def _learnset(groups: Facts) -> dict[str, list[Learnt]]:
    """Return move -> ways to learn it; moves of one level are numbered, as PokeAPI does, where there are several."""
    learnset: dict[str, list[Learnt]] = {}
    for version_group, line in groups.items():
        entries = [(move, how) for move, how in (entry.split() for entry in line.split(","))]
        for place, (move, how) in enumerate(entries):
            by_level = how.isdecimal()
            shared = by_level and sum(other == how for _, other in entries) > 1
            order = 1 + sum(other == how for _, other in entries[:place]) if shared else None
            learnt = Learnt(version_group, "level-up" if by_level else how, int(how) if by_level else 0, order)
            learnset.setdefault(move, []).append(learnt)
    return learnset


def _problems(world: World) -> Iterator[str]:
    for endpoint, ids in world.ids.items():
        if len(set(ids.values())) < len(ids):
            yield f"{endpoint}: two of its names share an id"
    for pokemon in world.pokemon.values():
        body = pokemon.body
        if len(body.stats) != len(STATS) or len(body.effort) != len(STATS):
            yield f"{pokemon.name}: expected {len(STATS)} stats and efforts, found {body.stats} and {body.effort}"
        if len(body.abilities) != 3:
            yield f"{pokemon.name}: expected three ability slots, found {body.abilities}"
        yield from (f"{pokemon.name}: no type {name}" for name in body.types if name not in world.types)
        yield from (
            f"{pokemon.name}: no ability {name}" for name in body.abilities if name and name not in world.abilities
        )
        yield from (f"{pokemon.name}: no move {name}" for name in pokemon.learnset if name not in world.moves)
    in_chains = [name for chain in world.chains.values() for name in _members(chain)]
    if sorted(in_chains) != sorted(world.species):
        yield f"evolutions: expected each species in one chain, differ in {set(in_chains) ^ set(world.species)}"
    for attacker, facts in world.types.items():
        for effect in ("double", "half", "none"):
            yield from (f"{attacker}: no type {name}" for name in facts.get(effect, ()) if name not in world.types)


def _members(chain: Facts) -> list[str]:
    return [chain["root"], *dict.fromkeys(step["to"] for step in chain["steps"])]
