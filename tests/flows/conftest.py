"""A real Prefect server for the whole session, and refreshes of small corpora from the replica."""

import os
import tempfile
from collections.abc import Callable, Collection, Iterable, Iterator
from pathlib import Path
from typing import Any

# Prefect reads its settings when it is first imported; the home of whoever runs the tests must stay as it is.
os.environ["PREFECT_HOME"] = tempfile.mkdtemp(prefix="pokelake-prefect-")
os.environ["PREFECT_SERVER_ANALYTICS_ENABLED"] = "false"
os.environ["PREFECT_LOGGING_LEVEL"] = "CRITICAL"

import pytest
from prefect.client.schemas import State
from prefect.events.worker import EventsWorker

from flows.local.replica import Corpus, Running, demo_documents, replica
from flows.refresh import refresh
from flows.steps import parameters
from flows.steps.parameters import LakeLocation, SourceChoice
from lake.store import Store
from tests.flows.local.replica import settle
from tests.prefect_servers import prefect_api

Refresh = Callable[..., State[Any]]

# What most tests crawl: enough for the tables that matter, and a tenth of the tasks.
CORE = ("ability", "evolution-chain", "generation", "move", "pokemon", "pokemon-species", "type")

LOCATION = LakeLocation(bucket="lake", prefix="pokelake")


@pytest.fixture(autouse=True, scope="module")
def own_events() -> None:
    """Let a module's events go to its own server, and not to the one that tests before it ended."""
    EventsWorker.drain_all(timeout=10)


@pytest.fixture(autouse=True)
def own_lake() -> None:
    """Let a test open its lake by its own environment: a process remembers the stores that it has opened."""
    parameters._opened.cache_clear()


@pytest.fixture(scope="session")
def prefect_server(migrated: Path) -> Iterator[dict[str, str]]:
    """Run a Prefect server; yield the environment that points a subprocess at it."""
    # Prefect's thread for events goes on sending to the server it began with; tests of another may have left one.
    EventsWorker.drain_all(timeout=10)
    with prefect_api(migrated) as url:
        yield {"PREFECT_API_URL": url}


def core_paths(documents: Iterable[str], resources: Collection[str] = CORE) -> set[str]:
    """Return the paths of the core resources' documents, or of those of some of them."""
    return {path for path in documents if path.split("/")[0] in resources and path.count("/") == 1}


@pytest.fixture
def documents() -> dict[str, bytes]:
    """Return the built-in corpus, to be changed at will."""
    return demo_documents()


@pytest.fixture(scope="session")
def one_replica() -> Iterator[Running]:
    """Run a replica for the whole session: at one address, documents are the same bytes in every test."""
    with replica("demo") as running:
        yield running


@pytest.fixture
def running(one_replica: Running, documents: dict[str, bytes]) -> Running:
    """Serve the built-in corpus, without faults and with counters at zero."""
    settle(one_replica)
    one_replica.switch(Corpus.from_documents(documents))
    return one_replica


@pytest.fixture
def run_refresh(prefect_server: dict[str, str], store: Store, running: Running) -> Refresh:
    """Return a function that refreshes the lake from the replica once, and returns the flow's final state.

    It crawls the core resources unless it is given others, ``()`` for all.
    """

    def run(allow_shrink: tuple[str, ...] = (), **choice: Any) -> State[Any]:
        settings = {"base_url": running.url, "retry_delay_seconds": 0.01, "attempts": 2, "resources": CORE, **choice}
        return refresh(LOCATION, SourceChoice(**settings), allow_shrink, return_state=True)

    return run
