"""An installation in which all is well, for tests that break one thing of it at a time."""

from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from copy import deepcopy
from dataclasses import dataclass
from typing import Any

import pytest
from prefect.client.orchestration import SyncPrefectClient, get_client
from prefect.settings import PREFECT_API_URL, temporary_settings
from prefect_aws.credentials import _get_client_cached

from flows.deploy.doctor import Check, examine
from flows.deploy.doctor.installation import Installation
from flows.steps.parameters import LakeLocation
from lake.store import Store
from tests.flows.deploy.conftest import POOL, Deployed


@dataclass(frozen=True)
class Whole:
    """What was deployed to a work pool, and ways to break it; `undo` takes back what a test did."""

    deployed: Deployed
    pool: str
    client: SyncPrefectClient
    undo: ExitStack

    def examine(self) -> dict[str, Check]:
        """Return the doctor's checks by name."""
        return {check.name: check for check in examine(LakeLocation(), self.pool)}

    def installation(self) -> Installation:
        """Return what the doctor asks."""
        return Installation(LakeLocation(), self.pool, self.undo)

    def failure(self) -> Check:
        """Return the one check that fails."""
        failed = [check for check in self.examine().values() if check.status == "failed"]
        assert len(failed) == 1, failed
        return failed[0]

    def store(self) -> Store:
        """Open the lake."""
        return Store("lake", "pokelake", self.deployed.s3())

    def change(self, path: str, before: dict[str, Any], after: dict[str, Any]) -> None:
        """Change something in Prefect; its client asks again where the server is busy."""
        self.undo.callback(self.client.request, "PATCH", path, json=before)
        self.client.request("PATCH", path, json=after)

    def change_pool(self, **defaults: Any) -> None:
        """Change what the pool's job template says where a deployment says nothing."""
        before = self.client.read_work_pool(self.pool).base_job_template
        after = deepcopy(before)
        for name, value in defaults.items():
            after["variables"]["properties"][name]["default"] = value
        self.change(f"/work_pools/{self.pool}", {"base_job_template": before}, {"base_job_template": after})

    def change_deployment(self, name: str, **fields: Any) -> None:
        """Change fields of a deployment."""
        item = self.deployed.deployments()[name]
        self.change(f"/deployments/{item['id']}", {field: item[field] for field in fields}, fields)

    def change_block(self, name: str, **fields: Any) -> None:
        """Change fields of the block of a bucket."""
        block = self.client.read_block_document_by_name(name, "s3-bucket")
        before = {field: block.data[field] for field in fields}
        self.change(f"/block_documents/{block.id}", {"data": before}, {"data": fields})


@contextmanager
def reached(deployed: Deployed) -> Iterator[SyncPrefectClient]:
    """Point this process at a stack while the block runs."""
    with pytest.MonkeyPatch.context() as patch:
        for name, value in deployed.stack.environment.items():
            if name.startswith("AWS_"):
                patch.setenv(name, value)
        # Prefect keeps its clients of AWS by their settings, and the endpoint is not one of them.
        _get_client_cached.cache_clear()
        with (
            temporary_settings({PREFECT_API_URL: deployed.stack.environment["PREFECT_API_URL"]}),
            get_client(sync_client=True) as client,
        ):
            yield client
        _get_client_cached.cache_clear()


@contextmanager
def processes(deployed: Deployed) -> Iterator[SyncPrefectClient]:
    """Point this process at a stack, and have a worker heard in its pool of processes, while the block runs."""
    with reached(deployed) as client:
        client.send_worker_heartbeat(POOL, "crawler", heartbeat_interval_seconds=600)
        yield client
