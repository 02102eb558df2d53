"""Who evolves into whom, and how: the whole tree of every family."""

from collections.abc import Iterator
from typing import Any

import pyarrow as pa

from lake.schema import Field, Report, Row, Table
from lake.tables.declare import Mirror, own_id, reference
from lake.tables.members import elements, number, reference_id, text, truth

# The conditions of a way to evolve: column, member in the API, resource or unit, meaning. Null means: does not matter.
_REFERENCES = (
    ("trigger_id", "trigger", "evolution-trigger", "What sets it off: 1 level-up, 2 trade, 3 use of an item, …"),
    ("item_id", "item", "item", "Item to use."),
    ("held_item_id", "held_item", "item", "Item to hold."),
    ("known_move_id", "known_move", "move", "Move to know."),
    ("known_move_type_id", "known_move_type", "type", "Type of a move to know."),
    ("used_move_id", "used_move", "move", "Move to have used."),
    ("location_id", "location", "location", "Place to be at."),
    ("party_species_id", "party_species", "pokemon-species", "Species to have in the party."),
    ("party_type_id", "party_type", "type", "Type to have in the party."),
    ("trade_species_id", "trade_species", "pokemon-species", "Species to trade it for."),
    ("base_form_pokemon_id", "base_form", "pokemon", "Variety it must be."),
    ("evolved_form_pokemon_id", "evolved_form", "pokemon", "Variety it becomes."),
    ("region_id", "region", "region", "Region to be in."),
    ("version_group_id", "version_group", "version-group", "Games in which this way came up."),
)
_NUMBERS = (
    ("gender_id", "gender", "", "Gender it must have: 1 female, 2 male."),
    ("min_level", "min_level", "level", "Least level."),
    ("min_happiness", "min_happiness", "", "Least happiness."),
    ("min_beauty", "min_beauty", "", "Least beauty."),
    ("min_affection", "min_affection", "", "Least affection."),
    ("min_damage_taken", "min_damage_taken", "hit point", "Least damage taken."),
    ("min_move_count", "min_move_count", "", "Least times the move was used."),
    ("min_steps", "min_steps", "step", "Least steps walked with it."),
    ("relative_physical_stats", "relative_physical_stats", "", "1 attack above defence, 0 equal, -1 below."),
)
_TRUTHS = (
    ("is_default_way", "is_default", "Whether it is the usual way."),
    ("needs_overworld_rain", "needs_overworld_rain", "Whether it must rain."),
    ("needs_multiplayer", "needs_multiplayer", "Whether it takes other players."),
    ("near_special_rock", "near_special_rock", "Whether it takes a special rock nearby."),
    ("turn_upside_down", "turn_upside_down", "Whether the console must be held upside down."),
)

_WAY = "chain.evolves_to[].evolution_details[]"


def edge_rows(document: dict[str, Any], report: Report) -> Iterator[Row]:
    """Yield one row per way to evolve, from the root down, branches in the order of the source.

    If the source gives no way for an evolution, it is one row whose conditions are all null.
    """
    ordinal = 0
    chain = document["chain"] or {}
    pending = [(chain, 1)]
    if chain.get("evolution_details"):
        report("chain.evolution_details", "nothing, because the root evolves from nothing", "ways to evolve")
    while pending:
        parent, depth = pending.pop(0)
        for child in elements(parent, "evolves_to", report):
            for way in elements(child, "evolution_details", report) or [{}]:
                ordinal += 1
                yield {
                    "evolution_chain_id": document["id"],
                    "ordinal": ordinal,
                    "from_species_id": reference_id(parent, "species", "pokemon-species", report),
                    "to_species_id": reference_id(child, "species", "pokemon-species", report),
                    "to_is_baby": truth(child, "is_baby", report),
                    "depth": depth,
                    **_conditions(way, report),
                }
            pending.append((child, depth + 1))


def _conditions(way: dict[str, Any], report: Report) -> Row:
    row: Row = {name: reference_id(way, member, resource, report) for name, member, resource, _ in _REFERENCES}
    row |= {name: number(way, member, report) for name, member, _, _ in _NUMBERS}
    row |= {name: truth(way, member, report) for name, member, _ in _TRUTHS}
    # The source says "" where any time will do.
    row["time_of_day"] = text(way, "time_of_day", report) or None
    return row


_CHAIN_ID = own_id("evolution_chain", "family's tree")
EVOLUTION_EDGES = Table(
    name="evolution_edges",
    grain="one row per way in which one species evolves into another; several ways are alternatives",
    resources=("evolution-chain",),
    primary_key=("evolution_chain_id", "ordinal"),
    fields=(
        _CHAIN_ID,
        Field("ordinal", pa.int32(), "Running number within the tree, from 1, nearest to the root first."),
        reference("from_species_id", "What evolves.", "chain.species.url", "pokemon-species"),
        reference("to_species_id", "What it becomes.", "chain.evolves_to[].species.url", "pokemon-species"),
        Field("depth", pa.int32(), "1 for an evolution of the root, 2 for one of its children.", "chain.evolves_to[]"),
        *(
            reference(name, f"{meaning} Null: does not matter.", f"{_WAY}.{member}.url", resource, nullable=True)
            for name, member, resource, meaning in _REFERENCES
        ),
        *(
            Field(name, pa.int32(), f"{meaning} Null: does not matter.", f"{_WAY}.{member}", unit=unit, nullable=True)
            for name, member, unit, meaning in _NUMBERS
        ),
        *(
            Field(name, pa.bool_(), f"{meaning} Null: the source gives no way.", f"{_WAY}.{member}", nullable=True)
            for name, member, meaning in _TRUTHS
        ),
        Field(
            "time_of_day", pa.string(), "When: day, night, dusk. Null: any time.", f"{_WAY}.time_of_day", nullable=True
        ),
        Field("to_is_baby", pa.bool_(), "Whether what it becomes is a baby.", "chain.evolves_to[].is_baby"),
    ),
    rows="chain",
    fill=edge_rows,
)

EVOLUTION_CHAINS = Table(
    name="evolution_chains",
    grain="one row per family of species",
    resources=("evolution-chain",),
    primary_key=("evolution_chain_id",),
    fields=(
        _CHAIN_ID,
        reference("root_species_id", "The species at its root.", "chain.species.url", "pokemon-species"),
        Field("is_baby_root", pa.bool_(), "Whether the root is a baby Pokémon.", "chain.is_baby"),
        reference(
            "baby_trigger_item_id",
            "Item a parent holds to get the baby. Null: none.",
            "baby_trigger_item.url",
            "item",
            nullable=True,
        ),
    ),
)

TABLES = (EVOLUTION_CHAINS, EVOLUTION_EDGES)

# Other resources list the species that come about by a way that points at them.
MIRRORS = (
    Mirror("evolution-trigger", "pokemon_species[]", "evolution_edges", "trigger_id", "to_species_id"),
    Mirror("gender", "required_for_evolution[]", "evolution_edges", "gender_id", "to_species_id"),
)
