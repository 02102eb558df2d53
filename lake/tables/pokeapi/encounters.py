"""Tables of wild encounters: Pokémon by area and game, with method, chance, levels and conditions."""

from functools import partial

import pyarrow as pa

from lake.schema import ORDINAL, Field
from lake.tables.declare import Mirror, child, reference, term

_POKEMON_ID = Field("pokemon_id", pa.int32(), "PokeAPI's id of the variety that appears.", "id", references="pokemon")
_child = partial(child, "pokemon-encounters", (_POKEMON_ID,))

_VERSIONS = "encounters[].version_details[]"
_ENCOUNTERS = f"{_VERSIONS}.encounter_details[]"
_DETAILS = f"{_ENCOUNTERS}.pokemon_details"
_PLACE = (
    reference("location_area_id", "Where it appears.", "encounters[].location_area.url", "location-area"),
    reference("version_id", "The game it appears in.", f"{_VERSIONS}.version.url", "version"),
)


def _detail(name: str, type_: pa.DataType, description: str) -> Field:
    """Declare a detail of the Pokémon that only some encounters give."""
    return Field(name, type_, f"{description} Null: not given.", f"{_DETAILS}.{name}", nullable=True)


POKEMON_ENCOUNTERS = _child(
    "pokemon_encounters",
    "one row per way to meet a Pokémon variety in an area and version; no natural key is unique",
    _ENCOUNTERS,
    *_PLACE,
    reference("encounter_method_id", "How it is met.", f"{_ENCOUNTERS}.method.url", "encounter-method"),
    Field("chance_percent", pa.int32(), "How often it is met so.", f"{_ENCOUNTERS}.chance", unit="percent"),
    Field("min_level", pa.int32(), "Lowest level it has.", f"{_ENCOUNTERS}.min_level", unit="level"),
    Field("max_level", pa.int32(), "Highest level it has.", f"{_ENCOUNTERS}.max_level", unit="level"),
    _detail("always_shiny", pa.bool_(), "Whether it is always shiny."),
    _detail("never_shiny", pa.bool_(), "Whether it can never be shiny."),
    _detail("is_alpha", pa.bool_(), "Whether it is an alpha."),
    _detail("min_perfect_ivs", pa.int32(), "How many of its individual values are perfect at least."),
)

_CONDITIONS = f"{_ENCOUNTERS}.condition_values[]"
POKEMON_ENCOUNTER_CONDITIONS = _child(
    "pokemon_encounter_conditions",
    "one row per condition of an encounter; all of one encounter must hold",
    _CONDITIONS,
    Field(
        "encounter_ordinal",
        pa.int32(),
        "The encounter: its ordinal among the Pokémon's in pokemon_encounters.",
        f"{ORDINAL} {_ENCOUNTERS}",
    ),
    reference("condition_value_id", "What must hold.", f"{_CONDITIONS}.url", "encounter-condition-value"),
)

POKEMON_ENCOUNTER_VERSIONS = _child(
    "pokemon_encounter_versions",
    "one row per Pokémon variety, area and version in which it appears there",
    _VERSIONS,
    *_PLACE,
    Field(
        "max_chance_percent",
        pa.int32(),
        "Sum over its encounters there; over 100 where they exclude each other.",
        f"{_VERSIONS}.max_chance",
        unit="percent",
    ),
)

ENCOUNTER_METHODS = term(
    "encounter-method",
    "encounter_methods",
    "method",
    Field("sort_order", pa.int32(), "Place in PokeAPI's sorting.", "order"),
    grain="one row per way to meet Pokémon, such as walk or old-rod",
)

ENCOUNTER_CONDITIONS = term(
    "encounter-condition",
    "encounter_conditions",
    "condition",
    grain="one row per thing that encounters depend on, such as time",
)

ENCOUNTER_CONDITION_VALUES = term(
    "encounter-condition-value",
    "encounter_condition_values",
    "value",
    reference("condition_id", "The condition whose value it is.", "condition.url", "encounter-condition"),
    grain="one row per value of a condition, such as time-night",
)

TABLES = (
    POKEMON_ENCOUNTERS,
    POKEMON_ENCOUNTER_CONDITIONS,
    POKEMON_ENCOUNTER_VERSIONS,
    ENCOUNTER_METHODS,
    ENCOUNTER_CONDITIONS,
    ENCOUNTER_CONDITION_VALUES,
)

MIRRORS = (
    Mirror("location-area", "pokemon_encounters[]", "pokemon_encounters", "location_area_id"),
    Mirror("encounter-condition", "values[]", "encounter_condition_values", "condition_id"),
)
