"""Tables of games: versions, their groups and generations, the Pokédexes in them, and the languages of all texts."""

from functools import partial

import pyarrow as pa

from lake.schema import GENERATION, Field, Table
from lake.tables.declare import LANGUAGE, NAME_FIELD, UNKNOWN, Mirror, child, own_id, reference, term

GENERATIONS = Table(
    name="generations",
    grain="one row per generation of games",
    resources=("generation",),
    primary_key=("generation_id",),
    fields=(
        Field(GENERATION, pa.int16(), "PokeAPI's id of the generation.", "id"),
        NAME_FIELD,
        reference(
            "main_region_id", "Where its games play. Null: none given.", "main_region.url", "region", nullable=True
        ),
    ),
)

_VERSION_GROUP_ID = own_id("version_group")
_GENERATION_ID = Field(
    GENERATION,
    pa.int16(),
    "The generation that its games belong to. 0: unknown.",
    "generation.url",
    references="generation",
    stand_ins=UNKNOWN,
)
_child = partial(child, "version-group", (_VERSION_GROUP_ID, _GENERATION_ID))

VERSION_GROUPS = Table(
    name="version_groups",
    grain="one row per group of games that came out together, such as red-blue",
    resources=("version-group",),
    primary_key=("version_group_id",),
    fields=(
        _VERSION_GROUP_ID,
        _GENERATION_ID,
        NAME_FIELD,
        Field("sort_order", pa.int32(), "Place in PokeAPI's sorting, by release.", "order"),
    ),
)

VERSION_GROUP_REGIONS = _child(
    "version_group_regions",
    "one row per region that the games of a version group play in",
    "regions[]",
    reference("region_id", "The region.", "regions[].url", "region"),
)

VERSION_GROUP_POKEDEXES = _child(
    "version_group_pokedexes",
    "one row per Pokédex of the games of a version group",
    "pokedexes[]",
    reference("pokedex_id", "The Pokédex.", "pokedexes[].url", "pokedex"),
)

VERSION_GROUP_MOVE_LEARN_METHODS = _child(
    "version_group_move_learn_methods",
    "one row per way in which moves are learnt in the games of a version group",
    "move_learn_methods[]",
    reference("move_learn_method_id", "How they are learnt.", "move_learn_methods[].url", "move-learn-method"),
)

VERSIONS = term(
    "version",
    "versions",
    "version",
    reference("version_group_id", "Its version group.", "version_group.url", "version-group"),
    grain="one row per version: a game, or a part that was added to one",
)

POKEDEXES = term(
    "pokedex",
    "pokedexes",
    "Pokédex",
    Field("is_main_series", pa.bool_(), "Whether it comes from the main series of games.", "is_main_series"),
    reference("region_id", "The region it is about. Null: no single one.", "region.url", "region", nullable=True),
    grain="one row per Pokédex; what it lists is in species_pokedex_numbers",
)

LANGUAGES = Table(
    name="languages",
    grain="one row per language that texts are given in",
    resources=("language",),
    primary_key=("language_id",),
    fields=(
        Field("language_id", pa.int32(), LANGUAGE, "id"),
        NAME_FIELD,
        Field("iso639", pa.string(), "Two-letter code of the language; several rows may share it.", "iso639"),
        Field("iso3166", pa.string(), "Two-letter code of the country where it is spoken.", "iso3166"),
        Field("is_official", pa.bool_(), "Whether the games were published in it.", "official"),
    ),
)

# The registry lists GENERATIONS itself, further up.
TABLES = (
    VERSION_GROUPS,
    VERSION_GROUP_REGIONS,
    VERSION_GROUP_POKEDEXES,
    VERSION_GROUP_MOVE_LEARN_METHODS,
    VERSIONS,
    POKEDEXES,
    LANGUAGES,
)

MIRRORS = (
    Mirror("generation", "version_groups[]", "version_groups", GENERATION),
    Mirror("version-group", "versions[]", "versions", "version_group_id"),
    Mirror("region", "version_groups[]", "version_group_regions", "region_id"),
    Mirror("region", "pokedexes[]", "pokedexes", "region_id"),
    Mirror("pokedex", "version_groups[]", "version_group_pokedexes", "pokedex_id"),
    Mirror("pokedex", "pokemon_entries[]", "species_pokedex_numbers", "pokedex_id"),
    Mirror("move-learn-method", "version_groups[]", "version_group_move_learn_methods", "move_learn_method_id"),
)
