"""Setup: save every Prefect object that flows and deployments look for; running it again changes nothing."""

from collections.abc import Sequence
from dataclasses import replace
from pathlib import PurePosixPath

from prefect.client.orchestration import get_client
from prefect_aws import AwsCredentials, AwsSecret, S3Bucket

from blocks.credentials import with_settings
from blocks.knobs import save_knobs
from blocks.lakes import lakes, save_source, sources
from blocks.limit import save_limit
from blocks.names import FIRST, SOURCE_BLOCK, Names
from blocks.source_config import SourceConfig
from blocks.storage import load_block, open_store, results_folder, save_block
from flows.deploy.automations import Patience, Told, find_told, read_told, save_automations
from flows.deploy.pool import Pool, save_pool
from flows.steps.parameters import SourceChoice
from flows.steps.predecessors import allowed
from lake.bucket import LAKE_BLOCK, check_bucket
from lake.crawl import Source
from lake.errors import LakeError, StoreError
from lake.layout import FOLDERS


def setup(
    bucket: str | None,
    prefix: str | None,
    source: Source,
    pool: Pool | None = None,
    notify: Sequence[str] = (),
    names: Names = FIRST,
    source_block: str = SOURCE_BLOCK,
) -> dict[str, str]:
    """Save the objects that a lake, its source and its deployments need; return for each: created, changed or left.

    A bucket or prefix that is None stays as it is saved. So do credentials that are already saved, because they may
    hold keys; they only get the lake's settings of a client where they have none of their own. A further lake begins
    with a copy of the first one's. The source gets a global limit, which keeps all runs together at its pace; if it
    names no limit, this one gets the name of the source's block. Messages go to the notification blocks that `notify`
    names, or to nobody if it is `none`; if it is empty, they go on as they did.

    Raises:
        LakeError: No bucket is given or saved, another lake lies there, a block to notify is not saved, or the work
            pool cannot be saved.
    """
    bucket, prefix = _where(bucket, prefix, names)
    before, told = _told(notify, names)
    source = replace(source, global_limit=source.global_limit or source_block)
    for block_type in (AwsCredentials, AwsSecret, S3Bucket, SourceConfig):
        block_type.register_type_and_schema()
    done = {}
    credentials = with_settings(_credentials(names))
    credentials, done[f"aws-credentials/{names.credentials}"] = save_block(credentials, names.credentials)
    for name, folder in ((names.lake, prefix.strip("/")), (names.results, results_folder(prefix))):
        block = S3Bucket(bucket_name=bucket, bucket_folder=folder, credentials=credentials)
        _, done[f"s3-bucket/{name}"] = save_block(block, name)
    limit = f"global-concurrency-limit/{source.global_limit}"
    done[limit] = save_limit(source.global_limit, source.requests_per_second)
    _, done[f"pokelake-source/{source_block}"] = save_block(SourceConfig.of(source), source_block)
    done |= save_source(names.lake, source_block) | save_knobs()
    done |= {f"messages to {one.name}": "left" if one in before else "created" for one in told}
    done |= {f"messages to {one.name or 'a block that is gone'}": "deleted" for one in before if one not in told}
    lake = open_store(S3Bucket(bucket_name=bucket, bucket_folder=prefix, credentials=credentials)).uri()
    with get_client(sync_client=True) as client:
        patience = Patience(run=allowed(client, source, names))
    done |= save_automations(lake, told, patience, names)
    # The pool comes last because it fails most often: it needs facts of an AWS account.
    return done | save_pool(pool, credentials, names) if pool else done


def _credentials(names: Names) -> AwsCredentials:
    """Return the credentials that are saved for a lake, or else a copy of those of the first lake, if there are any."""
    for name in (names.credentials, FIRST.credentials):
        if (saved := load_block(AwsCredentials, name)) is not None:
            return saved if name == names.credentials else AwsCredentials(**dict(saved))
    return AwsCredentials()


def chosen_source(lake: str, block: str | None, choice: SourceChoice) -> tuple[str, Source]:
    """Return the name of the block of a lake's source, and its settings: those that are saved, with `choice` over them.

    Raises:
        LakeError: Nobody says which source a new lake has, or a source that is new has no address.
    """
    block = block or sources().get(lake) or (SOURCE_BLOCK if lake == LAKE_BLOCK else None)
    if block is None:
        raise LakeError(
            f"the lake {lake!r} is new: name the block of its source by --source-block, either {SOURCE_BLOCK} or"
            " another saved one, whose pace the lakes then share, or a new one, with --source URL"
        )
    saved = load_block(SourceConfig, block)
    if saved is None and choice.base_url is None and block != SOURCE_BLOCK:
        raise LakeError(f"the source block {block!r} is new: name its address by --source URL, or save the block first")
    return block, choice.over(saved.source() if saved else Source())


def _told(notify: Sequence[str], names: Names) -> tuple[Sequence[Told], Sequence[Told]]:
    """Return the blocks that messages went to, and those that they go to: the same if none are given.

    Raises:
        LakeError: A block is not saved, or one of before was deleted.
    """
    with get_client(sync_client=True) as client:
        before = read_told(client, names)
        if notify:
            return before, find_told(client, notify)
    if any(one.name is None for one in before):
        raise LakeError(
            "the notification block that messages go to was deleted; pass --notify TYPE/NAME, or --notify none to tell"
            " nobody"
        )
    return before, before


def _where(bucket: str | None, prefix: str | None, names: Names) -> tuple[str, str]:
    """Return the lake's bucket and prefix: the given ones, or the saved ones if none are given.

    Raises:
        StoreError: No bucket is given, and none is saved; or what is given is no name of a bucket.
        LakeError: Another lake lies there.
    """
    if bucket:
        check_bucket(bucket)
    saved = load_block(S3Bucket, names.lake)
    if saved is None and bucket is None:
        raise StoreError(f"no S3Bucket block {names.lake!r} is saved; run `pokelake setup{names.flags} --bucket B`")
    found = bucket or (saved.bucket_name if saved else ""), _folder(saved, prefix)
    if saved is None or found != (saved.bucket_name, saved.bucket_folder):
        _require_apart(*found, names)
    return found


def _folder(saved: S3Bucket | None, prefix: str | None) -> str:
    return (saved.bucket_folder if saved else "") if prefix is None else prefix


def _require_apart(bucket: str, prefix: str, names: Names) -> None:
    """Raise if another lake of this workspace lies there, or one of the two in a folder that the other one cleans."""
    own = PurePosixPath(prefix.strip("/"))
    for other in sorted(lakes().keys() - {names.lake}):
        block = load_block(S3Bucket, other)
        if block is None or block.bucket_name != bucket:
            continue
        its = PurePosixPath(block.bucket_folder.strip("/"))
        for one, below in ((own, its), (its, own)):
            inner = below.relative_to(one).parts[:1] if below.is_relative_to(one) else None
            if inner == () or (inner is not None and f"{inner[0]}/" in FOLDERS):
                raise LakeError(
                    f"nothing was saved: the lake {other!r} lies in s3://{bucket}/{its}, and two lakes must not share"
                    " a folder; name another by --prefix"
                )
