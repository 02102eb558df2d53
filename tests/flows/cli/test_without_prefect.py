"""What lies in the lake is shown and decided also while Prefect's API cannot be used, and the command says that."""

import json
from collections.abc import Callable, Iterator
from itertools import repeat
from unittest.mock import Mock

import httpx
import pytest
from prefect.settings import PREFECT_API_URL, temporary_settings

import flows.cli.status
from flows.cli.api import api_error, tried
from flows.steps.parameters import _opened
from lake.assemble.held import HeldDraft, held_drafts, waiting
from lake.commit import head
from lake.store import Store
from lake.verdict import Act
from tests.lake.assemble.holding import abilities, fewer, full, hold_back
from tests.lake.assemble.lakeside import Lakeside, changed

LAKE = ("--bucket", "lake", "--prefix", "pokelake")
DEAD = "http://127.0.0.1:9/api"
TROUBLE = f"Prefect's API at {DEAD} could not be used: "

Ran = Callable[..., tuple[int, str, str]]


@pytest.fixture(scope="module")
def dead() -> Iterator[None]:
    """Let Prefect's API be one that does not answer; new settings of Prefect's take longer than a command."""
    with temporary_settings({PREFECT_API_URL: DEAD}):
        yield


@pytest.fixture
def ran(ran: Ran, dead: None, monkeypatch: pytest.MonkeyPatch) -> Iterator[Ran]:
    """Run commands whose Prefect is away."""
    monkeypatch.setattr("httpcore._sync.connection.exponential_backoff", lambda factor: repeat(0))
    _opened.cache_clear()
    yield ran
    _opened.cache_clear()


@pytest.fixture
def held(store: Store) -> HeldDraft:
    """Hold a draft in which most abilities are gone."""
    lake = Lakeside(store)
    lake.begin(abilities())
    return hold_back(lake, lake.crawl(fewer()))


def test_what_lies_in_the_lake_is_said_and_why_its_runs_are_not(ran: Ran, store: Store, held: HeldDraft):
    before = head(store)
    assert before is not None
    code, out, err = ran("status", *LAKE)
    assert (code, err) == (0, "")
    lines = out.splitlines()
    assert lines[1].startswith(f"readers  {before.snapshot}, published ")
    assert lines[2].startswith(f"run      not known: {TROUBLE}")
    assert lines[3].startswith("storage  1 snapshot of 0.1 MB, ")
    assert lines[4].startswith(f"waits    {held.id}, until ")
    said = json.loads(ran("status", *LAKE, "--json")[1])
    assert (said["readers"]["snapshot"], said["held"]["draft"], said["runs"]) == (before.snapshot, held.id, None)
    assert said["trouble"].startswith(TROUBLE)
    code, out, err = ran("approve", *LAKE)
    assert (code, err) == (0, "")
    assert out.startswith(f"{held.id} is held until ")
    # Without the name of the bucket, only Prefect knows where the lake lies.
    for command in ("status", "approve"):
        code, out, err = ran(command)
        assert (code, out) == (1, "")
        assert "with --bucket and --prefix this command reads the lake without it" in err


def test_an_api_that_goes_away_while_it_is_asked_is_told_too(
    ran: Ran, store: Store, held: HeldDraft, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setattr(flows.cli.status, "reach_prefect", lambda: None)
    code, out, _ = ran("status", *LAKE)
    assert code == 0
    assert f"\nrun      not known: {TROUBLE}" in out
    assert f"\nwaits    {held.id}, until " in out


def test_a_verdict_is_given_in_this_process_if_nothing_answers_and_that_is_said(
    ran: Ran, store: Store, held: HeldDraft
):
    code, out, err = ran("approve", *LAKE, "--finding", held.questions[0].name)
    assert (code, out) == (1, "")
    assert "expected a verdict on every finding that asks" in err
    assert waiting(store) == held
    code, out, err = ran("approve", *LAKE, "--all", "--by", "Oak", "--reason", "they were removed")
    assert code == 0
    assert err.startswith(f"pokelake: {TROUBLE}")
    assert out.startswith(f"Prefect is not reachable, so the verdict is given in this process: publish {held.id}\n")
    commit = head(store)
    assert commit is not None
    assert commit.verdict is not None
    assert (commit.verdict.draft, commit.verdict.by, commit.verdict.reason) == (held.id, "Oak", "they were removed")
    assert f"\nCompleted: published {commit.snapshot}: " in out
    assert out.endswith("; as decided by Oak (they were removed)\n")
    # The next run finds it, tells Prefect, and ends the run that waits there.
    [standing] = held_drafts(store)
    assert (standing.draft, standing.verdict) == (held, commit.verdict)
    assert json.loads(ran("status", *LAKE, "--json")[1])["held"] is None
    # The same verdict once more finds what was published, and publishes nothing.
    assert f"Completed: published {commit.snapshot}: " in ran("approve", held.id, *LAKE, "--all")[1]
    code, _, err = ran("approve", held.id, *LAKE, "--reject")
    assert code == 1
    assert "Oak" in err
    assert head(store) == commit


def test_a_draft_is_dropped_or_held_again_without_prefect(ran: Ran, store: Store, held: HeldDraft):
    newer = Lakeside(store).fill(changed(abilities(), "ability/9", is_main_series=False))
    code, out, err = ran("approve", *LAKE, "--all")
    again = waiting(store)
    assert again is not None
    assert (code, again.again) == (1, held.id)
    assert f"It is held again in the place of {held.id}: another run has published since" in err
    code, out, _ = ran("approve", *LAKE, "--reject", "--by", "Elm", "--reason", "the source is wrong")
    assert code == 0
    assert out.endswith(f"Dropped: draft {again.id} (the source is wrong), by Elm\n")
    assert [one.verdict.act for one in held_drafts(store) if one.verdict and one.draft == again] == [Act.DROP]
    assert head(store) == newer


def test_a_place_where_no_lake_may_begin_is_refused_before_prefect_is_asked(ran: Ran, store: Store):
    for verb in ("refresh", "discover"):
        code, out, err = ran(verb, "--bucket", "lake", "--prefix", "my lake")
        assert (code, out) == (1, "")
        assert err.startswith("pokelake: folder 'my lake': expected letters, digits")
        assert "goes on" not in err
    Lakeside(Store("lake", "my lake")).begin(abilities())
    code, _, err = ran("refresh", "--bucket", "lake", "--prefix", "my lake")
    assert (code, err.startswith(f"pokelake: {TROUBLE}")) == (1, True)


ERRORS = {
    httpx.ConnectError("refused"): True,
    httpx.ReadTimeout("silent"): True,
    httpx.ProxyError("503"): True,
    httpx.RemoteProtocolError("Server disconnected"): True,
    httpx.UnsupportedProtocol("ftp://"): False,
    httpx.LocalProtocolError("Illegal header value"): False,
    **{
        httpx.HTTPStatusError(str(status), request=httpx.Request("GET", DEAD), response=httpx.Response(status)): status
        >= 500
        for status in (401, 403, 404, 429, 500, 502, 503, 504)
    },
}


def test_only_an_api_of_which_nothing_answers_is_away(
    ran: Ran, store: Store, monkeypatch: pytest.MonkeyPatch, subtests: pytest.Subtests
):
    """Where something answers, the run that waits there must be asked first: its key or its address is to be mended."""
    lake = full(store)
    for error, is_away in ERRORS.items():
        with subtests.test(repr(error)):
            if waiting(store) is None:
                hold_back(lake, lake.crawl(fewer()))
            fail = Mock(side_effect=error)
            said = tried(fail, "lake")
            assert said is not None
            assert said.is_away == is_away
            assert str(said) == str(api_error(error))
            monkeypatch.setattr("flows.cli.approve.reach_prefect", fail)
            code, _, err = ran("approve", *LAKE, "--reject")
            assert (code, waiting(store) is None) == ((0, True) if is_away else (1, False))
            assert err == f"pokelake: {said.why if is_away else said}\n"
