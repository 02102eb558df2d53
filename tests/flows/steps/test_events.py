"""What the flows say to automations."""

from typing import Any

from prefect.client.orchestration import get_client
from prefect.events.filters import EventFilter, EventNameFilter, EventOrder

from flows.discover import discover
from flows.local.replica import Running
from flows.steps.events import LAKE_CURRENT
from flows.steps.parameters import SourceChoice
from lake.store import Store
from tests.flows.conftest import LOCATION, Refresh
from tests.flows.lakeside import changed, current, release
from tests.waiting import until

Documents = dict[str, bytes]


def said_current(snapshots: set[str], count: int) -> list[tuple[str, str]]:
    """Return what was said to be current of these snapshots, lake and snapshot, once it was said so often."""
    wanted = EventFilter(event=EventNameFilter(name=[LAKE_CURRENT]), order=EventOrder.ASC)

    def said() -> list[tuple[str, str]]:
        with get_client(sync_client=True) as client:
            events = client.read_events(wanted, limit=50).events
        found = [(event.resource.id, event.payload["snapshot"]) for event in events]
        return [(lake, snapshot) for lake, snapshot in found if snapshot in snapshots]

    return until(said, every=0.1, enough=lambda found: len(found) >= count)


def test_each_refresh_that_ends_well_says_what_is_current(
    run_refresh: Refresh, store: Store, running: Running, documents: Documents
):
    """Whether it published or not: else the alarm would go off in every week in which nothing changes upstream."""

    def refresh(**choice: Any) -> str:
        return run_refresh(resources=("pokemon",), **choice).name or ""

    choice = SourceChoice(base_url=running.url, resources=("pokemon",), attempts=2, retry_delay_seconds=0.01)
    assert discover(LOCATION, choice, return_state=True).name == "Completed"
    first = current(store).snapshot
    assert [refresh(), refresh()] == ["Unchanged", "Unchanged"]
    running.faults([{"kind": "status", "status": 503, "path": ""}])
    assert refresh() == "Failed"
    running.faults([{"kind": "status", "status": 503, "path": "^pokemon/25$"}])
    release(running, changed(changed(documents, "pokemon/25", height=5), "pokemon/26", height=9))
    assert refresh() == "Partial"
    second = current(store).snapshot
    lake = "pokelake.lake.s3://lake/pokelake/"
    assert said_current({first, second}, 3) == [(lake, first), (lake, first), (lake, second)]
