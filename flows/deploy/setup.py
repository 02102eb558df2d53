"""Setup: save every Prefect object that flows and deployments look for; running it again changes nothing."""

from collections.abc import Sequence
from dataclasses import replace

from prefect.client.orchestration import get_client
from prefect_aws import AwsCredentials, AwsSecret, S3Bucket

from blocks.credentials import with_settings
from blocks.knobs import save_knobs
from blocks.limit import save_limit
from blocks.source_config import SourceConfig
from blocks.storage import (
    CREDENTIALS_BLOCK,
    LAKE_BLOCK,
    RESULTS_BLOCK,
    SOURCE_BLOCK,
    load_block,
    open_store,
    results_folder,
    save_block,
)
from flows.deploy.automations import Patience, Told, find_told, read_told, save_automations
from flows.deploy.pool import Pool, save_pool
from flows.steps.predecessors import allowed
from lake.bucket import check_bucket
from lake.crawl import Source
from lake.errors import LakeError, StoreError


def setup(
    bucket: str | None,
    prefix: str | None,
    source: Source,
    pool: Pool | None = None,
    notify: Sequence[str] = (),
) -> dict[str, str]:
    """Save the objects that a lake, its source and its deployments need; return for each: created, changed or left.

    A bucket or prefix that is None stays as it is saved. So do credentials that are already saved, because they may
    hold keys; they only get the lake's settings of a client where they have none of their own. The source gets a global
    limit, which keeps all runs together at its pace; if it names no limit, this one gets the name of the source's
    block. Messages go to the notification blocks that `notify` names, or to nobody if it is `none`; if it is empty,
    they go on as they did.

    Raises:
        LakeError: No bucket is given or saved, a block to notify is not saved, or the work pool cannot be saved.
    """
    bucket, prefix = _where(bucket, prefix)
    before, told = _told(notify)
    source = replace(source, global_limit=source.global_limit or SOURCE_BLOCK)
    for block_type in (AwsCredentials, AwsSecret, S3Bucket, SourceConfig):
        block_type.register_type_and_schema()
    done = {}
    credentials = with_settings(load_block(AwsCredentials, CREDENTIALS_BLOCK) or AwsCredentials())
    credentials, done[f"aws-credentials/{CREDENTIALS_BLOCK}"] = save_block(credentials, CREDENTIALS_BLOCK)
    for name, folder in ((LAKE_BLOCK, prefix.strip("/")), (RESULTS_BLOCK, results_folder(prefix))):
        block = S3Bucket(bucket_name=bucket, bucket_folder=folder, credentials=credentials)
        _, done[f"s3-bucket/{name}"] = save_block(block, name)
    limit = f"global-concurrency-limit/{source.global_limit}"
    done[limit] = save_limit(source.global_limit, source.requests_per_second)
    _, done[f"pokelake-source/{SOURCE_BLOCK}"] = save_block(SourceConfig.of(source), SOURCE_BLOCK)
    done |= save_knobs()
    done |= {f"messages to {one.name}": "left" if one in before else "created" for one in told}
    done |= {f"messages to {one.name or 'a block that is gone'}": "deleted" for one in before if one not in told}
    lake = open_store(S3Bucket(bucket_name=bucket, bucket_folder=prefix, credentials=credentials)).uri()
    with get_client(sync_client=True) as client:
        patience = Patience(run=allowed(client, source))
    done |= save_automations(lake, told, patience)
    # The pool comes last because it fails most often: it needs facts of an AWS account.
    return done | save_pool(pool, credentials) if pool else done


def _told(notify: Sequence[str]) -> tuple[Sequence[Told], Sequence[Told]]:
    """Return the blocks that messages went to, and those that they go to: the same if none are given.

    Raises:
        LakeError: A block is not saved, or one of before was deleted.
    """
    with get_client(sync_client=True) as client:
        before = read_told(client)
        if notify:
            return before, find_told(client, notify)
    if any(one.name is None for one in before):
        raise LakeError(
            "the notification block that messages go to was deleted; pass --notify TYPE/NAME, or --notify none to tell"
            " nobody"
        )
    return before, before


def _where(bucket: str | None, prefix: str | None) -> tuple[str, str]:
    """Return the lake's bucket and prefix: the given ones, or the saved ones if none are given.

    Raises:
        StoreError: No bucket is given, and none is saved; or what is given is no name of a bucket.
    """
    if bucket:
        check_bucket(bucket)
    saved = load_block(S3Bucket, LAKE_BLOCK)
    if saved is None:
        if bucket is None:
            raise StoreError(f"no S3Bucket block {LAKE_BLOCK!r} is saved; run `pokelake setup --bucket B`")
        return bucket, prefix or ""
    return bucket or saved.bucket_name, saved.bucket_folder if prefix is None else prefix
