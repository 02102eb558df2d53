"""Replicas for the tests of the crawl; each test finds them without faults and with counters at zero."""

import json
from collections.abc import Iterator

import pytest

from flows.local.replica import Corpus, Running, replica
from tests.flows.local.replica import settle
from tests.lake.crawl import NUMBERS


@pytest.fixture
def running(small_replica: Running) -> Running:
    """Return the small replica as it was at first."""
    settle(small_replica)
    return small_replica


@pytest.fixture(scope="module")
def shared_dozen() -> Iterator[Running]:
    """Serve twelve documents; every third is long enough to be compressed."""
    documents = {
        f"pokemon/{id_}": json.dumps({"id": id_, "text": "a" * (2000 if id_ % 3 == 0 else 20)}).encode()
        for id_ in NUMBERS
    }
    with replica(Corpus.from_documents(documents)) as running:
        yield running


@pytest.fixture
def dozen(shared_dozen: Running) -> Running:
    """Return the replica of twelve documents as it was at first."""
    settle(shared_dozen)
    return shared_dozen
