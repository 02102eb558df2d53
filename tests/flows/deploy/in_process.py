"""Runs of what is deployed, in the process of the tests: one that a worker starts takes seven seconds of a core."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from importlib import import_module
from typing import Any
from uuid import UUID

from prefect.client.orchestration import SyncPrefectClient
from prefect.client.schemas import FlowRun, State
from prefect.client.schemas.filters import DeploymentFilter, DeploymentFilterName
from prefect.exceptions import Pause
from prefect.flow_engine import run_flow

from lake.store import Store
from tests.flows.deploy.conftest import POOL, Deployed


@dataclass(frozen=True)
class InProcess:
    """What is deployed, and the source of those of its runs that are given it."""

    deployed: Deployed
    client: SyncPrefectClient
    source: dict[str, Any]

    def store(self, prefix: str) -> Store:
        """Open a lake in the bucket of the stack."""
        return Store("lake", prefix, self.deployed.s3())

    def deploy(self, **environment: str) -> None:
        """Deploy everything."""
        said = self.deployed.deploy(**environment)
        assert said.returncode == 0, said.stdout + said.stderr

    def start(self, name: str, **parameters: Any) -> UUID:
        """Schedule a run of a deployment for this moment; return its id."""
        found = self.client.read_deployment_by_name(f"{name.partition('-')[0]}/{name}")
        return self.client.create_flow_run_from_deployment(found.id, parameters=parameters).id

    def offered(self) -> set[UUID]:
        """Return the runs that a worker would be given now."""
        given = self.client.get_scheduled_flow_runs_for_work_pool(POOL, scheduled_before=datetime.now(UTC))
        return {response.flow_run.id for response in given}

    def run(self, id_: UUID) -> State[Any]:
        """Let a run of a deployment go as far as it comes; return the state that it is in then."""
        run = self.client.read_flow_run(id_)
        assert run.deployment_id is not None
        name = self.client.read_deployment(run.deployment_id).name.partition("-")[0]
        flow = getattr(import_module(f"flows.{name}"), name)
        try:
            ended: State[Any] = run_flow(flow, flow_run=run, parameters=run.parameters, return_type="state")
        except Pause as pause:
            return pause.state
        return ended

    def runs(self, name: str) -> list[FlowRun]:
        """Return the runs of a deployment."""
        wanted = DeploymentFilter(name=DeploymentFilterName(any_=[name]))
        return self.client.read_flow_runs(deployment_filter=wanted)


@contextmanager
def cleaned(machine: InProcess) -> Iterator[InProcess]:
    """Remove the runs of earlier tests before the block, and its own and what they wrote at its end."""
    before = machine.deployed.objects()
    _forget_runs(machine.client)
    try:
        yield machine
    finally:
        _forget_runs(machine.client)
        machine.store("").delete(machine.deployed.objects() - before)


def _forget_runs(client: SyncPrefectClient) -> None:
    for run in client.read_flow_runs():
        client.delete_flow_run(run.id)
