"""A small replica for the tests of it that change nothing but its faults."""

from collections.abc import Iterator

import httpx
import pytest

from flows.local.replica import Running
from tests.flows.local.replica import settle


@pytest.fixture
def running(small_replica: Running) -> Running:
    """Return the small replica, without faults and with counters at zero."""
    settle(small_replica)
    return small_replica


@pytest.fixture(scope="module")
def api(small_replica: Running) -> Iterator[httpx.Client]:
    """Return a client of the small replica; its connection is not left open for those who count them."""
    with httpx.Client(base_url=small_replica.url) as client:
        yield client
