"""A replica for the tests of the crawl; each test finds it without faults and with counters at zero."""

from collections.abc import Iterator

import pytest

from flows.local.replica import Running, replica
from tests.flows.local.replica import small_corpus
from tests.lake.crawl import settle


@pytest.fixture(scope="session")
def shared_replica() -> Iterator[Running]:
    with replica(small_corpus()) as running:
        yield running


@pytest.fixture
def running(shared_replica: Running) -> Running:
    settle(shared_replica)
    return shared_replica
