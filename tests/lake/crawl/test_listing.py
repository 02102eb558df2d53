"""What a crawl takes of all that a source lists."""

import pytest

from lake.crawl import Upstream, chosen
from lake.errors import UnknownNameError
from tests.lake.crawl import source

UPSTREAM = Upstream(None, {"type": "t/", "ability": "a/", "pokemon": "p/"})


def test_everything_is_taken_where_the_settings_name_nothing():
    assert chosen(source(), UPSTREAM) == ("ability", "pokemon", "type")


def test_what_the_settings_name_is_taken_once_in_their_order():
    assert chosen(source(resources=("type", "pokemon", "type")), UPSTREAM) == ("type", "pokemon")


def test_a_resource_that_the_source_does_not_have_is_answered_with_those_it_has():
    with pytest.raises(UnknownNameError, match="no resource 'pokemons'; there are: ability, pokemon, type"):
        chosen(source(resources=("pokemon", "pokemons")), UPSTREAM)
