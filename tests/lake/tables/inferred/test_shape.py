"""What stands where in documents: each kind of value, and the same shape whatever the order and the batches."""

import re
from datetime import UTC, datetime, timedelta, timezone
from functools import reduce
from itertools import pairwise

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from lake.decode import decode
from lake.tables.inferred import grow, shape
from lake.tables.inferred.grow import grown
from lake.tables.inferred.shape import NOTHING, TIME, Shape, all_joined, joined, shape_of
from tests.lake.tables.inferred import SCALARS, Odd, bodies, randoms


def kinds_of(*texts: str) -> set[str]:
    """Return the kinds at the place of some values, each of a document of its own."""
    found = grown(NOTHING, bodies(*(f'{{"x": {text}}}' for text in texts)))
    return set(found.members["x"].kinds)


def test_each_value_has_a_kind():
    digits = "9" * 5000
    kinds = {
        "null": ["null"],
        "boolean": ["true", "false"],
        "int": ["0", "-0", str(2**53), str(-(2**53))],
        "wide": [str(2**53 + 1), str(-(2**53) - 1), str(2**63 - 1), str(-(2**63))],
        "huge": [str(2**63), str(-(2**63) - 1), "9" * 40, digits, f"-{digits}"],
        "double": ["1.0", "1e3", "-0.0", "1e400"],
        "time": ['"2024-02-29T00:00:00Z"', '"1900-02-28T23:59:59.123456-23:59"'],
        "string": ['""', '"2023-02-29T00:00:00Z"', r'"\ud83d"'],
        "object": ["{}", '{"y": 1}'],
        "list": ["[]", "[[]]"],
    }
    assert {text: kinds_of(text) for texts in kinds.values() for text in texts} == {
        text: {kind} for kind, texts in kinds.items() for text in texts
    }


def test_a_larger_kind_stands_for_those_that_it_includes():
    assert kinds_of("1", "1.5") == {"double"}
    assert kinds_of("1", str(2**60)) == {"wide"}
    assert kinds_of("1", str(2**60), str(2**70)) == {"huge"}
    assert kinds_of('"a"', '"2024-01-01T00:00:00Z"') == {"string"}
    assert kinds_of("1.5", str(2**60), "null", '"a"', "[]", "{}", "true") == {
        *("double", "wide", "null", "string", "list", "object", "boolean")
    }


def test_what_is_no_document_is_skipped():
    assert grown(NOTHING, bodies("[1]", "7", "null", "{", "", '{"a": NaN}')) == NOTHING
    assert grown(NOTHING, bodies("{}")) == Shape(("object",))


def test_an_object_with_too_many_names_is_a_map_and_keeps_none():
    few, many = ({"x": dict.fromkeys(map(str, range(start, start + 600)))} for start in (0, 600))
    assert set(grown(NOTHING, bodies(few)).members["x"].kinds) == {"object"}
    for order in ([few, many], [many, few], [{"x": {**few["x"], **many["x"]}}, few]):
        assert grown(NOTHING, bodies(*order)).members["x"] == Shape(("map",))


def test_nobody_looks_into_what_lies_too_deep():
    place = grown(NOTHING, bodies('{"x":' * 9 + '[[1], {}, "a", null]' + "}" * 9))
    for _ in range(8):
        place = place.members["x"]
    assert place.members["x"] == Shape(("deep",)), "the list is the ninth below the document"
    place = grown(NOTHING, bodies('{"x":' * 7 + '{"y": [[1], {}, "a", null]}' + "}" * 7))
    for _ in range(7):
        place = place.members["x"]
    assert place.members["y"].kinds == ("list",)
    assert set(place.members["y"].elements.kinds) == {"deep", "string", "null"}


@given(randoms)
def test_a_decoder_finds_what_a_walk_through_all_documents_finds(random):
    """Bounds are low, so that objects become maps and much lies too deep, and decoders are made often."""
    documents = Odd(random).documents()
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(shape, "MEMBERS", random.randint(3, 6))
        patch.setattr(shape, "DEPTH", random.randint(1, 5))
        patch.setattr(grow, "_FEW", random.randint(1, 3))
        walked = all_joined(shape_of(found) for text in documents if isinstance(found := decoded(text), dict))
        assert as_json(grown(NOTHING, bodies(*documents))) == as_json(walked)
        shuffled = random.sample(documents, len(documents))
        cuts = sorted(random.choices(range(len(documents) + 1), k=3))
        batches = [bodies(*shuffled[start:end]) for start, end in pairwise([0, *cuts, len(documents)])]
        assert as_json(reduce(grown, batches, NOTHING)) == as_json(walked)
        assert as_json(all_joined(grown(NOTHING, batch) for batch in batches)) == as_json(walked)
        assert msgspec.json.decode(as_json(walked), type=Shape) == walked


def test_after_any_value_a_decoder_misses_no_other():
    """Types of decoders take more than they say: one for fractions takes integers, one for texts takes times."""
    values = [*SCALARS, "[]", '["a"]', "{}"]
    shapes = {value: grown(NOTHING, bodies(f'{{"x": {value}, "y": [{value}]}}')) for value in values}
    missed = [
        (one, other)
        for one in values
        for other in values
        if grown(shapes[one], bodies(f'{{"x": {other}, "y": [{other}]}}')) != joined(shapes[one], shapes[other])
    ]
    assert missed == []


def decoded(text: str) -> object:
    try:
        return decode(text)
    except ValueError:
        return None


def as_json(shape: Shape) -> bytes:
    return msgspec.json.encode(shape)


@given(randoms)
def test_shapes_join_in_any_order_and_grouping(random):
    odd = Odd(random)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(shape, "MEMBERS", 3)
        one, two, three = (shape_of(decoded(odd.object())) for _ in range(3))
        assert as_json(joined(one, two)) == as_json(joined(two, one))
        assert as_json(joined(joined(one, two), three)) == as_json(joined(one, joined(two, three)))
        assert joined(one, one) == joined(one, NOTHING) == one


_PARTS = (
    *(["2024", "0000", "0001", "0002", "1900", "2000", "2023", "9998", "9999", "024"], ["-", ""]),
    *(["02", "00", "01", "04", "11", "12", "13"], ["-"], ["28", "00", "01", "29", "30", "31", "32"], ["T", "t", " "]),
    *(["23", "00", "24"], [":"], ["59", "00", "60"], [":", ""], ["59", "00", "60", "5"]),
    *(["", ".0", ".123456", ".1234567", ".", ",5"],),
    *(["Z", "z", "", "+00:00", "-00:00", "+23:59", "-23:59", "+24:00", "+0100", "+01", "Z\n", "٣"],),
)


# Every other part is a good one, the first, because otherwise hardly any text would be a time.
@given(st.tuples(*(st.just(part[0]) | st.sampled_from(part) for part in _PARTS)))
def test_a_time_is_a_real_one_of_the_calendar(parts):
    text = "".join(parts)
    assert bool(re.search(TIME, text)) == is_time(text), text


def is_time(text: str) -> bool:
    found = re.fullmatch(
        r"([0-9]{4})-([0-9]{2})-([0-9]{2})T([0-9]{2}):([0-9]{2}):([0-9]{2})(\.[0-9]{1,6})?(Z|([+-])([0-9]{2}):([0-9]{2}))",
        text,
    )
    if not found or (found[8] != "Z" and (int(found[10]) > 23 or int(found[11]) > 59)):
        return False
    zone = timezone(timedelta(hours=int(found[10]), minutes=int(found[11]))) if found[9] else UTC
    try:
        time = datetime(*(int(found[place]) for place in range(1, 7)), tzinfo=zone)
    except ValueError:
        return False
    return found[8] == "Z" or 2 <= time.year <= 9998
