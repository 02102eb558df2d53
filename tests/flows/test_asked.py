"""Sources that are not asked for everything at each refresh, counted request by request."""

import json
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from datetime import UTC, datetime, timedelta
from typing import Any
from unittest.mock import Mock
from urllib.parse import parse_qs, urlsplit

import msgspec
import pytest
from prefect.blocks.system import Secret
from prefect.client.schemas import State

from blocks.source_config import SourceConfig
from blocks.storage import save_block
from flows.cli.plan import plan
from flows.discover import discover
from flows.refresh import refresh
from flows.steps.outcome import spoken
from flows.steps.parameters import LakeLocation, SourceChoice
from lake.assemble.asked import Record
from lake.assemble.held import held_drafts
from lake.crawl import Client
from lake.layout import ASKED, LISTING_RESULTS, RESULTS, SNAPSHOTS, asked_key, newest_asked
from lake.read import Lake
from lake.store import Store
from tests.flows.lakeside import current
from tests.lake import keys
from tests.second_source import KEY, Trainer, second_source, settings, trainers

LEAGUE = LakeLocation(bucket="lake", prefix="league")
BLOCK = SourceChoice(block="seldom")
EVERYONE = set(trainers())


class League:
    """A league that is crawled again and again: its trainers, and which of them each crawl has asked for."""

    def __init__(self, served: dict[str, Trainer], asked: list[str], store: Store) -> None:
        self.served, self.store, self._asked = served, store, asked

    def crawl(self, **given: Any) -> str:
        """Refresh, and return how that ended."""
        self._asked.clear()
        state = refresh(LEAGUE, BLOCK, return_state=True, **given)
        self.message = state.message or ""
        return self.ended(state)

    def change(self, id_: str, **members: Any) -> None:
        """Change a trainer, or add one, now by the source's clock."""
        now = f"{datetime.now(UTC):%Y-%m-%dT%H:%M:%SZ}"
        self.served[id_] = {"id": id_, "badges": 0, **self.served.get(id_, {}), **members, "updated": now}

    def ended(self, state: State[Any]) -> str:
        """Return how a run ended."""
        return spoken(state)[0]

    @property
    def asked(self) -> set[str]:
        """The trainers that the last crawl asked for."""
        return {path.removeprefix("trainers/") for path in self._asked if path.startswith("trainers/")}

    @property
    def listed(self) -> list[str]:
        """The pages of the listing that the last crawl asked for."""
        return [path for path in self._asked if not path.startswith("trainers/")]

    @property
    def since(self) -> set[str]:
        """The times since which the last crawl has listed what changed, none if it listed everything."""
        return {time for path in self.listed for time in parse_qs(urlsplit(path).query).get("updated_since", ())}

    def later(self, by: timedelta = timedelta(hours=2)) -> None:
        """Let time pass: put a record in the place of the newest one that says the same of an earlier time."""
        key = asked_key(newest_asked(keys(self.store, ASKED)))
        record = msgspec.json.decode(self.store.get(key), type=Record)
        earlier = {name: msgspec.structs.replace(of, at=of.at and of.at - by) for name, of in record.resources.items()}
        self.store.delete([key])
        self.store.create(key, msgspec.json.encode(msgspec.structs.replace(record, resources=earlier)))

    def badges(self) -> dict[str, int]:
        """Return how many badges readers see of each trainer."""
        found = [json.loads(body) for body in Lake(self.store).read("documents")["body"]]
        return {one["id"]: one["badges"] for one in found}


@pytest.fixture
def open_league(prefect_server: dict[str, str], bucket: str) -> Iterator[Callable[..., League]]:
    """Return a function that serves a league and saves its blocks with some settings; the league gives no ETags."""
    save_block(Secret(value=KEY), "league-key")
    with ExitStack() as stack:

        def open_(inline: bool = False, **changes: Any) -> League:
            served, asked = trainers(), list[str]()
            url = stack.enter_context(second_source("next", inline, served, has_etags=False, asked=asked))
            of = settings(url, "next", inline, api_key_block="league-key", **changes)
            SourceConfig.of(of).save("seldom", overwrite=True)
            return League(served, asked, Store(bucket, LEAGUE.prefix))

        yield open_


def test_a_document_without_an_etag_is_asked_for_once_in_its_interval(open_league: Callable[..., League]):
    """New ones, those that failed and those that are not listed any longer are asked for all the same."""
    league = open_league(reask_seconds=3600)
    assert (league.crawl(), league.asked) == ("Completed", EVERYONE)
    assert (league.crawl(), league.asked, len(league.listed)) == ("Unchanged", set(), 3)
    assert plan(LEAGUE, BLOCK).requests == 3

    league.served["ash"]["badges"] = 9
    league.served["may"] = {"id": "may", "badges": 5}
    del league.served["gary"]
    assert (league.crawl(), league.asked) == ("Completed", {"may", "gary"})
    assert league.badges() == {"ash": 8, "cerulean/misty": 0, "brock": 0, "may": 5, "é": 1}

    league.later()
    assert plan(LEAGUE, BLOCK).requests == 3 + len(league.served)
    league.served["brock"]["broken"] = True
    assert (league.crawl(), league.asked) == ("Partial", league.served.keys())
    assert league.badges()["ash"] == 9
    league.served["brock"] = {"id": "brock", "badges": 1}
    assert (league.crawl(), league.asked) == ("Completed", {"brock"})

    league.served["max"] = {"id": "max", "badges": 0}
    league.store.delete(keys(league.store, f"{RESULTS}{LISTING_RESULTS}"))
    assert league.ended(discover(LEAGUE, BLOCK, return_state=True)) == "Completed"
    assert (league.crawl(), league.asked) == ("Unchanged", set())
    assert (league.crawl(force=True), league.asked) == ("Unchanged", league.served.keys())
    league.store.delete(keys(league.store, ASKED))
    assert (league.crawl(), league.asked) == ("Unchanged", league.served.keys())
    assert league.badges() == {"ash": 9, "cerulean/misty": 0, "brock": 1, "may": 5, "é": 1, "max": 0}


@pytest.mark.parametrize("inline", [False, True], ids=["by-link", "inline"])
def test_only_what_changed_is_listed_but_for_every_third_refresh(open_league: Callable[..., League], inline: bool):
    """That one sees deletions, and so does the one after a document that failed."""
    league = open_league(inline, complete_every=3)
    assert (league.crawl(), league.since, len(league.listed)) == ("Completed", set(), 6 if inline else 3)
    assert (league.crawl(), league.asked, len(league.listed)) == ("Unchanged", set(), 1)
    [since] = league.since
    assert timedelta(minutes=10) <= datetime.now(UTC) - datetime.fromisoformat(since) < timedelta(minutes=20)

    league.change("ash", badges=9)
    league.change("may", badges=5)
    del league.served["gary"]
    assert plan(LEAGUE, BLOCK).requests == (2 if inline else 3)
    assert (league.crawl(), league.asked, len(league.since)) == ("Completed", set() if inline else {"ash", "may"}, 1)
    assert league.badges() == {"ash": 9, "cerulean/misty": 0, "brock": 0, "gary": 10, "may": 5, "é": 1}
    [(name, at)] = current(league.store).source.since.items()
    assert f"listed only what changed since {at}: trainer" in league.message
    assert (name, current(league.store).totals()["deleted"]) == ("trainer", 0)

    assert (league.crawl(), league.since) == ("Completed", set())
    assert "gary" not in league.badges()
    assert current(league.store).source.since == {}
    if not inline:
        league.change("brock", badges=1, broken=True)
        assert (league.crawl(), len(league.since)) == ("Partial", 1)
        league.change("brock", broken=False)
        assert (league.crawl(), league.since) == ("Completed", set())
        assert league.badges()["brock"] == 1


def test_a_document_that_always_fails_keeps_no_other_from_being_asked_for(open_league: Callable[..., League]):
    """A run that publishes nothing leaves the head as it was, and what the next one finds staged is no answer to it."""
    league = open_league()
    league.served["brock"]["broken"] = True
    assert (league.crawl(), league.crawl(), league.asked) == ("Partial", "Partial", EVERYONE)
    league.served["ash"]["badges"] = 9
    assert (league.crawl(), league.badges()["ash"]) == ("Partial", 9)


def test_a_change_after_a_killed_run_had_asked_is_listed_again(
    open_league: Callable[..., League], monkeypatch: pytest.MonkeyPatch
):
    """The next run takes what the killed one had staged, which is older than the change."""
    monkeypatch.setattr("lake.assemble.asked.OVERLAP", timedelta())
    league = open_league(complete_every=9)
    league.crawl()
    league.change("ash", badges=9)
    with monkeypatch.context() as killing:
        killing.setattr("flows.refresh.publish_on_head", Mock(side_effect=KeyboardInterrupt))
        with pytest.raises(KeyboardInterrupt):
            league.crawl()
    assert league.asked == {"ash"}
    league.change("ash", badges=10)
    with monkeypatch.context() as later:
        later.setattr(Client, "by_its_clock", lambda client, at: at + timedelta(minutes=1))
        assert (league.crawl(), league.asked) == ("Completed", set())
    assert league.badges()["ash"] == 9
    assert (league.crawl(), league.asked, len(league.since)) == ("Completed", {"ash"}, 1)
    assert league.badges()["ash"] == 10


def test_everything_is_listed_while_a_draft_waits_and_where_documents_are_lost(open_league: Callable[..., League]):
    """A draft has deletions that no listing of changes would find again, once something newer took its place."""
    none = {"tolerated_deletions": 0, "tolerated_deletions_share": 0, "tolerated_lost_rows": 0}
    league = open_league(complete_every=9, tolerated_lost_rows_share=0, **none)
    league.crawl()
    [lost] = [key for key in keys(league.store, SNAPSHOTS) if "/documents/" in key]
    league.store.delete([lost])
    assert (league.crawl(), league.asked, league.since) == ("Completed", EVERYONE, set())
    del league.served["gary"]
    assert (league.crawl(force=True), len(held_drafts(league.store))) == ("Failed", 1)
    assert (league.crawl(), league.since) == ("Failed", set())
    allowed = {"allow_shrink": ("trainer",)}
    assert (league.crawl(**allowed), league.since) == ("Completed", set())
    assert "gary" not in league.badges()
    assert (league.crawl(), len(league.since)) == ("Unchanged", 1)
    assert (league.crawl(**allowed), league.since) == ("Unchanged", set())
