"""The short form of the harness in `tests/chaos`, with fixed seeds; ``make chaos`` is the long one."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from flows.local.replica import Running
from tests.chaos import kills
from tests.chaos.checks import Point
from tests.chaos.world import World, world
from tests.conftest import use_s3


@pytest.fixture
def small_world(
    s3_endpoint: str,
    prefect_server: dict[str, str],
    small_replica: Running,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> Iterator[World]:
    """Put a world before the session's own servers."""
    use_s3(s3_endpoint, monkeypatch)
    with world(s3_endpoint, prefect_server["PREFECT_API_URL"], small_replica.url, tmp_path / "world") as made:
        yield made


def test_an_update_that_is_killed_at_a_request_tears_nothing_and_loses_nothing(small_world: World):
    points = [said for said in kills.run(small_world, 1, "update") if isinstance(said, Point)]
    assert [point.breaches for point in points] == [[]]
