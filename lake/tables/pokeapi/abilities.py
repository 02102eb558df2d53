"""The table of abilities; which Pokémon have one is in pokemon_abilities."""

import pyarrow as pa

from lake.schema import GENERATION, Field, Table
from lake.tables.declare import GENERATION_FIELD, NAME_FIELD, Mirror, own_id

ABILITIES = Table(
    name="abilities",
    grain="one row per ability",
    resources=("ability",),
    primary_key=("ability_id",),
    fields=(
        own_id("ability"),
        GENERATION_FIELD,
        NAME_FIELD,
        Field("is_main_series", pa.bool_(), "Whether the main series of games has it.", "is_main_series"),
    ),
)

TABLES = (ABILITIES,)

MIRRORS = (Mirror("generation", "abilities[]", "abilities", GENERATION),)
