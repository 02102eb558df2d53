"""A replica for the tests of the crawl; each test finds it without faults and with counters at zero."""

import pytest

from flows.local.replica import Running
from tests.flows.local.replica import settle


@pytest.fixture
def running(small_replica: Running) -> Running:
    """Return the small replica as it was at first."""
    settle(small_replica)
    return small_replica
