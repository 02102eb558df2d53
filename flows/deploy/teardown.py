"""Teardown: delete what `setup` and `prefect deploy` saved in Prefect; the bucket stays as it is."""

from collections.abc import Callable

from prefect.blocks.core import Block
from prefect.client.orchestration import SyncPrefectClient, get_client
from prefect.client.schemas.filters import (
    DeploymentFilter,
    DeploymentFilterTags,
    WorkPoolFilter,
    WorkPoolFilterName,
)
from prefect.exceptions import ObjectNotFound
from prefect.variables import Variable
from prefect_aws import AwsCredentials, S3Bucket

from blocks.knobs import DEFAULTS
from blocks.lakes import forget_source, lakes, source_block
from blocks.names import FIRST, Names
from blocks.source_config import SourceConfig
from blocks.storage import load_block
from flows.deploy.automations import delete_automations
from flows.deploy.pool import CRAWL_QUEUE


def delete_deployments(pool: str, names: Names = FIRST) -> dict[str, str]:
    """Delete a lake's deployments, so that no run of it starts any more; return for each: deleted.

    Runs that are under way are not ended.
    """
    done = {}
    tagged = DeploymentFilter(tags=DeploymentFilterTags(all_=[names.tag]))
    with get_client(sync_client=True) as client:
        for deployment in client.read_deployments(deployment_filter=tagged):
            if deployment.work_pool_name in (pool, None):
                client.delete_deployment(deployment.id)
                done[f"deployment/{deployment.name}"] = "deleted"
    return done


def is_free(pool: str) -> bool:
    """Tell whether a work pool has no deployments, of another lake for example."""
    with get_client(sync_client=True) as client:
        return not _deployments(client, pool)


def _deployments(client: SyncPrefectClient, pool: str) -> bool:
    in_pool = WorkPoolFilter(name=WorkPoolFilterName(any_=[pool]))
    return bool(client.read_deployments(work_pool_filter=in_pool, limit=1))


def teardown(pool: str, names: Names = FIRST) -> dict[str, str]:
    """Delete all that `setup` saved for a lake, whose deployments are gone; return for each: deleted, absent or left.

    What another lake uses as well is left: its source with the limit, the Variables, and the work pool while it has
    deployments.
    """
    done: dict[str, str] = {}
    others = {lake: source for lake, source in lakes().items() if lake != names.lake}
    source = source_block(names.lake)
    blocks: list[tuple[type[Block], str]] = [(S3Bucket, names.results), (S3Bucket, names.lake)]
    with get_client(sync_client=True) as client:
        done |= _delete_pool(client, pool, names)
        done |= delete_automations(client, names)
        saved = load_block(SourceConfig, source)
        if source in others.values():
            done[f"pokelake-source/{source}"] = "left"
        else:
            blocks.insert(0, (SourceConfig, source))
            if saved is not None:
                limit = saved.global_limit
                done[f"global-concurrency-limit/{limit}"] = _deleted(
                    lambda: client.delete_global_concurrency_limit_by_name(limit)
                )
    for name in DEFAULTS:
        done[f"variable/{name}"] = "left" if others else "deleted" if Variable.unset(name) else "absent"
    blocks.append((AwsCredentials, names.credentials))
    for block_type, name in blocks:
        slug = f"{block_type.get_block_type_slug()}/{name}"
        done[slug] = "absent" if load_block(block_type, name) is None else "deleted"
        if done[slug] == "deleted":
            block_type.delete(name)
    return done | forget_source(names.lake)


def _delete_pool(client: SyncPrefectClient, pool: str, names: Names) -> dict[str, str]:
    """Delete a work pool, or, if it has other deployments, the lake's own queue in it."""
    if not _deployments(client, pool):
        return {f"work-pool/{pool}": _deleted(lambda: client.delete_work_pool(pool))}
    name = names.own(CRAWL_QUEUE)

    def delete() -> None:
        client.delete_work_queue_by_id(client.read_work_queue_by_name(name, work_pool_name=pool).id)

    return {f"work-pool/{pool}": "left", f"work-queue/{pool}/{name}": _deleted(delete)}


def _deleted(delete: Callable[[], object]) -> str:
    try:
        delete()
    except ObjectNotFound:
        return "absent"
    return "deleted"
