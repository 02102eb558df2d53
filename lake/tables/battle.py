"""Tables of what battles are made of: types and their effectiveness, abilities, moves."""

from collections.abc import Iterator
from functools import partial
from typing import Any

import pyarrow as pa

from lake.schema import GENERATION, Field, Report, Row, Table
from lake.tables.declare import NAME_FIELD, child, reference
from lake.tables.members import reference_id

_GENERATION_ID = Field(
    GENERATION, pa.int16(), "The generation that introduced it. 0: unknown.", "generation.url", references="generation"
)


def _number(name: str, description: str, path: str, unit: str = "", nullable: bool = True) -> Field:
    return Field(name, pa.int32(), description, path, unit=unit, nullable=nullable)


TYPES = Table(
    name="types",
    grain="one row per type",
    resources=("type",),
    primary_key=("type_id",),
    fields=(
        Field("type_id", pa.int32(), "PokeAPI's id of the type.", "id"),
        _GENERATION_ID,
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

# How much damage, in percent, each list of damage relations stands for.
_DAMAGE_PERCENT = {"double_damage": 200, "half_damage": 50, "no_damage": 0}


def effectiveness_rows(document: dict[str, Any], report: Report) -> Iterator[Row]:
    """Yield one row per pair of types that a type's document states; a pair that nobody states deals 100 percent.

    Of today's relations the ``…_to`` lists suffice, for the ``…_from`` lists mirror them. Past relations are
    not mirrored, so both are taken, and two documents may state the same pair.
    """
    today = (None, document["damage_relations"], ("to",))
    past = [
        (generation, entry["damage_relations"], ("to", "from"))
        for entry in document["past_damage_relations"] or ()
        # Without its generation a relation of the past would look like one of today.
        if (generation := reference_id(entry, "generation", "generation", report)) is not None
    ]
    ordinal = 0
    for generation, relations, directions in (today, *past):
        for direction in directions:
            for kind, percent in _DAMAGE_PERCENT.items():
                for other in relations.get(f"{kind}_{direction}", ()):
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


_RELATIONS = "damage_relations"
TYPE_EFFECTIVENESS = Table(
    name="type_effectiveness",
    grain="one row per pair of types whose damage is not 100 percent, today or up to a generation",
    resources=("type",),
    primary_key=("type_id", "ordinal"),
    fields=(
        Field("type_id", pa.int32(), "The type whose document states it.", "id"),
        Field("ordinal", pa.int32(), "Running number within the document, from 1."),
        Field("attacking_type_id", pa.int32(), "Type of the move.", f"{_RELATIONS}.*.url", references="type"),
        Field("defending_type_id", pa.int32(), "Type of its target.", f"{_RELATIONS}.*.url", references="type"),
        Field("damage_percent", pa.int32(), "Damage dealt: 0, 50 or 200.", _RELATIONS, unit="percent"),
        Field(
            "until_generation_id",
            pa.int32(),
            "Last generation in which it was so. Null: it is so today.",
            "past_damage_relations[].generation.url",
            nullable=True,
            references="generation",
        ),
    ),
    fill=effectiveness_rows,
)

ABILITIES = Table(
    name="abilities",
    grain="one row per ability",
    resources=("ability",),
    primary_key=("ability_id",),
    fields=(
        Field("ability_id", pa.int32(), "PokeAPI's id of the ability.", "id"),
        _GENERATION_ID,
        NAME_FIELD,
        Field("is_main_series", pa.bool_(), "Whether the main series of games has it.", "is_main_series"),
    ),
)

_MOVE_ID = Field("move_id", pa.int32(), "PokeAPI's id of the move.", "id")
MOVES = Table(
    name="moves",
    grain="one row per move",
    resources=("move",),
    primary_key=("move_id",),
    fields=(
        _MOVE_ID,
        _GENERATION_ID,
        NAME_FIELD,
        reference("type_id", "Its type.", "type.url", "type"),
        reference("damage_class_id", "Physical, special or status.", "damage_class.url", "move-damage-class"),
        reference("target_id", "Whom it hits.", "target.url", "move-target"),
        _number("power", "Base power. Null: it has none.", "power"),
        _number("accuracy_percent", "Chance to hit. Null: it never misses.", "accuracy", "percent"),
        _number("pp", "How often it can be used. Null: without limit or unknown.", "pp", "power point"),
        _number("priority", "Turn order: higher goes first.", "priority", nullable=False),
        _number("effect_chance_percent", "Chance of the added effect. Null: none.", "effect_chance", "percent"),
        reference(
            "ailment_id",
            "Ailment it causes; 0 none, -1 unknown kind. Null: no details.",
            "meta.ailment.url",
            "move-ailment",
            nullable=True,
        ),
        reference(
            "category_id", "Its category. Null: no details.", "meta.category.url", "move-category", nullable=True
        ),
        _number("ailment_chance_percent", "Chance of the ailment. Null: no details.", "meta.ailment_chance", "percent"),
        _number("flinch_chance_percent", "Chance to flinch. Null: no details.", "meta.flinch_chance", "percent"),
        _number("stat_chance_percent", "Chance of a stat change. Null: no details.", "meta.stat_chance", "percent"),
        _number("critical_stages", "Added critical-hit stages. Null: no details.", "meta.crit_rate", "stage"),
        _number("drain_percent", "Damage drained, negative for recoil. Null: no details.", "meta.drain", "percent"),
        _number("healing_percent", "Maximal HP healed. Null: no details.", "meta.healing", "percent"),
        _number("min_hits", "Least hits a turn. Null: always one.", "meta.min_hits"),
        _number("max_hits", "Most hits a turn. Null: always one.", "meta.max_hits"),
        _number("min_turns", "Least turns it lasts. Null: always one.", "meta.min_turns", "turn"),
        _number("max_turns", "Most turns it lasts. Null: always one.", "meta.max_turns", "turn"),
        reference("contest_type_id", "Contest type. Null: none.", "contest_type.url", "contest-type", nullable=True),
        reference(
            "contest_effect_id", "Contest effect. Null: none.", "contest_effect.url", "contest-effect", nullable=True
        ),
        reference(
            "super_contest_effect_id",
            "Super contest effect. Null: none.",
            "super_contest_effect.url",
            "super-contest-effect",
            nullable=True,
        ),
    ),
)


_move_child = partial(child, "move", (_MOVE_ID, _GENERATION_ID))


MOVE_STAT_CHANGES = _move_child(
    "move_stat_changes",
    "one row per stat that a move changes",
    "stat_changes[]",
    reference("stat_id", "The stat.", "stat_changes[].stat.url", "stat"),
    _number("change", "By how much.", "stat_changes[].change", "stage", nullable=False),
)

MOVE_MACHINES = _move_child(
    "move_machines",
    "one row per machine that teaches a move, and version group",
    "machines[]",
    reference("machine_id", "The machine.", "machines[].machine.url", "machine"),
    reference("version_group_id", "The games.", "machines[].version_group.url", "version-group"),
)

_UNCHANGED = "Null: no other than today's."
MOVE_PAST_VALUES = _move_child(
    "move_past_values",
    "one row per version group up to which a move had other values",
    "past_values[]",
    reference("version_group_id", "The games that changed it.", "past_values[].version_group.url", "version-group"),
    _number("power", f"Base power. {_UNCHANGED}", "past_values[].power"),
    _number("accuracy_percent", f"Chance to hit. {_UNCHANGED}", "past_values[].accuracy", "percent"),
    _number("pp", f"How often it could be used. {_UNCHANGED}", "past_values[].pp", "power point"),
    _number(
        "effect_chance_percent", f"Chance of the added effect. {_UNCHANGED}", "past_values[].effect_chance", "percent"
    ),
    reference("type_id", f"Its type. {_UNCHANGED}", "past_values[].type.url", "type", nullable=True),
)

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

TABLES = (TYPES, TYPE_EFFECTIVENESS, ABILITIES, MOVES, MOVE_STAT_CHANGES, MOVE_MACHINES, MOVE_PAST_VALUES, GENERATIONS)
