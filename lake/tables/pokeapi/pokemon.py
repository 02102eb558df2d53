"""Tables of Pokémon varieties: types, stats, abilities, moves, items they hold, pictures and cries."""

from functools import partial

import pyarrow as pa

from lake.schema import GENERATION, SPECIES_GENERATION, Field, Table
from lake.tables.declare import NAME_FIELD, UNKNOWN, Mirror, child, own_id
from lake.tables.pokeapi.media import media

_POKEMON_ID = own_id("pokemon", "variety")
_GENERATION_ID = Field(
    GENERATION,
    pa.int16(),
    "The generation that introduced its species. 0: unknown.",
    SPECIES_GENERATION,
    stand_ins=UNKNOWN,
)
_child = partial(child, "pokemon", (_POKEMON_ID, _GENERATION_ID))


POKEMON = Table(
    name="pokemon",
    grain="one row per Pokémon variety; Raichu and Alolan Raichu are two",
    resources=("pokemon",),
    primary_key=("pokemon_id",),
    fields=(
        _POKEMON_ID,
        _GENERATION_ID,
        NAME_FIELD,
        Field("species_id", pa.int32(), "Its species.", "species.url", references="pokemon-species"),
        Field("is_default", pa.bool_(), "Whether it is its species' default variety.", "is_default"),
        Field("height_dm", pa.int32(), "Height.", "height", unit="decimetre"),
        Field(
            "weight_hg",
            pa.int32(),
            "Weight.",
            "weight",
            unit="hectogram",
            stand_ins=((10000, "unknown weight of Gigantamax forms"), (0, "unknown weight of Eternamax")),
        ),
        Field(
            "base_experience",
            pa.int32(),
            "Base experience for defeating it. Null: none known.",
            "base_experience",
            unit="experience point",
            nullable=True,
        ),
        Field(
            "sort_order",
            pa.int32(),
            "Place in PokeAPI's sorting. Null: none given, -1 in the source.",
            "order",
            nullable=True,
            null_when=-1,
        ),
    ),
)

POKEMON_STATS = _child(
    "pokemon_stats",
    "one row per Pokémon variety and stat",
    "stats[]",
    Field("stat_id", pa.int32(), "The stat: 1 HP, 2 attack, … 6 speed.", "stats[].stat.url", references="stat"),
    Field("base_stat", pa.int32(), "Base value.", "stats[].base_stat"),
    Field("effort", pa.int32(), "Effort points gained by defeating it.", "stats[].effort", unit="effort point"),
    key="stat_id",
)

POKEMON_TYPES = _child(
    "pokemon_types",
    "one row per type of a Pokémon variety",
    "types[]",
    Field("slot", pa.int32(), "1 for the first type, 2 for the second.", "types[].slot"),
    Field("type_id", pa.int32(), "The type.", "types[].type.url", references="type"),
    key="slot",
)

POKEMON_ABILITIES = _child(
    "pokemon_abilities",
    "one row per ability that a Pokémon variety can have",
    "abilities[]",
    Field("slot", pa.int32(), "1 or 2 for a regular ability, 3 for the hidden one.", "abilities[].slot"),
    Field("ability_id", pa.int32(), "The ability.", "abilities[].ability.url", references="ability"),
    Field("is_hidden", pa.bool_(), "Whether it is the hidden ability.", "abilities[].is_hidden"),
    key="slot",
)

_DETAILS = "moves[].version_group_details[]"
POKEMON_MOVES = _child(
    "pokemon_moves",
    "one row per way in which a Pokémon variety learns a move in one version group; no natural key is unique",
    _DETAILS,
    Field("move_id", pa.int32(), "The move.", "moves[].move.url", references="move"),
    Field(
        "version_group_id",
        pa.int32(),
        "The games it is learnt in.",
        f"{_DETAILS}.version_group.url",
        references="version-group",
    ),
    Field(
        "move_learn_method_id",
        pa.int32(),
        "How it is learnt.",
        f"{_DETAILS}.move_learn_method.url",
        references="move-learn-method",
    ),
    Field(
        "level_learned_at",
        pa.int32(),
        "Level it is learnt at; 0 when learnt on evolution or not by level.",
        f"{_DETAILS}.level_learned_at",
        unit="level",
        stand_ins=((0, "learnt on evolution if by level-up, else not by level"),),
    ),
    Field(
        "sort_order",
        pa.int32(),
        "Order among the moves learnt at one level. Null: none given.",
        f"{_DETAILS}.order",
        nullable=True,
    ),
)

POKEMON_FORMS = _child(
    "pokemon_forms",
    "one row per form of a Pokémon variety",
    "forms[]",
    Field("form_id", pa.int32(), "The form.", "forms[].url", references="pokemon-form"),
    Field("name", pa.string(), "PokeAPI's slug of the form.", "forms[].name"),
)

POKEMON_HELD_ITEMS = _child(
    "pokemon_held_items",
    "one row per item that a wild Pokémon may hold, and version",
    "held_items[].version_details[]",
    Field("item_id", pa.int32(), "The item.", "held_items[].item.url", references="item"),
    Field(
        "version_id",
        pa.int32(),
        "The game.",
        "held_items[].version_details[].version.url",
        references="version",
    ),
    Field(
        "rarity_percent", pa.int32(), "How often it holds it.", "held_items[].version_details[].rarity", unit="percent"
    ),
)

POKEMON_GAME_INDICES = _child(
    "pokemon_game_indices",
    "one row per number that a game gives a Pokémon variety internally",
    "game_indices[]",
    Field("version_id", pa.int32(), "The game.", "game_indices[].version.url", references="version"),
    Field("game_index", pa.int32(), "The game's internal number.", "game_indices[].game_index"),
)

_PAST = "Last generation in which it was so."
POKEMON_PAST_TYPES = _child(
    "pokemon_past_types",
    "one row per type that a Pokémon variety had up to a generation",
    "past_types[].types[]",
    Field("until_generation_id", pa.int32(), _PAST, "past_types[].generation.url", references="generation"),
    Field("slot", pa.int32(), "1 for the first type, 2 for the second.", "past_types[].types[].slot"),
    Field("type_id", pa.int32(), "The type.", "past_types[].types[].type.url", references="type"),
)

POKEMON_PAST_ABILITIES = _child(
    "pokemon_past_abilities",
    "one row per ability that a Pokémon variety had, or lacked, up to a generation",
    "past_abilities[].abilities[]",
    Field("until_generation_id", pa.int32(), _PAST, "past_abilities[].generation.url", references="generation"),
    Field("slot", pa.int32(), "The slot of the ability.", "past_abilities[].abilities[].slot"),
    Field(
        "ability_id",
        pa.int32(),
        "The ability. Null: the slot was empty.",
        "past_abilities[].abilities[].ability.url",
        nullable=True,
        references="ability",
    ),
    Field("is_hidden", pa.bool_(), "Whether it was the hidden ability.", "past_abilities[].abilities[].is_hidden"),
)

POKEMON_PAST_STATS = _child(
    "pokemon_past_stats",
    "one row per base stat that a Pokémon variety had up to a generation",
    "past_stats[].stats[]",
    Field("until_generation_id", pa.int32(), _PAST, "past_stats[].generation.url", references="generation"),
    Field("stat_id", pa.int32(), "The stat.", "past_stats[].stats[].stat.url", references="stat"),
    Field("base_stat", pa.int32(), "Base value.", "past_stats[].stats[].base_stat"),
    Field("effort", pa.int32(), "Effort points gained.", "past_stats[].stats[].effort", unit="effort point"),
)


POKEMON_SPRITES = media(
    "pokemon_sprites",
    "one row per picture of a Pokémon variety: front_default, other.home.front_shiny, versions.…",
    "pokemon",
    (_POKEMON_ID, _GENERATION_ID),
    "sprites",
)
POKEMON_CRIES = media(
    "pokemon_cries",
    "one row per recording of a Pokémon variety's cry: latest, legacy",
    "pokemon",
    (_POKEMON_ID, _GENERATION_ID),
    "cries",
)

TABLES = (
    POKEMON,
    POKEMON_STATS,
    POKEMON_TYPES,
    POKEMON_ABILITIES,
    POKEMON_MOVES,
    POKEMON_FORMS,
    POKEMON_HELD_ITEMS,
    POKEMON_GAME_INDICES,
    POKEMON_PAST_TYPES,
    POKEMON_PAST_ABILITIES,
    POKEMON_PAST_STATS,
    POKEMON_SPRITES,
    POKEMON_CRIES,
)

# Other resources list the Pokémon whose rows point at them.
MIRRORS = (
    Mirror("ability", "pokemon[]", "pokemon_abilities", "ability_id"),
    Mirror("move", "learned_by_pokemon[]", "pokemon_moves", "move_id"),
    Mirror("type", "pokemon[]", "pokemon_types", "type_id"),
)
