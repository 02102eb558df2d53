"""What counts as a document, so that nobody who reads it later stumbles over it."""

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lake.body import MAX_DEPTH, body_problem

values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
    max_leaves=8,
)


@pytest.mark.parametrize(
    "text",
    [
        "1e400",
        "-1e400",
        "9" * 5000,
        "NaN",
        "-Infinity",
        "01",
        "1.",
        r'"\ud800"',
        r'"\udc00a"',
        '"\x01"',
        '{"a":1,"a":1}',
        r'{"a":1,"\u0061":2}',
        '[{"b":{"a":1,"a":2}}]',
        "[" * MAX_DEPTH + "]" * MAX_DEPTH,
        "]" * MAX_DEPTH + "[" * MAX_DEPTH,
    ],
    ids=lambda text: text[:20],
)
def test_json_that_readers_disagree_about_is_no_document(text: str):
    assert (body_problem(b'{"id":25,"unknown":' + text.encode() + b"}") or "").startswith("invalid JSON: ")


@pytest.mark.parametrize(
    "text",
    [
        "1e308",
        "1e-400",
        "-0",
        str(2**64),
        r'"\ud83d\ude00\u0000"',
        '[{"a":1},{"a":1}]',
        ' { "b" : 1.50 , "a" : "]" } ',
        "[" * (MAX_DEPTH - 1) + "]" * (MAX_DEPTH - 1),
        json.dumps(["[" * MAX_DEPTH, '\\"{[', "\\", "{" * MAX_DEPTH, "\n"]),
        json.dumps([["a\n"]] * MAX_DEPTH),
    ],
    ids=lambda text: text[:20],
)
def test_json_that_all_readers_read_alike_is_a_document(text: str):
    assert body_problem(b'{"id":25,"unknown":' + text.encode() + b"}") is None


@given(values, st.sampled_from([None, 1]))
def test_what_python_writes_is_a_document(value, indent):
    assert body_problem(json.dumps(value, indent=indent).encode()) is None
