"""Items: prices in either form that upstream gave them, and items without this or that."""

import pytest

from tests.lake.tables import drifts, sample, tables


def priced_once() -> dict:
    """Return an item as upstream gave it up to July 2026: with one price for all games."""
    document = {**sample("item-213"), "cost": 100}
    del document["prices"]
    return document


def test_an_item_with_prices_by_game_has_no_cost():
    rows = tables("item", sample("item-213"))
    assert [row["cost"] for row in rows["items"]] == [None]
    assert len(rows["item_prices"]) == 2


def test_an_item_with_one_price_for_all_games_has_a_cost_alone():
    rows = tables("item", priced_once())
    assert [row["cost"] for row in rows["items"]] == [100]
    assert rows["item_prices"] == []
    assert drifts("item", priced_once()) == []


def test_items_of_both_forms_go_together():
    rows = tables("item", {**priced_once(), "id": 1}, sample("item-213"))
    assert [row["cost"] for row in rows["items"]] == [100, None]
    assert [row["item_id"] for row in rows["item_prices"]] == [213, 213]


def test_what_a_shop_does_not_sell_has_no_price_and_not_the_price_zero():
    document = sample("item-213")
    document["prices"][1]["sell_price"] = 0
    assert [(row["purchase_price"], row["sell_price"]) for row in tables("item", document)["item_prices"]] == [
        (None, 50),
        (48, 0),
    ]


def test_a_price_is_in_the_currency_of_its_row():
    rows = tables("item", sample("item-213"))["item_prices"]
    assert [(row["version_group_id"], row["currency_id"]) for row in rows] == [(5, 1), (11, 6)]


@pytest.mark.parametrize(
    ("member", "column"),
    [
        ("fling_power", "fling_power"),
        ("fling_effect", "fling_effect_id"),
        ("baby_trigger_for", "baby_trigger_for_chain_id"),
    ],
)
def test_what_most_items_lack_is_null(member, column):
    document = {**sample("item-213"), member: None}
    assert [row[column] for row in tables("item", document)["items"]] == [None]
    assert drifts("item", document) == []


@pytest.mark.parametrize("sprites", [{"default": None}, {}, None])
def test_an_item_may_have_no_picture(sprites):
    document = {**sample("item-213"), "sprites": sprites}
    assert [row["sprite_url"] for row in tables("item", document)["items"]] == [None]
    assert drifts("item", document) == []


def test_an_item_may_have_several_numbers_in_the_games_of_one_generation():
    document = sample("item-213")
    document["game_indices"][1]["generation"] = document["game_indices"][0]["generation"]
    rows = tables("item", document)["item_game_indices"]
    assert [(row["ordinal"], row["games_generation_id"], row["game_index"]) for row in rows] == [
        (1, 3, 202),
        (2, 3, 236),
    ]


def test_an_attribute_is_joined_with_its_items():
    rows = tables("item-attribute", sample("item-attribute-7"))["item_attribute_items"]
    assert [(row["item_attribute_id"], row["item_id"]) for row in rows] == [(7, 213), (7, 126)]
