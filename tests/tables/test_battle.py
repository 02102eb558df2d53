"""Types and their effectiveness, abilities, moves."""

import pytest

from tests.tables import drifts, sample, tables


def steel() -> list[tuple[int, int, int, int | None]]:
    return [
        (row["attacking_type_id"], row["defending_type_id"], row["damage_percent"], row["until_generation_id"])
        for row in tables("type", sample("type-9"))["type_effectiveness"]
    ]


def test_todays_relations_are_taken_from_the_attacking_type_alone():
    """Fire's own document says that it melts steel; taken from both, every pair would be there twice."""
    assert [row for row in steel() if row[3] is None] == [(9, 6, 200, None), (9, 15, 200, None), (9, 9, 50, None)]


def test_past_relations_are_taken_in_both_directions():
    """Up to generation 5 steel withstood ghost and dark, which their documents do not say."""
    past = [row for row in steel() if row[3] == 5]
    assert (8, 9, 50, 5) in past
    assert (17, 9, 50, 5) in past
    assert (9, 6, 200, 5) in past


def test_past_relations_of_an_unreadable_generation_do_not_pass_for_todays():
    document = sample("type-9")
    document["past_damage_relations"][0]["generation"] = {"name": "generation-v", "url": "five"}
    rows = tables("type", document)["type_effectiveness"]
    assert len([row for row in rows if row["until_generation_id"] is None]) == 3
    assert "generation" in {drift.path for drift in drifts("type", document)}


def test_relations_are_numbered_through_within_a_document():
    rows = tables("type", sample("type-9"))["type_effectiveness"]
    assert [row["ordinal"] for row in rows] == list(range(1, len(rows) + 1))


@pytest.mark.parametrize("relations", [None, [], "none", {"double_damage_to": 5}])
def test_a_type_whose_relations_cannot_be_read_is_reported(relations):
    broken = {**sample("type-9"), "damage_relations": relations}
    rows = tables("type", broken)
    assert [row["type_id"] for row in rows["types"]] == [9]
    assert any("type_effectiveness of 9" in drift.found for drift in drifts("type", broken))
    assert rows["type_effectiveness"] == []


def test_a_type_without_past_relations_has_none():
    document = sample("type-9")
    del document["past_damage_relations"]
    rows = tables("type", document)["type_effectiveness"]
    assert {row["until_generation_id"] for row in rows} == {None}
    assert len(rows) == 3


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


def test_a_generation_is_its_own_key_and_lies_in_no_partition():
    [row] = tables("generation", sample("generation-1"))["generations"]
    assert row == {"generation_id": 1, "name": "generation-i", "main_region_id": 1}


@pytest.mark.parametrize("id_", [2**15, 10**8])
def test_a_generation_that_is_too_great_for_its_column_is_reported_and_unknown(id_):
    document = {**sample("type-9"), "generation": {"url": f"https://pokeapi.co/api/v2/generation/{id_}/"}}
    [row] = tables("type", document)["types"]
    assert row["generation_id"] == 0
    assert (str(id_), "int16") in {(drift.found, drift.expected) for drift in drifts("type", document)}
