"""Tables of stats, and of natures, characteristics and the Pokéathlon, which have to do with them."""

from functools import partial

import pyarrow as pa

from lake.schema import Field, Table
from lake.tables.declare import Mirror, child, own_id, reference, term

STATS = term(
    "stat",
    "stats",
    "stat",
    Field(
        "game_index",
        pa.int32(),
        "The games' internal number; 0 for those of battles alone.",
        "game_index",
        stand_ins=((0, "none, as of stats of battles alone"),),
    ),
    Field("is_battle_only", pa.bool_(), "Whether it exists in battles alone.", "is_battle_only"),
    reference(
        "damage_class_id",
        "Class of moves that it is about. Null: of none.",
        "move_damage_class.url",
        "move-damage-class",
        nullable=True,
    ),
    grain="one row per stat: 1 HP, 2 attack, … 6 speed, and those of battles alone",
)
STAT_ITEMS = child(
    "stat",
    (STATS.field("stat_id"),),
    "stat_items",
    "one row per stat and item that raises it",
    "affecting_items[]",
    reference("item_id", "The item.", "affecting_items[].url", "item"),
)

_CHARACTERISTIC_ID = own_id("characteristic")
CHARACTERISTICS = Table(
    name="characteristics",
    grain="one row per characteristic: what a Pokémon's highest individual value is called",
    resources=("characteristic",),
    primary_key=("characteristic_id",),
    fields=(
        _CHARACTERISTIC_ID,
        reference("highest_stat_id", "The stat with the highest individual value.", "highest_stat.url", "stat"),
        Field("gene_modulo", pa.int32(), "Remainder of that value divided by 5.", "gene_modulo"),
    ),
)
CHARACTERISTIC_VALUES = child(
    "characteristic",
    (_CHARACTERISTIC_ID,),
    "characteristic_values",
    "one row per characteristic and individual value that it can stand for",
    "possible_values[]",
    Field("individual_value", pa.int32(), "The highest individual value.", "possible_values[]"),
)


def _shift(name: str, description: str, member: str, resource: str) -> Field:
    return reference(name, f"{description} Null: none.", f"{member}.url", resource, nullable=True)


NATURES = term(
    "nature",
    "natures",
    "nature",
    _shift("increased_stat_id", "Stat that it raises by a tenth.", "increased_stat", "stat"),
    _shift("decreased_stat_id", "Stat that it lowers by a tenth.", "decreased_stat", "stat"),
    _shift("likes_flavor_id", "Flavour of berries that it likes.", "likes_flavor", "berry-flavor"),
    _shift("hates_flavor_id", "Flavour of berries that it dislikes.", "hates_flavor", "berry-flavor"),
)
_nature_child = partial(child, "nature", (NATURES.field("nature_id"),))

_STYLES = "move_battle_style_preferences[]"
NATURE_BATTLE_STYLES = _nature_child(
    "nature_battle_styles",
    "one row per nature and battle style",
    _STYLES,
    reference("move_battle_style_id", "The style.", f"{_STYLES}.move_battle_style.url", "move-battle-style"),
    Field(
        "low_hp_percent",
        pa.int32(),
        "Chance to choose it with less than half of its HP.",
        f"{_STYLES}.low_hp_preference",
        unit="percent",
    ),
    Field("high_hp_percent", pa.int32(), "Chance to choose it else.", f"{_STYLES}.high_hp_preference", unit="percent"),
)
NATURE_POKEATHLON_STATS = _nature_child(
    "nature_pokeathlon_stats",
    "one row per nature and Pokéathlon stat that it shifts",
    "pokeathlon_stat_changes[]",
    reference("pokeathlon_stat_id", "The stat.", "pokeathlon_stat_changes[].pokeathlon_stat.url", "pokeathlon-stat"),
    Field("max_change", pa.int32(), "By how much at most; negative lowers it.", "pokeathlon_stat_changes[].max_change"),
)

POKEATHLON_STATS = term("pokeathlon-stat", "pokeathlon_stats", "Pokéathlon stat")

TABLES = (
    STATS,
    STAT_ITEMS,
    CHARACTERISTICS,
    CHARACTERISTIC_VALUES,
    NATURES,
    NATURE_BATTLE_STYLES,
    NATURE_POKEATHLON_STATS,
    POKEATHLON_STATS,
)

# Stats list the characteristics and natures whose rows point at them.
MIRRORS = (
    Mirror("stat", "characteristics[]", "characteristics", "highest_stat_id"),
    Mirror("stat", "affecting_natures.increase[]", "natures", "increased_stat_id"),
    Mirror("stat", "affecting_natures.decrease[]", "natures", "decreased_stat_id"),
    Mirror("pokeathlon-stat", "affecting_natures.increase[]", "nature_pokeathlon_stats", "pokeathlon_stat_id"),
    Mirror("pokeathlon-stat", "affecting_natures.decrease[]", "nature_pokeathlon_stats", "pokeathlon_stat_id"),
)
