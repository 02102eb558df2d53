"""A run is cancelled that takes far longer than its predecessors: how long that is, and who keeps it so."""

from collections.abc import Iterator
from datetime import timedelta
from types import SimpleNamespace
from typing import Any
from uuid import UUID

import pytest
from prefect.automations import EventTrigger
from prefect.client.orchestration import SyncPrefectClient
from prefect.client.schemas import FlowRun
from prefect.states import Completed, Failed, Running, State

from blocks.names import FIRST
from flows.deploy.automations import save_automations
from flows.maintain import maintain
from flows.steps.predecessors import LONG_RUNS, TIMES, allowed, least
from lake.crawl import Source
from lake.store import Store
from tests.flows.conftest import LOCATION
from tests.prefect_servers import without_automations

HOUR = timedelta(hours=1)


def allowed_after(*took: timedelta, source: Source | None = None) -> timedelta:
    client: Any = SimpleNamespace(
        read_flow_runs=lambda **given: [SimpleNamespace(total_run_time=each) for each in took]
    )
    return allowed(client, source or Source())


@pytest.mark.parametrize(
    ("took", "hours"),
    [
        ([], 5),
        # Nothing was new for a week; the next run may have to crawl everything.
        ([timedelta(seconds=5)] * 200, 5),
        ([timedelta(seconds=5), timedelta(minutes=26)], 5),
        ([timedelta(seconds=5), timedelta(hours=3)], 9),
        ([timedelta(hours=2, minutes=1), timedelta(hours=1)], 7),
    ],
)
def test_a_run_may_take_three_times_as_long_as_the_longest_before_and_never_less_than_a_crawl_of_everything(
    took: list[timedelta], hours: int
):
    assert allowed_after(*took) == hours * HOUR


@pytest.mark.parametrize(("pace", "hours"), [(10, 5), (1, 13), (0, 5)])
def test_a_slow_crawl_may_take_longer_and_one_without_a_pace_has_the_time_of_pokeapis(pace: float, hours: int):
    assert least(Source(requests_per_second=pace)) == hours * HOUR


@pytest.fixture
def client(prefect_server: dict[str, str]) -> Iterator[SyncPrefectClient]:
    """Talk to a server that has no automation of ours, and leave it so."""
    with without_automations() as opened:
        yield opened


def ran(client: SyncPrefectClient, hours: int, end: State[Any], tags: tuple[str, ...] = (FIRST.tag,)) -> UUID:
    """Record a run that is said to have taken so long."""
    run = client.create_flow_run(maintain, name=str(hours), tags=tags)
    for state in (Running(), end):
        client.set_flow_run_state(run.id, state, force=True)
    return run.id


def test_each_maintain_keeps_the_automation_at_what_the_predecessors_took(
    client: SyncPrefectClient, store: Store, monkeypatch: pytest.MonkeyPatch
):
    """Only those count that ended well, of our deployments: a run that hung says nothing of how long runs take."""
    recorded = [ran(client, 4, Completed()), ran(client, 50, Failed()), ran(client, 60, Completed(), tags=("other",))]
    read = SyncPrefectClient.read_flow_runs

    def said(*given: Any, **named: Any) -> list[FlowRun]:
        """Return runs as the server would if they had taken that long; it has clocks of its own."""
        runs = read(*given, **named)
        return [run.model_copy(update={"total_run_time": int(run.name) * HOUR}) for run in runs if run.id in recorded]

    monkeypatch.setattr(SyncPrefectClient, "read_flow_runs", said)
    # The server is that of all tests, and one of them may have saved a source that takes longer.
    monkeypatch.setattr("flows.steps.predecessors.load_block", lambda *_: None)
    save_automations("s3://lake/")
    [before] = client.read_automations_by_name(LONG_RUNS)
    maintain(LOCATION, dry_run=True)
    assert client.read_automations_by_name(LONG_RUNS) == [before]
    maintain(LOCATION)
    [after] = client.read_automations_by_name(LONG_RUNS)
    for run in recorded:
        client.delete_flow_run(run)
    assert isinstance(before.trigger, EventTrigger)
    assert isinstance(after.trigger, EventTrigger)
    assert (before.trigger.within, after.trigger.within) == (5 * HOUR, TIMES * 4 * HOUR)
    assert after.model_copy(update={"trigger": before.trigger}) == before


def test_a_maintain_without_the_automation_goes_on(client: SyncPrefectClient, store: Store):
    assert maintain(LOCATION, return_state=True).is_completed()
