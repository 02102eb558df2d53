"""A lake of two snapshots, between which a few documents changed, and its pages."""

from collections.abc import Iterator

import pytest

from flows.local.replica import demo_documents
from tests.lake.assemble.lakeside import Lakeside, changed, copied, lakeside

# A finding: its document has a member that no table knows.
ODD_DITTO = 10_999


@pytest.fixture(scope="module")
def side(s3_endpoint: str, request: pytest.FixtureRequest) -> Iterator[Lakeside]:
    """Fill a lake; then Pikachu shrinks, a Ditto comes, and Raichu cannot be fetched."""
    name = request.module.__name__.rpartition(".")[2].replace("_", "-")
    with lakeside(s3_endpoint, f"report-{name}") as lake:
        documents = demo_documents()
        lake.begin(documents)
        later = changed(documents, "pokemon/25", height=3)
        lake.fill(copied(later, "pokemon/132", ODD_DITTO, name="other-ditto", mood="happy"), failing={"pokemon/26"})
        yield lake
