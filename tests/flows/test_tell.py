"""An operator and a crawl that runs: its pace changes, it ends early, and the next run goes on from there."""

import logging
import re
import threading
import time
from collections.abc import Iterator
from types import SimpleNamespace
from typing import Any

import pytest
from prefect.client.schemas import State

import flows.steps.at_work
from flows.cli import main
from flows.local.replica import demo_documents
from flows.steps.connected import Connections
from flows.steps.orders import Orders
from flows.steps.progress import CrawlReport
from lake.crawl import CUT_SHORT, Shard, Source, Wanted
from lake.errors import StoppedError
from lake.layout import RESULTS, SHARD_RESULTS
from lake.resource import Reference
from tests.flows.chain import Chain, chain
from tests.lake import keys
from tests.lake.assemble.lakeside import only, versioned
from tests.waiting import until

DOCUMENTS = only(demo_documents(), "ability", "move", "nature", "type")
TOTAL = len(DOCUMENTS)


@pytest.fixture(scope="module")
def told(prefect_server: dict[str, str], s3_endpoint: str) -> Iterator[Chain]:
    with chain(s3_endpoint, "told", versioned(DOCUMENTS)) as one:
        yield one


@pytest.fixture
def heard(monkeypatch: pytest.MonkeyPatch) -> list[Orders]:
    """Return what each crawl was told, the newest last; a crawl is in it as soon as it listens."""
    every: list[Orders] = []

    class Heard(Orders):
        def __enter__(self) -> "Heard":
            every.append(self)
            return super().__enter__()

    monkeypatch.setattr(flows.steps.at_work, "Orders", Heard)
    return every


def pokelake(*arguments: str) -> None:
    with pytest.raises(SystemExit) as ended:
        main(list(arguments))
    assert ended.value.code == 0


def test_a_run_is_slowed_asked_and_stopped_and_the_next_one_goes_on(
    told: Chain, heard: list[Orders], capsys: pytest.CaptureFixture[str]
):
    """At one request a second the task under way would take a minute."""
    states: list[State[Any]] = []
    pace = {"requests_per_second": 4, "parallel_shards": 1, "connections": 2}
    crawl = threading.Thread(target=lambda: states.append(told.refresh(**pace)))
    crawl.start()
    [listening] = until(lambda: heard, every=0.1)
    run = until(lambda: listening.run, every=0.1)
    pokelake("tell", str(run), "slower")
    assert listening.requests_per_second == 2
    of_all = f"[\\d,]+ of {TOTAL:,} documents"
    [said] = capsys.readouterr().out.splitlines()
    far = rf"{of_all}, (\d+ minutes?|less than a minute) left"
    assert re.fullmatch(
        rf"refresh told/pokelake .+: goes on with at most 2 requests a second \(before: 4\); {far}", said
    )
    pokelake("tell", str(run), "slower")
    pokelake("tell", str(run), "status")
    *_, said = capsys.readouterr().out.splitlines()
    assert ": crawls with at most 1 request a second, as it was told (its settings: 4), " in said
    assert f" of {TOTAL:,} documents, " in said
    assert "over 2 connections; " in said
    pokelake("tell", str(run), "stop")
    began = time.monotonic()
    crawl.join()
    assert time.monotonic() - began < 30
    assert re.search(f": stops within seconds: {of_all} are kept for a day; the next run", capsys.readouterr().out)
    [state] = states
    assert state.is_completed()
    assert re.match(rf"stopped: an operator told the run to: {of_all} are kept for a day", str(state.message))
    assert "the next run goes on from there" in str(state.message)

    asked = set(told.running.counters()["by_path"]) & DOCUMENTS.keys() - {"meta"}
    told.running.reset()
    kept = [told.store.get(key) for key in keys(told.store) if key.startswith(f"{RESULTS}{SHARD_RESULTS}")]
    assert kept
    assert not any(b'"result":"null"' in body.replace(b" ", b"") for body in kept)

    # The next run asks in its second round for what the shard under way lacked. That can be stopped, too.
    lacking = set(re.findall(rf'"path[^\w]+([\w/-]+)[^\w]+reason[^\w]+{CUT_SHORT}', b" ".join(kept).decode()))
    assert lacking
    assert not lacking & asked
    held_up = max(lacking)
    told.running.faults([{"kind": "status", "path": f"^{held_up}$", "status": 503}])
    patient = {"requests_per_second": 0, "retry_delay_seconds": 60, "attempts": 5}
    crawl = threading.Thread(target=lambda: states.append(told.refresh(**patient)))
    crawl.start()
    until(lambda: held_up in told.running.counters()["by_path"], every=0.1)
    heard[1].take("stop", logging.getLogger("told"))
    crawl.join()
    assert str(states[1].message).startswith("stopped: an operator told the run to: ")
    told.running.faults([])
    assert told.refresh(requests_per_second=0).is_completed()
    now = set(told.running.counters()["by_path"]) & DOCUMENTS.keys() - {"meta"}
    # What was on its way when the run stopped is asked for again.
    assert len(asked & now) <= 1
    assert asked | now == DOCUMENTS.keys() - {"meta"}
    assert not told.commit().missing


def test_a_shard_that_waits_for_the_limit_of_all_runs_ends_when_the_run_is_told_to_stop():
    def take(wanted: int) -> int:
        raise StoppedError("an operator told the run to stop")

    item = Wanted(Reference("move", 1, "", "move/1"))
    waiting: Any = SimpleNamespace(take=take)
    [fetched] = Connections(SimpleNamespace(), waiting, lambda resource: None).fetch(Shard("move", 0, (item,)))  # type: ignore[arg-type]
    assert fetched.failed == [(item.reference, CUT_SHORT)]


@pytest.mark.parametrize(
    ("rate", "told", "expected"),
    [(10, ["slower"], [5]), (10, ["faster", "faster"], [20, 40]), (0, ["faster"], []), (0, ["slower"], [0.5])],
)
def test_one_order_halves_or_doubles_the_pace(rate: float, told: list[Any], expected: list[float]):
    set_rates: list[float] = []
    fetcher = SimpleNamespace(set_rate=set_rates.append, documents=0)
    source = Source(requests_per_second=rate)
    one = Orders(fetcher, source, CrawlReport("our-lake", 100))  # type: ignore[arg-type]
    for order in told:
        one.take(order, SimpleNamespace(info=lambda *said: None))
    assert set_rates == expected


@pytest.mark.parametrize("is_in_force", [False, True])
def test_the_limit_of_all_runs_is_named_only_where_it_is_in_force(is_in_force: bool):
    """A source without a pace names a limit, too, that `setup` switched off."""
    fetcher = SimpleNamespace(set_rate=lambda rate: None, documents=0)
    source = Source(requests_per_second=0, global_limit="pokeapi")
    one = Orders(fetcher, source, CrawlReport("our-lake", 100))  # type: ignore[arg-type]
    one.allowance = SimpleNamespace(is_in_force=is_in_force)  # type: ignore[assignment]
    for order in ("slower", "status"):
        said = one.take(order, SimpleNamespace(info=lambda *said: None))  # type: ignore[arg-type]
        assert ("global limit pokeapi" in said) == is_in_force
