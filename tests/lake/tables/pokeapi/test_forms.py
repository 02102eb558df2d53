"""Forms: types, names and conditions of their own."""

from tests.lake.tables import drifts, sample, tables


def test_a_condition_names_the_thing_it_takes_in_the_column_of_its_resource():
    rows = tables("pokemon-form", sample("pokemon-form-10143"))["form_triggers"]
    found = [(row["trigger"], row["item_id"], row["ability_id"], row["move_id"]) for row in rows]
    assert found == [
        ("ability", None, 209, None),
        ("held-item", 213, None, None),
        ("gigantamax-factor", None, None, None),
    ]


def test_a_condition_that_takes_something_of_another_resource_is_reported():
    document = sample("pokemon-form-10143")
    document["trigger_conditions"] = [{"trigger": "weather", "url": "https://pokeapi.co/api/v2/weather/1/"}]
    [row] = tables("pokemon-form", document)["form_triggers"]
    assert (row["trigger"], row["item_id"], row["ability_id"], row["move_id"]) == ("weather", None, None, None)
    [drift] = drifts("pokemon-form", document)
    assert (drift.path, drift.expected) == ("trigger_conditions[].url", "a URL ending in /<id>/ of item, ability, move")


def test_documents_from_before_conditions_were_given_have_none():
    document = sample("pokemon-form-10143")
    del document["trigger_conditions"]
    assert tables("pokemon-form", document)["form_triggers"] == []
    assert drifts("pokemon-form", document) == []


def test_a_form_has_a_name_of_its_own_beside_the_pokemons():
    rows = tables("pokemon-form", sample("pokemon-form-10143"))
    assert [row["form_name"] for row in rows["form_names"]] == ["Busted Form", "Entlarvte Form"]
    assert [row["name"] for row in rows["names"]] == ["Busted Mimikyu"]
