"""Tables of items: their prices, categories, pockets and attributes, and the machines among them."""

from functools import partial

import pyarrow as pa

from lake.schema import Field, Table
from lake.tables.declare import NAME_FIELD, Mirror, child, own_id, reference, term

_ITEM_ID = own_id("item")
_child = partial(child, "item", (_ITEM_ID,))

ITEMS = Table(
    name="items",
    grain="one row per item",
    resources=("item",),
    primary_key=("item_id",),
    fields=(
        _ITEM_ID,
        NAME_FIELD,
        reference("category_id", "Its category.", "category.url", "item-category"),
        Field(
            "cost",
            pa.int32(),
            "Price in shops, whatever the game; 0 for what has none, too. Null: given by game, in item_prices.",
            "cost",
            unit="Poké Dollar",
            stand_ins=((0, "no price"),),
            nullable=True,
        ),
        Field(
            "fling_power",
            pa.int32(),
            "Power of the move Fling when it is thrown. Null: none given.",
            "fling_power",
            nullable=True,
        ),
        reference(
            "fling_effect_id",
            "What else it does when it is thrown. Null: nothing.",
            "fling_effect.url",
            "item-fling-effect",
            nullable=True,
        ),
        reference(
            "baby_trigger_for_chain_id",
            "The family whose baby is only bred by a parent that holds it. Null: none.",
            "baby_trigger_for.url",
            "evolution-chain",
            nullable=True,
        ),
        Field("sprite_url", pa.string(), "Where its picture lies. Null: none.", "sprites.default", nullable=True),
    ),
)

ITEM_PRICES = _child(
    "item_prices",
    "one row per item, version group and currency in which the source gives it a price; it gives none of most items",
    "prices[]",
    reference("version_group_id", "The games.", "prices[].version_group.url", "version-group"),
    reference("currency_id", "What is paid with.", "prices[].currency.url", "currency"),
    Field(
        "purchase_price",
        pa.int32(),
        "What a shop asks for it, in that currency. Null: not sold.",
        "prices[].purchase_price",
        nullable=True,
    ),
    Field(
        "sell_price",
        pa.int32(),
        "What a shop pays for it, in that currency. Null: not bought.",
        "prices[].sell_price",
        nullable=True,
    ),
)

ITEM_GAME_INDICES = _child(
    "item_game_indices",
    "one row per number that the games of a generation give an item internally; one may have several",
    "game_indices[]",
    reference("games_generation_id", "The generation of these games.", "game_indices[].generation.url", "generation"),
    Field("game_index", pa.int32(), "The games' internal number.", "game_indices[].game_index"),
)

ITEM_CATEGORIES = term(
    "item-category",
    "item_categories",
    "category",
    reference("pocket_id", "Where in the bag its items lie.", "pocket.url", "item-pocket"),
    grain="one row per category of items, such as standard-balls",
)

ITEM_POCKETS = term("item-pocket", "item_pockets", "pocket", grain="one row per pocket of the bag")

ITEM_FLING_EFFECTS = term(
    "item-fling-effect",
    "item_fling_effects",
    "effect",
    grain="one row per effect that an item can have when the move Fling throws it",
)

ITEM_ATTRIBUTES = term(
    "item-attribute",
    "item_attributes",
    "attribute",
    grain="one row per attribute that items can have, such as holdable",
)

ITEM_ATTRIBUTE_ITEMS = child(
    "item-attribute",
    (ITEM_ATTRIBUTES.field("item_attribute_id"),),
    "item_attribute_items",
    "one row per attribute and item that has it",
    "items[]",
    reference("item_id", "The item.", "items[].url", "item"),
)

CURRENCIES = term(
    "currency",
    "currencies",
    "currency",
    grain="one row per thing that items are paid with, such as poke-dollar",
)

MACHINES = Table(
    name="machines",
    grain="one row per machine that teaches a move, and version group",
    resources=("machine",),
    primary_key=("machine_id",),
    fields=(
        own_id("machine"),
        reference("item_id", "The machine as an item, such as tm01.", "item.url", "item"),
        reference("move_id", "The move that it teaches.", "move.url", "move"),
        reference("version_group_id", "The games in which it teaches it.", "version_group.url", "version-group"),
    ),
)

TABLES = (
    ITEMS,
    ITEM_PRICES,
    ITEM_GAME_INDICES,
    ITEM_CATEGORIES,
    ITEM_POCKETS,
    ITEM_FLING_EFFECTS,
    ITEM_ATTRIBUTES,
    ITEM_ATTRIBUTE_ITEMS,
    CURRENCIES,
    MACHINES,
)

MIRRORS = (
    Mirror("item", "attributes[]", "item_attribute_items", "item_id"),
    Mirror("item", "held_by_pokemon[]", "pokemon_held_items", "item_id"),
    Mirror("item", "machines[]", "machines", "item_id"),
    Mirror("item-category", "items[]", "items", "category_id"),
    Mirror("item-fling-effect", "items[]", "items", "fling_effect_id"),
    Mirror("item-pocket", "categories[]", "item_categories", "pocket_id"),
)
