"""What tests of publishing share."""

from typing import Any

import pytest

from lake.store import Store
from tests.s3 import client_without_socket


@pytest.fixture
def client(bucket: str) -> Any:
    """Return an S3 client that nothing happens to."""
    return client_without_socket()


@pytest.fixture
def store(bucket: str, client: Any) -> Store:
    """Open an empty lake."""
    return Store(bucket, "pokelake", client)
