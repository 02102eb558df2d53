"""Tables of Pokémon species: the facts that all varieties of a species share."""

from functools import partial

import pyarrow as pa

from lake.schema import GENERATION, Field, Table
from lake.tables.declare import GENERATION_FIELD, LANGUAGE, NAME_FIELD, Mirror, child, own_id, reference

_SPECIES_ID = own_id("species", "species, its national number")
_child = partial(child, "pokemon-species", (_SPECIES_ID, GENERATION_FIELD))


SPECIES = Table(
    name="species",
    grain="one row per Pokémon species",
    resources=("pokemon-species",),
    primary_key=("species_id",),
    fields=(
        _SPECIES_ID,
        GENERATION_FIELD,
        NAME_FIELD,
        Field("sort_order", pa.int32(), "Place in PokeAPI's sorting, families together.", "order"),
        Field(
            "female_eighths",
            pa.int32(),
            "How many of eight are female. Null: genderless, -1 in the source.",
            "gender_rate",
            unit="eighth",
            nullable=True,
            null_when=-1,
        ),
        Field("capture_rate", pa.int32(), "How easily it is caught, up to 255.", "capture_rate"),
        Field(
            "base_happiness", pa.int32(), "Happiness when caught. Null: none known.", "base_happiness", nullable=True
        ),
        Field(
            "hatch_counter",
            pa.int32(),
            "Egg cycles until it hatches. Null: none known.",
            "hatch_counter",
            unit="egg cycle",
            nullable=True,
        ),
        Field("is_baby", pa.bool_(), "Whether it is a baby Pokémon.", "is_baby"),
        Field("is_legendary", pa.bool_(), "Whether it is legendary.", "is_legendary"),
        Field("is_mythical", pa.bool_(), "Whether it is mythical.", "is_mythical"),
        Field("has_gender_differences", pa.bool_(), "Whether the sexes look different.", "has_gender_differences"),
        Field("forms_switchable", pa.bool_(), "Whether it can change its form.", "forms_switchable"),
        reference("growth_rate_id", "How fast it gains levels.", "growth_rate.url", "growth-rate"),
        reference("color_id", "Colour in the Pokédex.", "color.url", "pokemon-color"),
        reference("shape_id", "Body shape. Null: none given.", "shape.url", "pokemon-shape", nullable=True),
        reference(
            "habitat_id",
            "Habitat. Null: none given, as for most since generation 4.",
            "habitat.url",
            "pokemon-habitat",
            nullable=True,
        ),
        reference(
            "evolves_from_species_id",
            "What it evolves from. Null: nothing.",
            "evolves_from_species.url",
            "pokemon-species",
            nullable=True,
        ),
        reference(
            "evolution_chain_id",
            "Its family's tree. Null: none given.",
            "evolution_chain.url",
            "evolution-chain",
            nullable=True,
        ),
    ),
)

SPECIES_VARIETIES = _child(
    "species_varieties",
    "one row per variety of a species",
    "varieties[]",
    reference("pokemon_id", "The variety.", "varieties[].pokemon.url", "pokemon"),
    Field("is_default", pa.bool_(), "Whether it is the default variety.", "varieties[].is_default"),
)

SPECIES_EGG_GROUPS = _child(
    "species_egg_groups",
    "one row per egg group of a species",
    "egg_groups[]",
    reference("egg_group_id", "The egg group.", "egg_groups[].url", "egg-group"),
)

SPECIES_POKEDEX_NUMBERS = _child(
    "species_pokedex_numbers",
    "one row per Pokédex that lists a species",
    "pokedex_numbers[]",
    reference("pokedex_id", "The Pokédex.", "pokedex_numbers[].pokedex.url", "pokedex"),
    Field("entry_number", pa.int32(), "Its number there.", "pokedex_numbers[].entry_number"),
)

SPECIES_PAL_PARK_ENCOUNTERS = _child(
    "species_pal_park_encounters",
    "one row per Pal Park area in which a species appears",
    "pal_park_encounters[]",
    reference("pal_park_area_id", "The area.", "pal_park_encounters[].area.url", "pal-park-area"),
    Field("base_score", pa.int32(), "Points for catching it there.", "pal_park_encounters[].base_score", unit="point"),
    Field("rate", pa.int32(), "How often it appears there.", "pal_park_encounters[].rate", unit="percent"),
)

SPECIES_GENERA = _child(
    "species_genera",
    "one row per species and language: its kind, as in 'Mouse Pokémon'",
    "genera[]",
    reference("language_id", LANGUAGE, "genera[].language.url", "language"),
    Field("genus", pa.string(), "The kind.", "genera[].genus"),
)

SPECIES_FORM_DESCRIPTIONS = _child(
    "species_form_descriptions",
    "one row per species and language: what its forms are about",
    "form_descriptions[]",
    reference("language_id", LANGUAGE, "form_descriptions[].language.url", "language"),
    Field("description", pa.string(), "The description.", "form_descriptions[].description"),
)

TABLES = (
    SPECIES,
    SPECIES_VARIETIES,
    SPECIES_EGG_GROUPS,
    SPECIES_POKEDEX_NUMBERS,
    SPECIES_PAL_PARK_ENCOUNTERS,
    SPECIES_GENERA,
    SPECIES_FORM_DESCRIPTIONS,
)

# Other resources list the species whose rows point at them.
MIRRORS = (
    Mirror("egg-group", "pokemon_species[]", "species_egg_groups", "egg_group_id"),
    Mirror("generation", "pokemon_species[]", "species", GENERATION),
    Mirror("growth-rate", "pokemon_species[]", "species", "growth_rate_id"),
    Mirror("pokemon-color", "pokemon_species[]", "species", "color_id"),
    Mirror("pokemon-habitat", "pokemon_species[]", "species", "habitat_id"),
    Mirror("pokemon-shape", "pokemon_species[]", "species", "shape_id"),
)
