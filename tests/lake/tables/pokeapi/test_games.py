"""Games: generations, version groups and the generation of each, Pokédexes of no region, languages."""

import pytest

from tests.lake.tables import drifts, sample, tables


def test_a_generation_is_its_own_key_and_lies_in_no_partition():
    [row] = tables("generation", sample("generation-1"))["generations"]
    assert row == {"generation_id": 1, "name": "generation-i", "main_region_id": 1}


def test_all_tables_of_version_groups_are_partitioned_alike():
    rows = tables("version-group", sample("version-group-1"))
    assert {row["generation_id"] for table in rows.values() for row in table} == {1}


@pytest.mark.parametrize("generation", [None, {"name": "generation-x", "url": ""}])
def test_a_version_group_without_a_readable_generation_lies_in_partition_zero(generation):
    rows = tables("version-group", {**sample("version-group-1"), "generation": generation})
    assert {row["generation_id"] for table in rows.values() for row in table} == {0}


def test_a_version_group_outside_all_regions_has_no_row_for_one():
    rows = tables("version-group", {**sample("version-group-1"), "regions": []})
    assert rows["version_group_regions"] == []
    assert len(rows["version_groups"]) == 1


def test_a_pokedex_may_be_about_no_single_region():
    document = {**sample("pokedex-2"), "id": 1, "name": "national", "region": None}
    assert [row["region_id"] for row in tables("pokedex", document)["pokedexes"]] == [None]
    assert drifts("pokedex", document) == []


def test_languages_that_share_a_code_are_told_apart_by_their_slugs():
    """Latin American Spanish and that of Spain are both es."""
    spain = {**sample("language-11"), "id": 7, "name": "es", "iso639": "es", "iso3166": "es"}
    america = {**spain, "id": 14, "name": "es-419", "iso3166": "mx"}
    rows = tables("language", spain, america)["languages"]
    assert [(row["name"], row["iso639"], row["iso3166"]) for row in rows] == [
        ("es", "es", "es"),
        ("es-419", "es", "mx"),
    ]
