"""Abilities, and the generation that introduced each."""

from tests.lake.tables import drifts, sample, tables


def test_an_ability_lies_in_the_partition_of_the_generation_that_introduced_it():
    [row] = tables("ability", sample("ability-9"))["abilities"]
    assert (row["ability_id"], row["name"], row["generation_id"]) == (9, "static", 3)


def test_an_ability_without_a_generation_lies_in_partition_zero():
    document = {**sample("ability-9"), "generation": None}
    [row] = tables("ability", document)["abilities"]
    assert row["generation_id"] == 0
    assert drifts("ability", document) == []
