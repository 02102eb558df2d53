"""Tables of types: what they are, how effective each is against each, their pictures and internal numbers."""

from collections.abc import Iterator
from typing import Any

import pyarrow as pa

from lake.schema import GENERATION, Field, Report, Row, Table
from lake.tables.declare import GENERATION_FIELD, NAME_FIELD, Mirror, child, own_id, reference
from lake.tables.members import objects, reference_id
from lake.tables.pokeapi.media import media

_TYPE_ID = own_id("type")
TYPES = Table(
    name="types",
    grain="one row per type",
    resources=("type",),
    primary_key=("type_id",),
    fields=(
        _TYPE_ID,
        GENERATION_FIELD,
        NAME_FIELD,
        reference(
            "damage_class_id",
            "Class of its moves up to generation 3. Null: none.",
            "move_damage_class.url",
            "move-damage-class",
            nullable=True,
        ),
    ),
)

# The damage, in percent, that each list of damage relations stands for.
_DAMAGE_PERCENT = {"double_damage": 200, "half_damage": 50, "no_damage": 0}


def effectiveness_rows(document: dict[str, Any], report: Report) -> Iterator[Row]:
    """Yield one row per pair of types that a type's document states; a pair that no document states deals 100 percent.

    Of today's relations only the ``…_to`` lists are read, because the ``…_from`` lists mirror them. Past relations are
    not mirrored, so both are read; two documents may state the same pair, of which the table has one row.
    """
    if document["damage_relations"] is None:
        report("damage_relations", "an object", None)
    today = (None, document["damage_relations"] or {}, ("to",))
    past = [
        (generation, entry.get("damage_relations") or {}, ("to", "from"))
        for entry in document["past_damage_relations"] or ()
        # Without its generation a relation of the past would look like one of today.
        if (generation := reference_id(entry, "generation", "generation", report)) is not None
    ]
    ordinal = 0
    for generation, relations, directions in (today, *past):
        for direction in directions:
            for kind, percent in _DAMAGE_PERCENT.items():
                for other in objects(relations.get(f"{kind}_{direction}") or ()):
                    ordinal += 1
                    pair = (document["id"], reference_id({"type": other}, "type", "type", report))
                    attacking, defending = pair if direction == "to" else pair[::-1]
                    yield {
                        "type_id": document["id"],
                        "ordinal": ordinal,
                        "attacking_type_id": attacking,
                        "defending_type_id": defending,
                        "damage_percent": percent,
                        "until_generation_id": generation,
                    }


_TODAY = tuple(f"damage_relations.{kind}_to[].url" for kind in _DAMAGE_PERCENT)
_PAST = tuple(
    f"past_damage_relations[].damage_relations.{kind}_{way}[].url" for kind in _DAMAGE_PERCENT for way in ("to", "from")
)
TYPE_EFFECTIVENESS = Table(
    name="type_effectiveness",
    grain="one row per pair of types whose damage is not 100 percent, today or up to a generation, each stated once",
    resources=("type",),
    primary_key=("type_id", "ordinal"),
    fields=(
        Field("type_id", pa.int32(), "The type whose document states it; of two, the one with the lower id.", "id"),
        Field("ordinal", pa.int32(), "Running number within the document, from 1."),
        Field("attacking_type_id", pa.int32(), "Type of the move.", (*_TODAY, *_PAST), references="type"),
        Field("defending_type_id", pa.int32(), "Type of its target.", (*_TODAY, *_PAST), references="type"),
        Field("damage_percent", pa.int32(), "Damage dealt: 0, 50 or 200.", "damage_relations", unit="percent"),
        Field(
            "until_generation_id",
            pa.int32(),
            "Last generation in which it was so. Both types' lists of that time are whole lists: what they do not name"
            " was 100 percent then, whatever it is today. Null: it is so today.",
            "past_damage_relations[].generation.url",
            nullable=True,
            references="generation",
        ),
    ),
    fill=effectiveness_rows,
    once=("attacking_type_id", "defending_type_id", "until_generation_id"),
)

TYPE_GAME_INDICES = child(
    "type",
    (_TYPE_ID,),
    "type_game_indices",
    "one row per number that the games of a generation give a type internally",
    "game_indices[]",
    reference("games_generation_id", "The generation of these games.", "game_indices[].generation.url", "generation"),
    Field("game_index", pa.int32(), "The games' internal number.", "game_indices[].game_index"),
)

TYPE_SPRITES = media(
    "type_sprites",
    "one row per picture of a type: generation-iii.emerald.name_icon",
    "type",
    (_TYPE_ID,),
    "sprites",
)

TABLES = (TYPES, TYPE_EFFECTIVENESS, TYPE_GAME_INDICES, TYPE_SPRITES)

# Other resources list the types whose rows point at them.
MIRRORS = (Mirror("generation", "types[]", "types", GENERATION),)
