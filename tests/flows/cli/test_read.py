"""The reading commands: what they print, and how they end; none of them needs Prefect."""

import csv
import io
import json
import re
import subprocess
import sys
from collections.abc import Callable, Iterator
from decimal import Decimal
from pathlib import Path

import pytest

from flows.cli import main
from lake.store import Store
from tests.conftest import use_s3
from tests.lake.read import FIRST, SECOND, document, moves, publish
from tests.s3 import client_without_socket

LAKE = ("--bucket", "shown", "--prefix", "pokelake")
BODY = '{"id": 25, "name": "flabébé",\n "height": 4}'
DRIFT = {"level": "warn", "rule": "renamed", "subject": "move", "message": "1 renamed: 11 vice-grip -> vise-grip"}

Ran = Callable[..., tuple[int, bytes, str]]


@pytest.fixture(scope="module")
def _lake(s3_endpoint: str) -> Iterator[None]:
    """Publish two snapshots; these commands change nothing, so one lake is enough for all."""
    with pytest.MonkeyPatch.context() as patch:
        use_s3(s3_endpoint, patch)
        client = client_without_socket(s3_endpoint)
        patch.setattr(Store, "_ambient_client", lambda _: client)
        store = Store("shown", "pokelake")
        store.create_bucket()
        publish(store, FIRST, [moves((1, 1, 40), (2, 1, None))], [document("pokemon", 25, "{}")])
        publish(store, SECOND, [moves((1, 1, 45), (3, 2, 50))], [document("pokemon", 25, BODY)], [DRIFT])
        yield


@pytest.fixture
def ran(_lake: None, capsysbinary: pytest.CaptureFixture[bytes]) -> Ran:
    """Return a function that runs a command on a lake of two snapshots: its exit code, and both streams."""

    def run(*arguments: str) -> tuple[int, bytes, str]:
        with pytest.raises(SystemExit) as ended:
            main([*arguments, *LAKE])
        captured = capsysbinary.readouterr()
        return int(ended.value.code or 0), captured.out, captured.err.decode()

    return run


def test_snapshots_prints_the_newest_and_says_how_to_get_all(ran: Ran):
    code, out, err = ran("snapshots", "--limit", "1", "--json")
    assert ([row["snapshot"] for row in json.loads(out)], code) == ([SECOND], 0)
    assert err == "the newest 1; --limit 0 prints all\n"
    for limit in ("0", "2", "20"):
        code, out, err = ran("snapshots", "--limit", limit, "--json")
        assert ([row["snapshot"] for row in json.loads(out)], err) == ([SECOND, FIRST], "")


def test_sql_prints_rows(ran: Ran):
    code, out, err = ran("sql", "SELECT move_id, power FROM moves ORDER BY 1", "--json")
    assert (code, err) == (0, "")
    assert json.loads(out) == [{"move_id": 1, "power": 45}, {"move_id": 3, "power": 50}]


def test_sql_prints_lists_structs_and_maps_in_a_pipe_as_json(ran: Ran):
    query = "SELECT list(power ORDER BY move_id) AS l, {'a': 'x', 'b': [NULL, 2]} AS s, MAP {'a': 1} AS m FROM moves"
    code, out, err = ran("sql", query)
    assert (code, err) == (0, "")
    assert out.decode() == 'l\ts\tm\n[45,50]\t{"a":"x","b":[null,2]}\t{"a":1}\n'
    for text in (
        "PIVOT moves ON generation USING sum(power)",
        "UNPIVOT moves ON power",
        "SUMMARIZE moves",
        "DESCRIBE moves",
    ):
        code, out, err = ran("sql", text)
        assert (code, err) == (0, "")
        assert len(out.splitlines()) > 2


def test_sql_reads_any_snapshot_and_says_of_how_many_rows_it_prints_some(ran: Ran):
    query = "SELECT move_id, power FROM moves ORDER BY 1"
    code, out, err = ran("sql", query, "--as-of", "2026-07-06", "--limit", "1", "--json")
    assert code == 0
    assert json.loads(out) == [{"move_id": 1, "power": 40}]
    assert err == "1 of 2 rows; --limit 0 prints all\n"


@pytest.mark.parametrize(
    ("query", "said"),
    [
        ("SELECT * FROM move", "pokelake: no table 'move'; there are: documents, moves\n"),
        ("DROP TABLE moves", "pokelake: sql: expected a query, which begins with SELECT, "),
    ],
)
def test_a_query_that_is_refused_is_one_paragraph_and_exit_code_1(ran: Ran, query: str, said: str):
    code, out, err = ran("sql", query)
    assert (code, out) == (1, b"")
    assert err.startswith(said)
    assert err.count("\n") == 1


def test_export_says_what_it_wrote_and_overwrites_nothing(ran: Ran, tmp_path: Path):
    target = tmp_path / "some.duckdb"
    code, out, err = ran("export", str(target), "--tables", "moves", "--as-of", FIRST)
    assert (code, err) == (0, "")
    assert re.fullmatch(rf"wrote {FIRST} into {target}: \d+\.\d MB\n", out.decode())
    assert [path.name for path in tmp_path.iterdir()] == ["some.duckdb"]
    code, out, err = ran("export", str(target))
    assert (code, out) == (1, b"")
    assert err.startswith(f"pokelake: export: {target} is there already, and nothing is overwritten")


def test_read_takes_filters_with_every_operator(ran: Ran):
    code, out, err = ran("read", "moves", "--where", "move_id not in [1]", "--where", "generation==2", "--json")
    assert (code, err) == (0, "")
    assert [row["move_id"] for row in json.loads(out)] == [3]


def test_a_filter_whose_value_does_not_fit_is_one_paragraph_and_exit_code_1(ran: Ran):
    code, out, err = ran("read", "moves", "--where", "power == strong")
    assert (code, out) == (1, b"")
    assert err == (
        "pokelake: moves, filter power == 'strong': column power is int32; expected a value of that type,"
        " found 'strong', str\n"
    )


@pytest.mark.parametrize("after", [(), ("2026-08-08",)])
def test_diff_prints_what_changed_since_a_snapshot(ran: Ran, after: tuple[str, ...]):
    code, out, _ = ran("diff", "moves", FIRST, *after, "--json")
    assert code == 0
    assert [(row["row_change"], row["move_id"], row["power"], row["power_before"]) for row in json.loads(out)] == [
        ("changed", 1, 45, 40),
        ("removed", 2, None, None),
        ("added", 3, 50, None),
    ]


def test_document_writes_the_bytes_that_were_received(ran: Ran):
    assert ran("document", "pokemon", "25") == (0, BODY.encode(), "")
    assert ran("document", "pokemon", "25", "--as-of", FIRST) == (0, b"{}", "")
    assert ran("document", "pokemon", "--path", "pokemon/25") == (0, BODY.encode(), "")


def test_an_unknown_document_is_one_paragraph_and_exit_code_1(ran: Ran):
    code, out, err = ran("document", "pokemon", "26")
    assert (code, out) == (1, b"")
    assert err == "pokelake: no document of pokemon '26'; there are: 1 with ids from 25 to 25\n"


def test_audits_prints_the_findings_of_a_snapshot(ran: Ran):
    code, out, _ = ran("audits", "--json")
    assert code == 0
    assert json.loads(out) == [DRIFT]
    assert ran("audits", "--as-of", FIRST, "--json") == (0, b"[]\n", "")


def test_columns_describes_a_table_to_a_program(ran: Ran):
    code, out, _ = ran("columns", "moves", "--as-of", FIRST, "--json")
    said = json.loads(out)
    assert code == 0
    assert (said["table"], said["snapshot"], said["grain"]) == ("moves", FIRST, "one row per move")
    assert (said["primary_key"], said["partition"]) == (["move_id"], "generation")
    [power] = [column for column in said["columns"] if column["name"] == "power"]
    assert (power["type"], power["description"], power["null_means"]) == ("int32", "Power.", "none")
    assert power["references"] is None


def test_columns_in_a_pipe_has_one_line_for_each_column(ran: Ran):
    code, out, _ = ran("columns", "moves")
    lines = [line.split("\t") for line in out.decode().splitlines()]
    assert code == 0
    assert lines[0][:5] == ["name", "type", "unit", "description", "null_means"]
    assert [line[:5] for line in lines if line[0] == "power"] == [["power", "int32", "", "Power.", "none"]]
    assert {len(line) for line in lines} == {len(lines[0])}


@pytest.fixture
def shown(ran: Ran, monkeypatch: pytest.MonkeyPatch) -> Callable[..., tuple[list[str], str]]:
    """Return a function that runs a command on a terminal of some width: the lines it shows, and standard error."""

    def run(width: int, *arguments: str) -> tuple[list[str], str]:
        with monkeypatch.context() as patch:
            for name, value in (("COLUMNS", str(width)), ("TERM", "xterm")):
                patch.setenv(name, value)
            patch.setattr("sys.stdout.isatty", lambda: True)
            code, out, err = ran(*arguments)
        lines = [re.sub(r"\x1b\[[0-9;]*m", "", line).rstrip() for line in out.decode().splitlines()]
        assert code == 0
        assert max(map(len, [*lines, *err.splitlines()])) <= width
        return lines, err

    return run


Shown = Callable[..., tuple[list[str], str]]


@pytest.mark.parametrize("width", [60, 80, 120, 200])
def test_no_word_is_broken_and_every_value_shown_at_any_width(ran: Ran, shown: Shown, width: int):
    for arguments in (("snapshots",), ("tables",), ("read", "moves"), ("diff", "moves", FIRST), ("audits",)):
        rows = json.loads(ran(*arguments, "--json")[1])
        lines, err = shown(width, *arguments)
        words = set(" ".join(lines).replace(",", "").split())
        left = {name.strip(",;") for name in err.split()}
        # No snapshot of this lake was restored.
        for name in rows[0].keys() - left - {"restores"}:
            assert name in words
            assert {
                word for row in rows for word in str(row[name]).replace(",", "").split() if row[name] is not None
            } <= words


def test_what_does_not_fit_side_by_side_turns_rows_into_records(shown: Shown):
    lines, err = shown(60, "diff", "moves", FIRST)
    assert [line[:10] for line in lines if "[" in line] == ["─[ 1 ]────", "─[ 2 ]────", "─[ 3 ]────"]
    assert lines[1:3] == ["row_change            changed", "move_id               1"]
    assert err == ""


def test_a_value_that_has_no_room_beside_its_name_begins_below_it(shown: Shown):
    lines, _ = shown(70, "read", "documents", "--columns", "sha256,path", "--limit", "1")
    assert [lines[0], lines[1][:2], len(lines[1]), lines[2]] == ["sha256", "  ", 66, "path    pokemon/25"]


def test_a_narrow_terminal_gets_snapshots_and_tables_without_what_matters_less(shown: Shown):
    lines, err = shown(80, "snapshots")
    assert lines[2].split() == [SECOND, "1", "0", "0", "0", "0"]
    assert err == "without committed_at, bytes; --json prints all\n"
    assert shown(120, "snapshots")[1] == ""
    lines, err = shown(60, "tables")
    assert lines[0].split() == ["table", "rows", "bytes", "grain"]
    assert err == "without kind, partitions; --json prints all\n"


def test_a_long_sentence_is_folded_between_its_words(shown: Shown):
    lines, err = shown(60, "audits")
    assert err == ""
    assert [line.split() for line in lines[2:]] == [
        ["warn", "renamed", "move", "1", "renamed:", "11", "vice-grip", "->"],
        ["vise-grip"],
    ]


def test_nothing_is_said_in_words_or_by_the_form_of_the_output(ran: Ran, shown: Shown):
    for arguments, said, head in (
        (("audits", "--as-of", FIRST), "nothing found", "level,rule,subject,message"),
        (("diff", "moves", SECOND), "no rows changed", None),
        (("read", "moves", "--where", "generation == 9"), "no rows", "move_id,generation_id,power"),
        (("sql", "SELECT 1 AS one, 2 AS two WHERE false"), "no rows", "one,two"),
    ):
        assert shown(80, *arguments) == ([said], "")
        assert ran(*arguments, "--json") == (0, b"[]\n", "")
        code, out, err = ran(*arguments, "--csv")
        head = head or out.decode().strip()
        assert (code, out.decode(), err) == (0, f"{head}\r\n", f"{said}\n")
        assert ran(*arguments) == (0, head.replace(",", "\t").encode() + b"\n", f"{said}\n")


def test_a_pipe_gets_names_and_rows_between_tabs_and_nothing_else(ran: Ran):
    code, out, _ = ran("read", "moves")
    assert (code, out) == (0, b"move_id\tgeneration_id\tpower\n1\t1\t45\n3\t2\t50\n")
    query = r"SELECT NULL AS a, e'x\ty\n' AS b, 'back\slash' AS c, 12345678 AS d, true AS e"
    assert ran("sql", query)[1].decode() == "a\tb\tc\td\te\n\tx\\ty\\n\tback\\\\slash\t12345678\ttrue\n"


def test_csv_reads_back_in_a_spreadsheet(ran: Ran):
    query = """SELECT '=1+1' AS formula, 'a "b", c' AS quoted, e'x\\ny' AS "two, lines", NULL AS nothing, '' AS empty"""
    code, out, _ = ran("sql", query, "--csv")
    assert code == 0
    assert out.endswith(b'=1+1,"a ""b"", c","x\ny",,""\r\n')
    [heads, cells] = csv.reader(io.StringIO(out.decode(), newline=""))
    assert heads == ["formula", "quoted", "two, lines", "nothing", "empty"]
    assert cells == ["=1+1", 'a "b", c', "x\ny", "", ""]
    assert ran("tables", "--csv", "--json")[0] == 2


def test_json_of_a_query_reads_back_as_the_same_values(ran: Ran):
    values = {
        "9007199254740993::BIGINT": 2**53 + 1,
        "170141183460469231731687303715884105727::HUGEINT": 2**127 - 1,
        "0.1::DOUBLE + 0.2::DOUBLE": 0.1 + 0.2,
        "12345678901234567890.123456789::DECIMAL(38, 9)": Decimal("12345678901234567890.123456789"),
        "'nan'::DOUBLE": "NaN",
        "'-inf'::DOUBLE": "-Infinity",
        "TIMESTAMPTZ '2026-08-08 04:12:00.123456+02'": "2026-08-08T02:12:00.123456Z",
        "DATE '12026-01-01'": "12026-01-01",
        "TIME '04:12:00'": "04:12:00.000000",
        "[{'a': DATE '2026-08-08', 'b': 1.5::DECIMAL(3, 2)}]": [{"a": "2026-08-08", "b": Decimal("1.50")}],
        "MAP {1: NULL}": {"1": None},
        r"'\xC3\xBF'::BLOB": "c3bf",
        "uuid '00000000-0000-0000-0000-000000000001'": "00000000-0000-0000-0000-000000000001",
    }
    query = "SELECT " + ", ".join(f"{text} AS c{place}" for place, text in enumerate(values))
    code, out, err = ran("sql", query, "--json")
    assert (code, err) == (0, "")
    [row] = json.loads(out, parse_float=lambda text: Decimal(text) if len(text) > 20 or text == "1.50" else float(text))
    assert list(row.values()) == list(values.values())
    code, out, err = ran("sql", "SELECT DATE '290000-01-01'", "--json")
    assert (code, out) == (1, b"")
    assert err.startswith("pokelake: expected values that can be printed: ")


def test_columns_on_a_terminal_stays_within_80_characters(shown: Shown):
    lines, _ = shown(80, "columns", "documents")
    described = [line.split(maxsplit=2) for line in lines if line.startswith(("id ", "etag "))]
    assert described == [
        ["id", "int64", "Its id within the resource; of a source"],
        ["etag", "string", "ETag it was sent with."],
    ]
    assert "null: none" in [line.strip() for line in lines]


def test_values_in_brackets_are_printed_as_they_are(ran: Ran):
    """Rich would take them for markup, print nothing of the first and refuse the second."""
    code, out, _ = ran("sql", "SELECT '[red]' AS style, '[/] :smile:' AS closing")
    assert (code, out.decode().split()[-3:]) == (0, ["[red]", "[/]", ":smile:"])


@pytest.mark.parametrize(
    "arguments", [("sql",), ("diff", "moves"), ("document", "pokemon", "pikachu"), ("document", "pokemon")]
)
def test_bad_usage_ends_with_exit_code_2(ran: Ran, arguments: tuple[str, ...]):
    assert ran(*arguments)[0] == 2


def test_reading_loads_neither_prefect_nor_what_only_sql_needs():
    code = "import sys, flows.cli, lake.read; print(sorted({'prefect', 'duckdb'} & sys.modules.keys()))"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True, timeout=60)
    assert done.stdout.strip() == "[]"
