"""Names and URLs come from the API, so whatever could leave the source or the key's place is refused."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lake.address import same_origin
from lake.errors import SourceError
from lake.resource import Reference, document_reference, is_resource_name

POKEAPI = "https://pokeapi.co/api/v2/"


@pytest.mark.parametrize("name", ["pokemon", "pokemon-species", "type", "v2"])
def test_a_resource_name_passes(name):
    assert is_resource_name(name)


@pytest.mark.parametrize(
    "name",
    ["", "Pokemon", "../pokemon", "pokemon/25", "pokémon", "pokemon\n", "-pokemon", "2v", "p.q", "p" * 64, "poke mon"],
)
def test_a_name_that_must_not_become_part_of_a_key_is_refused(name):
    assert not is_resource_name(name)


@given(st.from_regex(r"[a-z][a-z0-9-]{0,62}", fullmatch=True), st.integers(-999_999_999, 999_999_999))
def test_a_reference_parses_back_from_the_url_of_its_path(resource, id_):
    path = f"{resource}/{id_}"
    url = f"{POKEAPI}{path}/"
    assert document_reference(POKEAPI, resource, url) == Reference(resource, id_, url, path)


def test_the_unknown_ailment_has_a_negative_id():
    assert document_reference(POKEAPI, "move-ailment", f"{POKEAPI}move-ailment/-1/").id == -1


@pytest.mark.parametrize("url", ["/api/v2/pokemon/25/", "pokemon/25/", "//pokeapi.co/api/v2/pokemon/25/"])
def test_a_relative_url_is_resolved_against_the_base(url):
    assert document_reference(POKEAPI, "pokemon", url).url == f"{POKEAPI}pokemon/25/"


@pytest.mark.parametrize(
    "url",
    [
        "https://example.com/api/v2/pokemon/25/",
        "http://pokeapi.co/api/v2/pokemon/25/",
        "https://pokeapi.co:8443/api/v2/pokemon/25/",
        "https://pokeapi.co.example.com/api/v2/pokemon/25/",
        "https://pokeapi.co@example.com/api/v2/pokemon/25/",
        "//example.com/api/v2/pokemon/25/",
        "file:///api/v2/pokemon/25/",
        "https://[pokeapi.co/api/v2/pokemon/25/",
    ],
)
def test_a_url_that_leaves_the_source_is_refused(url):
    with pytest.raises(SourceError, match=r"expected URLs below https://pokeapi\.co/api/v2/"):
        document_reference(POKEAPI, "pokemon", url)


@pytest.mark.parametrize(
    "url",
    [
        f"{POKEAPI}pokemon/pikachu/",
        f"{POKEAPI}pokemon/",
        f"{POKEAPI}pokemon/25/encounters",
        f"{POKEAPI}type/25/",
        f"{POKEAPI}pokemon/25/?fields=id",
        f"{POKEAPI}pokemon/25/#top",
        f"{POKEAPI}pokemon/٢٥/",
        f"{POKEAPI}pokemon/1234567890/",
        f"{POKEAPI}../v1/pokemon/25/",
        "https://pokeapi.co/pokemon/25/",
    ],
)
def test_a_url_that_names_no_document_of_the_listing_is_refused(url):
    with pytest.raises(SourceError, match="expected a URL ending in pokemon/<id>/") as caught:
        document_reference(POKEAPI, "pokemon", url)
    assert repr(url) in str(caught.value)


def test_the_path_of_a_url_does_not_decide_its_origin():
    assert same_origin(f"{POKEAPI}pokemon/25/", "https://pokeapi.co/robots.txt")
