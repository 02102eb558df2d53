"""The demo's lake, which has every ready view."""

from collections.abc import Iterator

import pytest

from flows.local.replica import demo_documents
from lake.read import Lake
from tests.lake.assemble.lakeside import lakeside


@pytest.fixture(scope="module")
def demo(s3_endpoint: str, request: pytest.FixtureRequest) -> Iterator[Lake]:
    """Open the demo's lake; no question changes it."""
    name = request.module.__name__.rpartition(".")[2].replace("_", "-")
    with lakeside(s3_endpoint, f"demo-of-{name}") as side:
        side.begin(demo_documents())
        yield side.lake
