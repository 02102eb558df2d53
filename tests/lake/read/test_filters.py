"""Filters that do not fit the columns are refused in one paragraph, whatever pyarrow makes of them."""

from datetime import UTC, datetime
from typing import Any

import numpy as np
import pyarrow as pa
import pytest

from lake.errors import LakeError, UnknownNameError
from lake.read import Lake
from lake.read.filters import OPERATORS, expression_of
from lake.store import Store
from tests.lake.read import FIRST, moves, publish

COLUMNS = pa.schema(
    {"move_id": pa.int32(), "name": pa.string(), "is_hidden": pa.bool_(), "fetched_at": pa.timestamp("ms", "UTC")}
)
ROW = pa.Table.from_pylist(
    [{"move_id": 1, "name": "pound", "is_hidden": True, "fetched_at": datetime(2026, 7, 6, tzinfo=UTC)}], COLUMNS
)


@pytest.mark.parametrize("operator", OPERATORS)
def test_every_operator_becomes_an_expression(operator: str):
    value = [1] if operator.endswith("in") else 1
    matches = ROW.filter(expression_of("moves", COLUMNS, [("move_id", operator, value)])).num_rows
    assert matches == (operator in {"==", "=", "<=", ">=", "in"})


@pytest.mark.parametrize(
    ("column", "operator", "value", "said"),
    [
        ("move_id", "==", "pound", "column move_id is int32; expected a value of that type, found 'pound', str"),
        ("move_id", ">", True, "column move_id is int32; expected a value of that type, found True, bool"),
        ("move_id", "<", 2**70, "column move_id is int32; expected a value of that type, found 1180591620717411303424"),
        ("name", "==", 25, "column name is string; expected a value of that type, found 25, int"),
        ("name", "=", {"a": 1}, "column name is string; expected a value of that type, found {'a': 1}, dict"),
        ("name", "!=", object, "column name is string; expected a value of that type, found <class 'object'>, type"),
        ("is_hidden", "==", 1, "column is_hidden is bool; expected a value of that type, found 1, int"),
        ("fetched_at", ">", "2026", "column fetched_at is timestamp[ms, tz=UTC]; expected a value of that type, found"),
        ("move_id", "in", ["a"], "column move_id is int32; expected a list of values of that type, found ['a'], list"),
        ("name", "in", ["a", 1], "column name is string; expected a list of values of that type, found ['a', 1], list"),
        ("name", "in", "pound", "expected a list of values after 'in', found 'pound', str"),
        ("move_id", "not in", 1, "expected a list of values after 'not in', found 1, int"),
    ],
)
def test_a_value_that_does_not_fit_is_named_with_its_column(column: str, operator: str, value: Any, said: str):
    with pytest.raises(LakeError) as caught:
        expression_of("moves", COLUMNS, [[("move_id", "==", 1)], [(column, operator, value)]])
    assert str(caught.value).startswith(f"moves, filter {column} {operator} {value!r}: {said}")
    assert "\n" not in str(caught.value)


def test_an_unknown_operator_is_answered_with_those_that_exist():
    with pytest.raises(UnknownNameError, match="no operator 'not'; there are: ==, =, !=, <, <=, >, >=, in, not in"):
        expression_of("moves", COLUMNS, [("name", "not", ["pound"])])


@pytest.mark.parametrize(
    ("operator", "value", "found"),
    [
        *(("==", one, [1]) for one in (1, "1", np.int16(1), "01")),
        *(
            ("in", several, [1, 3])
            for several in ([1, "3"], ("1", 3), {"1", "3"}, np.array(["1", "3"]), ["1", "3", "-1"])
        ),
        *(("not in", several, [2]) for several in ([1, 3], ["1", "3"])),
        *((">=", one, [2, 3]) for one in (2, "2")),
        *(("!=", one, [1, 3]) for one in (2, "2")),
    ],
)
def test_a_generation_is_a_number_or_its_text_and_either_fetches_only_its_files(
    store: Store, operator: str, value: Any, found: list[int]
):
    commit = publish(store, FIRST, [moves((1, 1, 40), (2, 2, 50), (3, 3, 60))])
    store.delete([key for key in commit.sizes() if "generation=" in key and int(key.split("=")[1][0]) not in found])
    assert Lake(store).read("moves", filters=[("generation", operator, value)])["move_id"].tolist() == found


@pytest.mark.parametrize("value", ["one", "1.0", "", " 1", "\u0661", "1" * 30, True, b"1"])
def test_another_generation_is_refused_with_the_column_and_the_value(store: Store, value: Any):
    publish(store, FIRST, [moves((1, 1, 40))])
    for operator, given in (("==", value), ("in", [1, value])):
        with pytest.raises(LakeError) as caught:
            Lake(store).read("moves", filters=[("generation", operator, given)])
        assert f"column generation is int32; expected a {'list of values' if operator == 'in' else 'value'}" in str(
            caught.value
        )
        assert repr(given) in str(caught.value)


def test_of_no_other_column_a_text_is_a_number(store: Store):
    publish(store, FIRST, [moves((1, 1, 40))])
    with pytest.raises(LakeError, match="column power is int32; expected a value of that type, found '40', str"):
        Lake(store).read("moves", filters=[("power", "==", "40")])


def test_a_filter_that_does_not_fit_the_partition_is_refused_like_any_other(store: Store):
    publish(store, FIRST, [moves((1, 1, 40))])
    with pytest.raises(LakeError, match="column generation is int32; expected a value of that type, found 'one', str"):
        Lake(store).read("moves", filters=[("generation", "==", "one")])
