"""The global limit: it bounds the shards at work over all runs, and `setup` creates it."""

import os
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from dataclasses import replace
from pathlib import Path
from threading import Lock
from typing import Any
from uuid import uuid4

import pytest
from prefect.client.orchestration import get_client
from prefect.client.schemas.actions import GlobalConcurrencyLimitUpdate
from prefect.concurrency.sync import concurrency
from prefect.exceptions import ObjectNotFound

from blocks.limit import save_limit
from blocks.source_config import SourceConfig
from flows.deploy.setup import setup
from flows.local.replica import Running
from flows.refresh import refresh
from flows.steps.parameters import LakeLocation, SourceChoice
from lake.crawl import Fetched, Fetcher, Shard, Source
from lake.errors import UnknownNameError
from lake.store import Store
from tests.flows.lakeside import error_of
from tests.waiting import until

# Longer than it takes to start and to end, and shorter than the slot is held.
WAIT_SECONDS = 60


@pytest.fixture
def named(prefect_server: dict[str, str]) -> Iterator[str]:
    """Return a name that no limit and no block has; what is called so is gone afterwards."""
    name = f"limit-{uuid4().hex[:8]}"
    yield name
    with get_client(sync_client=True) as client, suppress(ObjectNotFound):
        client.delete_global_concurrency_limit_by_name(name)


def limit_of(name: str) -> tuple[int, bool, int]:
    """Return how many slots a limit has, whether it holds, and how many are taken."""
    with get_client(sync_client=True) as client:
        found = client.read_global_concurrency_limit_by_name(name)
    return found.limit, found.active, found.active_slots


def choice(running: Running, name: str, **changes: Any) -> SourceChoice:
    """Save a source with this global limit, and return what crawls it."""
    polite = {"requests_per_second": 0, "resources": ("item", "pokemon", "type"), "connections": 2}
    source = Source(running.url, global_limit=name, **{**polite, **changes})
    SourceConfig.of(source).save(name, overwrite=True)
    return SourceChoice(block=name)


@pytest.fixture
def peak(monkeypatch: pytest.MonkeyPatch) -> Callable[[], int]:
    """Return a function that says how many shards were at work at the same time, at most."""
    lock, at_work, counts = Lock(), [], [0]
    fetch = Fetcher.fetch

    def counted(self: Fetcher, shard: Shard) -> Fetched:
        with lock:
            at_work.append(shard)
            counts.append(len(at_work))
        try:
            return fetch(self, shard)
        finally:
            with lock:
                at_work.remove(shard)

    monkeypatch.setattr(Fetcher, "fetch", counted)
    return lambda: max(counts)


@pytest.mark.parametrize(("limit", "expected"), [(1, {1}), (4, {2, 3, 4})])
def test_it_bounds_the_shards_at_work_over_all_runs(
    named: str, store: Store, running: Running, peak: Callable[[], int], limit: int, expected: set[int]
):
    save_limit(named, limit)
    running.faults([{"kind": "latency", "seconds": 0.01}])
    source = choice(running, named, parallel_shards=2)
    lakes = [LakeLocation(bucket="lake", prefix=prefix) for prefix in ("red", "blue")]
    with ThreadPoolExecutor(2) as pool:
        states = list(pool.map(lambda lake: refresh(lake, source, return_state=True), lakes))
    assert [state.name for state in states] == ["Completed", "Completed"]
    assert peak() in expected
    assert limit_of(named) == (limit, True, 0)


def test_a_run_that_waits_for_it_ends_when_it_is_told_to(
    named: str, prefect_server: dict[str, str], store: Store, running: Running
):
    resources = ("pokemon", "type")
    setup("lake", "pokelake", Source(running.url, requests_per_second=0, resources=resources, global_limit=named))
    save_limit(named, 1)
    command = [str(Path(sys.executable).with_name("pokelake")), "refresh"]
    with concurrency(named, strict=True):
        process = subprocess.Popen(command, env={**os.environ, **prefect_server}, stdout=subprocess.PIPE)
        try:
            # The version, the resources, and their listings: what comes next needs a slot.
            asked = 2 + len(resources)
            until(lambda: process.poll() is not None or running.counters()["requests"] >= asked, 0.1, WAIT_SECONDS)
            assert process.poll() is None
            time.sleep(1)
            process.terminate()
            assert process.wait(WAIT_SECONDS) != 0
        finally:
            process.kill()
    assert not any(path.startswith(resources) and "/" in path for path in running.counters()["by_path"])
    assert limit_of(named) == (1, True, 0)


def test_one_that_was_never_created_is_named_before_anything_is_asked(
    prefect_server: dict[str, str], store: Store, running: Running
):
    source = choice(running, "nobodys-limit")
    error = error_of(refresh(LakeLocation(bucket="lake"), source, return_state=True), UnknownNameError)
    assert "no global concurrency limit 'nobodys-limit'" in str(error)
    assert "run `pokelake setup`" in str(error)
    assert running.counters()["requests"] == 0


def test_setup_creates_one_of_as_many_slots_as_a_run_has_shards(named: str, store: Store):
    source = Source(global_limit=named, parallel_shards=3)
    key = f"global-concurrency-limit/{named}"
    assert setup("lake", "pokelake", source)[key] == "created"
    assert limit_of(named)[:2] == (3, True)
    assert set(setup("lake", "pokelake", source).values()) == {"left"}
    assert setup("lake", "pokelake", replace(source, parallel_shards=1))[key] == "changed"
    assert limit_of(named)[:2] == (1, True)
    assert SourceConfig.load("pokeapi").source().global_limit == named


def test_setup_calls_it_like_the_source_where_none_is_named(prefect_server: dict[str, str], store: Store):
    setup("lake", "pokelake", Source())
    assert setup("lake", "pokelake", Source())["global-concurrency-limit/pokeapi"] == "left"
    assert SourceConfig.load("pokeapi").source() == Source(global_limit="pokeapi")
    assert limit_of("pokeapi")[:2] == (Source().parallel_shards, True)


def test_a_limit_that_someone_switched_off_is_switched_on_again(named: str):
    save_limit(named, 2)
    with get_client(sync_client=True) as client:
        client.update_global_concurrency_limit(named, GlobalConcurrencyLimitUpdate(active=False))
    assert save_limit(named, 2) == "changed"
    assert limit_of(named) == (2, True, 0)
