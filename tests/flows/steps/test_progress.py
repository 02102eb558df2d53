"""How far a crawl is, as it is told to Prefect; here without one."""

from collections.abc import Callable
from itertools import count
from typing import Any

import pytest

from flows.steps import progress
from flows.steps.progress import CrawlReport, crawl_progress
from tests.waiting import until


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> Callable[[float], None]:
    """Return a function that sets what the clock says; it begins at 0."""
    now = [0.0]
    monkeypatch.setattr("flows.steps.progress.time.monotonic", lambda: now[0])
    return lambda seconds: now.__setitem__(0, seconds)


@pytest.mark.parametrize(
    ("fetched", "kept", "said"),
    [
        (0, 0, "0 of 15,463 documents, 0.0 a second"),
        (600, 0, "600 of 15,463 documents, 10.0 a second, 25 minutes left"),
        (600, 14_000, "14,600 of 15,463 documents, 10.0 a second, 1 minute left"),
        (15_000, 0, "15,000 of 15,463 documents, 250.0 a second, less than a minute left"),
        (15_463, 0, "15,463 of 15,463 documents, 257.7 a second"),
    ],
)
def test_documents_rate_and_time_left_are_told(clock: Callable[[float], None], fetched: int, kept: int, said: str):
    """What an earlier run fetched costs no time, so it counts for no rate."""
    report = CrawlReport("our-lake", 15_463)
    clock(60)
    report.note(kept, False)
    report.note(fetched, True)
    assert report.line() == said


def test_documents_of_shards_under_way_count_and_the_rate_is_that_of_the_pace_now(clock: Callable[[float], None]):
    """At a slow pace a shard takes an hour, and the rate before says nothing about what is left."""
    report, live = CrawlReport("our-lake", 1_000), [0]
    report.live, report.pace = lambda: live[0], lambda: 5.0
    assert report.line() == "0 of 1,000 documents, 3 minutes left"
    clock(50)
    live[0] = 500
    report.note(256, True)
    assert report.line() == "500 of 1,000 documents, 10.0 a second, less than a minute left"
    report.pace_changed()
    assert (report.rate, report.line()) == (None, "500 of 1,000 documents, 2 minutes left")
    clock(60)
    live[0] = 540
    assert report.line() == "540 of 1,000 documents, 4.0 a second, 2 minutes left"
    # Documents that are asked for a second time are no more of them.
    live[0] = 1_100
    report.note(744, True)
    clock(100)
    assert report.line() == "1,000 of 1,000 documents, 10.0 a second"


def test_an_api_that_is_away_holds_no_crawl_up_and_is_tried_again(monkeypatch: pytest.MonkeyPatch):
    tries, told, events = count(1), list[str](), list[tuple[int, int]]()

    def create(kind: str, key: str, description: str, data: Any, client: Any) -> None:
        if next(tries) < 3:
            raise ConnectionError("refused")
        told.append(description)

    monkeypatch.setattr(progress, "ARTIFACT_SECONDS", 0.001)
    monkeypatch.setattr(progress, "create", create)
    monkeypatch.setattr(progress, "get_client", lambda sync_client: object())
    monkeypatch.setattr(progress, "report_progress", lambda done, total, rate: events.append((done, total)))
    with crawl_progress(CrawlReport("our-lake/x", 200)) as note:
        note(128, True)
        until(lambda: told, every=0.001)
        note(72, True)
    assert told[-1].startswith("Crawl of our-lake/x: 200 of 200 documents, ")
    assert events[-1] == (200, 200)
