"""A source that is not PokeAPI, crawled by configuration alone: a saved block, and a Secret block with its key."""

import json
import logging
import os
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any

import pytest
from prefect.blocks.system import Secret
from prefect.client.orchestration import get_client
from prefect.client.schemas import State

from blocks.source_config import SourceConfig
from blocks.storage import save_block
from flows.cli import main
from flows.cli.plan import plan
from flows.discover import discover
from flows.refresh import refresh
from flows.steps.outcome import spoken
from flows.steps.parameters import LakeLocation, SourceChoice
from lake.commit import head
from lake.crawl import Source
from lake.errors import SourceError, UnknownNameError
from lake.read import Lake
from lake.store import Store
from tests.flows.lakeside import current, error_of
from tests.lake import keys
from tests.second_source import (
    KEY,
    TOKEN,
    KeyIn,
    Style,
    Trainer,
    key_settings,
    second_source,
    secret,
    settings,
    trainers,
)
from tests.waiting import until

LEAGUE = LakeLocation(bucket="lake", prefix="league")
BLOCK = SourceChoice(block="league")

COMMAND = str(Path(sys.executable).with_name("pokelake"))


@pytest.fixture(scope="module")
def leagues() -> Iterator[tuple[dict[str, Trainer], dict[Style, str]]]:
    """Serve the league in both styles; return the trainers that it has, to be changed at will, and its addresses."""
    served = trainers()
    with second_source("next", False, served) as by_link, second_source("cursor", True, served) as by_cursor:
        yield served, {"next": by_link, "cursor": by_cursor}


@pytest.fixture
def served(leagues: tuple[dict[str, Trainer], dict[Style, str]]) -> dict[str, Trainer]:
    """Return the trainers that the source has, as they are at first, to be changed at will."""
    served, _ = leagues
    served.clear()
    served.update(trainers())
    return served


@pytest.fixture(params=[("next", False), ("cursor", True)], ids=["by-link", "by-cursor-inline"])
def saved(
    request: pytest.FixtureRequest,
    prefect_server: dict[str, str],
    leagues: tuple[dict[str, Trainer], dict[Style, str]],
    served: dict[str, Trainer],
) -> tuple[Style, bool]:
    """Save the blocks of the league, as someone would in Prefect's forms, where they are not; return its style."""
    style, inline = request.param
    save_block(Secret(value=KEY), "league-key")
    save_block(SourceConfig.of(settings(leagues[1][style], style, inline, api_key_block="league-key")), "league")
    return style, inline


@pytest.fixture
def league(bucket: str) -> Store:
    """Open the league's lake."""
    return Store(bucket, LEAGUE.prefix)


def crawl() -> State[Any]:
    return refresh(LEAGUE, BLOCK, return_state=True)


def bodies(league: Store) -> list[Trainer]:
    return sorted((json.loads(body) for body in Lake(league).read("documents")["body"]), key=lambda one: one["id"])


def by_id(served: dict[str, Trainer]) -> list[Trainer]:
    return sorted(served.values(), key=lambda one: one["id"])


def with_ttl(seconds: float) -> SourceChoice:
    """Save the block with another time for which listings stand."""
    source = SourceConfig.load("league").source()
    SourceConfig.of(replace(source, listing_ttl_seconds=seconds)).save("league", overwrite=True)
    return BLOCK


def test_it_is_planned_crawled_and_discovered(saved: tuple[Style, bool], league: Store, served: dict[str, Trainer]):
    """Three pages of a listing, and then the five documents, or the pages once more; later what changed or is new."""
    inline = saved[1]
    planned = plan(LEAGUE, BLOCK)
    assert planned.requests == (6 if inline else 8)
    assert planned.sure_tables == ()
    assert "tables: the documents will say which there are" in planned.lines()

    assert crawl().name == "Completed"
    first = current(league)
    assert first.source.requests == (3 if inline else 5)
    check_first(league, served)

    assert spoken(crawl())[0] == "Unchanged"
    assert current(league) == first

    served["ash"]["badges"] = 9
    del served["cerulean/misty"]
    assert crawl().name == "Completed"
    assert current(league).changes == {"trainer": {"added": 0, "modified": 1, "deleted": 1, "reordered": 0}}
    assert bodies(league) == by_id(served)
    assert Lake(league).read("trainer").set_index("id")["badges"].to_dict() == {
        one["id"]: one["badges"] for one in by_id(served)
    }
    assert plan(LEAGUE, BLOCK).possible_tables == ("trainer", "trainer_team")

    served["may"] = {"id": "may", "town": "Petalburg City", "badges": 5, "team": []}
    assert discover(LEAGUE, with_ttl(0.01), return_state=True).name == "Completed"
    assert current(league).changes["trainer"]["added"] == 1
    assert bodies(league) == by_id(served)


@pytest.mark.parametrize(
    ("style", "inline", "key_in"),
    [("offset", False, "oauth2"), ("page", True, "basic"), ("header", True, "query"), ("next", False, "query")],
)
def test_it_lands_however_it_pages_and_wherever_its_key_is(
    prefect_server: dict[str, str],
    league: Store,
    caplog: pytest.LogCaptureFixture,
    style: Style,
    inline: bool,
    key_in: KeyIn,
):
    """And the key, and the token that it was exchanged for, can be read nowhere afterwards."""
    caplog.set_level(logging.DEBUG)
    with second_source(style, inline, key_in=key_in) as url:
        Secret(value=secret(key_in)).save("league-key", overwrite=True)
        source = settings(url, style, inline, api_key_block="league-key", **key_settings(url, key_in))
        SourceConfig.of(source).save("league", overwrite=True)
        planned = plan(LEAGUE, BLOCK)
        assert crawl().name == "Completed"
    assert current(league).source.requests == (3 if inline else 5)
    check_first(league, trainers())
    run = current(league).run["flow_run_id"]
    told = [caplog.text, repr(planned), *(recorded(kind, run) for kind in ("flow_runs", "task_runs"))]
    told += [league.get(key).decode("latin-1") for key in keys(league)]
    assert not any(key in text for text in told for key in (KEY, TOKEN))


def check_first(league: Store, served: dict[str, Trainer]) -> None:
    """Check that all trainers landed as documents, byte for byte, and typed."""
    assert current(league).tables.keys() == {"documents", "document_index", "trainer", "trainer_team"}
    assert bodies(league) == by_id(served)
    rows = Lake(league).read("documents")
    # The league's server writes JSON without a space, as `json.dumps` does with these separators.
    assert set(rows["body"]) == {json.dumps(one, separators=(",", ":"), ensure_ascii=False) for one in served.values()}
    assert set(rows["path"]) >= {"trainer/ash", "trainer/cerulean%2Fmisty", "trainer/%C3%A9"}
    team = Lake(league).sql(
        "FROM trainer JOIN trainer_team ON id = trainer_id SELECT id, town, pokemon, level ORDER BY id"
    )
    assert team["id"].tolist() == ["ash", "cerulean/misty", "gary", "é"]
    assert team["level"].dtype == "Int64"
    assert sorted(team["level"].dropna()) == [10, 21, 25]


@pytest.mark.parametrize("saved", [("next", False)], indirect=True, ids=["by-link"])
def test_its_key_is_kept_nowhere_but_in_its_block(
    saved: tuple[Style, bool], league: Store, prefect_server: dict[str, str], request: pytest.FixtureRequest
):
    """Not even by a run in a process of its own that logs all it can."""
    SourceConfig.of(SourceConfig.load("league").source()).save("pokeapi", overwrite=True)
    # A setup in another test would keep what kind of source this is.
    request.addfinalizer(lambda: SourceConfig.delete("pokeapi"))
    command = [COMMAND, "refresh", "--bucket", LEAGUE.bucket, "--prefix", LEAGUE.prefix]
    environment = {**os.environ, **prefect_server, "PREFECT_LOGGING_LEVEL": "DEBUG"}
    done = subprocess.run(command, env=environment, capture_output=True, text=True, timeout=120)
    assert done.stdout.startswith("Completed: ")
    assert "fetch trainer" in done.stderr
    run = current(league).run["flow_run_id"]
    told = [done.stdout, done.stderr, *(recorded(kind, run) for kind in ("flow_runs", "task_runs", "logs"))]
    told += [league.get(key).decode("latin-1") for key in keys(league)]
    assert not any(KEY in text for text in told)


@pytest.mark.parametrize("saved", [("cursor", True)], indirect=True, ids=["by-cursor-inline"])
def test_a_saved_source_is_tried_with_its_key(saved: tuple[Style, bool], capsys: pytest.CaptureFixture[str]):
    with pytest.raises(SystemExit) as ended:
        main(["try-source", "--source-block", "league", "--json"])
    assert ended.value.code == 0
    found = json.loads(capsys.readouterr().out)
    [tried] = found["collections"]
    assert (tried["items"], tried["count"], found["requests_made"]) == (2, 5, 2)
    # Of three pages each is read twice.
    assert found["first_crawl"]["requests"] == 6
    assert [row["id"] for row in tried["tables"][0]["rows"]] == ["ash", "cerulean/misty"]
    assert found["block"].endswith(').save("league")')
    assert 'api_key_block="league-key"' in found["block"]
    assert KEY not in json.dumps(found)


def recorded(kind: str, flow_run: str) -> str:
    """Return what the Prefect server says of a run, as soon as it speaks of a shard, or of the source's block."""
    wanted = {
        "flow_runs": {"flow_runs": {"id": {"any_": [flow_run]}}},
        "task_runs": {"flow_runs": {"id": {"any_": [flow_run]}}},
        "logs": {"logs": {"flow_run_id": {"any_": [flow_run]}}},
    }[kind]
    said = "base_url" if kind == "flow_runs" else "fetch trainer"
    with get_client(sync_client=True) as client:
        ask = partial(client.request, "POST", f"/{kind}/filter", json=wanted)
        return until(lambda: ask().text, every=0.1, enough=lambda found: said in found)


@pytest.mark.parametrize("saved", [("next", False)], indirect=True, ids=["by-link"])
def test_every_setting_that_is_given_takes_the_place_of_the_block_s(saved: tuple[Style, bool]):
    given = {
        "resources": ("trainer",),
        "requests_per_second": 3.5,
        "connections": 5,
        "parallel_shards": 4,
        "user_agent": "our-lake (data@example.org)",
        "attempts": 7,
        "retry_delay_seconds": 0.25,
    }
    assert {"block", "base_url", *given} == SourceChoice.model_fields.keys()
    plain = BLOCK.resolve(LEAGUE)
    assert SourceChoice(block="league", **given).resolve(LEAGUE) == replace(plain, **given)
    elsewhere = SourceChoice(block="league", base_url="https://pokeapi.test/api/v2/", **given).resolve(LEAGUE)
    assert elsewhere == replace(Source("https://pokeapi.test/api/v2/"), **given)


@pytest.mark.parametrize("saved", [("next", False)], indirect=True, ids=["by-link"])
def test_a_wrong_key_is_one_error_that_does_not_repeat_it(saved: tuple[Style, bool], league: Store):
    Secret(value="of-someone-else").save("league-key", overwrite=True)
    error = error_of(crawl(), SourceError)
    assert "trainer" in str(error)
    assert "401" in str(error)
    assert "someone" not in str(error)
    assert head(league) is None


@pytest.mark.parametrize("saved", [("next", False)], indirect=True, ids=["by-link"])
def test_a_key_that_is_not_saved_is_named_by_its_block(saved: tuple[Style, bool], league: Store):
    Secret.delete("league-key")
    error = error_of(crawl(), UnknownNameError)
    assert "'league-key'" in str(error)
    assert "prefect block create secret" in str(error)
