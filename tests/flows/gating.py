"""A deployment of the refresh whose runs go as far as they come in this process, and answers to their questions."""

from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from prefect.client.orchestration import SyncPrefectClient
from prefect.client.schemas import State
from prefect.exceptions import Pause
from prefect.flow_engine import run_flow
from prefect.states import Pending

from flows.refresh import refresh
from lake.assemble.held import HeldDraft, waiting
from lake.store import Store
from tests.flows.chain import Chain, Step
from tests.lake import keys, snapshots_of


@dataclass
class Gate:
    """A lake whose source loses most abilities, and a deployment of the refresh that no worker serves."""

    chain: Chain
    client: SyncPrefectClient
    deployment: UUID
    since: datetime

    @property
    def store(self) -> Store:
        return self.chain.store

    def begin(self, **parameters: Any) -> UUID:
        """Create a run of the deployment, and let it go as far as it comes."""
        parameters = {
            "lake": self.chain.location.model_dump(mode="json"),
            "source": self.chain.choice().model_dump(mode="json", exclude_none=True),
            **parameters,
        }
        run = self.client.create_flow_run_from_deployment(self.deployment, parameters=parameters)
        self.go_on(run.id)
        return run.id

    def go_on(self, run: UUID) -> None:
        """Run it in this process, as one that a worker starts does."""
        self.client.set_flow_run_state(run, Pending())
        flow_run = self.client.read_flow_run(run)
        with suppress(Pause):
            run_flow(refresh, flow_run, refresh.validate_parameters(flow_run.parameters), return_type="state")

    def answer(self, run: UUID, **answer: Any) -> None:
        """Resume a run that waits, as the form does."""
        result = self.client.resume_flow_run(run, run_input={"by": "Oak", "reason": "they were removed", **answer})
        assert result.status.value == "ACCEPT", result.details
        self.go_on(run)

    def stand(self, documents: dict[str, bytes]) -> None:
        """Let readers see these documents, and nothing wait, whatever other tests left."""
        assert self.chain.refresh(documents, allow_shrink=("ability", "abilities")).is_completed()
        assert waiting(self.store) is None

    def state(self, run: UUID) -> State[Any]:
        state = self.client.read_flow_run(run).state
        assert state is not None
        return state

    def inputs(self, run: UUID, ending: str) -> dict[str, str]:
        """Return what the server keeps for the forms of a run, by key."""
        found = self.client.request(
            "POST", "/flow_runs/{id}/input/filter", path_params={"id": run}, json={"prefix": "suspended", "limit": 50}
        ).json()
        return {item["key"]: item["value"] for item in found if item["key"].endswith(ending)}

    def held(self) -> HeldDraft:
        found = waiting(self.store)
        assert found is not None
        return found

    def note(self, name: str, run: UUID) -> Step:
        return self.chain.note(name, self.state(run))

    def snapshots(self) -> set[str]:
        return snapshots_of(keys(self.store))
