"""All tables: which there are, which of them a resource's documents fill, and which lists only mirror them."""

from functools import cache

from lake.canonical import POKEAPI
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


def tables_for(kind: str = POKEAPI) -> tuple[Table, ...]:
    """Return all tables that a snapshot of a source of this kind has."""
    return TABLES if kind == POKEAPI else (DOCUMENT_VALUES,)


@cache
def tables_of(resource: str, kind: str = POKEAPI) -> tuple[Table, ...]:
    """Return the tables that documents of a resource fill; the generic one alone where none is declared."""
    declared = tuple(table for table in tables_for(kind) if resource in table.resources)
    return declared or (DOCUMENT_VALUES,)


def is_declared(resource: str, kind: str = POKEAPI) -> bool:
    """Tell whether a resource has tables of its own."""
    return tables_of(resource, kind) != (DOCUMENT_VALUES,)


@cache
def table_named(name: str) -> Table:
    """Return the table of this name, which must be there."""
    return next(table for table in TABLES if table.name == name)
