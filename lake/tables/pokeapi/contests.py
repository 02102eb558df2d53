"""Tables of contests: their types, and the effects of moves in them."""

import pyarrow as pa

from lake.schema import Field, Table
from lake.tables.declare import own_id, reference, term

_APPEAL = Field("appeal", pa.int32(), "Hearts that it earns.", "appeal", unit="heart")

CONTEST_TYPES = term(
    "contest-type",
    "contest_types",
    "contest type",
    reference("berry_flavor_id", "Flavour of berries that goes with it.", "berry_flavor.url", "berry-flavor"),
)

CONTEST_EFFECTS = Table(
    name="contest_effects",
    grain="one row per effect that a move can have in a contest",
    resources=("contest-effect",),
    primary_key=("contest_effect_id",),
    fields=(
        own_id("contest_effect"),
        _APPEAL,
        Field("jam", pa.int32(), "Hearts that it costs the others.", "jam", unit="heart"),
    ),
)

SUPER_CONTEST_EFFECTS = Table(
    name="super_contest_effects",
    grain="one row per effect that a move can have in a super contest",
    resources=("super-contest-effect",),
    primary_key=("super_contest_effect_id",),
    fields=(
        own_id("super_contest_effect"),
        _APPEAL,
    ),
)

TABLES = (CONTEST_TYPES, CONTEST_EFFECTS, SUPER_CONTEST_EFFECTS)
