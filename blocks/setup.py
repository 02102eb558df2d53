"""Registers and saves every block that the flows look for; running it again changes nothing."""

from typing import TypeVar

from prefect.blocks.core import Block
from prefect_aws import AwsCredentials, S3Bucket

from blocks.source_config import SourceConfig
from blocks.storage import CREDENTIALS_BLOCK, LAKE_BLOCK, RESULTS_BLOCK, SOURCE_BLOCK, results_folder, settings_of
from lake.crawl import Source

_B = TypeVar("_B", bound=Block)


def setup(bucket: str, prefix: str, source: Source) -> dict[str, str]:
    """Save the blocks for a lake and its source; return for each what was done: created, changed or left.

    Credentials that are already saved are left as they are, for they may hold keys.
    """
    for block_type in (AwsCredentials, S3Bucket, SourceConfig):
        block_type.register_type_and_schema()
    done = {}
    credentials = _load(AwsCredentials, CREDENTIALS_BLOCK)
    done[f"aws-credentials/{CREDENTIALS_BLOCK}"] = "left" if credentials else "created"
    if credentials is None:
        credentials = AwsCredentials()
        credentials.save(CREDENTIALS_BLOCK)
    for name, folder in ((LAKE_BLOCK, prefix.strip("/")), (RESULTS_BLOCK, results_folder(prefix))):
        block = S3Bucket(bucket_name=bucket, bucket_folder=folder, credentials=credentials)
        done[f"s3-bucket/{name}"] = _save(block, name)
    done[f"pokelake-source/{SOURCE_BLOCK}"] = _save(SourceConfig.of(source), SOURCE_BLOCK)
    return done


def _load(block_type: type[_B], name: str) -> _B | None:
    try:
        block = block_type.load(name)
    except ValueError:
        return None
    assert isinstance(block, block_type)
    return block


def _save(block: Block, name: str) -> str:
    before = _load(type(block), name)
    if before is not None and settings_of(before) == settings_of(block):
        return "left"
    block.save(name, overwrite=True)
    return "created" if before is None else "changed"
