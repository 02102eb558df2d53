"""An hourly run in a container, on the stand-in for Fargate: from the moment it is due until it has ended."""

from collections.abc import Iterator
from datetime import datetime
from pathlib import Path
from tempfile import TemporaryDirectory

from bench.rows import Row
from tests.flows.deploy.ecs import Ecs, deployed_to_ecs
from tests.prefect_servers import make_database
from tests.waiting import until


def container(runs: int) -> Iterator[Row]:
    """Deploy this checkout, publish a first snapshot, and let refreshes fall due that find nothing changed."""
    with TemporaryDirectory(prefix="pokelake-bench-", ignore_cleanup_errors=True) as folder:
        database = Path(folder, "prefect.db")
        make_database(database)
        with deployed_to_ecs(Path(folder), database) as ecs:
            _run(ecs)
            # The first snapshot is reported in a container of its own.
            ecs.complete(until(lambda: ecs.runs("report"))[0])
            found = [_run(ecs) for _ in range(runs + 1)]
    yield Row("unchanged run in a container, s", [whole for whole, _ in found], (), "at most", 10)
    yield Row("  of which the flow, s", [flow for _, flow in found])


def _run(ecs: Ecs) -> tuple[float, float]:
    """Let a refresh fall due when no container runs; return the seconds until it has ended, and those of its flow."""
    until(lambda: not ecs.fargate.running())
    id_ = ecs.start("refresh")
    ecs.complete(id_)
    run = ecs.prefect.read_flow_run(id_)
    assert run.expected_start_time is not None
    assert run.end_time is not None
    assert run.start_time is not None
    return _seconds(run.expected_start_time, run.end_time), _seconds(run.start_time, run.end_time)


def _seconds(start: datetime, end: datetime) -> float:
    return (end - start).total_seconds()
