"""What tests of assembling share."""

import pytest

from lake.store import Store
from tests.s3 import client_without_socket


@pytest.fixture
def store(bucket: str) -> Store:
    """Open an empty lake."""
    return Store(bucket, "pokelake", client_without_socket())
