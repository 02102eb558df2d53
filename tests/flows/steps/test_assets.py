"""What Prefect's server records of the tables of a snapshot: rows, bytes, and what each was made from."""

from dataclasses import replace
from datetime import UTC, datetime

from prefect import flow
from prefect.client.orchestration import get_client
from prefect.events import Event
from prefect.events.filters import EventFilter, EventNameFilter, EventOccurredFilter

from flows.steps.assets import record_assets
from flows.steps.parameters import LakeLocation
from lake.commit import DataFile, SourceFacts, TableFiles
from tests.lake.commits import COMMIT
from tests.waiting import until

LAKE = LakeLocation(bucket="assets", prefix="our/pokelake")
ROOT = "s3://assets/our/pokelake"
SHARES = {"documents": (3, 900), "pokemon": (2, 40), "pokemon_types": (4, 50)}
TABLES = {
    name: TableFiles(None, (DataFile("part-0.parquet", None, rows, size, "a" * 64),), ())
    for name, (rows, size) in SHARES.items()
}


def recorded(since: datetime, count: int) -> list[Event]:
    """Return the materializations since then, as soon as the server has so many."""
    wanted = EventFilter(
        event=EventNameFilter(prefix=["prefect.asset.materialization."]), occurred=EventOccurredFilter(since=since)
    )

    def said() -> list[Event]:
        with get_client(sync_client=True) as client:
            return client.read_events(wanted, limit=50).events

    return until(said, every=0.1, enough=lambda found: len(found) >= count)


def test_each_table_is_recorded_with_its_facts_and_its_origin(prefect_server: dict[str, str]):
    # Nothing of an odd address keeps a snapshot, which is published by then, from being recorded.
    facts = SourceFacts(base_url="HTTPS://[::1]:1/api v2/{x}?#\u202e/" + "a" * 1_000)
    commit = replace(COMMIT, tables=TABLES, source=facts)

    @flow
    def publishing() -> None:
        record_assets(LAKE, commit)

    since = datetime.now(UTC)
    publishing()
    events = {event.resource["prefect.resource.id"]: event for event in recorded(since, len(TABLES))}
    assert {name: event.event for name, event in events.items()} == {
        f"{ROOT}/{name}": "prefect.asset.materialization.succeeded" for name in TABLES
    }
    assert events[f"{ROOT}/pokemon"].payload == {
        "rows": 2,
        "bytes": 40,
        "snapshot": commit.snapshot,
        "path": f"{ROOT}/snapshots/{commit.snapshot}/pokemon",
    }
    origins = {
        name.removeprefix(f"{ROOT}/"): [
            other["prefect.resource.id"] for other in event.related if other.get("prefect.resource.role") == "asset"
        ]
        for name, event in events.items()
    }
    [source] = origins.pop("documents")
    assert source.startswith("https://_::1_:1/api_v2/_x____u202e/aaa")
    assert origins == {"pokemon": [f"{ROOT}/documents"], "pokemon_types": [f"{ROOT}/documents"]}
