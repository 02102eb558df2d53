"""A DuckDB connection of one's own, with all tables and views of a snapshot."""

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import duckdb
import pandas as pd
import pytest

from lake.layout import schema_key, table_folder
from lake.read import Lake
from lake.read.columns import PARTITION_MEANING
from lake.store import Store
from lake.traffic import requests_to_s3
from tests.lake.read import FIRST, LEARNT, SECOND, learnt, publish
from tests.lake.read.conftest import PIKACHU, filled

ALL = ["documents", "moves"]


def rows(connection: duckdb.DuckDBPyConnection, query: str) -> list[Any]:
    """Return the rows of a query."""
    return connection.execute(query).fetchall()


def comments(connection: duckdb.DuckDBPyConnection, table: str) -> dict[str, str]:
    """Return the comments on the columns of a table."""
    asked = "SELECT column_name, comment FROM duckdb_columns() WHERE table_name = ?"
    return dict(connection.execute(asked, [table]).fetchall())


def test_all_tables_are_there_and_stay_those_of_the_snapshot(lake: Lake):
    with lake.connect() as now, lake.connect(as_of=FIRST) as then:
        assert [name for (name,) in rows(now, "SELECT view_name FROM duckdb_views() WHERE NOT internal")] == ALL
        assert [rows(one, "SELECT max(power) FROM moves WHERE generation = 1") for one in (then, now)] == [
            [(40,)],
            [(45,)],
        ]
        assert rows(now, "SELECT fetched_at::VARCHAR FROM documents LIMIT 1") == [("2026-07-06 00:00:00+00",)]


def test_comments_say_what_the_declarations_say(lake: Lake):
    with lake.connect() as connection:
        assert dict(rows(connection, "SELECT view_name, comment FROM duckdb_views() WHERE NOT internal")) == {
            "documents": lake.tables().set_index("table").loc["documents", "grain"].capitalize()
            + ". Key: resource_name, id, path.",
            "moves": "One row per move. Key: move_id.",
        }
        assert comments(connection, "moves") == {
            "move_id": "The move.",
            "generation_id": "Its generation. 0: unknown.",
            "power": "Power. Null: none.",
            "generation": PARTITION_MEANING,
        }
        by_standard = 'SELECT count(*) FROM information_schema.columns WHERE "COLUMN_COMMENT" IS NULL'
        assert rows(connection, by_standard) == [(0,)]
    said = lake.sql("SELECT column_name, comment FROM duckdb_columns() WHERE table_name = 'moves'")
    assert said.set_index("column_name").loc["power", "comment"] == "Power. Null: none."
    assert lake.sql("SELECT * FROM information_schema.columns")["COLUMN_COMMENT"].notna().all()


def test_it_is_joined_with_what_one_has_and_writes(lake: Lake, tmp_path: Any):
    mine = pd.DataFrame({"move_id": [1, 3], "mark": ["a", "b"]})
    with lake.connect() as connection:
        assert len(mine) == 2
        connection.execute("CREATE TEMP TABLE kept AS SELECT mark, power FROM mine JOIN moves USING (move_id)")
        connection.execute(f"COPY kept TO '{tmp_path}/kept.csv'")
        assert (tmp_path / "kept.csv").read_text() == "mark,power\na,45\nb,50\n"
        # Notebooks' cells and ibis ask by cursors of their own.
        with connection.cursor() as cursor:
            assert rows(cursor, "SELECT count(*) FROM moves") == [(3,)]


def requests(ask: Callable[[], Any]) -> Any:
    """Return how many requests of each kind were sent meanwhile."""
    before = requests_to_s3()
    ask()
    return requests_to_s3() - before


def test_opening_fetches_no_file(lake: Lake):
    """Nor does it for names in `sql`: a request for each table's fields, and two for the commit."""
    commit = lake.commit()
    known = requests(lambda: Lake(lake.store).commit())
    with Lake(lake.store).connect() as connection:
        assert len(rows(connection, "SHOW TABLES")) == 2

    def asked(query: str) -> Any:
        return requests(lambda: Lake(lake.store).sql(query)) - known

    assert requests(lambda: Lake(lake.store).connect().close()) - known == {"GetObject": len(commit.tables)}
    for query in (
        "SHOW TABLES",
        "DESCRIBE",
        "FROM duckdb_columns()",
        "FROM information_schema.tables",
        "FROM pg_class",
    ):
        assert asked(query) == {"GetObject": len(commit.tables)}, query
    for query in ("SHOW moves", "DESCRIBE moves", "SELECT pg_typeof(power) FROM moves WHERE generation = 1"):
        assert asked(query) == {"GetObject": 1}, query
    assert asked("SELECT count(power) FROM moves") == {"GetObject": len(commit.tables["moves"].files)}


def test_where_the_list_of_fields_is_lost_the_files_tell_them(other: Store):
    lake = filled(other)
    table = lake.commit().tables["moves"]
    assert table.schema is not None
    other.delete([schema_key(table.schema)])
    with lake.connect() as connection:
        assert comments(connection, "moves")["power"] == "Power. Null: none."
        assert rows(connection, "SELECT sum(power) FROM moves") == [(95,)]


def test_a_file_that_is_gone_fails_the_query_that_needs_it_and_no_other(other: Store):
    lake = filled(other)
    other.delete([f"{table_folder(SECOND, 'moves')}/generation=2/part-0.parquet"])
    with lake.connect() as connection:
        assert rows(connection, "SELECT count(*) FROM moves WHERE generation = 1") == [(2,)]
        with pytest.raises(duckdb.Error, match=r"generation=2/part-0\.parquet"):
            rows(connection, "SELECT count(*) FROM moves WHERE power > 0")
        assert rows(connection, "SELECT count(*) FROM documents") == [(2,)]


def test_text_in_a_declaration_is_no_sql(other: Store):
    """A description may have any sign."""
    described = tuple(replace(field, description='It\'s "mine"; DROP VIEW documents; --') for field in LEARNT.fields)
    odd = replace(LEARNT, fields=described, grain="one row per 'move'; ")
    publish(other, FIRST, [learnt(("pikachu", 1, None, True), table=odd)], [PIKACHU])
    with Lake(other).connect() as connection:
        assert set(comments(connection, "learnt").values()) == {'It\'s "mine"; DROP VIEW documents; --'}
        assert rows(connection, "SELECT count(*) FROM documents") == [(1,)]
