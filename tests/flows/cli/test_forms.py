"""The forms of what reading commands print: for terminals of some width, for pipes, spreadsheets and programs."""

import csv
import io
import json
import os
from collections.abc import Callable
from decimal import Decimal
from pathlib import Path

import pytest

from tests.lake.read import FIRST, SECOND

Asked = Callable[..., tuple[int, bytes, str]]
Shown = Callable[..., tuple[list[str], str]]


@pytest.mark.parametrize("width", [60, 80, 120, 200])
def test_no_word_is_broken_and_every_value_shown_at_any_width(asked: Asked, shown: Shown, width: int):
    for arguments in (("snapshots",), ("tables",), ("read", "moves"), ("audits",)):
        rows = json.loads(asked(*arguments, "--json")[1])
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
    lines, err = shown(24, "read", "moves")
    assert [line[:10] for line in lines if "[" in line] == ["─[ 1 ]────", "─[ 2 ]────"]
    assert lines[1:3] == ["move_id        1", "generation_id  1"]
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


def test_nothing_is_said_in_words_or_by_the_form_of_the_output(asked: Asked, shown: Shown):
    for arguments, said, head in (
        (("audits", "--as-of", FIRST), "nothing found", "level,rule,subject,message"),
        (("read", "moves", "--where", "generation == 9"), "no rows", "move_id,generation_id,power"),
        (("sql", "SELECT 1 AS one, 2 AS two WHERE false"), "no rows", "one,two"),
    ):
        assert shown(80, *arguments) == ([said], "")
        assert asked(*arguments, "--json") == (0, b"[]\n", "")
        code, out, err = asked(*arguments, "--csv")
        head = head or out.decode().strip()
        assert (code, out.decode(), err) == (0, f"{head}\r\n", f"{said}\n")
        assert asked(*arguments) == (0, head.replace(",", "\t").encode() + b"\n", f"{said}\n")


def test_a_pipe_gets_names_and_rows_between_tabs_and_nothing_else(asked: Asked):
    code, out, _ = asked("read", "moves")
    assert (code, out) == (0, b"move_id\tgeneration_id\tpower\n1\t1\t45\n3\t2\t50\n")
    query = r"SELECT NULL AS a, e'x\ty\n' AS b, 'back\slash' AS c, 12345678 AS d, true AS e"
    assert asked("sql", query)[1].decode() == "a\tb\tc\td\te\n\tx\\ty\\n\tback\\\\slash\t12345678\ttrue\n"


def test_csv_reads_back_in_a_spreadsheet(asked: Asked):
    query = """SELECT '=1+1' AS formula, 'a "b", c' AS quoted, e'x\\ny' AS "two, lines", NULL AS nothing, '' AS empty"""
    code, out, _ = asked("sql", query, "--csv")
    assert code == 0
    assert out.endswith(b'=1+1,"a ""b"", c","x\ny",,""\r\n')
    [heads, cells] = csv.reader(io.StringIO(out.decode(), newline=""))
    assert heads == ["formula", "quoted", "two, lines", "nothing", "empty"]
    assert cells == ["=1+1", 'a "b", c', "x\ny", "", ""]
    assert asked("tables", "--csv", "--json")[0] == 2


def test_json_of_a_query_reads_back_as_the_same_values(asked: Asked):
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
    code, out, err = asked("sql", query, "--json")
    assert (code, err) == (0, "")
    [row] = json.loads(out, parse_float=lambda text: Decimal(text) if len(text) > 20 or text == "1.50" else float(text))
    assert list(row.values()) == list(values.values())
    code, out, err = asked("sql", "SELECT DATE '290000-01-01'", "--json")
    assert (code, out) == (1, b"")
    assert err.startswith("pokelake: expected values that can be printed: ")


def test_columns_on_a_terminal_stays_within_80_characters(shown: Shown):
    lines, _ = shown(80, "columns", "moves")
    assert any(line.endswith("stand-ins: 0: unknown") for line in lines)
    lines, _ = shown(80, "columns", "documents")
    described = [line.split(maxsplit=2) for line in lines if line.startswith(("id ", "etag "))]
    assert described == [
        ["id", "int64", "Its id within the resource; of a source"],
        ["etag", "string", "ETag it was sent with."],
    ]
    assert "null: none" in [line.strip() for line in lines]


def test_values_in_brackets_are_printed_as_they_are(asked: Asked):
    """Rich would take them for markup, print nothing of the first and refuse the second."""
    code, out, _ = asked("sql", "SELECT '[red]' AS style, '[/] :smile:' AS closing")
    assert (code, out.decode().split()[-3:]) == (0, ["[red]", "[/]", ":smile:"])


@pytest.mark.parametrize("form", [(), ("--json",), ("--csv",)])
def test_a_pipe_that_nobody_reads_any_more_ends_a_command_without_a_word(
    asked: Asked, form: tuple[str, ...], monkeypatch: pytest.MonkeyPatch
):
    """As it does with `| head`."""
    reader, writer = os.pipe()
    os.close(reader)
    with os.fdopen(writer, "w", closefd=False) as unread, monkeypatch.context() as patch:
        patch.setattr("sys.stdout", unread)
        code, _, err = asked("tables", *form)
    os.close(writer)
    assert (code, err) == (141, "")


def test_no_locale_loses_text(asked: Asked, monkeypatch: pytest.MonkeyPatch):
    query = "SELECT 'Flabébé' AS name"
    monkeypatch.setenv("NO_COLOR", "1")
    written = io.BytesIO()
    with io.TextIOWrapper(written, encoding="ascii") as ascii_only, monkeypatch.context() as patch:
        patch.setattr("sys.stdout", ascii_only)
        for form in ("--json", "--csv"):
            assert asked("sql", query, form)[0] == 0
        patch.setattr(ascii_only, "isatty", lambda: True, raising=False)
        assert asked("sql", query)[0] == 0
        said = written.getvalue().splitlines()
    assert json.loads(said[0]) == [{"name": "Flabébé"}]
    assert said[1:3] == [b"name", "Flabébé".encode()]
    assert [line.rstrip() for line in said[3:]] == [b"name", b"-------", rb"Flab\xe9b\xe9"]


def test_no_color_is_honoured(asked: Asked, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr("sys.stdout.isatty", lambda: True)
    monkeypatch.setenv("TERM", "xterm")
    assert b"\x1b[1m" in asked("tables")[1]
    monkeypatch.setenv("NO_COLOR", "1")
    assert b"\x1b" not in asked("tables")[1]


def test_a_message_breaks_no_name_on_a_terminal(asked: Asked, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr("sys.stderr.isatty", lambda: True)
    monkeypatch.setenv("COLUMNS", "60")
    code, _, err = asked("tables", "--as-of", "2020-01-01")
    assert code == 1
    assert max(map(len, err.splitlines())) <= 60
    assert {"2020-01-01;", f"{SECOND},", FIRST} <= set(err.split())


def test_a_terminal_gets_20_rows_and_a_program_all_of_them(asked: Asked, shown: Shown):
    query = "SELECT * FROM range(30)"
    for form in ((), ("--csv",), ("--json",)):
        code, out, err = asked("sql", query, *form)
        assert (code, len(out.splitlines()), err) == (0, 30 + (form != ("--json",)), "")
        code, out, err = asked("sql", query, *form, "--limit", "2")
        assert (len(out.splitlines()), err) == (2 + (form != ("--json",)), "2 of 30 rows; --limit 0 prints all\n")
    lines, err = shown(80, "sql", query)
    assert (len(lines), err) == (22, "20 of 30 rows; --limit 0 prints all\n")
    assert len(shown(80, "sql", query, "--json")[0]) == 30


def test_names_may_be_repeated_or_separated_by_commas_and_none_are_refused(asked: Asked, tmp_path: Path):
    code, out, _ = asked("read", "moves", "--columns", "power", "--columns", "move_id,power", "--csv")
    assert (code, out.splitlines()[0]) == (0, b"power,move_id")
    folder = tmp_path / "some"
    assert asked("export", str(folder), "--tables", "moves", "--tables", "documents")[0] == 0
    assert sorted(path.stem for path in folder.iterdir()) == ["README", "documents", "moves"]
    for arguments in (("read", "moves", "--columns", ""), ("export", str(tmp_path / "none"), "--tables", ",")):
        code, _, err = asked(*arguments)
        assert (code, "expected names, separated by commas" in " ".join(err.replace("│", " ").split())) == (2, True)
