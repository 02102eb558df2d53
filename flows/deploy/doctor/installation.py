"""An installation: the blocks, the work pool and the deployments that are saved in Prefect."""

from contextlib import ExitStack
from functools import cached_property
from typing import Any, TypeVar

from prefect.blocks.core import Block
from prefect.client.orchestration import SyncPrefectClient, get_client
from prefect.client.schemas.filters import (
    DeploymentFilter,
    DeploymentFilterName,
    FlowFilter,
    FlowFilterName,
)
from prefect.client.schemas.objects import WorkPool, WorkQueue
from prefect.client.schemas.responses import DeploymentResponse
from prefect.exceptions import ObjectNotFound
from prefect_aws import AwsCredentials, S3Bucket

from blocks.names import SOURCE_BLOCK, Names
from blocks.source_config import SourceConfig
from blocks.storage import load_block, open_store
from flows.deploy.pool import defaults
from flows.deploy.pulled import deploy
from flows.deploy.stack import Stack, read_stack
from flows.steps.parameters import LakeLocation
from lake.errors import LakeError
from lake.store import Store

_B = TypeVar("_B", bound=Block)

# The deployments of `prefect.yaml` for the first lake, named as their flows, and the slugs of their schedules.
SCHEDULES = {
    "discover": ("hourly",),
    "refresh": ("daily",),
    "maintain": ("weekly",),
    "verify": ("monthly",),
    "report": (),
    "restore": (),
    "rebuild": (),
}


class Installation:
    """An installation holds Prefect's client open, and reads each thing once, when it is first asked for.

    It reads the blocks, because the deployments use them. A bucket in `lake` only says where the blocks should lead.
    """

    def __init__(self, lake: LakeLocation, pool_name: str, parts: ExitStack, source_name: str = SOURCE_BLOCK) -> None:
        self.lake = lake
        self.names = Names(lake.block)
        self.pool_name = pool_name
        self.source_name = source_name
        self._parts = parts

    @cached_property
    def client(self) -> SyncPrefectClient:
        """Prefect's client; it is opened late, because without an address it starts a server of its own."""
        return self._parts.enter_context(get_client(sync_client=True))

    @cached_property
    def credentials(self) -> AwsCredentials:
        """The block of the credentials for everything except the lake, whose block has its own."""
        return _saved(AwsCredentials, self.names.credentials)

    @cached_property
    def lake_block(self) -> S3Bucket:
        """The block of the lake."""
        return _saved(S3Bucket, self.names.lake)

    @cached_property
    def results_block(self) -> S3Bucket:
        """The block of Prefect's results."""
        return _saved(S3Bucket, self.names.results)

    @cached_property
    def source_block(self) -> SourceConfig:
        """The block of the source."""
        return _saved(SourceConfig, self.source_name)

    @cached_property
    def store(self) -> Store:
        """The lake, as the deployments open it."""
        return open_store(self.lake_block)

    @cached_property
    def pool(self) -> WorkPool:
        """The work pool."""
        try:
            return self.client.read_work_pool(self.pool_name)
        except ObjectNotFound as error:
            raise LakeError(f"there is no work pool {self.pool_name!r}") from error

    @cached_property
    def queues(self) -> dict[str, WorkQueue]:
        """The queues of the work pool, by name."""
        found = self.client.read_work_queues(work_pool_name=self.pool_name)
        return {queue.name: queue for queue in sorted(found, key=lambda queue: queue.name)}

    @cached_property
    def deployments(self) -> dict[str, DeploymentResponse]:
        """The lake's deployments that exist, by name."""
        found = self.client.read_deployments(
            flow_filter=FlowFilter(name=FlowFilterName(any_=list(SCHEDULES))),
            deployment_filter=DeploymentFilter(name=DeploymentFilterName(any_=list(self.schedules))),
        )
        by_name = {item.name: item for item in found}
        return {name: by_name[name] for name in self.schedules if name in by_name}

    @cached_property
    def stack(self) -> Stack | None:
        """The stack that made what the pool names; None if there is none, or who asks may not know."""
        try:
            return read_stack(self.variables().get("family", ""))
        except LakeError:
            return None

    @property
    def deploy(self) -> str:
        """The command that deploys everything of the lake."""
        return deploy(self.pool_name, self.names.lake)

    def flow_of(self, deployment: str) -> str:
        """Return the name of the flow that a deployment runs."""
        return deployment.removesuffix(self.names.suffix)

    @property
    def schedules(self) -> dict[str, tuple[str, ...]]:
        """The slugs of the schedules of each of the lake's deployments, by name."""
        return {self.names.own(name): slugs for name, slugs in SCHEDULES.items()}

    def variables(self, deployment: DeploymentResponse | None = None) -> dict[str, Any]:
        """Return the variables of the pool's job template, as they are for the runs of a deployment."""
        usual, given = defaults(self.pool.base_job_template), deployment.job_variables if deployment else {}
        return {**usual, **given, "env": {**usual.get("env", {}), **given.get("env", {})}}


def _saved(block_type: type[_B], name: str) -> _B:
    block = load_block(block_type, name)
    if block is None:
        raise LakeError(f"no {block_type.__name__} block {name!r} is saved")
    return block
