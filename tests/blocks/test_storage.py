"""The client of a block has what the store's own has, and what its owner set."""

from typing import Any

from prefect_aws import AwsCredentials, MinIOCredentials, S3Bucket
from prefect_aws.client_parameters import AwsClientParameters

from blocks.storage import open_store
from flows.steps.results import Results
from lake.store import CONNECTIONS


def block(config: dict[str, Any] | None = None, endpoint: str | None = None) -> S3Bucket:
    parameters = AwsClientParameters(config=config, endpoint_url=endpoint)
    credentials = AwsCredentials(region_name="eu-west-1", aws_client_parameters=parameters)
    return S3Bucket(bucket_name="lake", bucket_folder="pokelake", credentials=credentials)


def configured(saved: S3Bucket) -> Any:
    """Return what the store's client was made with; Prefect's results go through the same client."""
    client = open_store(saved)._s3
    assert Results.of(saved).credentials.get_s3_client() is client
    return client.meta


def test_a_blocks_client_has_a_connection_for_each_thread_of_the_store():
    """Or urllib3 warns of every connection more than ten, which it closes."""
    saved = block()
    assert configured(saved).config.max_pool_connections == CONNECTIONS
    assert saved.credentials.aws_client_parameters.config is None, "the block itself stays as it is saved"


def test_what_the_owner_of_a_block_set_holds():
    meta = configured(block({"read_timeout": 7, "s3": {"addressing_style": "path"}}, "http://127.0.0.1:9"))
    assert (meta.endpoint_url, meta.region_name) == ("http://127.0.0.1:9", "eu-west-1")
    assert (meta.config.read_timeout, meta.config.s3["addressing_style"]) == (7, "path")
    assert meta.config.max_pool_connections == CONNECTIONS
    assert configured(block({"max_pool_connections": 3})).config.max_pool_connections == 3


def test_a_block_with_credentials_of_minio_is_no_exception():
    minio = MinIOCredentials(minio_root_user="oak", minio_root_password="pallet-town")
    saved = S3Bucket(bucket_name="lake", credentials=minio)
    assert configured(saved).config.max_pool_connections == CONNECTIONS
