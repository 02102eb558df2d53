"""What counts as a change of a document, and what as a change of the thing it is about."""

import json
from random import Random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lake.canonical import canonical_hash, is_same_thing, name_of, same_content

# As many arrays, numbers and texts as lie close together in real documents.
values = st.recursive(
    st.none() | st.booleans() | st.integers(0, 11) | st.floats(0, 2) | st.text("ab1", max_size=2),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text("ab", max_size=2), inner, max_size=3),
    max_leaves=12,
)


def body(value: object, indent: int | None = None) -> bytes:
    return json.dumps(value, indent=indent).encode()


def shuffled(value: object, random: Random) -> object:
    if isinstance(value, list):
        return [shuffled(item, random) for item in random.sample(value, len(value))]
    if isinstance(value, dict):
        return {name: shuffled(value[name], random) for name in random.sample(sorted(value), len(value))}
    return value


def link(name: str, id_: int, resource: str = "type") -> dict:
    return {"name": name, "url": f"/api/v2/{resource}/{id_}/"}


@given(values, st.randoms(use_true_random=False), st.sampled_from([None, 1]))
def test_another_order_of_keys_and_lists_is_the_same_content(value, random, indent):
    one, other = body(value), body(shuffled(value, random), indent)
    assert same_content(one, other)
    assert canonical_hash(one) == canonical_hash(other)


@given(values, values)
def test_two_documents_are_the_same_where_their_canonical_hashes_are(one, other):
    """The comparison of bytes that goes before must not decide otherwise."""
    hashes = {canonical_hash(body(one)), canonical_hash(body(other))}
    assert same_content(body(one), body(other)) == (len(hashes) == 1)


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ({"power": 40}, {"power": 50}),
        ({"power": 12}, {"power": 21}),
        ({"a": 1, "b": 2}, {"a": 2, "b": 1}),
        ({"name": "pound"}, {"name": "pound", "power": None}),
        ({"machines": [1]}, {"machines": [1, 1]}),
        ([[1, 2], [3]], [[1, 3], [2]]),
        ({"name": "ab"}, {"name": "a b"}),
    ],
    ids=["value", "digits swapped", "values swapped", "member added", "twice", "moved", "space in a text"],
)
def test_another_value_is_another_content(one, other):
    assert not same_content(body(one), body(other))


def test_texts_in_another_order_are_no_change_of_a_move():
    """As a whole build of PokeAPI has had them, with nothing else."""
    english = {"flavor_text": "Pounds with forelegs.", "language": link("en", 9, "language")}
    french = {"flavor_text": "Écrase l'ennemi.", "language": link("fr", 5, "language")}
    before, after = ({"id": 1, "flavor_text_entries": texts} for texts in ([english, french], [french, english]))
    assert same_content(body(before), body(after))


def test_the_order_of_branches_is_a_change_where_lists_are_ordered():
    before, after = ({"chain": {"evolves_to": ids}} for ids in ([135, 134], [134, 135]))
    assert not same_content(body(before), body(after), ordered=True)


def test_the_order_of_keys_is_never_a_change():
    assert same_content(b'{"id": 67, "chain": [1, 2]}', b'{"chain":[1,2],"id":67}', ordered=True)


@pytest.mark.parametrize(
    ("document", "name"),
    [
        ({"id": 25, "name": "pikachu"}, "pikachu"),
        ({"id": 1}, None),
        ({"name": {"en": "Pikachu"}}, None),
        ([{"name": "kanto-route-1"}], None),
    ],
    ids=["text", "none", "retyped", "a list"],
)
def test_a_document_has_the_name_at_its_top(document, name):
    assert name_of(body(document)) == name


FRILLISH = {
    "id": 592,
    "name": "frillish",
    "forms": [link("frillish", 592, "pokemon-form")],
    "height": 12,
    "types": [{"slot": 1, "type": link("water", 11)}, {"slot": 2, "type": link("ghost", 8)}],
    "past_types": [],
}


def test_a_renamed_thing_is_the_same():
    """Links to it bear its new name as well."""
    renamed = {**FRILLISH, "name": "frillish-male", "forms": [link("frillish-male", 592, "pokemon-form")]}
    assert is_same_thing(body(FRILLISH), body(renamed))


def test_a_renamed_thing_whose_lists_were_shuffled_is_the_same():
    renamed = {**FRILLISH, "name": "frillish-male", "types": FRILLISH["types"][::-1], "height": 13}
    assert is_same_thing(body(FRILLISH), body(renamed))


def test_an_id_given_to_another_thing_is_not_the_same():
    """10278 was frillish-female, then clefable-mega."""
    other = {
        "id": 592,
        "name": "clefable-mega",
        "forms": [link("clefable-mega", 10455, "pokemon-form")],
        "height": 17,
        "types": [{"slot": 1, "type": link("fairy", 18)}],
        "past_types": [],
    }
    assert not is_same_thing(body(FRILLISH), body(other))


def test_half_of_what_is_said_must_be_alike():
    before = {"a": 1, "b": 1, "c": 1, "d": 1}
    assert is_same_thing(body(before), body({**before, "a": 2, "b": 2}))
    assert not is_same_thing(body(before), body({**before, "a": 2, "b": 2, "c": 2}))


def test_what_both_leave_empty_makes_nothing_alike():
    empty = {"a": None, "b": [], "c": {}, "d": ""}
    assert not is_same_thing(body({**empty, "pp": 1}), body({**empty, "pp": 2}))


def test_things_that_say_nothing_but_their_names_are_the_same():
    assert is_same_thing(body({"id": 1, "name": "a"}), body({"id": 1, "name": "b"}))


# An odd member, as earlier versions kept one, in two orders.
UNREADABLE = b'{"name":"a","unknown":1e400}', b'{"unknown":1e400,"name":"a"}'


def test_a_document_that_was_kept_and_is_refused_today_is_compared_byte_by_byte():
    """The next good one takes its place."""
    one, other = UNREADABLE
    assert same_content(one, one)
    assert not same_content(one, other)
    assert not is_same_thing(one, b'{"name":"b","unknown":1}')
    assert name_of(b'{"name":"\\ud800"}') is None
