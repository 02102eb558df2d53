"""The client of a block has what the store's own has, and what its owner set."""

import socket
from typing import Any

import boto3
import pytest
from prefect_aws import AwsCredentials, MinIOCredentials, S3Bucket
from prefect_aws.client_parameters import AwsClientParameters

from blocks.storage import open_store
from flows.steps.results import Results
from lake.aws import CLIENT_SETTINGS
from lake.errors import StoreDownError
from lake.store import CLIENT_CONFIG


def block(config: dict[str, Any] | None = None, endpoint: str | None = None) -> S3Bucket:
    parameters = AwsClientParameters(config=config, endpoint_url=endpoint)
    keys = {"aws_access_key_id": "oak", "aws_secret_access_key": "pallet-town"}
    credentials = AwsCredentials(region_name="eu-west-1", aws_client_parameters=parameters, **keys)
    return S3Bucket(bucket_name="lake", bucket_folder="pokelake", credentials=credentials)


def configured(saved: S3Bucket) -> Any:
    """Return what the store's client was made with; Prefect's results go through the same client."""
    client = open_store(saved)._s3
    assert Results.of(saved).credentials.get_s3_client() is client
    return client.meta


def patience(config: Any) -> dict[str, Any]:
    """Return all of a client's settings that the lake has a word in."""
    return {name: getattr(config, name) for name in CLIENT_SETTINGS}


# As botocore keeps them, which counts the first try as well.
OURS = {**CLIENT_SETTINGS, "retries": {"mode": "standard", "total_max_attempts": 6}}


def test_a_blocks_client_has_the_settings_of_the_lakes_own():
    saved = block()
    assert patience(configured(saved).config) == OURS
    assert patience(boto3.client("s3", region_name="eu-west-1", config=CLIENT_CONFIG).meta.config) == OURS
    assert CLIENT_SETTINGS["retries"] == {"mode": "standard", "max_attempts": 5}, "setup saves these, and they stay"
    assert saved.credentials.aws_client_parameters.config is None, "the block itself stays as it is saved"


def test_what_the_owner_of_a_block_set_holds():
    own = {"read_timeout": 7, "s3": {"addressing_style": "path"}, "retries": {"mode": "adaptive"}}
    meta = configured(block(own, "http://127.0.0.1:9"))
    assert (meta.endpoint_url, meta.region_name) == ("http://127.0.0.1:9", "eu-west-1")
    assert meta.config.s3["addressing_style"] == "path"
    retries = {"mode": "adaptive", "total_max_attempts": 6}
    assert patience(meta.config) == {**OURS, "read_timeout": 7, "retries": retries}
    assert configured(block({"max_pool_connections": 3})).config.max_pool_connections == 3
    assert configured(block({"retries": {"total_max_attempts": 2}})).config.retries["total_max_attempts"] == 2


def test_a_block_with_credentials_of_minio_is_no_exception():
    minio = MinIOCredentials(minio_root_user="oak", minio_root_password="pallet-town")
    saved = S3Bucket(bucket_name="lake", credentials=minio)
    assert patience(configured(saved).config) == OURS


def test_an_endpoint_of_s3_alone_is_found_in_the_environment(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setenv("AWS_ENDPOINT_URL_S3", "http://127.0.0.1:9")
    assert configured(block({"tcp_keepalive": True})).endpoint_url == "http://127.0.0.1:9"


def test_a_server_that_takes_the_request_and_never_answers_is_given_up_on(monkeypatch: pytest.MonkeyPatch):
    """By botocore's own settings that takes five minutes."""
    monkeypatch.setitem(CLIENT_SETTINGS, "read_timeout", 0.1)  # type: ignore[arg-type]
    monkeypatch.setitem(CLIENT_SETTINGS, "retries", {"mode": "standard", "max_attempts": 0})  # type: ignore[arg-type]
    with socket.create_server(("127.0.0.1", 0)) as mute:
        store = open_store(block(endpoint=f"http://127.0.0.1:{mute.getsockname()[1]}"))
        with pytest.raises(StoreDownError, match="could not be reached: Read timeout"):
            store.find("commits/")
