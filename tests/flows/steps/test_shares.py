"""The politeness of a crawl is shared out, and the sum of the shares is never more than the settings allow."""

import time
from collections.abc import Callable

import pytest
from hypothesis import given
from hypothesis import strategies as st

from flows.steps.shares import Shares
from flows.steps.told import Listener, Teller
from lake.crawl import Source
from lake.errors import BudgetError, SourceError
from lake.layout import told_folder
from lake.store import Store
from tests.lake import keys
from tests.waiting import until

FOLDER = told_folder("0123456789abcdef", "run")


class Told(Teller):
    """Keeps what would be told."""

    def __init__(self) -> None:
        self.paces: list[float | None] = []

    def tell(self, requests_per_second: float | None) -> None:
        self.paces.append(requests_per_second)


def shares(source: Source, workers: int) -> tuple[Shares, Told]:
    told = Told()
    return Shares(source, workers, told, FOLDER), told


@given(
    workers=st.integers(0, 40),
    connections=st.integers(1, 40),
    parallel=st.integers(1, 40),
    rate=st.floats(0.1, 100),
    used=st.lists(st.floats(0, 1), max_size=60),
)
def test_the_sum_of_the_shares_is_never_more_than_the_settings_allow(
    workers: int, connections: int, parallel: int, rate: float, used: list[float]
):
    source = Source(
        connections=connections, parallel_shards=parallel, requests_per_second=rate, requests_per_run=10_000
    )
    one, _ = shares(source, workers)
    spent, at_work = 0, {place: one.give(place) for place in range(one.count)}
    for place, part in enumerate(used):
        assert len(at_work) == one.count <= max(1, workers)
        assert sum(share.connections for share in at_work.values()) <= connections
        assert sum(share.requests_per_second for share in at_work.values()) <= rate * 1.000001
        assert spent + sum(share.requests for share in at_work.values()) <= 10_000
        oldest = min(at_work)
        made = round(part * at_work.pop(oldest).requests)
        spent += made
        one.take_back(oldest, made)
        try:
            at_work[one.count + place] = one.give(one.count + place)
        except BudgetError:
            break


def test_a_budget_that_is_spent_ends_the_crawl():
    one, _ = shares(Source(requests_per_run=3), 1)
    assert one.give(0).requests == 3
    one.take_back(0, 3)
    with pytest.raises(BudgetError, match="the budget of 3 requests a run is spent"):
        one.give(1)


def test_a_pace_is_told_to_each_worker_as_its_share():
    one, told = shares(Source(requests_per_second=10), 4)
    assert one.give(0).requests_per_second == 2.5
    one.set_rate(2)
    assert one.give(1).requests_per_second == 0.5
    one.stop()
    assert told.paces == [0.5, None]


def test_a_crawl_that_is_ended_tells_its_workers_to_stop_and_who_waits_for_them():
    one, told = shares(Source(), 4)
    one.require_open()
    one.close("it took too long")
    one.close()
    with pytest.raises(SourceError, match="it took too long"):
        one.require_open()
    assert told.paces == [None]


class Obeying:
    """Keeps what a worker's fetcher is told."""

    def __init__(self) -> None:
        self.told: list[float | str] = []

    def set_rate(self, requests_per_second: float) -> None:
        self.told.append(requests_per_second)

    def stop(self) -> None:
        self.told.append("stop")


@pytest.fixture
def listening(store: Store, monkeypatch: pytest.MonkeyPatch) -> Callable[[], Obeying]:
    monkeypatch.setattr("flows.steps.told.LOOK_SECONDS", 0.01)

    def listen() -> Obeying:
        fetcher = Obeying()
        listener = Listener(store, FOLDER, fetcher)  # type: ignore[arg-type]
        listener.__enter__()
        return fetcher

    return listen


def test_a_worker_hears_what_the_run_was_told_also_before_it_began(store: Store, listening: Callable[[], Obeying]):
    teller = Teller(store, FOLDER)
    teller.tell(2.5)
    early = listening()
    until(lambda: early.told == [2.5], every=0.01)
    teller.tell(0.0)
    until(lambda: early.told == [2.5, 0.0], every=0.01)
    for _ in range(10):
        teller.tell(1.25)
    teller.tell(None)
    late = listening()
    until(lambda: early.told[-1] == late.told[-1] == "stop", every=0.01)
    assert late.told == ["stop"]
    time.sleep(0.03)
    assert late.told == ["stop"]
    assert len(keys(store, FOLDER)) == 13
