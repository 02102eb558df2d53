"""The reading commands: what they print, and how they end; none of them needs Prefect."""

import json
import re
import subprocess
import sys
from collections.abc import Callable, Iterator
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


def test_sql_prints_lists_structs_and_maps_as_a_person_writes_them(ran: Ran):
    query = "SELECT list(power ORDER BY move_id) AS l, {'a': 'x', 'b': [NULL, 2]} AS s, MAP {'a': 1} AS m FROM moves"
    code, out, err = ran("sql", query)
    assert (code, err) == (0, "")
    assert out.decode().splitlines()[-1].split("  ") == ["[45, 50]", "{a: x, b: [null, 2]}", "{a: 1}"]
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
    code, out, _ = ran("columns", "documents")
    lines = [" ".join(line.split()) for line in out.decode().splitlines()]
    assert code == 0
    assert lines[:4] == [
        "table documents",
        f"snapshot {SECOND}",
        "grain one row per document, as received",
        "primary key resource_name, id, path",
    ]
    assert "etag string - ETag it was sent with. none - False True -" in lines
    assert any(line.startswith("fetched_at timestamp[ms, tz=UTC] - When this content") for line in lines)


@pytest.fixture
def shown(ran: Ran, monkeypatch: pytest.MonkeyPatch) -> Callable[..., tuple[list[str], str]]:
    """Return a function that runs a command on a terminal of some width: the lines it shows, and standard error."""

    def run(width: int, *arguments: str) -> tuple[list[str], str]:
        for name, value in (("FORCE_COLOR", "1"), ("COLUMNS", str(width)), ("TERM", "xterm")):
            monkeypatch.setenv(name, value)
        code, out, err = ran(*arguments)
        lines = [re.sub(r"\x1b\[[0-9;]*m", "", line).rstrip() for line in out.decode().splitlines()]
        assert code == 0
        assert max(map(len, [*lines, *err.splitlines()])) <= width
        return lines, err

    return run


Shown = Callable[..., tuple[list[str], str]]


@pytest.mark.parametrize("width", [40, 80, 120])
def test_a_terminal_shows_whole_columns_and_no_name_is_folded(ran: Ran, shown: Shown, width: int):
    for arguments in (("snapshots",), ("tables",), ("read", "documents"), ("diff", "moves", FIRST), ("audits",)):
        rows = json.loads(ran(*arguments, "--json")[1])
        # No snapshot of this lake was restored.
        rows = [{name: value for name, value in row.items() if name != "restores"} for row in rows]
        lines, err = shown(width, *arguments)
        heading = lines[0].split()
        assert set(heading) <= rows[0].keys()
        assert (f"{len(heading)} of {len(rows[0])} columns fit" in err) == (len(heading) < len(rows[0]))
        assert all(name in " ".join(err.split()) for name in rows[0].keys() - set(heading))
        words = " ".join(lines).split()
        assert {str(row[heading[0]]) for row in rows} <= set(words)


def test_snapshots_and_tables_show_what_fits(shown: Shown):
    lines, err = shown(80, "snapshots")
    assert lines[2].split() == [SECOND, "2026-08-08T04:13:00+00:00", "1", "0", "0"]
    assert err == "5 of 8 columns fit, without deleted, bytes, failed; --json prints all\n"
    assert shown(120, "snapshots")[1] == ""
    assert shown(60, "tables")[1] == "5 of 6 columns fit, without grain; --json prints all\n"
    assert shown(50, "read", "documents")[1].replace("\n", " ").endswith("--columns chooses others, --json prints all ")


def test_a_long_sentence_is_folded_between_its_words(shown: Shown):
    lines, err = shown(60, "audits")
    assert err == ""
    assert [line.split() for line in lines[2:]] == [
        ["warn", "renamed", "move", "1", "renamed:", "11", "vice-grip", "->"],
        ["vise-grip"],
    ]


def test_where_not_even_the_first_column_fits_it_is_folded(shown: Shown):
    lines, err = shown(20, "snapshots")
    assert "".join(lines[2:4]) == SECOND
    assert "1 of 8 columns fit" in err


def test_without_rows_a_word_stands_in_the_place_of_the_table(ran: Ran):
    assert ran("audits", "--as-of", FIRST) == (0, b"nothing found\n", "")
    assert ran("diff", "moves", SECOND) == (0, b"no rows changed\n", "")
    assert ran("diff", "moves", SECOND, "--json") == (0, b"[]\n", "")
    assert ran("read", "moves", "--where", "generation == 9") == (0, b"no rows\n", "")


def test_in_a_pipe_no_line_ends_in_blanks(ran: Ran):
    for arguments in (("tables",), ("snapshots",), ("columns", "moves"), ("read", "documents"), ("audits",)):
        lines = ran(*arguments)[1].decode().splitlines()
        assert len(lines) > 2
        assert [line for line in lines if line != line.rstrip()] == []


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
