"""S3 without a socket: moto answers the requests of publishing in this process, which takes half the time."""

from typing import Any

import boto3
import pytest
from moto.core.botocore_stubber import BotocoreStubber

from lake.store import Store


@pytest.fixture
def client(bucket: str) -> Any:
    """Return an S3 client that nothing happens to; what it writes is there for those who ask by HTTP as well."""
    answers = BotocoreStubber()
    answers.enabled = True
    client = boto3.client("s3", endpoint_url="https://s3.amazonaws.com")
    client.meta.events.register("before-send.s3", answers)
    return client


@pytest.fixture
def store(bucket: str, client: Any) -> Store:
    """Open an empty lake."""
    return Store(bucket, "pokelake", client)
