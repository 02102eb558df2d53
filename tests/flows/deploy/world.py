"""Runs of our deployments and of another project's on one server, in the states that workers brought them into."""

import os
import subprocess
import sys
from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any
from uuid import UUID, uuid4

from prefect.client.orchestration import SyncPrefectClient
from prefect.client.schemas.actions import WorkPoolCreate
from prefect.events import Event
from prefect.events.filters import EventFilter, EventNameFilter, EventOrder, EventResourceFilter
from prefect.states import State

from blocks.names import FIRST
from flows.local.stack import Stack
from flows.steps.events import DOCUMENTS_PROGRESS

POOL = "pool"
LAKE, OTHER = "s3://lake/", "s3://other/"
OUR_LAKE, OTHER_LAKE, HEALTHY_LAKE, THEIR_LAKE = (
    f"pokelake.lake.{uri}" for uri in (LAKE, OTHER, "s3://healthy/", "s3://theirs/")
)

# One says what a refresh says, and then works for ever; the other one fails because of its source.
CODE = """
from threading import Event
from prefect import flow
from flows.steps.again import say_whether_again
from flows.steps.events import report_current, report_progress
from flows.steps.parameters import LakeLocation
from flows.steps.watch import watched
from lake.errors import SourceDownError

@flow(name="refresh")
def mortal():
    report_current("s3://lake/", "20260808T041200Z-1f3a9c02")
    report_progress(3, 25, 1.5)
    Event().wait()

@flow(name="discover", on_failure=[say_whether_again])
@watched
def failing(lake: LakeLocation = LakeLocation(bucket="lake")):
    raise SourceDownError("the source is down")
"""

Propose = Callable[[], State[Any]]


class World:
    """A server's runs by name, with what workers and processes tell the server about them."""

    def __init__(self, stack: Stack, client: SyncPrefectClient, folder: Path) -> None:
        self.stack = stack
        self.client = client
        self.runs: dict[str, UUID] = {}
        client.create_work_pool(WorkPoolCreate(name=POOL, type="process"))
        (folder / "code.py").write_text(CODE)
        mortal, failing, other = map(client.create_flow_from_name, ("refresh", "discover", "other"))
        self.flow = mortal
        pull = [{"prefect.deployments.steps.set_working_directory": {"directory": str(folder)}}]
        usual: dict[str, Any] = {"work_pool_name": POOL, "entrypoint": "code.py:mortal", "pull_steps": pull}
        self.ours = client.create_deployment(mortal, "refresh", tags=[FIRST.tag], **usual)
        self.one = client.create_deployment(mortal, "one-at-a-time", tags=[FIRST.tag], concurrency_limit=1, **usual)
        self.failing = client.create_deployment(
            failing, "failing", tags=[FIRST.tag], **{**usual, "entrypoint": "code.py:failing"}
        )
        self.theirs = client.create_deployment(other, "refresh", tags=["other"], **usual)

    def run(self, name: str, deployment: UUID, *states: Propose, **parameters: Any) -> None:
        """Schedule a run, and propose these states for it."""
        run = self.client.create_flow_run_from_deployment(deployment, name=name, parameters=parameters)
        self.runs[name] = run.id
        self.go_on(name, *states)

    def run_on_a_terminal(self, name: str, *states: Propose) -> None:
        """Begin a run of no deployment, and propose these states for it."""
        run = {"name": name, "flow_id": str(self.flow), "tags": ["lake:lake/"]}
        self.runs[name] = UUID(self.client.request("POST", "/flow_runs/", json=run).json()["id"])
        self.go_on(name, *states)

    def go_on(self, name: str, *states: Propose) -> None:
        """Propose these states for a run."""
        for state in states:
            self.client.set_flow_run_state(self.runs[name], state())

    def beat(self, *names: str, tag: str = FIRST.tag) -> None:
        """Send the heartbeats of runs, as their processes do."""
        self.send(*(self.event("prefect.flow-run.heartbeat", self.about(name), tag) for name in names))

    def progress(self, name: str) -> Event:
        """Return the event by which a run of ours says how far it is."""
        return self.event(
            DOCUMENTS_PROGRESS, self.about(name), labels={"prefect.state-type": "RUNNING"}, done=3, total=25
        )

    def event(
        self, event: str, about: str, tag: str = FIRST.tag, labels: Mapping[str, str] | None = None, **payload: Any
    ) -> Event:
        """Return an event of a run of the deployment `refresh` with a tag."""
        related = [
            {"prefect.resource.id": f"prefect.tag.{tag}", "prefect.resource.role": "tag"},
            {
                "prefect.resource.id": f"prefect.deployment.{self.ours}",
                "prefect.resource.role": "deployment",
                "prefect.resource.name": "refresh",
            },
        ]
        resource = {"prefect.resource.id": about, **(labels or {})}
        return Event(event=event, resource=resource, related=related, payload=payload, id=uuid4())

    def send(self, *events: Event) -> None:
        """Send events as runs do."""
        self.client.request("POST", "/events", json=[event.model_dump(mode="json") for event in events])

    def about(self, name: str) -> str:
        """Return what the events of a run are about."""
        return f"prefect.flow-run.{self.runs[name]}"

    def events(self, name: str, *about: str) -> list[Event]:
        """Return the events of this name about one of these, or about anything, the oldest first."""
        resource = EventResourceFilter(id=list(about)) if about else None
        wanted = EventFilter(event=EventNameFilter(name=[name]), resource=resource, order=EventOrder.ASC)
        page, found = self.client.read_events(wanted, limit=50), list[Event]()
        # The server gives fifty at once, and a slow story has more.
        while page is not None:
            found += page.events
            page = page.get_next_page_sync(self.client)
        return found

    def states(self, name: str) -> list[str]:
        """Return the names of all states that a run was in."""
        return [state.name or "" for state in self.client.read_flow_run_states(self.runs[name])]

    @contextmanager
    def alive(self, *names: str) -> Iterator[None]:
        """Have a process for each of these runs; kill those that are left at the end of the block."""
        with ExitStack() as exits:
            for name in names:
                run = {"PREFECT__FLOW_RUN_ID": str(self.runs[name]), "PREFECT_FLOWS_HEARTBEAT_FREQUENCY": "30"}
                environment = {**os.environ, **self.stack.environment, **run}
                command = [sys.executable, "-m", "prefect.engine"]
                process = subprocess.Popen(command, env=environment, stderr=subprocess.DEVNULL)
                exits.callback(process.wait)
                exits.callback(process.kill)
            yield
