"""SQL over published files."""

import json
from decimal import Decimal
from typing import Any

import pytest

from lake.errors import LakeError, UnknownNameError
from lake.layout import table_folder
from lake.read import Lake
from lake.read.query import _SETTINGS
from lake.store import Store
from tests.lake.read import FIRST, SECOND
from tests.lake.read.conftest import filled


def test_tables_are_views(lake: Lake):
    frame = lake.sql("SELECT move_id, power FROM moves WHERE power IS NOT NULL ORDER BY power DESC")
    assert frame.to_dict("list") == {"move_id": [3, 1], "power": [50, 45]}


def test_a_query_reads_any_snapshot(lake: Lake):
    assert lake.sql("SELECT max(power) AS power FROM moves WHERE generation = 1", as_of=FIRST)["power"].tolist() == [40]


def test_tables_are_joined_and_nested_under_names_of_any_case(lake: Lake):
    frame = lake.sql(
        """
        WITH strong AS (SELECT * FROM Moves WHERE power > 40)
        SELECT move_id, (SELECT count(*) FROM documents) AS n FROM strong JOIN main.moves USING (move_id) ORDER BY 1
        """
    )
    assert frame.to_dict("list") == {"move_id": [1, 3], "n": [2, 2]}


def test_tables_are_named_by_a_text_as_well(lake: Lake):
    for text in ("'moves'", "'mo' || 'ves'", "['moves']", "main.Query_Table('Moves')", "query('FROM moves')"):
        function = text if "(" in text else f"query_table({text})"
        assert lake.sql(f"SELECT count(*) AS n FROM {function}")["n"].tolist() == [3]
    with pytest.raises(UnknownNameError, match="Did you mean moves"):
        lake.sql("FROM query_table('move')")


def test_integers_read_back_as_integers_that_can_be_null(lake: Lake):
    frame = lake.sql("SELECT move_id, power, generation, sum(power) OVER () AS total, power > 40 AS strong FROM moves")
    assert frame.dtypes.astype(str).to_dict() == {
        "move_id": "Int32",
        "power": "Int32",
        "generation": "Int32",
        "total": "Int64",
        "strong": "boolean",
    }
    assert frame["total"].tolist() == [95, 95, 95]


def test_an_integer_of_more_than_64_bits_keeps_its_value(lake: Lake):
    assert lake.sql("SELECT 9223372036854775808::HUGEINT AS n")["n"].tolist() == [Decimal(2**63)]


def test_times_are_in_utc(lake: Lake):
    frame = lake.sql("SELECT fetched_at, fetched_at::VARCHAR AS text FROM documents WHERE resource = 'pokemon'")
    assert str(frame["fetched_at"][0]) == "2026-07-06 00:00:00+00:00"
    assert frame["text"].tolist() == ["2026-07-06 00:00:00+00"]


def test_documents_are_queried_as_json(lake: Lake):
    frame = lake.sql("SELECT body ->> 'name' AS name FROM documents WHERE resource = 'pokemon' AND id = 25")
    assert frame["name"].tolist() == ["pikachu"]


def test_a_filter_on_the_partition_touches_only_its_files(lake: Lake):
    """Seen by taking the other ones away."""
    store = Store(lake.store.bucket, "partly")
    lake = filled(store)
    store.delete([f"{table_folder(SECOND, 'moves')}/generation=2/part-0.parquet"])
    assert lake.sql("SELECT move_id FROM moves WHERE generation = 1 ORDER BY 1")["move_id"].tolist() == [1, 2]
    with pytest.raises(LakeError, match=r"sql: .*generation=2/part-0\.parquet"):
        lake.sql("SELECT move_id FROM moves")


def test_tables_can_be_shown_and_described(lake: Lake):
    assert lake.sql("SHOW TABLES")["name"].tolist() == ["documents", "moves"]
    assert lake.sql("DESCRIBE moves")["column_name"].tolist() == ["move_id", "generation_id", "power", "generation"]


@pytest.mark.parametrize(
    "query",
    [
        "FROM moves SELECT count(*)",
        "WITH m AS (FROM moves) SELECT count(*) FROM m",
        "VALUES (3)",
        "SELECT 1 + n FROM (SUMMARIZE moves), (SELECT 2 AS n) LIMIT 1",
        "PIVOT moves ON move_id IN (1, 2) USING 3 * count(*) GROUP BY generation",
        "PIVOT moves ON generation USING 3 * count(*) GROUP BY power",
        "PIVOT_WIDER moves ON generation USING 3 * count(*)",
        "/* all */ FROM (PIVOT Moves ON generation USING 3 * count(*)) m JOIN documents d ON d.id = m.move_id OR true",
        "WITH m AS (PIVOT main.moves ON generation USING 3 * count(*)) FROM m",
        "UNPIVOT moves ON move_id, power",
        "UNPIVOT (SELECT 3 AS a) ON a",
        "DESCRIBE moves",
        "SUMMARIZE moves",
        "SHOW moves",
    ],
)
def test_all_forms_of_a_query_that_a_refusal_names_are_answered(lake: Lake, query: str):
    assert lake.sql(query).size > 0


@pytest.mark.parametrize("query", ["SELECT * FROM move", "SELECT * FROM moves WHERE move_id IN (SELECT 1 FROM move)"])
def test_an_unknown_table_is_answered_with_those_that_exist(lake: Lake, query: str):
    with pytest.raises(UnknownNameError, match="no table 'move'; there are: documents, moves"):
        lake.sql(query)


@pytest.mark.parametrize(
    ("query", "said"),
    [
        ("SELEC", 'syntax error at or near "SELEC"'),
        ("SELECT strength FROM moves", '"strength" not found in FROM clause'),
        ("SELECT nonsense(power) FROM moves", "nonsense does not exist"),
        ("WITH strong AS (SELECT 1) SELECT nonsense(1) FROM strong", "nonsense does not exist"),
        ("SELECT 'a'::INTEGER FROM moves", "Could not convert string 'a' to INT32"),
        ("", "expected one query, found 0"),
        ("SELECT 1; SELECT 2", "expected one query, found 2"),
        ("EXPLAIN SELECT 1", "begins with SELECT, FROM, WITH, VALUES, PIVOT, UNPIVOT, DESCRIBE, SUMMARIZE or SHOW"),
        ("PIVOT moves ON strength USING sum(power)", '"strength" not found'),
        ("PIVOT (FROM moves WHERE power = ?) ON generation USING sum(power)", "cannot have parameters in their source"),
    ],
)
def test_what_duckdb_refuses_is_one_paragraph(lake: Lake, query: str, said: str):
    with pytest.raises(LakeError, match=r"^sql: ") as caught:
        lake.sql(query)
    assert said in str(caught.value)
    assert "\n" not in str(caught.value)


def test_a_query_is_asked_again_where_a_file_could_not_be_read(lake: Lake, monkeypatch: pytest.MonkeyPatch):
    """But not where it is wrong itself."""
    asked, left = [], [OSError("no answer")] * 4

    def answer(relation: Any) -> Any:
        asked.append(relation)
        if left:
            raise left.pop()
        return relation.to_arrow_table()

    monkeypatch.setattr("lake.read.query._answer", answer)
    assert (lake.sql("SELECT count(*) AS n FROM moves")["n"].tolist(), len(asked)) == ([3], 5)
    left += [OSError("no answer")] * 9
    with pytest.raises(LakeError, match="sql: no answer"):
        lake.sql("SELECT count(*) AS n FROM moves")
    assert len(asked) == 10
    left[:] = []
    with pytest.raises(LakeError, match="Could not convert"):
        lake.sql("SELECT 'a'::INTEGER FROM moves")
    assert len(asked) == 11


def test_a_query_without_enough_memory_is_refused_in_one_paragraph(lake: Lake, monkeypatch: pytest.MonkeyPatch):
    """It has no disk to go to."""
    monkeypatch.setattr("lake.read.query._SETTINGS", ("SET memory_limit = '20MB'", *_SETTINGS))
    with pytest.raises(LakeError, match="sql: the query needs more memory than this machine has; let it take fewer"):
        lake.sql("SELECT list(i ORDER BY hash(i)) FROM range(10000000) AS r(i)")


@pytest.mark.parametrize(
    ("query", "columns"),
    [
        ("SELECT [1, 2] AS a, 3 AS a", {"a": [[1, 2]], "a_1": [3]}),
        ("SELECT 1 AS a, 2 AS a, 3 AS a_1, 4 AS a", {"a": [1], "a_1": [2], "a_1_1": [3], "a_2": [4]}),
        ("SELECT * FROM moves m JOIN moves n USING (move_id) WHERE move_id = 2", None),
        ("SELECT {'a': [1]} AS s, MAP {'a': 1} AS s", {"s": [{"a": [1]}], "s_1": [{"a": 1}]}),
    ],
)
def test_columns_of_one_name_are_numbered(lake: Lake, query: str, columns: dict[str, Any] | None):
    """As in DuckDB's own subqueries; pandas could not tell them apart, nor could JSON."""
    frame = lake.sql(query)
    assert frame.columns.is_unique
    if columns is not None:
        assert {name: frame[name].tolist() for name in frame} == columns
    json.loads(frame.to_json(orient="records"))


@pytest.mark.parametrize(
    ("query", "said"),
    [
        ("SELECT union_value(a := 1) AS u", "expected values that pandas can hold"),
        ("SELECT '290000-01-01'::DATE AS d", "expected values that pandas can hold: year 290000 is out of range"),
        ("SELECT 340282366920938463463374607431768211455::UHUGEINT AS u", "column 'u' is UHUGEINT"),
        ("SELECT " + "1 + " * 900 + "1", "nested too deeply"),
        ("SELECT '\ud800'", "surrogate"),
    ],
)
def test_what_no_frame_can_hold_is_one_paragraph(lake: Lake, query: str, said: str):
    """DuckDB's largest integers came out as -1."""
    with pytest.raises(LakeError) as caught:
        lake.sql(query)
    assert said in str(caught.value)
    assert "\n" not in str(caught.value)
