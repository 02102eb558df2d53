"""Encounters: one row each, their conditions, and what only some of them say."""

from hypothesis import given
from hypothesis import strategies as st

from tests.lake.tables import drifts, sample, tables


def encounters(document: dict) -> list[dict]:
    """Return the encounters of a document in the order in which they stand there."""
    return [
        encounter
        for area in document["encounters"]
        for version in area["version_details"]
        for encounter in version["encounter_details"]
    ]


def test_an_encounter_says_where_and_in_which_game_it_is():
    rows = tables("pokemon-encounters", sample("pokemon-encounters-25"))["pokemon_encounters"]
    assert [(row["ordinal"], row["location_area_id"], row["version_id"]) for row in rows] == [
        (1, 321, 1),
        (2, 321, 1),
        (3, 321, 15),
        (4, 321, 15),
        (5, 285, 31),
    ]


def test_two_encounters_that_are_alike_are_two_rows():
    """Upstream tells encounter slots of one game apart, which the API does not show."""
    document = sample("pokemon-encounters-25")
    details = document["encounters"][0]["version_details"][0]["encounter_details"]
    details.append(details[0])
    rows = tables("pokemon-encounters", document)["pokemon_encounters"]
    first, third = ({**rows[place], "ordinal": None} for place in (0, 2))
    assert first == third


def test_a_condition_names_its_encounter():
    rows = tables("pokemon-encounters", sample("pokemon-encounters-25"))["pokemon_encounter_conditions"]
    assert [(row["encounter_ordinal"], row["condition_value_id"]) for row in rows] == [(3, 3), (3, 17), (4, 4), (5, 9)]


@given(st.lists(st.lists(st.lists(st.lists(st.integers(1, 9), max_size=2), max_size=3), max_size=3), max_size=3))
def test_every_condition_finds_its_encounter_wherever_it_stands(areas):
    document = {
        "id": 25,
        "encounters": [
            {
                "version_details": [
                    {
                        "encounter_details": [
                            {
                                "condition_values": [
                                    {"url": f"/api/v2/encounter-condition-value/{value}/"} for value in values
                                ]
                            }
                            for values in version
                        ]
                    }
                    for version in area
                ]
            }
            for area in areas
        ],
    }
    flat = [values for area in areas for version in area for values in version]
    expected = [(place, value) for place, values in enumerate(flat, 1) for value in values]
    # Beside another Pokémon, for the numbers begin anew with each.
    rows = tables("pokemon-encounters", {**document, "id": 24}, document)["pokemon_encounter_conditions"]
    found = [(row["pokemon_id"], row["encounter_ordinal"], row["condition_value_id"]) for row in rows]
    assert found == [(pokemon, *pair) for pokemon in (24, 25) for pair in expected]


def test_a_pokemon_that_appears_nowhere_has_no_rows():
    document = {"id": 154, "encounters": []}
    rows = tables("pokemon-encounters", document)
    assert set(rows) == {"pokemon_encounters", "pokemon_encounter_conditions", "pokemon_encounter_versions"}
    assert not any(rows.values())
    assert drifts("pokemon-encounters", document) == []


def test_details_that_are_not_given_are_null():
    [first, *_] = tables("pokemon-encounters", sample("pokemon-encounters-25"))["pokemon_encounters"]
    assert {first[name] for name in ("always_shiny", "never_shiny", "is_alpha", "min_perfect_ivs")} == {None}


def test_details_that_upstream_does_not_have_at_all_are_null():
    """Up to July 2026 no encounter had them."""
    document = sample("pokemon-encounters-25")
    for encounter in encounters(document):
        del encounter["pokemon_details"]
    rows = tables("pokemon-encounters", document)["pokemon_encounters"]
    assert {row[name] for row in rows for name in ("always_shiny", "never_shiny", "is_alpha", "min_perfect_ivs")} == {
        None
    }
    assert drifts("pokemon-encounters", document) == []


def test_chances_that_exclude_each_other_may_add_up_to_more_than_all():
    document = sample("pokemon-encounters-25")
    document["encounters"][0]["version_details"][1]["max_chance"] = 150
    rows = tables("pokemon-encounters", document)["pokemon_encounter_versions"]
    assert [row["max_chance_percent"] for row in rows] == [5, 150, 100]
