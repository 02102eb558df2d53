"""A source without ETags whose documents are not asked for at each refresh, counted request by request."""

import json
from collections.abc import Iterator
from datetime import timedelta
from typing import Any

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
from lake.layout import ASKED, LISTING_RESULTS, RESULTS, asked_key, newest_asked
from lake.read import Lake
from lake.store import Store
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
        return self.ended(refresh(LEAGUE, BLOCK, return_state=True, **given))

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
def league(prefect_server: dict[str, str], bucket: str) -> Iterator[League]:
    """Serve a league without ETags, and save its blocks, by which a trainer is asked for once an hour."""
    served, asked = trainers(), list[str]()
    save_block(Secret(value=KEY), "league-key")
    with second_source("next", False, served, has_etags=False, asked=asked) as url:
        of = settings(url, api_key_block="league-key", reask_seconds=3600)
        SourceConfig.of(of).save("seldom", overwrite=True)
        yield League(served, asked, Store(bucket, LEAGUE.prefix))


def test_a_document_without_an_etag_is_asked_for_once_in_its_interval(league: League):
    """New ones, those that failed and those that are not listed any longer are asked for all the same."""
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
