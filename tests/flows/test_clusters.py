"""The same lake, whoever works on it: threads, the workers of a Dask cluster, some of which are killed, or Ray."""

import os
import signal
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from prefect.client.schemas import State

from flows.local.replica import demo_documents
from flows.refresh import refresh
from flows.steps.parameters import LakeLocation
from flows.steps.runner_setting import read_runner
from lake.commit import Commit, head
from lake.documents import DOCUMENTS
from lake.layout import SNAPSHOTS, STAGING
from lake.read import Lake
from lake.store import Store
from tests.flows.chain import Chain, chain
from tests.flows.cluster import dask_cluster, ray_cluster
from tests.flows.lakeside import asked_twice, tasks
from tests.lake import keys
from tests.lake.assemble.lakeside import versioned
from tests.waiting import until

DOCUMENTS_OF = versioned(demo_documents())
PATHS = {path for path in DOCUMENTS_OF if "/" in path}

# Slow enough that four connections are needed, and so slow that a worker which is to be killed stays at work.
SLOW, HELD = {"kind": "latency", "seconds": 0.03}, {"kind": "latency", "seconds": 1}
POLITE: dict[str, Any] = {"connections": 4, "parallel_shards": 4, "requests_per_second": 0}


@pytest.fixture(scope="module")
def told(prefect_server: dict[str, str], s3_endpoint: str, cluster_packages: None) -> Iterator[Chain]:
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("PREFECT_API_URL", prefect_server["PREFECT_API_URL"])
        with chain(s3_endpoint, "clusters", DOCUMENTS_OF) as one:
            one.tell("threads", one.refresh)
            yield one


def crawl(told: Chain, prefix: str, runner: str) -> State[Any]:
    """Fill another lake in the same bucket."""
    at = LakeLocation(bucket=told.store.bucket, prefix=prefix)
    return refresh(at, told.choice(**POLITE), runner=runner, return_state=True)


def filled(told: Chain, prefix: str) -> tuple[Store, Commit]:
    store = Store(told.store.bucket, prefix)
    commit = head(store)
    assert commit is not None
    return store, commit


def assert_same(told: Chain, prefix: str) -> None:
    """Assert that a lake has the tables, to the byte, and the documents of the one that threads have filled."""
    store, commit = filled(told, prefix)
    expected = told["threads"].commit
    hashes = [
        {name: {file.name: file.sha256 for file in table.files} for name, table in one.tables.items()}
        for one in (commit, expected)
    ]
    assert hashes[0].keys() == hashes[1].keys()
    differing = {name for name, files in hashes[0].items() if files != hashes[1][name]}
    assert differing <= {DOCUMENTS.name}
    columns = ["resource", "id", "path", "etag", "body"]
    found, wanted = (
        Lake(one).read("documents", columns=columns).sort_values(["resource", "id"]).reset_index(drop=True)
        for one in (store, told.store)
    )
    assert found.equals(wanted)


def kill_one(runner: str) -> None:
    """Kill the process of a worker that is at work, as soon as one is."""
    from distributed import Client

    with Client(read_runner(runner).address, set_as_default=False) as client:
        busy = until(lambda: {address for address, tasks in client.processing().items() if tasks}, every=0.05)
        pids = client.run(os.getpid, workers=sorted(busy))
    os.kill(next(iter(pids.values())), signal.SIGKILL)


def test_two_dask_workers_one_killed_while_it_crawls_and_one_while_it_builds(told: Chain, tmp_path: Path):
    """Each costs its task, and the tables are the same; together they ask no more than one process may."""
    states: list[State[Any]] = []
    told.running.faults([SLOW])
    told.running.reset()
    store = Store(told.store.bucket, "dask")
    with dask_cluster(tmp_path, 2) as runner:
        run = threading.Thread(target=lambda: states.append(crawl(told, "dask", runner)))
        run.start()
        until(lambda: states or told.running.counters()["requests"] > 400, every=0.05)
        told.running.faults([HELD])
        kill_one(runner)
        told.running.faults([SLOW])
        until(lambda: states or keys(store, SNAPSHOTS), every=0.05)
        kill_one(runner)
        run.join()
    told.running.faults([])
    assert [str(state.message).split(" ")[0] for state in states] == ["published"]
    assert_same(told, "dask")
    counted = told.running.counters()
    assert counted["peak_concurrency"] <= POLITE["connections"]
    # Of the task that the first one had under way, as far as it had come.
    twice = asked_twice(told.running, PATHS)
    assert twice
    assert any(twice <= task for task in tasks(PATHS)), twice
    assert not [key for key in keys(store, STAGING) if "/told-" in key]


def test_ray_makes_the_same_tables(told: Chain, tmp_path: Path):
    told.running.reset()
    with ray_cluster(tmp_path, 2) as runner:
        state = crawl(told, "ray", runner)
        assert str(state.message).startswith("published"), state.message
    assert_same(told, "ray")
    assert told.running.counters()["peak_concurrency"] <= POLITE["connections"]
    assert asked_twice(told.running, PATHS) == set()
