"""Tables of berries: their growth, firmness and flavors."""

import pyarrow as pa

from lake.schema import Field, Table
from lake.tables.declare import NAME_FIELD, Mirror, child, own_id, reference, term


def _number(name: str, description: str, path: str, unit: str = "") -> Field:
    return Field(name, pa.int32(), f"{description} Null: none known.", path, unit=unit, nullable=True)


_BERRY_ID = own_id("berry")
BERRIES = Table(
    name="berries",
    grain="one row per berry",
    resources=("berry",),
    primary_key=("berry_id",),
    fields=(
        _BERRY_ID,
        NAME_FIELD,
        reference("item_id", "The berry as an item.", "item.url", "item"),
        reference("firmness_id", "How firm it is. Null: none known.", "firmness.url", "berry-firmness", nullable=True),
        reference(
            "natural_gift_type_id",
            "Type of the move Natural Gift when it is held. Null: none known.",
            "natural_gift_type.url",
            "type",
            nullable=True,
        ),
        _number("natural_gift_power", "Power of the move Natural Gift when it is held.", "natural_gift_power"),
        _number("growth_time_hours", "Time to grow by one of four stages.", "growth_time", "hour"),
        _number("max_harvest", "Most berries that one tree bears in generation 4.", "max_harvest"),
        _number("size_mm", "Size.", "size", "millimetre"),
        _number("smoothness", "How smooth it makes Pokéblocks and Poffins.", "smoothness"),
        _number("soil_dryness", "How fast it dries out the soil; higher is faster.", "soil_dryness"),
    ),
)

BERRY_FLAVOR_POTENCIES = child(
    "berry",
    (_BERRY_ID,),
    "berry_flavor_potencies",
    "one row per berry and flavor, those that it does not have included",
    "flavors[]",
    reference("flavor_id", "The flavor.", "flavors[].flavor.url", "berry-flavor"),
    Field("potency", pa.int32(), "How strong it is; 0 if the berry does not have it.", "flavors[].potency"),
)

BERRY_FIRMNESSES = term(
    "berry-firmness",
    "berry_firmnesses",
    "firmness",
    grain="one row per firmness of berries, such as very-soft",
)

BERRY_FLAVORS = term(
    "berry-flavor",
    "berry_flavors",
    "flavor",
    reference("contest_type_id", "The contest that it helps in.", "contest_type.url", "contest-type"),
    grain="one row per flavor of berries, such as spicy",
)

BERRY_FLAVOR_BERRIES = child(
    "berry-flavor",
    (BERRY_FLAVORS.field("berry_flavor_id"),),
    "berry_flavor_berries",
    "one row per flavor and berry that has it; berry_flavor_potencies also says which berries do not",
    "berries[]",
    reference("berry_id", "The berry.", "berries[].berry.url", "berry"),
    Field("potency", pa.int32(), "How strong it is.", "berries[].potency"),
)

TABLES = (BERRIES, BERRY_FLAVOR_POTENCIES, BERRY_FIRMNESSES, BERRY_FLAVORS, BERRY_FLAVOR_BERRIES)

MIRRORS = (Mirror("berry-firmness", "berries[]", "berries", "firmness_id"),)
