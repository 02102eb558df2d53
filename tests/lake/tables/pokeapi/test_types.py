"""Types, how effective each is against each, their pictures and internal numbers."""

import pytest

from lake.tables import build
from tests.lake.tables import CATALOG, GENERATIONS, drifts, received, sample, tables


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


def test_what_two_documents_state_of_the_past_is_one_row_of_the_first():
    """Steel's own list of that time says what it dealt itself twice over, as attacker and as target."""
    one, other = sample("type-9"), {**sample("type-9"), "id": 8}
    other["damage_relations"] = {}
    url = "https://pokeapi.co/api/v2/type/{}/".format
    said = {
        "half_damage_to": [{"name": "steel", "url": url(9)}],
        "half_damage_from": [{"name": "dark", "url": url(17)}],
    }
    other["past_damage_relations"] = [{**one["past_damage_relations"][0], "damage_relations": said}]
    [built] = [
        built
        for built in build(CATALOG, "type", received("type", other, one), GENERATIONS)
        if built.table.name == "type_effectiveness"
    ]
    past = [row for row in built.rows.to_pylist() if row["until_generation_id"] == 5]
    pairs = [(row["attacking_type_id"], row["defending_type_id"]) for row in past]
    assert len(pairs) == len(set(pairs))
    assert [row["type_id"] for row in past if (row["attacking_type_id"], row["defending_type_id"]) == (8, 9)] == [8]
    assert (9, 9) in pairs


def test_relations_are_numbered_through_within_a_document():
    rows = tables("type", sample("type-9"))["type_effectiveness"]
    numbers = [row["ordinal"] for row in rows]
    assert numbers == sorted(set(numbers))
    assert numbers[0] == 1


@pytest.mark.parametrize("relations", [None, "none", {"double_damage_to": 5}, {"half_damage_to": [None]}])
def test_a_type_whose_relations_cannot_be_read_is_reported(relations):
    broken = {**sample("type-9"), "damage_relations": relations}
    rows = tables("type", broken)
    assert [row["type_id"] for row in rows["types"]] == [9]
    [drift] = [drift for drift in drifts("type", broken) if "type_effectiveness of 9" in drift.found or not relations]
    assert drift.document == (9 if relations else None)
    assert {row["until_generation_id"] for row in rows["type_effectiveness"]} == (set() if relations else {5})


def test_a_type_without_past_relations_has_none():
    document = sample("type-9")
    del document["past_damage_relations"]
    rows = tables("type", document)["type_effectiveness"]
    assert {row["until_generation_id"] for row in rows} == {None}
    assert len(rows) == 3


@pytest.mark.parametrize("id_", [2**15, 10**8])
def test_a_generation_that_is_too_great_for_its_column_is_reported_and_unknown(id_):
    document = {**sample("type-9"), "generation": {"url": f"https://pokeapi.co/api/v2/generation/{id_}/"}}
    [row] = tables("type", document)["types"]
    assert row["generation_id"] == 0
    assert (str(id_), "int16") in {(drift.found, drift.expected) for drift in drifts("type", document)}


def test_a_type_has_a_number_in_each_generation_of_games_and_a_generation_of_its_own():
    rows = tables("type", sample("type-9"))
    assert [(row["games_generation_id"], row["game_index"]) for row in rows["type_game_indices"]] == [(2, 8)]
    assert [row["generation_id"] for row in rows["types"]] == [2]
