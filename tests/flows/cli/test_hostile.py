"""Text of a lake that a stranger wrote: every command shows it, no terminal obeys it, and JSON has it as it is."""

import json
import re
import sys
import traceback
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import msgspec
import pyarrow as pa
import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from flows.cli import main
from lake.cli import read
from lake.cli.show import show
from lake.commit import Commit, head
from lake.layout import commit_key
from lake.schema import Field
from lake.store import Store
from tests.hostile import ODD, unseen
from tests.lake.read import FIRST, LEARNT, document, learnt, publish

LAKE = ("--bucket", "lake", "--prefix", "pokelake")
LONG = "\u202e" + "x" * 100_000

# What a person types, with a place for text that is odd itself.
COMMANDS = {
    "tables": ("tables",),
    "columns": ("columns", "learnt"),
    "docs": ("docs",),
    "snapshots": ("snapshots",),
    "audits": ("audits",),
    "read": ("read", "learnt", "--limit", "0"),
    "sql": ("sql", 'SELECT *, 1 AS "[/]\x1b[1m\u202e\n" FROM learnt', "--limit", "0"),
    "diff": ("diff", "learnt", FIRST),
    "changes": ("changes", FIRST),
    "document": ("document", "pokemon", "25"),
}
ARGUMENTS = ("read {}", "columns {}", "diff {} {}", "document {} 1", "sql {}", "tables --as-of {}", "{}", "tables {}")

Ran = Callable[..., tuple[int, str, str]]


@pytest.fixture
def ran(capfd: pytest.CaptureFixture[str], s3_client: Any, monkeypatch: pytest.MonkeyPatch) -> Ran:
    """Return a function that runs a command: its exit code and both streams, in which nothing is obeyed."""
    monkeypatch.setattr(Store, "_ambient_client", lambda store: s3_client)

    def run(*arguments: str) -> tuple[int, str, str]:
        try:
            main(list(arguments))
            code = 0
        except SystemExit as ended:
            code = int(ended.code or 0)
        except BaseException:
            pytest.fail(f"{arguments!r:.300} ended in a traceback:\n{traceback.format_exc()}")
        out, err = capfd.readouterr()
        # In a pipe, tabs stand between cells, and in none.
        assert sys.stdout.isatty() or len({line.count("\t") for line in out.splitlines()}) <= 1
        cells = out if sys.stdout.isatty() else out.replace("\t", "")
        assert unseen(cells) | unseen(err) == set(), arguments
        return code, out, err

    return run


@pytest.fixture
def hostile(store: Store) -> Store:
    """Give the test a lake with odd text in everything that is text: values, descriptions, findings."""
    every = " ".join(ODD)
    fields = (*LEARNT.fields[:2], Field("method", pa.string(), every, nullable=True, unit=every), *LEARNT.fields[3:])
    table = replace(LEARNT, grain=every, fields=fields)
    rows = learnt(*((text, place, text, False) for place, text in enumerate(sorted(ODD))), table=table)
    finding = {"level": every, "rule": every, "subject": every, "message": f"{every} {LONG}"}
    publish(store, FIRST, [rows], [document("pokemon", 25, '{"id": 25, "name": "\u202e\x7f"}')], [finding])
    return store


def test_every_reading_command_is_tried():
    names = {str(command.callback.__name__) for command in read.app.registered_commands if command.callback}
    # What `export` prints is the name of a file.
    assert names - {"export"} == COMMANDS.keys()


@pytest.mark.parametrize("command", COMMANDS)
@pytest.mark.parametrize("is_terminal", [False, True])
def test_nothing_is_obeyed_and_everything_is_seen(
    hostile: Store, ran: Ran, command: str, is_terminal: bool, monkeypatch: pytest.MonkeyPatch
):
    if is_terminal:
        monkeypatch.setenv("COLUMNS", "80")
        monkeypatch.setenv("NO_COLOR", "1")
    if is_terminal or command == "document":
        monkeypatch.setattr("sys.stdout.isatty", lambda: True)
    code, out, err = ran(*COMMANDS[command], *LAKE)
    assert code == 0, err
    if command in ("columns", "read", "sql"):
        said = " ".join(out.split())
        for text in ("[/]", "[bold]", ":fire:", r"\x1b[2J\x1b]0;title\x07", r"\x9b31m", r"\x00", r"\u202egnp.exe"):
            assert text in said or is_terminal, text


def test_json_has_the_text_as_it_is(hostile: Store, ran: Ran):
    code, out, _ = ran("read", "learnt", "--limit", "0", "--json", *LAKE)
    assert code == 0
    assert {row["pokemon"] for row in json.loads(out)} == set(ODD)
    every = " ".join(ODD)
    said = json.loads(ran("columns", "learnt", "--json", *LAKE)[1])
    assert [said["grain"], said["columns"][2]["unit"]] == [every, every]
    [finding] = json.loads(ran("audits", "--json", *LAKE)[1])
    assert (finding["subject"], finding["message"]) == (every, f"{every} {LONG}")


@pytest.mark.parametrize("odd", ["[/]", "\r\n\x1b[2J\u202e\x00", "é" * 5_000])
def test_what_a_person_types_is_quoted_and_not_obeyed(hostile: Store, ran: Ran, odd: str):
    for pattern in ARGUMENTS:
        code, _, err = ran(*(odd if part == "{}" else part for part in pattern.split()), *LAKE)
        assert code in (1, 2)
        assert err


@pytest.mark.parametrize("odd", ["[/]", " ".join(ODD), LONG[:50_000]])
def test_a_commit_in_which_every_name_is_odd_is_read_or_refused(hostile: Store, ran: Ran, odd: str):
    good = head(hostile)
    assert good is not None
    source = replace(good.source, version=odd, refused={odd: odd})
    table = replace(good.tables["learnt"], grain=odd, primary_key=(odd,), partition=odd)
    tables = {**good.tables, odd: table}
    commit = replace(good, seq=2, snapshot=odd, parent=odd, committed_at=odd, tables=tables, source=source)
    hostile.create(commit_key(2), commit.to_json())
    # In a pipe, a document is its bytes.
    for name, command in list(COMMANDS.items())[:-1]:
        code, _, err = ran(*command, *LAKE)
        assert code in (0, 1), (name, err)
        assert len(err) <= 10_100
    ran("read", odd, *LAKE)
    ran("sql", f'SELECT * FROM "{odd.replace(chr(34), 2 * chr(34))}"', *LAKE)


def test_a_body_that_is_no_commit_is_refused_by_name(store: Store, ran: Ran):
    store.create(commit_key(1), b'{"\x1b[2J": "' + b"x" * 100_000 + b'"}')
    code, out, err = ran("tables", *LAKE)
    assert (code, out) == (1, "")
    assert len(err) <= 10_100


def test_of_csv_a_terminal_obeys_nothing(hostile: Store, ran: Ran, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr("sys.stdout.isatty", lambda: True)
    code, out, _ = ran("read", "learnt", "--limit", "0", "--csv", *LAKE)
    assert code == 0
    assert r"\x1b[2J" in out


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.lists(st.text(min_size=1), min_size=1, max_size=3, unique=True), st.text())
@example(list(ODD), "\n".join(ODD))
def test_a_table_of_any_text_has_a_line_for_each_row(capfd: pytest.CaptureFixture[str], names: list[str], value: str):
    show(pa.table({name: [value, name] for name in names}), as_json=False)
    out, _ = capfd.readouterr()
    assert unseen(out.replace("\t", "")) == set()
    assert [line.count("\t") for line in out.split("\n")] == [len(names) - 1] * 3 + [0]


def test_of_a_commit_with_odd_text_the_body_is_json(hostile: Store):
    """A reader without this code finds the same text."""
    found: Commit = msgspec.json.decode(hostile.get(commit_key(1)), type=Commit)
    assert re.search("\u202e", str(found.audits[0]["message"]))
