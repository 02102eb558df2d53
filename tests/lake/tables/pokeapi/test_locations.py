"""Places: those outside all regions, and areas without a number."""

from tests.lake.tables import drifts, sample, tables


def test_a_location_may_lie_in_no_region():
    document = {**sample("location-154"), "region": None}
    assert [row["region_id"] for row in tables("location", document)["locations"]] == [None]
    assert drifts("location", document) == []


def test_a_location_may_have_several_numbers_in_the_games_of_one_generation():
    """So that the generation cannot be a part of the key."""
    rows = tables("location", sample("location-154"))["location_game_indices"]
    assert [(row["games_generation_id"], row["game_index"]) for row in rows] == [(3, 117), (4, 221), (4, 222)]


def test_a_region_outside_the_main_series_has_no_main_generation():
    document = {**sample("region-1"), "id": 11, "name": "orre", "main_generation": None}
    assert [row["main_generation_id"] for row in tables("region", document)["regions"]] == [None]
    assert drifts("region", document) == []


def test_an_area_without_a_number_of_its_own_has_null():
    """The source says 0 for most areas, which would look like one and the same place."""
    [row] = tables("location-area", {**sample("location-area-321"), "game_index": 0})["location_areas"]
    assert row["game_index"] is None


def test_rates_are_numbered_through_all_methods_of_an_area():
    rows = tables("location-area", sample("location-area-321"))["location_area_encounter_rates"]
    assert [(row["ordinal"], row["encounter_method_id"], row["rate_percent"]) for row in rows] == [
        (1, 1, 8),
        (2, 1, 10),
        (3, 2, 25),
    ]


def test_an_area_in_which_nothing_is_met_has_no_rates():
    document = {**sample("location-area-321"), "encounter_method_rates": []}
    assert tables("location-area", document)["location_area_encounter_rates"] == []
