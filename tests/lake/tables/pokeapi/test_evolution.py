"""Evolution: the whole tree, every branch, every alternative."""

import json

import pytest

from tests.lake.tables import drifts, sample, tables


def edges(name: str) -> list[dict]:
    return tables("evolution-chain", sample(name))["evolution_edges"]


def with_way(**conditions) -> dict:
    document = sample("evolution-chain-250")
    document["chain"]["evolves_to"][0]["evolution_details"] = [conditions]
    return document


def test_every_branch_and_alternative_is_a_row():
    assert [row["to_species_id"] for row in edges("evolution-chain-67")] == [134, 197, 470, 470, 700]


def test_alternatives_are_told_apart_by_their_conditions():
    forest, stone = [row for row in edges("evolution-chain-67") if row["to_species_id"] == 470]
    assert (forest["location_id"], forest["near_special_rock"], forest["item_id"]) == (8, True, None)
    assert (stone["location_id"], stone["near_special_rock"], stone["item_id"]) == (None, False, 85)


def test_a_second_evolution_starts_from_the_first_and_lies_deeper():
    rows = [(row["from_species_id"], row["to_species_id"], row["depth"]) for row in edges("evolution-chain-10")]
    assert rows == [(172, 25, 1), (25, 26, 2), (25, 26, 2)]


def test_edges_near_the_root_come_first():
    document = sample("evolution-chain-67")
    for child in document["chain"]["evolves_to"]:
        child["evolves_to"] = sample("evolution-chain-10")["chain"]["evolves_to"]
    depths = [row["depth"] for row in tables("evolution-chain", document)["evolution_edges"]]
    assert depths == sorted(depths)
    assert set(depths) == {1, 2, 3}


def test_an_edge_without_a_way_is_one_row_without_conditions():
    """Phione's family holds Manaphy, which it never becomes."""
    [row] = edges("evolution-chain-250")
    named = {"evolution_chain_id", "ordinal", "from_species_id", "to_species_id", "depth", "to_is_baby"}
    assert {name for name, value in row.items() if value is not None} == named


def test_a_species_that_does_not_evolve_has_no_edges():
    document = sample("evolution-chain-250")
    document["chain"]["evolves_to"] = []
    rows = tables("evolution-chain", document)
    assert rows["evolution_edges"] == []
    assert [row["root_species_id"] for row in rows["evolution_chains"]] == [489]


def test_any_time_of_day_is_null():
    """The source says "", which would be a time of day of its own."""
    times = [row["time_of_day"] for row in edges("evolution-chain-67")]
    assert times == [None, "night", None, None, None]


@pytest.mark.parametrize(
    ("member", "value", "column"),
    [
        ("min_level", "20", "min_level"),
        ("min_level", 20.0, "min_level"),
        ("min_level", True, "min_level"),
        ("min_level", 2**40, "min_level"),
        ("min_level", 2**70, "min_level"),
        ("near_special_rock", 1, "near_special_rock"),
        ("time_of_day", 5, "time_of_day"),
        ("time_of_day", {"name": "night"}, "time_of_day"),
        ("item", "water-stone", "item_id"),
        ("item", [84], "item_id"),
        ("item", {"name": "water-stone"}, "item_id"),
        ("gender", {"url": "https://pokeapi.co/api/v2/gender/1/"}, "gender_id"),
    ],
)
def test_a_condition_of_another_type_becomes_null_and_is_reported(member, value, column):
    [row] = tables("evolution-chain", with_way(trigger=None, **{member: value}))["evolution_edges"]
    assert row[column] is None
    assert [drift.path for drift in drifts("evolution-chain", with_way(**{member: value}))] == [member]


def test_two_types_in_one_column_do_not_stop_the_others():
    document = with_way(time_of_day=5)
    document["chain"]["evolves_to"][0]["evolution_details"].append({"time_of_day": "day"})
    rows = tables("evolution-chain", document)["evolution_edges"]
    assert [row["time_of_day"] for row in rows] == [None, "day"]


@pytest.mark.parametrize(
    "chain",
    [
        "none",
        {"evolves_to": [None]},
        {"evolves_to": [5]},
        {"evolves_to": [{"evolution_details": ["x"], "evolves_to": []}]},
        {"evolves_to": [{"evolution_details": [None], "evolves_to": []}]},
    ],
)
def test_a_document_that_cannot_be_read_has_no_edges_and_is_at_fault(chain):
    whole, broken = sample("evolution-chain-67"), {"id": 68, "chain": chain}
    rows = tables("evolution-chain", whole, broken)
    assert rows["evolution_edges"] == edges("evolution-chain-67")
    assert [row["evolution_chain_id"] for row in rows["evolution_chains"]] == [67, 68]
    found = drifts("evolution-chain", whole, broken)
    assert [drift.document for drift in found if drift.found.startswith("evolution_edges of 68: ")] == [68]


@pytest.mark.parametrize("chain", [None, [], {"species": {}}, {"evolves_to": None}, {"evolves_to": 5}])
def test_a_tree_without_branches_is_reported_and_no_reason_to_refuse_the_document(chain):
    found = drifts("evolution-chain", sample("evolution-chain-67"), {"id": 68, "chain": chain})
    assert {drift.document for drift in found if drift.path == "evolves_to"} == {None}


def test_a_way_to_evolve_that_is_no_list_is_reported():
    document = with_way()
    document["chain"]["evolves_to"][0]["evolution_details"] = None
    [row] = tables("evolution-chain", document)["evolution_edges"]
    assert row["trigger_id"] is None
    assert [drift.path for drift in drifts("evolution-chain", document)] == ["evolution_details"]


def test_a_number_beyond_all_bounds_does_not_stop_the_others():
    broken = json.dumps(with_way(min_level="HERE")).replace('"HERE"', "1e400")
    rows = tables("evolution-chain", sample("evolution-chain-67"), broken)
    assert rows["evolution_edges"] == edges("evolution-chain-67")
    assert any("250" in drift.found for drift in drifts("evolution-chain", broken))


def test_a_way_in_which_a_root_evolves_from_nothing_is_reported():
    """No table has a place for it."""
    document = sample("evolution-chain-250")
    document["chain"]["evolution_details"] = [{"min_level": 5}]
    assert [drift.path for drift in drifts("evolution-chain", document)] == ["chain.evolution_details"]
