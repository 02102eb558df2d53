"""Natures, characteristics and the stats that they are about."""

from tests.lake.tables import drifts, sample, tables


def test_a_neutral_nature_shifts_nothing():
    document = {**sample("nature-2"), "increased_stat": None, "decreased_stat": None}
    [row] = tables("nature", document)["natures"]
    assert (row["increased_stat_id"], row["decreased_stat_id"], row["likes_flavor_id"]) == (None, None, 5)
    assert drifts("nature", document) == []


def test_every_value_that_a_characteristic_stands_for_is_a_row():
    rows = tables("characteristic", sample("characteristic-1"))["characteristic_values"]
    assert [(row["ordinal"], row["individual_value"]) for row in rows] == [(1, 0), (2, 5), (3, 10)]


def test_a_value_that_is_no_number_is_null_and_reported():
    document = {**sample("characteristic-1"), "possible_values": [0, "five"]}
    rows = tables("characteristic", document)["characteristic_values"]
    assert [row["individual_value"] for row in rows] == [0, None]
    assert [drift.path for drift in drifts("characteristic", document)] == ["possible_values[]"]
