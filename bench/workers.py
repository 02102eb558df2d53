"""A first crawl, and a rebuild of its tables, whose tasks work on one, two and four Dask workers of this machine."""

import os
import sys
from collections.abc import Iterator
from pathlib import Path

from bench.crawls import refresh
from bench.measure import REPOSITORY, python
from bench.rows import Row
from bench.world import BUCKET, COMMAND, World
from flows.local.stack import free_port

WORKERS = (1, 2, 4)

# Where `make bench` installs Dask, and what finds it there.
PACKAGES = Path(sys.prefix, "cluster")
ENVIRONMENT = {"PYTHONPATH": os.pathsep.join(map(str, (REPOSITORY, PACKAGES)))}


def workers(world: World, runs: int) -> Iterator[Row]:
    """Crawl and rebuild on a cluster that grows; each worker has one process and one core's threads."""
    sys.path.append(str(PACKAGES))
    from distributed import Client

    address = f"tcp://127.0.0.1:{free_port()}"
    world.stack.start("Dask scheduler", [*_dask("scheduler"), "--host", address, "--no-dashboard"], ENVIRONMENT)
    crawls: dict[int, float] = {}
    rebuilds: dict[int, float] = {}
    with Client(address) as client:
        for count in WORKERS:
            for number in range(len(client.scheduler_info(n_workers=-1)["workers"]), count):
                worker = [*_dask("worker"), address, "--no-dashboard", "--nthreads", "1"]
                world.stack.start(f"Dask worker {number}", worker, ENVIRONMENT)
            client.wait_for_workers(count, timeout=60)
            runner = ("--runner", f"dask:{address}")
            world.source_counts()
            crawls[count] = refresh(world, f"dask-{count}", "published", *runner, environment=ENVIRONMENT).seconds
            connections = world.source_counts()["peak_connections"]
            place = ("--bucket", BUCKET, "--prefix", f"dask-{count}")
            rebuilds[count] = python(*COMMAND, "rebuild", *place, *runner, environment=ENVIRONMENT).seconds
            yield Row(f"first crawl, Dask workers: {count}, s", [crawls[count]], [crawls[1]])
            yield Row("  connections to the source at a time", [connections], (), "at most", 8)
            yield Row(f"rebuild, Dask workers: {count}, s", [rebuilds[count]], [rebuilds[1]])


def _dask(part: str) -> list[str]:
    return [sys.executable, "-m", f"distributed.cli.dask_{part}"]
