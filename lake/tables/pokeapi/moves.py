"""Tables of moves: their values, the values in earlier games, machines, and combinations in contests."""

from collections.abc import Iterator
from dataclasses import replace
from functools import partial
from typing import Any

import pyarrow as pa

from lake.schema import GENERATION, Field, Report, Row, Table
from lake.tables.declare import GENERATION_FIELD, LANGUAGE, NAME_FIELD, Mirror, child, own_id, reference
from lake.tables.members import objects, reference_id


def _number(name: str, description: str, path: str, unit: str = "", nullable: bool = True) -> Field:
    return Field(name, pa.int32(), description, path, unit=unit, nullable=nullable)


_MOVE_ID = own_id("move")
MOVES = Table(
    name="moves",
    grain="one row per move",
    resources=("move",),
    primary_key=("move_id",),
    fields=(
        _MOVE_ID,
        GENERATION_FIELD,
        NAME_FIELD,
        reference("type_id", "Its type.", "type.url", "type"),
        reference("damage_class_id", "Physical, special or status.", "damage_class.url", "move-damage-class"),
        reference("target_id", "Whom it hits.", "target.url", "move-target"),
        replace(_number("power", "Base power. Null: it has none.", "power"), stand_ins=((0, "none, as null"),)),
        replace(
            _number("accuracy_percent", "Chance to hit. Null: it never misses.", "accuracy", "percent"),
            stand_ins=((0, "it never misses, as null"),),
        ),
        _number("pp", "How often it can be used. Null: without limit or unknown.", "pp", "power point"),
        _number("priority", "Turn order: higher goes first.", "priority", nullable=False),
        _number("effect_chance_percent", "Chance of the added effect. Null: none.", "effect_chance", "percent"),
        Field(
            "ailment_id",
            pa.int32(),
            "Ailment it causes; 0 none, -1 unknown kind. Null: no details.",
            "meta.ailment.url",
            nullable=True,
            references="move-ailment",
            stand_ins=((0, "none"), (-1, "unknown kind")),
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


_move_child = partial(child, "move", (_MOVE_ID, GENERATION_FIELD))


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

_PAST_EFFECTS = "past_values[].effect_entries[]"
MOVE_PAST_EFFECTS = _move_child(
    "move_past_effects",
    "one row per version group up to which a move had another effect, and language",
    _PAST_EFFECTS,
    reference("version_group_id", "The games that changed it.", "past_values[].version_group.url", "version-group"),
    reference("language_id", LANGUAGE, f"{_PAST_EFFECTS}.language.url", "language"),
    Field("effect", pa.string(), "The effect in full.", f"{_PAST_EFFECTS}.effect"),
    Field("short_effect", pa.string(), "The effect in a sentence.", f"{_PAST_EFFECTS}.short_effect"),
)

# The two kinds of contests, and the two places that a move can have in a combination with another one.
_CONTESTS = ("normal", "super")
_PLACES = ("use_before", "use_after")


def contest_combo_rows(document: dict[str, Any], report: Report) -> Iterator[Row]:
    """Yield one row per combination of a move with another one, as the move's document states it."""
    combos = document["contest_combos"] or {}
    places = [(contest, place) for contest in _CONTESTS for place in _PLACES]
    lists = ((where, (combos.get(where[0]) or {}).get(where[1]) or ()) for where in places)
    listed = ((*where, other) for where, others in lists for other in objects(others))
    for ordinal, (contest, place, other) in enumerate(listed, 1):
        yield {
            "move_id": document["id"],
            "ordinal": ordinal,
            "contest": contest,
            "is_first": place == "use_before",
            "other_move_id": reference_id({"move": other}, "move", "move", report),
        }


_COMBOS = tuple(f"contest_combos.{contest}.{place}[].url" for contest in _CONTESTS for place in _PLACES)
MOVE_CONTEST_COMBOS = Table(
    name="move_contest_combos",
    grain="one row per move and other move that impress a contest's jury in a row, as its document states it",
    resources=("move",),
    primary_key=("move_id", "ordinal"),
    fields=(
        _MOVE_ID,
        GENERATION_FIELD,
        Field("ordinal", pa.int32(), "Running number within the document, from 1."),
        Field("contest", pa.string(), "Kind of contest: normal or super.", "contest_combos"),
        Field("is_first", pa.bool_(), "Whether it is used before the other move, or after.", "contest_combos"),
        Field("other_move_id", pa.int32(), "The other move.", _COMBOS, references="move"),
    ),
    fill=contest_combo_rows,
)

TABLES = (
    MOVES,
    MOVE_STAT_CHANGES,
    MOVE_MACHINES,
    MOVE_PAST_VALUES,
    MOVE_PAST_EFFECTS,
    MOVE_CONTEST_COMBOS,
)

# Other resources list the moves whose rows point at them.
MIRRORS = (
    Mirror("generation", "moves[]", "moves", GENERATION),
    Mirror("move-ailment", "moves[]", "moves", "ailment_id"),
    Mirror("move-category", "moves[]", "moves", "category_id"),
    Mirror("move-damage-class", "moves[]", "moves", "damage_class_id"),
    Mirror("move-target", "moves[]", "moves", "target_id"),
    Mirror("stat", "affecting_moves.decrease[]", "move_stat_changes", "stat_id"),
    Mirror("stat", "affecting_moves.increase[]", "move_stat_changes", "stat_id"),
    Mirror("super-contest-effect", "moves[]", "moves", "super_contest_effect_id"),
    Mirror("type", "moves[]", "moves", "type_id"),
)
