"""Flows called where an event loop runs, as in a notebook: they do what they do elsewhere."""

import asyncio

from flows.discover import discover
from flows.local.replica import Running
from flows.maintain import maintain
from flows.rebuild import rebuild
from flows.refresh import refresh
from flows.report import report
from flows.steps.outcome import spoken
from flows.steps.parameters import LakeLocation, SourceChoice
from lake.store import Store
from tests.flows.conftest import LOCATION


def test_every_flow_runs_in_a_running_event_loop(prefect_server: dict[str, str], store: Store, running: Running):
    """With the lake's blocks loaded and saved, the listings read, and documents crawled."""
    choice = SourceChoice(base_url=running.url, resources=("type",))

    async def notebook() -> list[str]:
        states = [
            refresh(LOCATION, choice, return_state=True),
            refresh(LOCATION, choice, return_state=True),
            discover(LOCATION, choice, return_state=True),
            rebuild(LOCATION, return_state=True),
            report(LOCATION, return_state=True),
            maintain(LOCATION, dry_run=True, return_state=True),
        ]
        return [": ".join(spoken(state)) for state in states]

    said = asyncio.run(notebook())
    assert [state.partition(":")[0] for state in said] == [
        "Completed",
        "Unchanged",
        "Unchanged",
        "Unchanged",
        "Completed",
        "Unchanged",
    ], said


def test_a_lake_without_blocks_says_so_in_a_running_event_loop(prefect_server: dict[str, str]):
    async def notebook() -> str:
        return str(rebuild(LakeLocation(block="nowhere"), return_state=True).message)

    assert "no S3Bucket block 'nowhere' is saved" in asyncio.run(notebook())
