"""Teardown: delete what `setup` and `prefect deploy` saved in Prefect; the bucket stays as it is."""

from collections.abc import Callable

from prefect.client.orchestration import get_client
from prefect.client.schemas.filters import DeploymentFilter, DeploymentFilterTags
from prefect.exceptions import ObjectNotFound
from prefect.variables import Variable
from prefect_aws import AwsCredentials, S3Bucket

from blocks.knobs import DEFAULTS
from blocks.source_config import SourceConfig
from blocks.storage import CREDENTIALS_BLOCK, LAKE_BLOCK, RESULTS_BLOCK, SOURCE_BLOCK, load_block
from flows.deploy.automations import TAG, delete_automations

_BLOCKS = (
    (SourceConfig, SOURCE_BLOCK),
    (S3Bucket, RESULTS_BLOCK),
    (S3Bucket, LAKE_BLOCK),
    (AwsCredentials, CREDENTIALS_BLOCK),
)


def teardown(pool: str) -> dict[str, str]:
    """Delete a work pool, its deployments, and everything that `setup` saved; return for each: deleted or absent.

    It does not end runs that are under way.
    """
    done = {}
    source = load_block(SourceConfig, SOURCE_BLOCK)
    with get_client(sync_client=True) as client:
        tagged = DeploymentFilter(tags=DeploymentFilterTags(all_=[TAG]))
        for deployment in client.read_deployments(deployment_filter=tagged):
            if deployment.work_pool_name in (pool, None):
                client.delete_deployment(deployment.id)
                done[f"deployment/{deployment.name}"] = "deleted"
        done[f"work-pool/{pool}"] = _deleted(lambda: client.delete_work_pool(pool))
        done |= delete_automations(client)
        if source is not None:
            limit = source.global_limit
            done[f"global-concurrency-limit/{limit}"] = _deleted(
                lambda: client.delete_global_concurrency_limit_by_name(limit)
            )
    for name in DEFAULTS:
        done[f"variable/{name}"] = "deleted" if Variable.unset(name) else "absent"
    for block_type, name in _BLOCKS:
        slug = f"{block_type.get_block_type_slug()}/{name}"
        done[slug] = "absent" if load_block(block_type, name) is None else "deleted"
        if done[slug] == "deleted":
            block_type.delete(name)
    return done


def _deleted(delete: Callable[[], object]) -> str:
    try:
        delete()
    except ObjectNotFound:
        return "absent"
    return "deleted"
