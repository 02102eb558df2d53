"""What the tests of assembling stand on: tables of few documents that have several parts all the same."""

from collections.abc import Iterator

import pytest

from lake.publish import cut


@pytest.fixture(scope="module", autouse=True)
def _small_parts() -> Iterator[None]:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(cut, "PART_BYTES", 2_000)
        yield
