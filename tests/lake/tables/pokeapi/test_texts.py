"""Texts in all languages, of all resources, in one table per kind."""

from tests.lake.tables import sample, tables


def test_a_text_says_whose_it_is():
    """One table holds the names of all resources, whose ids overlap."""
    rows = tables("pokemon-species", sample("pokemon-species-132"))["names"]
    assert {(row["resource_name"], row["resource_id"]) for row in rows} == {("pokemon-species", 132)}


def test_texts_keep_their_characters_and_line_breaks():
    [row] = tables("ability", sample("ability-9"))["flavor_texts"]
    assert row["flavor_text"] == "It tingles\fwhen touched."
    [japanese, _] = tables("pokemon-species", sample("pokemon-species-132"))["names"]
    assert japanese["name"] == "メタモン"


def test_a_flavor_text_belongs_to_a_version_or_to_a_group():
    [species] = tables("pokemon-species", sample("pokemon-species-132"))["flavor_texts"]
    [move] = tables("move", sample("move-161"))["flavor_texts"]
    assert (species["version_id"], species["version_group_id"]) == (1, None)
    assert (move["version_id"], move["version_group_id"]) == (None, 3)


def test_earlier_effects_are_numbered_through_all_versions_of_a_document():
    rows = tables("ability", sample("ability-9"))["effect_changes"]
    assert [(row["ordinal"], row["version_group_id"], row["language_id"]) for row in rows] == [
        (1, 6, 6),
        (2, 6, 9),
        (3, 7, 9),
    ]


def test_an_empty_text_is_a_text():
    document = sample("ability-9")
    document["names"][0]["name"] = ""
    assert tables("ability", document)["names"][0]["name"] == ""


def test_an_items_flavor_text_stands_under_another_name():
    document = {"id": 4, "flavor_text_entries": [{"text": "Catches wild Pokémon.", "language": None}]}
    [row] = tables("item", document)["flavor_texts"]
    assert row["flavor_text"] == "Catches wild Pokémon."


def test_a_contest_type_is_named_together_with_its_colour():
    rows = tables("contest-type", sample("contest-type-1"))["names"]
    assert [(row["name"], row["color"]) for row in rows] == [("Cool", "Red"), ("Sang-froid", "Rouge")]


def test_a_contest_effect_has_a_text_of_no_game_and_no_short_effect():
    rows = tables("contest-effect", sample("contest-effect-1"))
    assert [(row["version_id"], row["version_group_id"]) for row in rows["flavor_texts"]] == [(None, None)]
    assert [row["short_effect"] for row in rows["effects"]] == [None]
