"""What tests of publishing share."""

from typing import Any

import boto3
import pytest


@pytest.fixture
def client(bucket: str) -> Any:
    """Return an S3 client that nothing happens to."""
    return boto3.client("s3")
