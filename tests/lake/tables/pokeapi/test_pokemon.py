"""Pokémon varieties: what is special about a few of them."""

import pytest

from tests.lake.tables import drifts, sample, tables


def test_alolan_raichu_has_no_place_in_the_order():
    """The source says -1, which would sort before Bulbasaur."""
    [row] = tables("pokemon", sample("pokemon-10100"))["pokemon"]
    assert sample("pokemon-10100")["order"] == -1
    assert row["sort_order"] is None


def test_a_variety_has_the_generation_of_its_species_and_zero_where_that_is_unknown():
    rows = tables("pokemon", sample("pokemon-25"), sample("pokemon-10100"))["pokemon"]
    assert {row["species_id"]: row["generation_id"] for row in rows} == {25: 1, 26: 0}


def test_every_child_row_has_the_generation_of_its_pokemon():
    """A partition of one table joins with the same partition of another."""
    generations = {
        table: {row["generation_id"] for row in rows} for table, rows in tables("pokemon", sample("pokemon-25")).items()
    }
    assert all(found <= {1} for found in generations.values())


def test_a_past_ability_may_be_none():
    """Up to generation 4 Pikachu had no hidden ability: the slot was empty."""
    [row] = tables("pokemon", sample("pokemon-25"))["pokemon_past_abilities"]
    assert (row["slot"], row["ability_id"], row["is_hidden"]) == (3, None, True)
    assert drifts("pokemon", sample("pokemon-25")) == []


def test_types_are_sorted_by_slot_whatever_the_order_in_the_source():
    assert [entry["slot"] for entry in sample("pokemon-10100")["types"]] == [2, 1]
    rows = tables("pokemon", sample("pokemon-10100"))["pokemon_types"]
    assert [(row["slot"], row["type_id"]) for row in rows] == [(1, 13), (2, 14)]


def test_moves_keep_the_order_of_the_source():
    """No natural key is unique, so the ordinal says which is which."""
    document = sample("pokemon-25")
    document["moves"].append(document["moves"][0])
    rows = tables("pokemon", document)["pokemon_moves"]
    assert [row["ordinal"] for row in rows] == [1, 2, 3, 4, 5]
    assert [row["move_id"] for row in rows] == [84, 84, 5, 84, 84]


def test_ordinals_begin_anew_with_every_pokemon():
    rows = tables("pokemon", sample("pokemon-25"), {**sample("pokemon-25"), "id": 26})["pokemon_held_items"]
    assert [(row["pokemon_id"], row["ordinal"]) for row in rows] == [
        (25, 1),
        (25, 2),
        (25, 3),
        (26, 1),
        (26, 2),
        (26, 3),
    ]


def test_two_rows_of_one_natural_key_are_both_left_out_and_the_document_is_at_fault():
    document = sample("pokemon-25")
    document["types"].append({"slot": 1, "type": {"url": "https://pokeapi.co/api/v2/type/9/"}})
    rows = tables("pokemon", document)["pokemon_types"]
    assert rows == []
    [fault] = drifts("pokemon", document)
    assert (fault.document, fault.found) == (25, "(pokemon_id=25, slot=1), (pokemon_id=25, slot=1)")


def test_a_sprite_that_does_not_exist_has_no_row():
    paths = {row["path"] for row in tables("pokemon", sample("pokemon-25"))["pokemon_sprites"]}
    assert paths == {"front_default", "other.home.front_shiny", "versions.generation-i.red-blue.front_gray"}


def test_sprites_of_a_new_game_need_no_declaration():
    document = sample("pokemon-25")
    document["sprites"]["versions"]["generation-x"] = {"winds-waves": {"front_default": "https://x/25.png"}}
    rows = tables("pokemon", document)["pokemon_sprites"]
    assert "versions.generation-x.winds-waves.front_default" in {row["path"] for row in rows}


def test_what_is_no_url_among_the_sprites_is_reported_with_its_place():
    document = sample("pokemon-25")
    document["sprites"]["other"]["home"]["front_shiny"] = ["https://x/25.png"]
    paths = {row["path"] for row in tables("pokemon", document)["pokemon_sprites"]}
    assert "other.home.front_shiny" not in paths
    [drift] = drifts("pokemon", document)
    assert (drift.path, drift.expected) == ("sprites.other.home.front_shiny", "a URL")


@pytest.mark.parametrize("value", ["https://x/25.ogg", [], ["https://x/25.ogg"], 5, False])
def test_cries_that_are_no_object_have_no_rows_and_are_reported(value):
    document = {**sample("pokemon-25"), "cries": value}
    assert tables("pokemon", document)["pokemon_cries"] == []
    assert [drift.path for drift in drifts("pokemon", document)] == ["cries"]


def test_a_pokemon_without_cries_has_none():
    document = {**sample("pokemon-25"), "cries": None}
    assert tables("pokemon", document)["pokemon_cries"] == []
    assert drifts("pokemon", document) == []
