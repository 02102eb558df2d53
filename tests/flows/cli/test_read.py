"""The reading commands: what they print, and how they end; none of them needs Prefect."""

import json
import re
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.flows.cli import BODY, DRIFT
from tests.lake.read import FIRST, SECOND

Asked = Callable[..., tuple[int, bytes, str]]


def test_snapshots_prints_the_newest_and_says_how_to_get_all(asked: Asked):
    code, out, err = asked("snapshots", "--limit", "1", "--json")
    assert ([row["snapshot"] for row in json.loads(out)], code) == ([SECOND], 0)
    assert err == "the newest 1; --limit 0 prints all\n"
    for limit in ("0", "2", "20"):
        code, out, err = asked("snapshots", "--limit", limit, "--json")
        assert ([row["snapshot"] for row in json.loads(out)], err) == ([SECOND, FIRST], "")


def test_sql_prints_rows(asked: Asked):
    code, out, err = asked("sql", "SELECT move_id, power FROM moves ORDER BY 1", "--json")
    assert (code, err) == (0, "")
    assert json.loads(out) == [{"move_id": 1, "power": 45}, {"move_id": 3, "power": 50}]


def test_sql_prints_lists_structs_and_maps_in_a_pipe_as_json(asked: Asked):
    query = "SELECT list(power ORDER BY move_id) AS l, {'a': 'x', 'b': [NULL, 2]} AS s, MAP {'a': 1} AS m FROM moves"
    code, out, err = asked("sql", query)
    assert (code, err) == (0, "")
    assert out.decode() == 'l\ts\tm\n[45,50]\t{"a":"x","b":[null,2]}\t{"a":1}\n'
    code, out, err = asked("sql", "SELECT INTERVAL 3 DAY AS i, [INTERVAL 1 MINUTE] AS l", "--json")
    assert json.loads(out) == [{"i": "P3D", "l": ["PT60S"]}]
    for text in (
        "PIVOT moves ON generation USING sum(power)",
        "UNPIVOT moves ON power",
        "SUMMARIZE moves",
        "DESCRIBE moves",
    ):
        code, out, err = asked("sql", text)
        assert (code, err) == (0, "")
        assert len(out.splitlines()) > 2


def test_sql_reads_any_snapshot_and_says_of_how_many_rows_it_prints_some(asked: Asked):
    query = "SELECT move_id, power FROM moves ORDER BY 1"
    code, out, err = asked("sql", query, "--as-of", "2026-07-06", "--limit", "1", "--json")
    assert code == 0
    assert json.loads(out) == [{"move_id": 1, "power": 40}]
    assert err == "1 of 2 rows; --limit 0 prints all\n"


@pytest.mark.parametrize(
    ("query", "said"),
    [
        ("SELECT * FROM move", "pokelake: no table 'move'; there are: documents, moves. Did you mean moves?\n"),
        ("DROP TABLE moves", "pokelake: sql: expected a query, which begins with SELECT, "),
    ],
)
def test_a_query_that_is_refused_is_one_paragraph_and_exit_code_1(asked: Asked, query: str, said: str):
    code, out, err = asked("sql", query)
    assert (code, out) == (1, b"")
    assert err.startswith(said)
    assert err.count("\n") == 1


def test_export_says_what_it_wrote_and_overwrites_nothing(asked: Asked, tmp_path: Path):
    target = tmp_path / "some.duckdb"
    code, out, err = asked("export", str(target), "--tables", "moves", "--as-of", FIRST)
    assert (code, err) == (0, "")
    assert re.fullmatch(rf"wrote {FIRST} into {target}: \d+\.\d kB\n", out.decode())
    assert [path.name for path in tmp_path.iterdir()] == ["some.duckdb"]
    code, out, err = asked("export", str(target))
    assert (code, out) == (1, b"")
    assert err.startswith(f"pokelake: export: {target} is there already, and nothing is overwritten")


def test_read_takes_filters_with_every_operator(asked: Asked):
    code, out, err = asked("read", "moves", "--where", "move_id not in [1]", "--where", "generation==2", "--json")
    assert (code, err) == (0, "")
    assert [row["move_id"] for row in json.loads(out)] == [3]


def test_a_filter_whose_value_does_not_fit_is_one_paragraph_and_exit_code_1(asked: Asked):
    code, out, err = asked("read", "moves", "--where", "power == strong")
    assert (code, out) == (1, b"")
    assert err == (
        "pokelake: moves, filter power == 'strong': column power is int32; expected a value of that type,"
        " found 'strong', str\n"
    )


@pytest.mark.parametrize("after", [(), ("2026-08-08",)])
def test_diff_prints_what_changed_since_a_snapshot(asked: Asked, after: tuple[str, ...]):
    code, out, _ = asked("diff", "moves", FIRST, *after, "--json")
    assert code == 0
    assert [(row["row_change"], row["move_id"], row["power"], row["power_before"]) for row in json.loads(out)] == [
        ("changed", 1, 45, 40),
        ("removed", 2, None, None),
        ("added", 3, 50, None),
    ]


def test_document_writes_the_bytes_that_were_received(asked: Asked):
    assert asked("document", "pokemon", "25") == (0, BODY.encode(), "")
    assert asked("document", "pokemon", "25", "--as-of", FIRST) == (0, b"{}", "")
    assert asked("document", "pokemon", "--path", "pokemon/25") == (0, BODY.encode(), "")


def test_an_unknown_document_is_one_paragraph_and_exit_code_1(asked: Asked):
    code, out, err = asked("document", "pokemon", "26")
    assert (code, out) == (1, b"")
    assert err == "pokelake: no document of pokemon '26'; there are: 1 with ids from 25 to 25\n"


def test_audits_prints_the_findings_of_a_snapshot(asked: Asked):
    code, out, _ = asked("audits", "--json")
    assert code == 0
    assert json.loads(out) == [DRIFT]
    assert asked("audits", "--as-of", FIRST, "--json") == (0, b"[]\n", "")


def test_columns_describes_a_table_to_a_program(asked: Asked):
    code, out, _ = asked("columns", "moves", "--as-of", FIRST, "--json")
    said = json.loads(out)
    assert code == 0
    assert (said["table"], said["snapshot"], said["grain"]) == ("moves", FIRST, "one row per move")
    assert (said["primary_key"], said["partition"]) == (["move_id"], "generation")
    [power] = [column for column in said["columns"] if column["name"] == "power"]
    assert (power["type"], power["description"], power["null_means"]) == ("int32", "Power.", "none")
    assert power["references"] is None


def test_columns_in_a_pipe_has_one_line_for_each_column(asked: Asked):
    code, out, _ = asked("columns", "moves")
    lines = [line.split("\t") for line in out.decode().splitlines()]
    assert code == 0
    assert lines[0][:5] == ["name", "type", "unit", "description", "null_means"]
    assert [line[:5] for line in lines if line[0] == "power"] == [["power", "int32", "", "Power.", "none"]]
    assert {len(line) for line in lines} == {len(lines[0])}


@pytest.mark.parametrize("arguments", [("sql",), ("diff", FIRST, SECOND, FIRST), ("document", "pokemon")])
def test_bad_usage_ends_with_exit_code_2(asked: Asked, arguments: tuple[str, ...]):
    assert asked(*arguments)[0] == 2


def test_reading_loads_neither_prefect_nor_what_only_sql_needs():
    code = "import sys, flows.cli, lake.read; print(sorted({'prefect', 'duckdb'} & sys.modules.keys()))"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True, timeout=60)
    assert done.stdout.strip() == "[]"


@pytest.mark.parametrize("value", ["null", "NULL", "None"])
def test_a_filter_on_null_says_what_asks_for_it(asked: Asked, value: str, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setenv("COLUMNS", "200")
    code, out, err = asked("read", "moves", "--where", f"power == {value}")
    assert (code, out) == (2, b"")
    assert "nothing is equal to null, nor other than it; `sql` has IS NULL" in err


def test_a_document_is_found_by_the_name_in_it(asked: Asked):
    assert asked("document", "pokemon", "flabébé") == (0, BODY.encode(), "")
    code, out, err = asked("document", "pokemon", "flabebe")
    assert (code, out) == (1, b"")
    assert err == "pokelake: no document of pokemon 'flabebe'; there are: 1, such as flabébé. Did you mean flabébé?\n"


def test_a_day_in_the_future_is_said_to_be_one(asked: Asked):
    code, _, err = asked("tables", "--as-of", "9999-01-01", "--json")
    assert code == 0
    assert err.startswith("--as-of 9999-01-01 is in the future; the newest snapshot follows")
    assert asked("tables", "--as-of", "2026-08-08", "--json")[2] == ""


def test_a_misspelt_command_is_told_which_one_may_be_meant(asked: Asked):
    code, _, err = asked("reed", "moves")
    assert code == 2
    assert "Did you mean 'read'?" in err
