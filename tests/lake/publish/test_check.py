"""What is noted of a table's rows while they pass by, whatever the batches in which they come."""

from dataclasses import replace
from itertools import pairwise

import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from lake.publish.check import SHOWN_ROWS, KeyCheck, Unresolved
from lake.schema import GENERATION, Field, Table, conform
from tests.lake.publish import POKEMON, TYPES, pokemon


def slot(id_: int | None, slot_: int | None, type_: int | None = 13) -> dict:
    return {"pokemon_id": id_, "slot": slot_, "type_id": type_}


def checked(table: Table, *batches: list[dict]) -> KeyCheck:
    check = KeyCheck(table)
    for batch in batches:
        check.add(conform(table, batch))
    return check


keys = st.lists(st.tuples(st.integers(0, 3) | st.none(), st.integers(0, 2) | st.none()), max_size=8)


@given(keys, st.sets(st.integers(0, 8)))
def test_bad_keys_are_counted_as_plain_python_counts_them(found, cuts):
    """Whatever the batches; keys come sorted, with nulls at the end."""
    found.sort(key=lambda key: [(part is None, part or 0) for part in key])
    bounds = [0, *sorted(cuts), len(found)]
    batches = [[slot(*key) for key in found[low:high]] for low, high in pairwise(bounds)]
    whole = [key for key in found if None not in key]
    check = checked(TYPES, *batches)
    assert check.bad_key_count == len(found) - len(set(whole))
    assert check.rows == len(found)


def test_the_first_bad_keys_are_named():
    check = checked(TYPES, [slot(25, 1)] * 5, [slot(25, 1)] * 95)
    assert check.bad_key_count == 99
    assert check.bad_keys == ["(pokemon_id=25, slot=1)"] * SHOWN_ROWS


def test_the_nulls_of_every_field_are_counted():
    """Of those that are declared to have some as well: how many there are stands in the commit."""
    rows = [pokemon(25), {**pokemon(26), "name": None, "sort_order": 3}, pokemon(132)]
    assert checked(POKEMON, rows[:1], rows[1:]).null_counts == {
        "pokemon_id": 0,
        GENERATION: 0,
        "name": 1,
        "species_id": 0,
        "sort_order": 2,
    }


@pytest.mark.parametrize("batches", [(), ([],), ([], [])], ids=["no batch", "an empty one", "two"])
def test_a_table_without_rows_has_no_nulls(batches):
    check = checked(TYPES, *batches)
    assert check.null_counts == {"pokemon_id": 0, "slot": 0, "type_id": 0}
    assert (check.rows, check.bad_key_count, check.referenced()) == (0, 0, set())


def test_references_are_gathered_once_each():
    check = checked(TYPES, [slot(25, 1, 13), slot(26, 1, 13)], [slot(27, 1, None), slot(28, 1, 7), slot(29, 1, 13)])
    assert check.referenced() == {"type"}
    [unresolved] = check.checked({"type": pa.array([], pa.int64())}).unresolved
    assert unresolved == Unresolved("type_id", "type", 2, (13, 7))


def test_an_unknown_generation_is_not_gathered():
    generation = Field(GENERATION, pa.int16(), "Its generation. 0: unknown.", references="generation")
    table = replace(TYPES, fields=(*TYPES.fields, generation))
    check = checked(table, [{**slot(25, 1), GENERATION: 0}, {**slot(26, 1), GENERATION: 1}])
    [unresolved] = check.checked({"generation": pa.array([], pa.int64())}).unresolved
    assert unresolved.examples == (1,)
