"""The global limit: it paces all runs together, and `setup` creates it."""

import os
import subprocess
import sys
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from dataclasses import replace
from pathlib import Path
from typing import Any
from uuid import uuid4

import pytest
from prefect.client.orchestration import get_client
from prefect.client.schemas.actions import GlobalConcurrencyLimitUpdate
from prefect.exceptions import ObjectNotFound

from blocks.limit import limit_values, save_limit
from blocks.source_config import SourceConfig
from flows.deploy.setup import setup
from flows.local.replica import Running
from flows.refresh import refresh
from flows.steps.parameters import LakeLocation, SourceChoice
from lake.crawl import Source
from lake.errors import LakeError, UnknownNameError
from lake.store import Store
from tests.flows.conftest import core_paths
from tests.flows.lakeside import error_of
from tests.waiting import until

# Longer than it takes to start and to end.
WAIT_SECONDS = 60


@pytest.fixture
def named(prefect_server: dict[str, str]) -> Iterator[str]:
    """Return a name that no limit and no block has; what is called so is gone afterwards."""
    name = f"limit-{uuid4().hex[:8]}"
    yield name
    with get_client(sync_client=True) as client, suppress(ObjectNotFound):
        client.delete_global_concurrency_limit_by_name(name)


def limit_of(name: str) -> dict[str, Any]:
    """Return a limit as Prefect knows it."""
    with get_client(sync_client=True) as client:
        return client.read_global_concurrency_limit_by_name(name).model_dump()


def change(name: str, **values: Any) -> None:
    """Change a limit behind the back of `setup`."""
    with get_client(sync_client=True) as client:
        client.update_global_concurrency_limit(name, GlobalConcurrencyLimitUpdate(**values))


def lend(name: str) -> None:
    """Make a limit as earlier versions saved it, whose slots are given back by who took them, and take all of them."""
    change(name, limit=4, slot_decay_per_second=0, active_slots=4)


def choice(running: Running, name: str, **changes: Any) -> SourceChoice:
    """Save a source with this global limit, and return what crawls it."""
    polite = {"requests_per_second": 0, "resources": ("item", "type"), "connections": 2}
    source = Source(running.url, global_limit=name, **{**polite, **changes})
    SourceConfig.of(source).save(name, overwrite=True)
    return SourceChoice(block=name)


def test_it_paces_all_runs_together(named: str, store: Store, running: Running, documents: dict[str, bytes]):
    save_limit(named, 10)
    source = choice(running, named)
    lakes = [LakeLocation(bucket="lake", prefix=prefix) for prefix in ("red", "blue")]
    begun = time.monotonic()
    with ThreadPoolExecutor(2) as pool:
        states = list(pool.map(lambda lake: refresh(lake, source, return_state=True), lakes))
    seconds = time.monotonic() - begun
    assert [state.name for state in states] == ["Completed", "Completed"]
    asked = 2 * len(core_paths(documents, ("item", "type")))
    assert asked - limit_of(named)["limit"] <= 10 * seconds


def test_a_run_that_waits_for_it_ends_when_it_is_told_to(
    named: str, prefect_server: dict[str, str], store: Store, running: Running
):
    resources = ("pokemon", "type")
    setup("lake", "pokelake", Source(running.url, requests_per_second=1, resources=resources, global_limit=named))
    taken = {"limit": 4, "active_slots": 4, "slot_decay_per_second": 0.001}
    change(named, **taken)
    command = [str(Path(sys.executable).with_name("pokelake")), "refresh"]
    process = subprocess.Popen(command, env={**os.environ, **prefect_server}, stdout=subprocess.PIPE)
    try:
        # The version, the resources, and their listings: what comes next needs the limit.
        asked = 2 + len(resources)
        until(lambda: process.poll() is not None or running.counters()["requests"] >= asked, 0.1, WAIT_SECONDS)
        assert process.poll() is None
        time.sleep(1)
        process.terminate()
        assert process.wait(WAIT_SECONDS) != 0
    finally:
        process.kill()
    assert not any(path.startswith(resources) and "/" in path for path in running.counters()["by_path"])
    assert limit_of(named)["active_slots"] == 4


def test_one_that_was_never_created_is_named_before_anything_is_asked(
    prefect_server: dict[str, str], store: Store, running: Running
):
    source = choice(running, "nobodys-limit")
    error = error_of(refresh(LakeLocation(bucket="lake"), source, return_state=True), UnknownNameError)
    assert "no global concurrency limit 'nobodys-limit'" in str(error)
    assert "run `pokelake setup`" in str(error)
    assert running.counters()["requests"] == 0


def test_one_of_an_earlier_version_is_refused_before_anything_is_asked(named: str, store: Store, running: Running):
    save_limit(named, 10)
    lend(named)
    error = error_of(refresh(LakeLocation(bucket="lake"), choice(running, named), return_state=True), LakeError)
    assert "run `pokelake setup`, which replaces it" in str(error)
    assert running.counters()["requests"] == 0


def test_setup_keeps_it_at_the_source_s_pace(named: str, store: Store):
    source = Source(global_limit=named, requests_per_second=5)
    key = f"global-concurrency-limit/{named}"
    assert setup("lake", "pokelake", source)[key] == "created"
    assert limit_of(named).items() >= limit_values(5).items()
    assert set(setup("lake", "pokelake", source).values()) == {"left"}
    assert setup("lake", "pokelake", replace(source, requests_per_second=1))[key] == "changed"
    assert limit_of(named).items() >= limit_values(1).items()
    assert SourceConfig.load("pokeapi").source().global_limit == named


def test_setup_replaces_one_of_an_earlier_version_and_frees_its_slots(named: str):
    save_limit(named, 10)
    lend(named)
    assert save_limit(named, 10) == "changed"
    assert limit_of(named).items() >= {**limit_values(10), "active_slots": 0}.items()


def test_setup_calls_it_like_the_source_where_none_is_named(prefect_server: dict[str, str], store: Store):
    setup("lake", "pokelake", Source())
    assert setup("lake", "pokelake", Source())["global-concurrency-limit/pokeapi"] == "left"
    assert SourceConfig.load("pokeapi").source() == Source(global_limit="pokeapi")
    assert limit_of("pokeapi").items() >= limit_values(10).items()


def test_a_limit_that_someone_switched_off_is_switched_on_again(named: str):
    save_limit(named, 2)
    change(named, active=False)
    assert save_limit(named, 2) == "changed"
    assert limit_of(named)["active"]
