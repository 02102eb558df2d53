"""A lake for queries."""

import re
from collections.abc import Iterator

import pytest

from lake.read import Lake
from lake.store import Store
from tests.conftest import use_s3
from tests.lake.read import FIRST, SECOND, document, moves, publish
from tests.s3 import client_without_socket

PIKACHU = document("pokemon", 25, '{"name": "pikachu"}')


def filled(store: Store) -> Lake:
    """Publish two snapshots, and return the lake."""
    publish(store, FIRST, [moves((1, 1, 40), (2, 1, None), (3, 2, 50))], [PIKACHU])
    publish(store, SECOND, [moves((1, 1, 45), (2, 1, None), (3, 2, 50))], [PIKACHU, document("type", 1, "{}")])
    return Lake(store)


@pytest.fixture(scope="module")
def lake(s3_endpoint: str, request: pytest.FixtureRequest) -> Iterator[Lake]:
    """Open a lake with two snapshots; a query changes nothing, so one is enough for a module."""
    with pytest.MonkeyPatch.context() as patch:
        use_s3(s3_endpoint, patch)
        store = Store(
            request.module.__name__.rpartition(".")[2].replace("_", "-"), "pokelake", client_without_socket(s3_endpoint)
        )
        store.create_bucket()
        yield filled(store)


@pytest.fixture
def other(lake: Lake, request: pytest.FixtureRequest) -> Store:
    """Open an empty lake beside that of the module; the fixture `store` would empty that one."""
    return Store(lake.store.bucket, re.sub(r"\W+", "-", request.node.name))
