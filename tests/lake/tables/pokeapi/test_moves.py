"""Moves: what they do, did in earlier games, and do in contests."""

from tests.lake.tables import drifts, sample, tables


def test_an_ailment_of_an_unknown_kind_has_the_id_minus_one():
    """move-ailment/-1 is a document like any other."""
    [row] = tables("move", sample("move-161"))["moves"]
    assert row["ailment_id"] == -1


def test_a_move_without_details_has_null_for_each():
    [row] = tables("move", sample("move-852"))["moves"]
    assert sample("move-852")["meta"] is None
    assert {row[name] for name in ("ailment_id", "category_id", "drain_percent", "flinch_chance_percent")} == {None}
    assert drifts("move", sample("move-852")) == []


def test_a_move_without_a_generation_lies_in_partition_zero():
    [row] = tables("move", sample("move-852"))["moves"]
    assert row["generation_id"] == 0


def test_a_lowered_stat_keeps_its_sign():
    rows = tables("move", sample("move-161"))["move_stat_changes"]
    assert [(row["stat_id"], row["change"]) for row in rows] == [(2, -1), (6, 2)]


def test_a_past_value_that_was_as_today_is_null():
    [first, second] = tables("move", sample("move-161"))["move_past_values"]
    assert (first["power"], first["effect_chance_percent"], first["type_id"]) == (None, 33, None)
    assert (second["power"], second["effect_chance_percent"], second["type_id"]) == (75, None, 10)


def test_an_earlier_effect_belongs_to_the_games_that_changed_it():
    rows = tables("move", sample("move-161"))["move_past_effects"]
    assert [(row["version_group_id"], row["language_id"], row["short_effect"]) for row in rows] == [(3, 9, "May burn.")]


def test_a_combination_says_the_kind_of_contest_and_which_move_is_first():
    rows = tables("move", sample("move-161"))["move_contest_combos"]
    found = [(row["contest"], row["is_first"], row["other_move_id"]) for row in rows]
    assert found == [("normal", True, 199), ("super", False, 7)]


def test_a_move_without_combinations_has_none():
    document = {**sample("move-161"), "contest_combos": {"normal": None}}
    assert tables("move", document)["move_contest_combos"] == []
    assert tables("move", sample("move-852"))["move_contest_combos"] == []
