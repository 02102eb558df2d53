"""What `diff` and `changes` print: for a person keys and before → after, for a program all columns."""

import json
from collections.abc import Callable

import pytest

from lake.cli import readers
from lake.cli.compare import before_and_after, draw_counts, draw_documents, draw_rows
from lake.read import Lake
from lake.store import Store
from tests.lake.read import FIRST, SECOND, document, learnt, moves, publish

Said = Callable[[], tuple[list[str], str]]


@pytest.fixture
def said(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> Said:
    """Return a function that returns the lines that a terminal of 80 columns got, and standard error."""
    monkeypatch.setenv("COLUMNS", "80")
    monkeypatch.setattr("lake.cli.compare.can_print", lambda text: True)
    monkeypatch.setattr("lake.cli.show.can_print", lambda text: True)

    def read() -> tuple[list[str], str]:
        captured = capsys.readouterr()
        return captured.out.splitlines(), captured.err

    return read


@pytest.fixture
def lake(store: Store) -> Lake:
    """Publish two snapshots, and return the lake."""
    body = '{"name":"mew","order":1,"is_mega":false}'
    publish(store, FIRST, [moves((1, 1, 40), (2, 1, None), (5, 1, 9))], [document("form", 1, body)])
    new = [document("form", 1, body.replace("mew", "mew-two")), document("form", 7, "{}")]
    publish(store, SECOND, [moves((1, 2, None), (3, 2, 50), (5, 1, 9)), learnt(("mew", 1, None, False))], new)
    return Lake(store)


def test_a_person_gets_the_keys_and_what_changed_and_nothing_else(lake: Lake, said: Said):
    draw_rows(lake.diff("moves"), 20)
    lines, err = said()
    assert lines[0] == "move_id  change"
    assert lines[2:] == [
        "      1  generation_id: 1 → 2",
        "         power: 40 → -",
        "      2  removed",
        "      3  added",
    ]
    assert err.replace("\n", " ") == f"from {FIRST} to {SECOND}: 1 changed, 1 removed, 1 added "
    draw_rows(lake.diff("moves"), 1)
    assert said()[1].replace("\n", " ").endswith("; the first 1 are shown, --limit 0 prints all ")


def test_a_new_row_is_named_by_key_and_name_and_a_wide_key_stands_in_one_column(
    store: Store, said: Said, monkeypatch: pytest.MonkeyPatch
):
    publish(store, FIRST, [learnt()])
    publish(store, SECOND, [learnt(("a-pokemon-with-a-name-of-thirty", 1, None, False))])
    frame = Lake(store).diff("learnt")
    draw_rows(frame, 20)
    assert said()[0][::2] == ["pokemon, move_id                    change", "a-pokemon-with-a-name-of-thirty, 1  added"]
    draw_rows(frame.rename(columns={"method": "name"}).assign(name="egg"), 20)
    assert said()[0][2].split() == ["a-pokemon-with-a-name-of-thirty,", "1", "egg", "added"]
    monkeypatch.setenv("COLUMNS", "30")
    draw_rows(frame, 20)
    assert [line.split()[0] for line in said()[0]] == ["pokemon", "move_id", "change"]


def test_of_all_tables_a_person_gets_those_that_differ(lake: Lake, said: Said):
    draw_counts(lake.diff())
    lines, err = said()
    assert [line.split() for line in lines[2:]] == [
        ["documents", "1", "0", "1"],
        ["learnt", "1", "0", "0"],
        ["moves", "1", "1", "1"],
    ]
    assert err.replace("\n", " ") == f"from {FIRST} to {SECOND}; no row of 0 other tables changed "


def test_nothing_changed_is_said_in_words(lake: Lake, said: Said):
    between = f"from {SECOND} to {SECOND}"
    draw_rows(lake.diff("moves", SECOND), 20)
    draw_counts(lake.diff(before=SECOND))
    draw_documents(lake.changes(SECOND), 20, None)
    draw_documents(lake.changes(SECOND, kind="reused"), 20, "reused")
    assert " ".join(said()[0]) == (
        f"no row changed {between} no row of any table changed {between}"
        f" no document was added, deleted or renamed {between} no id was reused {between}"
    )


def test_documents_are_listed_with_both_names_and_their_path_where_it_says_more(store: Store, lake: Lake, said: Said):
    draw_documents(lake.changes(), 20, None)
    lines, err = said()
    assert [line.split() for line in (lines[0], *lines[2:])] == [
        ["kind", "resource", "id", "old_name", "new_name"],
        ["renamed", "form", "1", "mew", "mew-two"],
        ["added", "form", "7", "-", "-"],
    ]
    assert err.replace("\n", " ") == f"from {FIRST} to {SECOND}: 1 renamed, 1 added "
    frame = lake.changes()
    draw_documents(frame.assign(path="form/blue"), 20, None)
    assert said()[0][0].split()[-1] == "path"


def test_of_a_long_text_the_place_is_shown_where_it_differs_and_of_a_hash_its_beginning():
    long = "It hits the foe {} and then it flees " + "away " * 100
    assert before_and_after(long.format("once"), long.format("twice")) == (
        "…t hits the foe once and then it … → …t hits the foe twice and then it …"
    )
    assert before_and_after("a" * 64, "b" * 64) == "aaaaaaaaaaaa… → bbbbbbbbbbbb…"
    assert len(before_and_after("a" * 5000, "b" * 5000)) < 500


def test_a_program_gets_all_columns_of_a_table_and_all_tables(
    store: Store, lake: Lake, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
):
    monkeypatch.setattr("lake.cli.read.open_lake", lambda *where: lake)

    def printed(*arguments: str) -> list[dict[str, object]]:
        with pytest.raises(SystemExit):
            readers.main([*arguments, "--json"])
        found: list[dict[str, object]] = json.loads(capsys.readouterr().out)
        return found

    assert [row["table"] for row in printed("diff")] == ["documents", "learnt", "moves"]
    assert printed("diff", SECOND) == []
    assert printed("diff") == printed("diff", FIRST) == printed("diff", FIRST, SECOND)
    assert [row["power_before"] for row in printed("diff", "moves", FIRST)] == [40, None, None]
    assert printed("diff", "moves") == printed("diff", "moves", FIRST, SECOND)
    assert [row["kind"] for row in printed("changes", FIRST, "--kind", "renamed")] == ["renamed"]
