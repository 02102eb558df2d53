"""What tests of publishing share."""

from typing import Any

import pytest


@pytest.fixture
def client(bucket: str, s3_client: Any) -> Any:
    """Return an S3 client that nothing happens to."""
    return s3_client
