"""The short form of the harness in `tests/chaos`, with fixed seeds; ``make chaos`` is the long one."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from flows.local.replica import replica
from tests.chaos import kills
from tests.chaos.checks import Point
from tests.chaos.choice import Choice
from tests.chaos.world import World, world
from tests.conftest import use_s3
from tests.flows.local.replica import small_corpus

# Before this request some files of the new snapshot are written, and some are not.
HALF_WAY = 50


@pytest.fixture
def small_world(
    s3_endpoint: str,
    prefect_server: dict[str, str],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> Iterator[World]:
    """Put a world before a replica of its own, because what that serves is changed, and the session's other servers."""
    use_s3(s3_endpoint, monkeypatch)
    api = prefect_server["PREFECT_API_URL"]
    home = tmp_path / "world"
    with replica(small_corpus()) as running, world(s3_endpoint, api, running.url, home, seed=HALF_WAY) as made:
        yield made


def test_an_update_that_is_killed_at_a_request_tears_nothing_and_loses_nothing(small_world: World):
    points = [said for said in kills.run(small_world, Choice(1, "update")) if isinstance(said, Point)]
    assert [point.breaches for point in points] == [[]]
