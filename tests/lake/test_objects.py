"""Clients of other services of AWS, made from the client that a lake has."""

import boto3
import pytest
from botocore.config import Config

from lake.aws import RETRIES
from lake.store import Store


def of(endpoint: str | None, region: str | None = "eu-west-1", token: str | None = None) -> Store:
    """Return a lake whose client has this endpoint and region, and keys of its own."""
    client = boto3.client(
        *("s3", region),
        endpoint_url=endpoint,
        aws_access_key_id="their-key",
        aws_secret_access_key="secret",
        aws_session_token=token,
    )
    return Store("lake", "", client)


def test_another_client_has_the_keys_the_region_and_the_patience_of_the_lakes(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.delenv("AWS_ENDPOINT_URL", raising=False)
    glue = of(None, token="session").client("glue")
    keys = glue._get_credentials().get_frozen_credentials()
    assert (keys.access_key, keys.secret_key, keys.token) == ("their-key", "secret", "session")
    assert glue.meta.endpoint_url == "https://glue.eu-west-1.amazonaws.com"
    assert glue.meta.config.retries["total_max_attempts"] == RETRIES + 1
    assert isinstance(glue.meta.config, Config)


def test_keys_of_another_s3_are_sent_to_no_service_of_aws(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.delenv("AWS_ENDPOINT_URL", raising=False)
    assert of("http://127.0.0.1:9000").client("glue").meta.endpoint_url == "http://127.0.0.1:9000"
    private = "https://bucket.vpce-1a2b.s3.eu-west-1.vpce.amazonaws.com"
    assert of(private).client("glue").meta.endpoint_url == "https://glue.eu-west-1.amazonaws.com"


def test_without_a_region_it_is_that_of_the_bucket(bucket: str, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.delenv("AWS_DEFAULT_REGION")
    store = of(None, region="aws-global")
    assert store.client("glue").meta.region_name == "us-east-1"
