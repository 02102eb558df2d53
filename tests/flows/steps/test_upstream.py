"""Listings that were kept in the bucket: only those that can be of the source are believed."""

from dataclasses import replace

import pytest

from flows.steps.upstream import are_listings_of, lean
from lake.crawl import Listing, Rest, Source
from lake.resource import Reference

SOURCE = Source("https://pokeapi.test/api/v2/")
INLINE = Source("https://league.test/v1/", "rest", rest=Rest())
TYPES = Listing("type", tuple(Reference("type", id_, f"{SOURCE.base_url}type/{id_}/", f"type/{id_}") for id_ in (1, 2)))
FIRST, SECOND = TYPES.references


def test_listings_of_the_source_are_believed():
    refused = Listing("berry", refusal="status 403")
    assert are_listings_of(SOURCE, ("berry", "type"), [refused, TYPES])
    assert are_listings_of(SOURCE, (), [])
    assert are_listings_of(INLINE, ("type",), [Listing("type", is_inline=True)])


OTHERS = {
    "of another origin": replace(SECOND, url="https://evil.test/api/v2/type/2/"),
    "of a user": replace(SECOND, url="https://ash@pokeapi.test/api/v2/type/2/"),
    "without encryption": replace(SECOND, url="http://pokeapi.test/api/v2/type/2/"),
    "of a file": replace(SECOND, url="file:///etc/passwd"),
    "no address": replace(SECOND, url="https://[::1"),
    "no port": replace(SECOND, url="https://pokeapi.test:99999/"),
    "nothing": replace(SECOND, url=""),
    "of another resource": replace(SECOND, resource="item"),
    "by a hostile name": replace(SECOND, path="type/\x1b[2J"),
    "twice": replace(SECOND, id=1),
    "out of order": replace(SECOND, id=-1),
    "too large": replace(SECOND, id=1 << 63),
}


@pytest.mark.parametrize("other", OTHERS.values(), ids=OTHERS)
def test_listings_that_lead_elsewhere_are_not_believed(other: Reference):
    assert not are_listings_of(SOURCE, ("type",), [replace(TYPES, references=(FIRST, other))])


def test_listings_of_other_resources_or_of_another_form_are_not_believed():
    assert not are_listings_of(SOURCE, ("type", "item"), [TYPES])
    assert not are_listings_of(SOURCE, ("item",), [TYPES])
    assert not are_listings_of(SOURCE, (), [TYPES])
    assert not are_listings_of(SOURCE, ("type",), [replace(TYPES, is_inline=True)])
    assert not are_listings_of(INLINE, ("type",), [Listing("type")])


def test_of_listings_a_run_holds_one_name_of_their_resource_and_the_names_of_pokemon():
    """Each document of a listing that was unpacked has a text of its own for it."""
    own = tuple(replace(one, resource="".join(["ty", "pe"])) for one in TYPES.references)
    pokemon = Listing("pokemon", names={25: "pikachu"})
    found, named = lean([replace(TYPES, references=own, names={1: "normal", 2: "fighting"}), pokemon])
    assert (found, named) == (TYPES, pokemon)
    assert {id(one.resource) for one in found.references} == {id(found.resource)}
