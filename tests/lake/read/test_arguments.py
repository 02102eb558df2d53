"""Whatever a reader passes, the answer is right or one paragraph."""

from collections.abc import Callable, Iterator
from datetime import date, datetime
from typing import Any

import numpy as np
import pandas as pd
import pytest

from lake.errors import LakeError
from lake.read import Lake
from lake.store import Store
from tests.conftest import use_s3
from tests.lake.read import FIRST, SECOND, document, moves, publish
from tests.s3 import client_without_socket

WRONG: list[Any] = [
    *(5, -1, 1.5, float("nan"), 2**70, True, b"moves", "", "\ud800", "\0", "\n", "m" * 10_000, object(), len, pd.NaT),
    *(["moves"], ("moves",), {"moves"}, {"moves": 1}, [[]], [None], [5], range(2), [["moves"]] * 10_000),
    *(date.min, datetime.max, pd.DataFrame({5: [5]})),
]

# Of the filters, the second half has the right form and a wrong value.
WRONG_FILTERS: list[Any] = [
    *(5, "ab", ["ab", "cd"], ("move_id", "==", 1), {"move_id": 1}, [5], [("move_id",)], [("move_id", "==")], len),
    *([("move_id", "==", 1, 2)], [(5, "==", 1)], [([], "==", 1)], [("move_id", [], 1)], iter([("move_id", "==", 1)])),
    *([[("move_id", "==", 1)], 5], [[("move_id", "==", 1)], ("move_id", "==", 1)], pd.DataFrame({"move_id": [1]})),
    *([("move_id", "in", 5)], [("move_id", "in", "12")], [("move_id", "==", [1])], [("move_id", "==", {})]),
    *([("move_id", "==", "pikachu" * 10_000)], [("move_id", "==", object())], [("move_id", "==", 2**80)]),
]

ASK: dict[str, Callable[[Lake, Any], Any]] = {
    "Lake": lambda lake, value: Lake(value),
    "commit": lambda lake, value: lake.commit(value),
    "at": lambda lake, value: lake.at(value),
    "tables": lambda lake, value: lake.tables(value),
    "audits": lambda lake, value: lake.audits(value),
    "columns": lambda lake, value: lake.columns(value),
    "path": lambda lake, value: lake.path(value),
    "read": lambda lake, value: lake.read(value),
    "read, columns": lambda lake, value: lake.read("moves", columns=value),
    "read, as_of": lambda lake, value: lake.read("moves", as_of=value),
    "dataset": lambda lake, value: lake.dataset(value),
    "sql": lambda lake, value: lake.sql(value),
    "diff": lambda lake, value: lake.diff(value, FIRST),
    "diff, before": lambda lake, value: lake.diff("moves", value),
    "diff, after": lambda lake, value: lake.diff("moves", FIRST, value),
    "diff of all, before": lambda lake, value: lake.diff(before=value),
    "changes": lambda lake, value: lake.changes(value),
    "changes, after": lambda lake, value: lake.changes(FIRST, value),
    "changes, kind": lambda lake, value: lake.changes(kind=value),
    "document": lambda lake, value: lake.document(value, 25),
    "document, id": lambda lake, value: lake.document("pokemon", value),
    "document, path": lambda lake, value: lake.document("pokemon", path=value),
}

# The last day that there can be is a day.
TAKES_DAYS = {"at", "commit", "tables", "audits", "read, as_of", "diff, before", "diff, after"}
TAKES_DAYS |= {"diff of all, before", "changes", "changes, after"}


@pytest.fixture(scope="module")
def lake(s3_endpoint: str) -> Iterator[Lake]:
    """Open a lake with two snapshots; no question changes it."""
    with pytest.MonkeyPatch.context() as patch:
        use_s3(s3_endpoint, patch)
        store = Store("asked", "pokelake", client_without_socket(s3_endpoint))
        store.create_bucket()
        for snapshot in (FIRST, SECOND):
            publish(store, snapshot, [moves((1, 1, 40), (2, 1, None))], [document("pokemon", 25, "{}")])
        yield Lake(store)


def offenders(ask: Callable[[Lake, Any], Any], lake: Lake, values: list[Any]) -> dict[str, str]:
    """Return what was said of each value that was not answered by one paragraph."""
    said = {}
    for value in values:
        try:
            ask(lake, value)
        except LakeError as error:
            if "\n" in str(error) or len(str(error)) > 10_000:
                said[repr(value)[:80]] = f"{len(str(error))} characters: {error}"
        except Exception as error:
            said[repr(value)[:80]] = f"{type(error).__name__}: {error}"
        else:
            said[repr(value)[:80]] = "taken for right"
    return said


@pytest.mark.parametrize("name", ASK)
def test_an_argument_of_another_type_is_answered_in_one_paragraph(lake: Lake, name: str):
    wrong = [value for value in WRONG if not (name in TAKES_DAYS and value is datetime.max)]
    assert offenders(ASK[name], lake, wrong) == {}


def test_the_last_day_that_there_can_be_is_a_day(lake: Lake):
    assert lake.commit(datetime.max).snapshot == SECOND


def test_filters_of_another_form_are_answered_in_one_paragraph(lake: Lake):
    assert offenders(lambda lake, value: lake.read("moves", value), lake, WRONG_FILTERS) == {}


def test_conditions_are_lists_or_tuples_and_none_are_none(lake: Lake):
    """As pandas and JSON have them."""
    filters: Any = [["move_id", "==", 2]]
    assert lake.read("moves", filters)["move_id"].tolist() == [2]
    assert len(lake.read("moves", [])) == len(lake.read("moves", [[]])) == 2


def test_an_id_is_a_whole_number_of_any_type(lake: Lake):
    for id_ in (25, np.int16(25), 25.0):
        assert lake.document("pokemon", id_) == b"{}"  # type: ignore[arg-type]


def test_an_argument_too_many_is_one_of_lake(lake: Lake):
    for ask in (lake.sql, lake.diff, lake.changes, lake.connect, lake.export):
        with pytest.raises(TypeError, match=rf"^Lake\.{ask.__name__}\(\) takes"):
            ask(*range(9))  # type: ignore[operator]
