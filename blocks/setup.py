"""Saves every block that the flows look for, and the limit they share; running it again changes nothing."""

from dataclasses import replace

from prefect_aws import AwsCredentials, S3Bucket

from blocks.limit import save_limit
from blocks.source_config import SourceConfig
from blocks.storage import (
    CREDENTIALS_BLOCK,
    LAKE_BLOCK,
    RESULTS_BLOCK,
    SOURCE_BLOCK,
    load_block,
    results_folder,
    save_block,
)
from lake.crawl import Source


def setup(bucket: str, prefix: str, source: Source) -> dict[str, str]:
    """Save the blocks for a lake and its source; return for each what was done: created, changed or left.

    Credentials that are already saved are left as they are, for they may hold keys. The source gets a global limit of
    as many shards as one run may have at work; where it names none, the limit is called like its block.
    """
    source = replace(source, global_limit=source.global_limit or SOURCE_BLOCK)
    for block_type in (AwsCredentials, S3Bucket, SourceConfig):
        block_type.register_type_and_schema()
    done = {}
    credentials = load_block(AwsCredentials, CREDENTIALS_BLOCK)
    done[f"aws-credentials/{CREDENTIALS_BLOCK}"] = "left" if credentials else "created"
    if credentials is None:
        credentials = AwsCredentials()
        credentials.save(CREDENTIALS_BLOCK)
    for name, folder in ((LAKE_BLOCK, prefix.strip("/")), (RESULTS_BLOCK, results_folder(prefix))):
        block = S3Bucket(bucket_name=bucket, bucket_folder=folder, credentials=credentials)
        _, done[f"s3-bucket/{name}"] = save_block(block, name)
    limit = f"global-concurrency-limit/{source.global_limit}"
    done[limit] = save_limit(source.global_limit, source.parallel_shards)
    _, done[f"pokelake-source/{SOURCE_BLOCK}"] = save_block(SourceConfig.of(source), SOURCE_BLOCK)
    return done
