"""A real Prefect server for the whole session, and refreshes of small corpora from the replica."""

import os
import tempfile
from collections.abc import Callable, Iterable, Iterator
from typing import Any

# Prefect reads its settings when it is first imported; the home of whoever runs the tests must stay as it is.
os.environ["PREFECT_HOME"] = tempfile.mkdtemp(prefix="pokelake-prefect-")
os.environ["PREFECT_SERVER_ANALYTICS_ENABLED"] = "false"
os.environ["PREFECT_LOGGING_LEVEL"] = "CRITICAL"

import pytest
from prefect.client.schemas import State
from prefect.settings import get_current_settings
from prefect.testing.utilities import prefect_test_harness

from flows.parameters import LakeLocation, SourceChoice
from flows.refresh import refresh
from flows.stack import RECORDER
from lake.replica import Corpus, Running, demo, replica
from lake.store import Store

Refresh = Callable[..., State[Any]]

# What most tests crawl: enough for the tables that matter, and a tenth of the tasks.
CORE = ("ability", "evolution-chain", "generation", "move", "pokemon", "pokemon-species", "type")

LOCATION = LakeLocation(bucket="lake", prefix="pokelake")


@pytest.fixture(scope="session")
def prefect_server() -> Iterator[dict[str, str]]:
    """Run a Prefect server; yield the environment that points a subprocess at it."""
    os.environ.update(RECORDER)
    with prefect_test_harness(server_startup_timeout=90):
        yield get_current_settings().to_environment_variables(exclude_unset=True)


def core_paths(documents: Iterable[str]) -> set[str]:
    """Return the paths of the core resources' documents."""
    return {path for path in documents if path.split("/")[0] in CORE and path.count("/") == 1}


@pytest.fixture
def documents() -> dict[str, bytes]:
    """Return the built-in corpus, to be changed at will."""
    return demo.documents()


@pytest.fixture
def running(documents: dict[str, bytes]) -> Iterator[Running]:
    """Serve the built-in corpus."""
    with replica(Corpus.from_documents(documents)) as served:
        yield served


@pytest.fixture
def run_refresh(prefect_server: dict[str, str], store: Store, running: Running) -> Refresh:
    """Return a function that refreshes the lake from the replica once, and returns the flow's final state.

    It crawls the core resources unless it is given others, ``()`` for all.
    """

    def run(allow_shrink: tuple[str, ...] = (), **choice: Any) -> State[Any]:
        settings = {"base_url": running.url, "retry_delay_seconds": 0.01, "attempts": 2, "resources": CORE, **choice}
        return refresh(LOCATION, SourceChoice(**settings), allow_shrink, return_state=True)

    return run
