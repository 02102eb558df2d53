"""All tables that are declared, and the lists that only mirror them."""

from functools import cache

from lake.schema import Table
from lake.tables.declare import Mirror
from lake.tables.pokeapi import (
    abilities,
    berries,
    contests,
    encounters,
    evolution,
    forms,
    games,
    items,
    locations,
    moves,
    pokemon,
    species,
    stats,
    terms,
    texts,
    types,
)
from lake.tables.values import DOCUMENT_VALUES

TABLES: tuple[Table, ...] = (
    *pokemon.TABLES,
    *forms.TABLES,
    *species.TABLES,
    *evolution.TABLES,
    *types.TABLES,
    *abilities.TABLES,
    *moves.TABLES,
    games.GENERATIONS,
    *stats.TABLES,
    *contests.TABLES,
    *items.TABLES,
    *berries.TABLES,
    *locations.TABLES,
    *encounters.TABLES,
    *games.TABLES,
    *terms.TABLES,
    *texts.TABLES,
    DOCUMENT_VALUES,
)

MIRRORS: tuple[Mirror, ...] = (
    *pokemon.MIRRORS,
    *species.MIRRORS,
    *evolution.MIRRORS,
    *types.MIRRORS,
    *abilities.MIRRORS,
    *moves.MIRRORS,
    *stats.MIRRORS,
    *items.MIRRORS,
    *berries.MIRRORS,
    *locations.MIRRORS,
    *encounters.MIRRORS,
    *games.MIRRORS,
)


@cache
def table_named(name: str) -> Table:
    """Return the table of this name, which must be there."""
    return next(table for table in TABLES if table.name == name)
