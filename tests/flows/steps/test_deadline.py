"""A crawl ends in a stated time, which follows from its documents and its pace, and the next run goes on from there."""

import time
from datetime import timedelta

import pytest

from flows.local.replica import Running
from flows.maintain import maintain
from flows.rebuild import rebuild
from flows.report import report
from flows.steps import deadline
from flows.steps.again import may_go_well
from flows.steps.deadline import longest
from flows.steps.predecessors import least
from flows.verify import verify
from lake.commit import head
from lake.crawl import Source
from lake.errors import SourceError
from lake.store import Store
from tests.flows.conftest import LOCATION, Refresh
from tests.flows.lakeside import asked, error_of
from tests.flows.poison import results_of

ALL_OF_POKEAPI = 15_463


@pytest.mark.parametrize("pace", [0.1, 0.5, 1, 2, 5, 10, 100])
def test_a_crawl_ends_by_itself_before_an_automation_cancels_it(pace: float):
    """Because a cancelled run is not started again."""
    polite = timedelta(seconds=ALL_OF_POKEAPI / pace)
    crawl = timedelta(seconds=longest(Source(), ALL_OF_POKEAPI, pace))
    assert polite < crawl < least(Source(requests_per_second=pace)) - timedelta(hours=2)


def test_a_crawl_without_a_pace_has_the_time_of_pokeapis():
    assert longest(Source(), 1000, 0) == longest(Source(), 1000, 10)


def test_every_other_flow_is_ended_after_a_stated_time(
    prefect_server: dict[str, str], store: Store, monkeypatch: pytest.MonkeyPatch
):
    """Whatever it waits for; what it has begun is ended by the same signal as a timer's."""
    assert all(flow.timeout_seconds for flow in (rebuild, maintain, report, verify))
    monkeypatch.setattr("flows.maintain.find_garbage", lambda *given: time.sleep(60))
    began = time.monotonic()
    state = maintain.with_options(timeout_seconds=3)(LOCATION, return_state=True)
    assert state.name == "TimedOut"
    assert time.monotonic() - began < 30


def test_a_crawl_that_takes_too_long_ends_with_one_paragraph_and_keeps_its_shards(
    run_refresh: Refresh, running: Running, store: Store, monkeypatch: pytest.MonkeyPatch
):
    with monkeypatch.context() as patch:
        patch.setattr(deadline, "CHECK_SECONDS", 0.5)
        # The time is over as soon as the task of this resource has its result.
        patch.setattr(deadline, "longest", lambda *given: 0 if results_of(store, "generation") else 60)
        running.faults([{"kind": "latency", "seconds": 60, "path": "^pokemon-species/"}])
        error = error_of(run_refresh(), SourceError)
        running.faults([])
    assert "so the crawl was ended; nothing was published" in str(error)
    assert "`pokelake refresh --bucket lake --prefix pokelake`, or `prefect deployment run refresh/refresh`" in str(
        error
    )
    assert may_go_well(error)
    before = asked(running, {"generation/1"})
    assert run_refresh().is_completed()
    assert head(store) is not None
    assert asked(running, {"generation/1"}) == before
