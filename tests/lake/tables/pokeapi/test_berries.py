"""Berries: new ones of which little is known, and flavors that they lack."""

from tests.lake.tables import drifts, sample, tables


def test_a_berry_of_which_little_is_known_has_nulls():
    """The berries of generation 6 came with nothing but a name and an item."""
    known = {"id", "name", "item"}
    document = {member: value if member in known else None for member, value in sample("berry-1").items()}
    [row] = tables("berry", document)["berries"]
    assert {name for name, value in row.items() if value is not None} == {"berry_id", "name", "item_id"}
    assert drifts("berry", document) == []


def test_a_flavor_that_a_berry_lacks_has_the_potency_zero():
    rows = tables("berry", sample("berry-1"))["berry_flavor_potencies"]
    assert [(row["flavor_id"], row["potency"]) for row in rows] == [(1, 10), (2, 0)]


def test_a_berry_without_flavors_has_no_potencies():
    assert tables("berry", {**sample("berry-1"), "flavors": []})["berry_flavor_potencies"] == []


def test_a_flavor_lists_the_berries_that_have_it_with_its_potency():
    rows = tables("berry-flavor", sample("berry-flavor-1"))["berry_flavor_berries"]
    assert [(row["berry_flavor_id"], row["berry_id"], row["potency"]) for row in rows] == [(1, 1, 10)]
