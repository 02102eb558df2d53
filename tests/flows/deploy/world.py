"""Runs of our deployments and of another project's on one server, in the states that workers brought them into."""

import os
import subprocess
import sys
from collections.abc import Callable
from contextlib import ExitStack
from pathlib import Path
from typing import Any
from uuid import UUID, uuid4

from prefect.client.orchestration import SyncPrefectClient
from prefect.client.schemas.actions import WorkPoolCreate
from prefect.events import Event
from prefect.events.filters import EventFilter, EventNameFilter, EventOrder, EventResourceFilter
from prefect.states import State

from flows.deploy.automations import TAG
from flows.local.stack import Stack
from flows.steps.events import LAKE_CURRENT
from tests.waiting import until

POOL = "pool"
OUR_LAKE, OTHER_LAKE, THEIR_LAKE = (f"pokelake.lake.s3://{name}/" for name in ("lake", "other", "theirs"))

# Says what a refresh says, and then works for ever.
MORTAL = """
from threading import Event
from prefect import flow
from flows.steps.events import report_current

@flow
def mortal():
    report_current("s3://lake/", "20260808T041200Z-1f3a9c02")
    Event().wait()
"""

Propose = Callable[[], State[Any]]


class World:
    """A server's runs by name, with what workers and processes tell the server about them."""

    def __init__(self, stack: Stack, client: SyncPrefectClient, folder: Path) -> None:
        self.stack = stack
        self.client = client
        self.runs: dict[str, UUID] = {}
        client.create_work_pool(WorkPoolCreate(name=POOL, type="process"))
        (folder / "mortal.py").write_text(MORTAL)
        flow = client.create_flow_from_name("mortal")
        pull = [{"prefect.deployments.steps.set_working_directory": {"directory": str(folder)}}]
        mortal = {"work_pool_name": POOL, "entrypoint": "mortal.py:mortal", "pull_steps": pull}
        self.ours = client.create_deployment(flow, "ours", tags=[TAG], **mortal)
        self.one = client.create_deployment(flow, "one-at-a-time", tags=[TAG], concurrency_limit=1, **mortal)
        self.theirs = client.create_deployment(flow, "theirs", tags=["other"], **mortal)

    def run(self, name: str, deployment: UUID, *states: Propose) -> None:
        """Schedule a run, and propose these states for it."""
        self.runs[name] = self.client.create_flow_run_from_deployment(deployment, name=name).id
        self.go_on(name, *states)

    def go_on(self, name: str, *states: Propose) -> None:
        """Propose these states for a run."""
        for state in states:
            self.client.set_flow_run_state(self.runs[name], state())

    def beat(self, name: str, tag: str = TAG) -> None:
        """Send a run's heartbeat, as its process does."""
        self.emit("prefect.flow-run.heartbeat", f"prefect.flow-run.{self.runs[name]}", tag)

    def emit(self, event: str, about: str, tag: str = TAG) -> None:
        """Send an event of a run with a tag."""
        related = [{"prefect.resource.id": f"prefect.tag.{tag}", "prefect.resource.role": "tag"}]
        sent = Event(event=event, resource={"prefect.resource.id": about}, related=related, id=uuid4())
        self.client.request("POST", "/events", json=[sent.model_dump(mode="json")])

    def events(self, name: str, *about: str) -> list[Event]:
        """Return the events of this name about one of these, or about anything, the oldest first."""
        resource = EventResourceFilter(id=list(about)) if about else None
        wanted = EventFilter(event=EventNameFilter(name=[name]), resource=resource, order=EventOrder.ASC)
        return self.client.read_events(wanted, limit=50).events

    def states(self, name: str) -> list[str]:
        """Return the names of all states that a run was in."""
        return [state.name or "" for state in self.client.read_flow_run_states(self.runs[name])]

    def kill(self, name: str, meanwhile: Callable[[], None]) -> None:
        """Start a run's process, and kill it when its first events have come."""
        run = {"PREFECT__FLOW_RUN_ID": str(self.runs[name]), "PREFECT_FLOWS_HEARTBEAT_FREQUENCY": "30"}
        heartbeat = "prefect.flow-run.heartbeat", f"prefect.flow-run.{self.runs[name]}"
        with ExitStack() as exits:
            command = [sys.executable, "-m", "prefect.engine"]
            process = subprocess.Popen(command, env={**os.environ, **self.stack.environment, **run})
            exits.callback(process.wait)
            exits.callback(process.kill)
            begun = heartbeat, (LAKE_CURRENT, OUR_LAKE)
            until(lambda: meanwhile() or all(self.events(*event) for event in begun), every=1)
