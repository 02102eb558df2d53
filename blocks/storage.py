"""The blocks that hold where the lake lies, and the stores they open."""

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


def save_bucket(name: str, bucket: str, folder: str, credentials: AwsCredentials) -> S3Bucket:
    """Save an `S3Bucket` block under a name, in place of the one that was there."""
    block = S3Bucket(bucket_name=bucket, bucket_folder=folder, credentials=credentials)
    block.save(name, overwrite=True)
    return block
