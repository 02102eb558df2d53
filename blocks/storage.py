"""The blocks that hold where the lake lies, and the stores they open."""

from typing import Any

from prefect.blocks.core import Block
from prefect_aws import AwsCredentials, S3Bucket

from lake.layout import RESULTS
from lake.store import Store

# Names under which `setup` saves the blocks, and under which flows look for them.
LAKE_BLOCK = "pokelake"
RESULTS_BLOCK = "pokelake-results"
CREDENTIALS_BLOCK = "pokelake"
SOURCE_BLOCK = "pokeapi"


def open_store(block: S3Bucket) -> Store:
    """Open the lake that a block's bucket, folder and credentials name."""
    return Store(block.bucket_name, block.bucket_folder, block.credentials.get_s3_client())


def results_folder(prefix: str) -> str:
    """Return the folder of Prefect's results in a lake."""
    return f"{prefix.strip('/')}/{RESULTS}".strip("/")


def settings_of(block: Block) -> dict[str, Any]:
    """Return what a block holds, without what saving adds to it."""
    return _without_private(block.model_dump())


def _without_private(values: dict[str, Any]) -> dict[str, Any]:
    return {
        name: _without_private(value) if isinstance(value, dict) else value
        for name, value in values.items()
        if not name.startswith("_")
    }


def ensure_bucket(name: str, bucket: str, folder: str) -> S3Bucket:
    """Return the `S3Bucket` block of this name for a bucket that the environment can reach; saved where it is not."""
    block = S3Bucket(bucket_name=bucket, bucket_folder=folder, credentials=AwsCredentials())
    try:
        saved = S3Bucket.load(name)
    except ValueError:
        saved = None
    if isinstance(saved, S3Bucket) and settings_of(saved) == settings_of(block):
        return saved
    block.save(name, overwrite=True)
    return block
