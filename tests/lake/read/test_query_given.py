"""What a query may be, and the values that are passed beside it."""

import json
from datetime import date
from typing import Any

import pytest

from lake.errors import LakeError
from lake.read import Lake
from tests.lake.read import FIRST


@pytest.mark.parametrize(
    ("statement", "kind"),
    [
        ("CREATE TABLE t AS SELECT 1", "CREATE"),
        ("CREATE TABLE t AS PIVOT moves ON generation USING sum(power)", "one that a PIVOT is part of"),
        ("COPY (PIVOT moves ON generation USING sum(power)) TO 'moves.csv'", "one that a PIVOT is part of"),
        ("INSERT INTO moves VALUES (1)", "INSERT"),
        ("COPY moves TO 'moves.csv'", "COPY"),
        ("ATTACH 'other.duckdb'", "ATTACH"),
        ("PRAGMA database_list", "PRAGMA"),
        ("SET threads = 1", "SET"),
        ("COMMENT ON VIEW moves IS 'mine'", "ALTER"),
        ("MERGE INTO moves USING moves m USING (move_id) WHEN MATCHED THEN DELETE", "MERGE INTO"),
    ],
)
def test_what_writes_or_sets_is_refused_and_told_where_it_can(lake: Lake, statement: str, kind: str):
    with pytest.raises(LakeError, match=r"`sql` only reads.*`lake\.connect\(\)`") as caught:
        lake.sql(statement)
    assert f"another kind: {kind}. " in str(caught.value)


@pytest.mark.parametrize(
    ("query", "params"),
    [
        ("SELECT move_id FROM moves WHERE power > ? AND generation = ?", [40, 1]),
        ("SELECT move_id FROM moves WHERE power > $1 AND generation = $2", (40, "1")),
        ("SELECT move_id FROM moves WHERE power > $least AND generation IN $in", {"least": 40, "in": [1, 2]}),
        ("SELECT move_id FROM moves JOIN (SELECT ? AS move_id) USING (move_id)", [1]),
    ],
)
def test_values_are_passed_beside_the_text(lake: Lake, query: str, params: Any):
    assert 1 in lake.sql(query, params=params)["move_id"].tolist()


@pytest.mark.parametrize(
    ("query", "params", "said"),
    [
        ("SELECT ?", [], "Values were not provided"),
        ("SELECT ?", None, "parameter"),
        ("SELECT 1", [1], "Expected 0, got 1"),
        ("SELECT $a", {"b": 1}, "not provided for the following parameters: a"),
        ("SELECT ?", 5, "sql, params: expected a list, or an object of named ones, found 5"),
        ("SELECT ?", "5", "sql, params: expected a list, or an object of named ones, found '5'"),
        ("SELECT ?", [object()], "Unable to transform"),
        ("SELECT ?", ["\ud800"], "surrogate"),
        ("SELECT $a", {1: 1}, "sql: "),
        ("SELECT ?", [2**200], "sql: "),
    ],
)
def test_values_that_do_not_fit_are_answered_in_one_paragraph(lake: Lake, query: str, params: Any, said: str):
    with pytest.raises(LakeError) as caught:
        lake.sql(query, params=params)
    assert said in str(caught.value)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize(
    "wanted", ["generation = 1", "generation = '1'", "generation IN ('1', '7')", "generation < '2'"]
)
def test_the_partition_is_compared_with_a_number_or_its_text(lake: Lake, wanted: str):
    """Whoever knows the folders, `generation=1`, may take it for a text."""
    assert lake.sql(f"SELECT move_id FROM moves WHERE {wanted} ORDER BY 1")["move_id"].tolist() == [1, 2]


def test_the_snapshot_is_named_by_keyword_alone(lake: Lake):
    """Where other interfaces take parameters, a list is no snapshot."""
    with pytest.raises(TypeError, match="positional"):
        lake.sql("SELECT 1", FIRST)  # type: ignore[misc]


def test_lists_structs_and_maps_come_as_they_are(lake: Lake):
    """Integers stay integers beside a null, in a frame and in JSON."""
    frame = lake.sql(
        "SELECT list(power ORDER BY move_id) AS l, {'a': 1, 'b': [NULL, 2]} AS s, MAP {'a': 1} AS m, [[1], NULL] AS n,"
        " [{'a': DATE '2026-07-06'}] AS t, MAP {[1]: 2} AS k, NULL::INT[] AS o FROM moves"
    )
    day = date(2026, 7, 6)
    expected = [[45, None, 50], {"a": 1, "b": [None, 2]}, {"a": 1}, [[1], None], [{"a": day}], [([1], 2)], None]
    assert frame.loc[0].tolist() == expected
    assert json.loads(frame[["l", "s", "m", "n"]].to_json(orient="records")) == [
        {"l": [45, None, 50], "s": {"a": 1, "b": [None, 2]}, "m": {"a": 1}, "n": [[1], None]}
    ]
    assert lake.sql("SELECT [1] AS l WHERE false")["l"].tolist() == []
