"""The operator's knobs, turned on a real Prefect server and obeyed by real runs."""

import re
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from prefect import Flow
from prefect.client.orchestration import get_client
from prefect.variables import Variable

from blocks.knobs import DEFAULTS, FROZEN, REQUESTS_PER_RUN, is_frozen, requests_per_run, save_knobs
from blocks.source_config import SourceConfig
from flows.discover import discover
from flows.local.replica import Running
from flows.maintain import maintain
from flows.refresh import refresh
from flows.steps.outcome import spoken
from flows.steps.parameters import LakeLocation
from lake.crawl import Fetcher, Source
from lake.errors import LakeError, SourceError
from lake.store import Store
from tests.flows.conftest import LOCATION, Refresh
from tests.flows.lakeside import error_of
from tests.lake.publish.littering import put

Turn = Callable[[str, Any], None]


@pytest.fixture
def turn(prefect_server: dict[str, str]) -> Iterator[Turn]:
    """Return a function that sets a knob, as an operator does; before and after the test there is none."""

    def turn(name: str, value: Any) -> None:
        Variable.set(name, value, overwrite=True)

    forget()
    yield turn
    forget()


def forget() -> None:
    """Delete the knobs, which a setup in another test may have saved."""
    with get_client(sync_client=True) as client:
        for name in DEFAULTS:
            if client.read_variable_by_name(name):
                client.delete_variable_by_name(name)


def test_what_is_missing_is_created_and_what_the_operator_set_is_left(turn: Turn):
    turn(FROZEN, True)
    assert save_knobs() == {f"variable/{FROZEN}": "left", f"variable/{REQUESTS_PER_RUN}": "created"}
    assert set(save_knobs().values()) == {"left"}
    assert (is_frozen(), requests_per_run()) == (True, None)


@pytest.mark.parametrize("flow", [refresh, discover, maintain], ids=lambda flow: flow.name)
def test_frozen_a_run_ends_at_once_and_touches_nothing(turn: Turn, flow: Flow[Any, Any]):
    """There is no lake of this name, so whatever was touched would fail."""
    turn(FROZEN, True)
    state = flow(LakeLocation(block="nowhere"), return_state=True)
    assert (state.name, spoken(state)[0]) == ("Completed", "Frozen")
    assert FROZEN in state.message


def test_frozen_it_is_still_said_what_maintain_would_remove(turn: Turn, store: Store):
    turn(FROZEN, True)
    put(store, "staging/0123456789abcdef/item-0001")
    assert spoken(maintain(LOCATION, dry_run=True, return_state=True))[0] == "Planned"


def test_with_the_knobs_as_they_are_created_a_refresh_does_what_it_does_without(
    turn: Turn, run_refresh: Refresh, running: Running, monkeypatch: pytest.MonkeyPatch
):
    """It may ask for each document three times, and 1,000 times more."""
    save_knobs()
    given, begin = list[Source](), Fetcher.__init__

    def noted(self: Fetcher, source: Source, *others: Any) -> None:
        given.append(source)
        begin(self, source, *others)

    monkeypatch.setattr(Fetcher, "__init__", noted)
    monkeypatch.setattr("lake.source.LEAST_REQUESTS", 1)
    assert run_refresh(resources=("type",)).name == "Completed"
    documents = [path for path in running.counters()["by_path"] if re.fullmatch(r"type/\d+", path)]
    assert [source.requests_per_run for source in given] == [3 * len(documents) + 1_000]


def test_a_run_makes_no_more_requests_than_the_operator_lets_it(turn: Turn, run_refresh: Refresh, running: Running):
    turn(REQUESTS_PER_RUN, 5)
    error = error_of(run_refresh(resources=("type",)), SourceError)
    assert "the budget of 5 requests a run is spent" in str(error)
    assert len([path for path in running.counters()["by_path"] if path.startswith("type/")]) == 5


def test_the_operators_budget_takes_the_place_of_a_smaller_one(turn: Turn, run_refresh: Refresh, running: Running):
    source = Source(running.url, resources=("type",), requests_per_second=0, requests_per_run=2)
    SourceConfig.of(source).save("tight-budget", overwrite=True)
    saved = {"base_url": None, "resources": None, "block": "tight-budget"}
    turn(REQUESTS_PER_RUN, 1_000)
    assert run_refresh(**saved).name == "Completed"


@pytest.mark.parametrize("value", ["true", 1, None])
def test_frozen_is_true_or_false_and_nothing_else(turn: Turn, value: Any):
    """A freeze that was misspelt must not be a run that goes on."""
    turn(FROZEN, value)
    with pytest.raises(LakeError, match=f"Variable {FROZEN}: expected true or false, found {value!r}; .*prefect var"):
        is_frozen()


@pytest.mark.parametrize("value", ["500", 0, 2.5, True])
def test_a_budget_is_a_number_of_requests(turn: Turn, value: Any):
    turn(REQUESTS_PER_RUN, value)
    with pytest.raises(LakeError, match=f"Variable {REQUESTS_PER_RUN}: expected null or a whole .*, found {value!r};"):
        requests_per_run()
