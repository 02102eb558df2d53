"""The commands about what is held back: they show it, decide it in their own process, and ask on a terminal."""

import json
import shlex
import sys
from collections.abc import Callable

import pytest
import typer
from prefect.states import Failed

import flows.cli.held
from flows.cli.held import finish
from flows.steps.held import held_error
from flows.steps.parameters import LakeLocation
from lake.assemble.held import HeldDraft, waiting
from lake.commit import head
from lake.errors import HeldError, LakeError
from lake.store import Store
from tests.lake.assemble.holding import held_in

LAKE = ("--bucket", "lake", "--prefix", "pokelake")
LOCATION = LakeLocation(bucket="lake", prefix="pokelake")

Ran = Callable[..., tuple[int, str, str]]


@pytest.fixture
def ran(ran: Ran, prefect_server: dict[str, str]) -> Ran:
    """Run commands that ask this server."""
    return ran


@pytest.fixture
def held(store: Store) -> HeldDraft:
    """Hold a draft in which most abilities are gone; no run of this server holds it."""
    return held_in(store)


def test_what_waits_is_shown_until_somebody_decides(
    ran: Ran, store: Store, held: HeldDraft, monkeypatch: pytest.MonkeyPatch
):
    before = head(store)
    assert before is not None
    code, out, err = ran("approve", *LAKE)
    assert (code, err) == (0, "")
    assert f"{held.id} is held until " in out
    assert "shrink/names" in out
    assert f"  pokelake approve {held.id} --bucket lake --prefix pokelake --all --reason WHY\n" in out
    code, out, _ = ran("status", *LAKE)
    assert f"waits    {held.id}, until " in out
    said = json.loads(ran("status", *LAKE, "--json")[1])
    assert (said["readers"]["snapshot"], said["held"]["draft"]) == (before.snapshot, held.id)
    assert [row["finding"] for row in said["held"]["findings"]] == [finding.name for finding in held.questions]
    assert all(command.startswith(f"pokelake approve {held.id} ") for command in said["held"]["commands"])
    assert (waiting(store), head(store)) == (held, before)
    # What is printed can be pasted where another lake is the default.
    [way] = [line for line in out.splitlines() if line.strip().startswith("pokelake") and "--reject" in line]
    monkeypatch.setenv("POKELAKE_BUCKET", "elsewhere")
    monkeypatch.setenv("POKELAKE_PREFIX", "other")
    shown = shlex.split(way.replace("--reject --reason WHY", ""))
    assert ran(*shown[1:])[1].startswith(f"{held.id} is held until ")

    first, *others = [finding.name for finding in held.questions]
    code, _, err = ran("approve", *LAKE, "--finding", first)
    assert code == 1
    assert f"expected a verdict on every finding that asks, found none on {', '.join(others)}" in err
    code, out, err = ran("approve", held.id, *LAKE, "--all", "--reason", "they were removed", "--by", "Oak")
    assert (code, err) == (0, "")
    assert f"deciding in this process: publish {held.id}\nCompleted: published " in out
    assert "; as decided by Oak (they were removed)" in out
    commit = head(store)
    assert commit is not None
    assert commit.verdict is not None
    assert (commit.parent, commit.verdict.draft, commit.verdict.by) == (before.snapshot, held.id, "Oak")
    assert ran("approve", *LAKE)[1] == "nothing waits for a verdict in s3://lake/pokelake/\n"
    code, _, err = ran("approve", *LAKE, "--all")
    assert (code, err) == (1, "pokelake: nothing waits for a verdict in s3://lake/pokelake/\n")
    assert json.loads(ran("status", *LAKE, "--json")[1])["held"] is None


def test_two_verdicts_at_once_are_bad_usage(ran: Ran):
    code, _, err = ran("approve", *LAKE, "--all", "--reject")
    assert code == 2
    assert "exclude each other" in err


def test_a_terminal_is_asked_what_to_do(
    ran: Ran, store: Store, held: HeldDraft, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
):
    state = Failed(data=held_error(LOCATION, held))
    with pytest.raises(HeldError, match=f"{held.id} is held and was not published"):
        finish(state, LOCATION)
    for stream in (sys.stdin, sys.stderr):
        monkeypatch.setattr(stream, "isatty", lambda: True, raising=False)
    answers = iter(["what?", "leave", " Drop", "the source is wrong"])
    monkeypatch.setattr(typer, "prompt", lambda *given, **options: next(answers))
    with pytest.raises(LakeError) as left:
        finish(state, LOCATION)
    assert capsys.readouterr().err == "please answer publish, drop or leave\n"
    # The findings were shown already.
    first, *commands = str(left.value).splitlines()
    assert first.startswith(f"{held.id}, held because of {len(held.questions)} findings, waits for you until ")
    shown = f"  pokelake approve {held.id} --bucket lake --prefix pokelake"
    assert commands == [f"{shown} --all --reason WHY", f"{shown} --reject --reason WHY", shown]
    assert waiting(store) == held
    monkeypatch.setattr(flows.cli.held, "account", lambda: "Elm")
    finish(state, LOCATION)
    out = capsys.readouterr().out
    assert "shrink/names" in out
    assert out.endswith(f"Dropped: draft {held.id} (the source is wrong), by Elm\n")
    assert waiting(store) is None
