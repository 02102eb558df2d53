"""Mutated real documents, fed to the crawl, the merge and the build, on few examples; ``make chaos`` tries many."""

from collections.abc import Iterator

import pytest
from hypothesis import Phase, given, settings

from tests.chaos.mutations import Site, check, mutants
from tests.lake.assemble.lakeside import lakeside


@pytest.fixture(scope="module")
def site(s3_endpoint: str) -> Iterator[Site]:
    """Return an empty lake."""
    with lakeside(s3_endpoint, "mutations") as opened:
        yield Site(opened.store)


# Each publishes twice. The same ones each time, because others are tried by `make chaos`.
@settings(max_examples=3, derandomize=True, database=None, phases=[Phase.generate])
@given(mutant=mutants())
def test_an_odd_document_costs_no_other_one_anything(site: Site, mutant: tuple[str, bytes]):
    check(site, *mutant)
