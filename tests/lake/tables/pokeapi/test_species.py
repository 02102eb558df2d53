"""Species: genderless ones, and those without this or that."""

import pytest

from tests.lake.tables import sample, tables


def test_a_genderless_species_has_no_female_share():
    """The source says -1, and -1 eighths must not reach an average."""
    [row] = tables("pokemon-species", sample("pokemon-species-132"))["species"]
    assert sample("pokemon-species-132")["gender_rate"] == -1
    assert row["female_eighths"] is None


@pytest.mark.parametrize("eighths", [0, 4, 8])
def test_any_other_female_share_is_kept(eighths):
    [row] = tables("pokemon-species", {**sample("pokemon-species-132"), "gender_rate": eighths})["species"]
    assert row["female_eighths"] == eighths


def test_a_species_without_a_generation_lies_in_partition_zero():
    """A null partition could not be read together with the others."""
    rows = tables("pokemon-species", sample("pokemon-species-26"))
    assert {row["generation_id"] for table in ("species", "species_varieties") for row in rows[table]} == {0}


def test_raichu_has_two_varieties():
    rows = tables("pokemon-species", sample("pokemon-species-26"))["species_varieties"]
    assert [(row["pokemon_id"], row["is_default"]) for row in rows] == [(26, True), (10100, False)]
