"""What PokeAPI says there is and of which version, and what shape its documents have."""

import json
from typing import Any

import msgspec
import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from flows.local.replica import Running
from lake.crawl.pokeapi import ENCOUNTERS, problem, url
from lake.errors import SourceError
from lake.resource import Reference
from lake.source import Source
from lake.text import shown
from tests.lake.crawl import (
    BASE,
    JSON,
    ROOT,
    always,
    ids,
    is_pikachu,
    listings,
    page,
    reference,
    site,
    source,
    upstream,
)

# The root and the version


def test_the_root_tells_the_resources_and_where_they_are(running: Running):
    found = upstream(source(running.url))
    listed = {name: f"{running.url}{name}/" for name in ("machine", "meta", "move-ailment", "pokemon")}
    assert found.resources == {**listed, ENCOUNTERS: listed["pokemon"]}


def test_resources_may_be_at_relative_urls():
    found = upstream(source(), site({"": {"machine": "/api/v2/machine/", "type": "type/"}}))
    assert found.resources == {"machine": f"{BASE}machine/", "type": f"{BASE}type/"}


def test_what_is_no_url_is_no_resource():
    found = upstream(source(), site({"": {"type": f"{BASE}type/", "count": 2, "links": {"self": BASE}}}))
    assert found.resources == {"type": f"{BASE}type/"}


def test_meta_tells_the_version(running: Running):
    assert upstream(source(running.url)).version == "0d8fe2bf"


def test_meta_is_asked_for_its_version_rather_than_the_header():
    pages = {"": ROOT, "meta/": {"hash": "0d8fe2bf"}}
    assert upstream(source(), site(pages, {**JSON, "X-PokeAPI-Hash": "of-the-edge"})).version == "0d8fe2bf"


@pytest.mark.parametrize("meta", [{}, {"hash": None}, {"hash": 7}, [], "0d8fe2bf", None])
def test_a_meta_without_a_hash_leaves_the_version_to_the_header(meta: object):
    pages = {"": ROOT, "meta/": meta}
    assert upstream(source(), site(pages, {**JSON, "X-PokeAPI-Hash": "of-the-edge"})).version == "of-the-edge"
    assert upstream(source(), site(pages)).version is None


def test_without_a_meta_the_header_tells_the_version():
    pages = {"": {"pokemon": f"{BASE}pokemon/"}}
    assert upstream(source(), site(pages, {**JSON, "X-PokeAPI-Hash": "of-the-edge"})).version == "of-the-edge"
    assert upstream(source(), site(pages)).version is None


@pytest.mark.parametrize("rule", [{"kind": "drop"}, {"kind": "status", "status": 500}, {"kind": "html"}])
def test_a_meta_that_cannot_be_read_means_no_version(running: Running, rule: dict[str, Any]):
    """The header may stem from another cache; with no version everything is asked for, which is safe."""
    running.faults([{**rule, "path": "^meta$"}])
    found = upstream(source(running.url))
    assert found.version is None
    assert "pokemon" in found.resources


def test_a_source_that_cannot_be_reached_is_one_readable_paragraph(running: Running):
    running.faults([{"kind": "reset", "keep": None}])
    with pytest.raises(SourceError) as caught:
        upstream(source(running.url))
    message = str(caught.value)
    assert message.startswith(f"{running.url}: could not be reached: ReadError")
    assert message.endswith(". Check the address, or the network, then run again.")
    assert "\n" not in message


@pytest.mark.parametrize(
    ("rule", "reason"),
    [
        ({"kind": "drop"}, "status 404"),
        ({"kind": "status", "status": 503}, "status 503"),
        ({"kind": "html"}, "content type: expected application/json, found 'text/html'"),
        ({"kind": "invalid_json"}, "invalid JSON: "),
        ({"kind": "redirect", "location": "https://elsewhere.test/"}, "redirected to another origin"),
    ],
    ids=str,
)
def test_a_root_that_cannot_be_read_is_refused(running: Running, rule: dict[str, Any], reason: str):
    running.faults([rule])
    with pytest.raises(SourceError, match=f"could not be reached: {reason}"):
        upstream(source(running.url))


@pytest.mark.parametrize("body", [b"[]", b'"pokemon"', b"null", b"7"])
def test_a_root_that_is_no_object_is_refused(body: bytes):
    with pytest.raises(SourceError, match=f"{BASE}: Expected `object`"):
        upstream(source(), always(body))


@pytest.mark.parametrize("name", ["../staging", "pokemon/25", "Pokemon", "", "a" * 64, "pokemon\n", ENCOUNTERS])
def test_a_name_that_cannot_be_a_resource_does_not_hide_the_others(name: str):
    """It would become part of a key."""
    found = upstream(source(), site({"": {name: f"{BASE}x/", "type": f"{BASE}type/"}}))
    assert found.resources == {"type": f"{BASE}type/"}
    assert list(found.odd) == [shown(name)]


@pytest.mark.parametrize("address", [None, 7, True, [], {"url": f"{BASE}x/"}], ids=repr)
def test_a_resource_whose_address_is_no_text_is_named_and_does_not_hide_the_others(address: object):
    found = upstream(source(), site({"": {"pokemon": address, "type": f"{BASE}type/"}}))
    assert found.resources == {"type": f"{BASE}type/"}
    assert found.odd == {"pokemon": f"expected the address of its listing, found {address!r}"}


def test_a_root_full_of_odd_names_is_none():
    with pytest.raises(SourceError, match="found 101 entries that are none, such as X0"):
        upstream(source(), site({"": {f"X{number}": BASE for number in range(101)}}))


def test_a_version_that_is_none_is_not_kept():
    pages = {"": {"meta": f"{BASE}meta/"}, "meta/": {"hash": "a" * 1_000_000}}
    assert upstream(source(), site(pages, {**JSON, "X-PokeAPI-Hash": "a" * 2000})).version is None


@pytest.mark.parametrize(
    ("base_url", "status", "is_said"), [(BASE, 404, True), (BASE, 503, False), (Source().base_url, 404, False)]
)
def test_another_api_is_led_to_a_block_of_its_own(base_url: str, status: int, is_said: bool):
    with pytest.raises(SourceError) as found:
        upstream(source(base_url), always(status=status))
    said = f"any other API needs a block, which `pokelake try-source --source {base_url} --collection NAME=PATH` prints"
    assert (said in str(found.value)) == is_said


def test_an_address_that_is_none_is_refused():
    with pytest.raises(SourceError, match=r"could not be reached: expected an HTTP address.+Check base_url"):
        upstream(source("pokeapi.test/api/v2/"))


@pytest.mark.parametrize(
    "address", ["http://[::1", "https://pokeapi.test:99999/", "https://elsewhere.test/", "mailto:x", "\x00", ""]
)
def test_a_resource_at_an_odd_address_does_not_hide_the_others(address: str):
    pages = {"": {"pokemon": address, "type": f"{BASE}type/"}, "type/?limit=100000&offset=0": page(f"{BASE}type/1/")}
    odd, whole = listings(source(), ["pokemon", "type"], site(pages))
    assert odd.refusal
    assert (whole.refusal, ids(whole)) == (None, [1])


# Documents


@pytest.mark.parametrize(
    ("body", "expected"),
    [
        (b"", "invalid JSON: Input data was truncated"),
        (b'{"id":25', "invalid JSON: Input data was truncated"),
        (b'{"id":25}}', "invalid JSON: JSON is malformed: trailing characters"),
        (b'{"id":25,"weight":NaN}', "invalid JSON: JSON is malformed: invalid character"),
        (b'{"id":25,"weight":-Infinity}', "invalid JSON: JSON is malformed: invalid character"),
        (b'{"id":25,"name":"\\ud83d"}', "invalid JSON: "),
        (b'{"id":25,"name":"\\ude00\\ud83d"}', "invalid JSON: "),
        (b'{"id":25,"\\ud83d":[]}', "invalid JSON: "),
        (b'{"id":25,"name":"\xff"}', "invalid JSON: 'utf-8' codec can't decode byte 0xff"),
        (b'{"id":25,"\xff":1}', "invalid JSON: 'utf-8' codec can't decode byte 0xff"),
        (b'{"id":25,"name":"\xed\xa0\xbd"}', "invalid JSON: 'utf-8' codec can't decode byte 0xed"),
        (b'\xef\xbb\xbf{"id":25}', "invalid JSON: JSON is malformed: invalid character (byte 0)"),
        ('{"id":25}'.encode("utf-16"), "invalid JSON: "),
        (b'{"id":25,"a":' + b"[" * 100_000 + b"]" * 100_000 + b"}", "invalid JSON: nested more than 100 deep"),
        (b'{"id":25,"a":' + b'{"a":' * 100_000 + b"1" + b"}" * 100_000 + b"}", "invalid JSON: nested more than"),
        (b"<!DOCTYPE html>", "invalid JSON: "),
        (b'[{"id":25}]', "unexpected JSON: Expected `object`, got `array`"),
        (b"null", "unexpected JSON: "),
        (b"{}", "unexpected JSON: Object missing required field `id`"),
        (b'{"id":"25"}', "unexpected JSON: Expected `int`, got `str`"),
        (b'{"id":25.0}', "unexpected JSON: Expected `int`, got `float`"),
        (b'{"id":true}', "unexpected JSON: Expected `int`, got `bool`"),
        (b'{"id":null}', "unexpected JSON: Expected `int`, got `null`"),
        (b'{"id":' + b"9" * 5000 + b"}", "invalid JSON: Integer value out of range"),
        (b'{"id":25,"weight":1e400}', "invalid JSON: Number out of range"),
        (b'{"id":26}', "id: expected 25, found 26"),
        (b'{"id":25,"id":26}', "invalid JSON: expected every name once in an object, found 'id' twice"),
        (b'{"id":25}', None),
        (b' {"name":"pikachu","id":25}\r\n', None),
        (b'{"id":25,"name":"\\ud83d\\ude00 \\u0000"}', None),
        ('{"id":25,"name":"\u202euhcakip \U0001f600"}'.encode(), None),
    ],
    ids=lambda value: repr(value)[:40],
)
def test_a_body_is_whole_json_with_the_id_asked_for(body: bytes, expected: str | None):
    found = is_pikachu(body)
    assert found is None if expected is None else (found or "").startswith(expected)


@given(st.binary() | st.binary().map(lambda tail: b'{"id":25,"name":"' + tail + b'"}'))
@example(b'{"id":25,"name":"\x80"}')
def test_a_body_that_is_accepted_can_be_read_by_all_that_comes_after(body: bytes):
    if is_pikachu(body) is None:
        assert msgspec.json.decode(body)["id"] == json.loads(body.decode())["id"] == 25


ENCOUNTERS_25 = Reference(ENCOUNTERS, 25, f"{BASE}pokemon/25/encounters", "pokemon/25/encounters")

META = Reference("meta", 0, f"{BASE}meta/", "meta")


@pytest.mark.parametrize(
    ("of", "body", "expected"),
    [
        (ENCOUNTERS_25, b"[]", None),
        (ENCOUNTERS_25, b'[{"location_area":{}}]', None),
        (ENCOUNTERS_25, b'{"id":25}', "unexpected JSON: Expected `array`, got `object`"),
        (ENCOUNTERS_25, b'[{"a":"\\ud83d"}]', "invalid JSON: "),
        (ENCOUNTERS_25, b'[{"a":1}', "invalid JSON: "),
        (META, b'{"hash":"0d8fe2bf"}', None),
        (META, b"[]", "unexpected JSON: Expected `object`, got `array`"),
        (META, b'{"hash":"\xff"}', "invalid JSON: "),
    ],
    ids=str,
)
def test_encounters_are_an_array_and_a_document_without_siblings_an_object(
    of: Reference, body: bytes, expected: str | None
):
    found = problem(of, body)
    assert found is None if expected is None else (found or "").startswith(expected)


@pytest.mark.parametrize("of", [reference("pokemon/25"), reference("move-ailment/-1"), META, ENCOUNTERS_25], ids=str)
def test_an_address_made_of_the_path_is_the_one_that_a_listing_gives(of: Reference):
    """With and without slash are different entries of PokeAPI's caches, and can disagree."""
    assert url(source(), of.resource, of.path) == of.url
