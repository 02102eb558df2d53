"""An address has many spellings, and is the same in all of them."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lake.address import joined, path_below, same_address, same_origin, spelled

PIKACHU = "https://pokeapi.co/api/v2/pokemon/25/"


@pytest.mark.parametrize(
    "other",
    [
        "HTTPS://POKEAPI.CO/api/v2/pokemon/25/",
        "https://pokeapi.co:443/api/v2/pokemon/25/",
        "https://pokeapi.co//api/v2///pokemon/25/",
        "https://pokeapi.co/api/v2/pok%65mon/%32%35/",
        "https://pokeapi.co:0443/api/v2/pokemon/25/",
    ],
)
def test_an_address_is_the_same_in_another_spelling(other: str):
    assert same_address(PIKACHU, other)
    assert spelled(other) == PIKACHU
    assert path_below("https://POKEAPI.co:443/api//v2/", other) == "pokemon/25"


@pytest.mark.parametrize(
    "other",
    [
        "http://pokeapi.co/api/v2/pokemon/25/",
        "https://pokeapi.co:80/api/v2/pokemon/25/",
        "https://ash@pokeapi.co/api/v2/pokemon/25/",
        "https://pokeapi.co/API/v2/pokemon/25/",
        "https://pokeapi.co/api/v2%2Fpokemon/25/",
        "https://pokeapi.co/api/v2/pokemon/25",
    ],
)
def test_another_scheme_port_user_or_path_is_another_address(other: str):
    assert not same_address(PIKACHU, other)


@pytest.mark.parametrize(
    "text",
    ["", "pokeapi.co", "//pokeapi.co/", "ftp://pokeapi.co/", "https:///api/", "https://[::1", "https://[x]/",
     "https://pokeapi.co:99999/", "https://pokeapi.co:0/", "https://pokeapi.co:-1/", "https://pokeapi.co:p/",
     "https://pokeapi.co/ /", "https://pokeapi.co/\n", "https://a\\@b/", "https://\x00/"],
)  # fmt: skip
def test_what_nobody_could_ask_for_is_no_address(text: str):
    assert spelled(text) is None
    assert not same_origin(text, text)
    assert path_below(text, text) is None


def test_an_ipv6_address_and_a_port_of_its_own_stay():
    assert spelled("http://[::1]:8080/a%2fb?c=%7e#d") == "http://[::1]:8080/a%2Fb?c=~#d"


@given(st.text() | st.from_regex(r"https?://[a-z@:\[\]0-9.%/]{0,20}"))
def test_every_text_is_an_address_or_none(text: str):
    """None of them raises, and one that is spelled once is not spelled anew."""
    found = spelled(text)
    assert found is None or spelled(found) == found
    assert joined(PIKACHU, text) is None or spelled(str(joined(PIKACHU, text)))
