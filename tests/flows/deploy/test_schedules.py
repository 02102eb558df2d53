"""When the deployments of `prefect.yaml` run: on their schedules, on an event, and no two that must not meet."""

import asyncio
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from itertools import pairwise
from typing import Any
from uuid import uuid4

from flows.steps.events import DISCOVERED, LAKE_BLOCK, PUBLISHED
from tests.flows.deploy.conftest import POOL, QUEUE, Deployed
from tests.waiting import until

# A week of runs, from a Monday on.
MONDAY = datetime(2026, 11, 2, tzinfo=UTC)


def create_run(deployed: Deployed, name: str) -> str:
    """Schedule a run for this moment; return its id."""
    body = {"state": {"type": "SCHEDULED"}}
    run = deployed.api(f"/deployments/{deployed.deployments()[name]['id']}/create_flow_run", body)
    return run["id"]


def offered(deployed: Deployed) -> list[str]:
    """Return the runs that a worker would be given now."""
    body = {"work_queue_names": [QUEUE], "scheduled_before": datetime.now(UTC).isoformat()}
    return [found["flow_run"]["id"] for found in deployed.api(f"/work_pools/{POOL}/get_scheduled_flow_runs", body)]


def test_every_schedule_has_a_slug_and_says_that_it_is_active(deployed: Deployed):
    """By its slug Prefect knows a schedule again; without one, each deploy would schedule its runs a second time."""
    found = {name: item["schedules"] for name, item in deployed.deployments().items()}
    assert {name: [(schedule["slug"], schedule["active"]) for schedule in item] for name, item in found.items()} == {
        "discover": [("hourly", True)],
        "refresh": [("daily", True)],
        "maintain": [("weekly", True)],
        "verify": [("monthly", True)],
        "report": [],
        "restore": [],
        "rebuild": [],
    }


def starts(deployed: Deployed, name: str) -> list[datetime]:
    """Return when a deployment's runs start in one week, by Prefect's own reckoning."""
    from prefect.server.schemas.schedules import CronSchedule, IntervalSchedule, RRuleSchedule

    [saved] = deployed.deployments()[name]["schedules"]
    kinds = {"cron": CronSchedule, "interval": IntervalSchedule, "rrule": RRuleSchedule}
    [schedule] = [kind(**saved["schedule"]) for key, kind in kinds.items() if key in saved["schedule"]]
    return asyncio.run(schedule.get_dates(n=1000, start=MONDAY, end=MONDAY + timedelta(days=7)))


def test_discover_starts_each_hour(deployed: Deployed):
    found = starts(deployed, "discover")
    assert len(found) == 7 * 24
    assert {moment.minute for moment in found} == {50}


def test_refresh_starts_once_a_day(deployed: Deployed):
    assert [moment.strftime("%d %H:%M") for moment in starts(deployed, "refresh")] == [
        f"{day:02} 04:20" for day in range(2, 9)
    ]


def test_maintain_starts_once_a_week(deployed: Deployed):
    assert [moment.strftime("%a %H:%M") for moment in starts(deployed, "maintain")] == ["Sun 06:20"]


def test_verify_starts_once_a_month(deployed: Deployed):
    assert [moment.strftime("%d %H:%M") for moment in starts(deployed, "verify")] == ["03 08:20"]


def test_no_two_start_within_a_quarter_of_an_hour(deployed: Deployed):
    moments = sorted(
        moment for name in ("discover", "refresh", "maintain", "verify") for moment in starts(deployed, name)
    )
    gaps = [later - earlier for earlier, later in pairwise(moments)]
    assert min(gaps) >= timedelta(minutes=15)


def test_no_deployment_has_a_limit_of_its_own(deployed: Deployed):
    """Prefect ends a run that holds a slot of one when its server was started again."""
    assert {item["global_concurrency_limit"] for item in deployed.deployments().values()} == {None}


def set_state(deployed: Deployed, run: str, kind: str) -> str:
    """Propose a state for a run, as workers do; return the one it has then."""
    deployed.api(f"/flow_runs/{run}/set_state", {"state": {"type": kind}})
    return deployed.api(f"/flow_runs/{run}")["state_name"]


def test_no_two_crawls_run_at_the_same_time(deployed: Deployed):
    """They share a queue, whose limit is one; who waits is not lost, should the other turn out dead."""
    discover = create_run(deployed, "discover")
    assert offered(deployed) == [discover]
    refresh = create_run(deployed, "refresh")
    assert offered(deployed) == [discover]
    set_state(deployed, discover, "PENDING")
    set_state(deployed, discover, "RUNNING")
    assert offered(deployed) == []
    set_state(deployed, discover, "COMPLETED")
    assert offered(deployed) == [refresh]
    set_state(deployed, refresh, "CANCELLED")


def test_report_runs_for_each_snapshot_that_is_published_in_its_lake(deployed: Deployed):
    snapshots = ["20260808T041200Z-1f3a9c02", "20260809T041200Z-00000007"]
    report = deployed.deployments()["report"]["id"]
    other = "20260810T041200Z-00000000"
    emit(deployed, DISCOVERED, "pokelake.pokemon.1026", {"snapshot": other}, {LAKE_BLOCK: "pokelake"})
    for block in ({LAKE_BLOCK: "other"}, {}):
        emit(deployed, PUBLISHED, f"pokelake.snapshot.{other}", {"snapshot": other}, block)
    for snapshot in snapshots:
        emit(deployed, PUBLISHED, f"pokelake.snapshot.{snapshot}", {"snapshot": snapshot}, {LAKE_BLOCK: "pokelake"})
    body = {"deployments": {"id": {"any_": [report]}}}
    runs = until(lambda: deployed.api("/flow_runs/filter", body), enough=lambda found: len(found) >= len(snapshots))
    assert sorted(run["parameters"]["snapshot"] for run in runs) == snapshots
    assert all(run["parameters"]["lake"] == {"block": "pokelake"} for run in runs)


def emit(deployed: Deployed, event: str, resource: str, payload: Mapping[str, Any], labels: Mapping[str, str]) -> None:
    """Send an event to the server, as a flow does."""
    sent = {
        "id": str(uuid4()),
        "occurred": datetime.now(UTC).isoformat(),
        "event": event,
        "resource": {"prefect.resource.id": resource, **labels},
        "payload": payload,
    }
    deployed.api("/events", [sent])
