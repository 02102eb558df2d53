"""What a source's settings add up to."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lake.crawl import Source
from tests.lake.crawl import BASE


@pytest.mark.parametrize("given_url", [BASE, BASE.rstrip("/")])
def test_a_base_url_ends_in_a_slash(given_url: str):
    """What is joined to it would otherwise take the place of its last part."""
    assert Source(given_url).base_url == BASE


@given(connections=st.integers(1, 100), parallel_shards=st.integers(1, 100))
def test_the_shards_at_work_never_have_more_connections_than_there_are(connections: int, parallel_shards: int):
    source = Source(connections=connections, parallel_shards=parallel_shards)
    assert source.connections_per_shard >= 1
    assert source.shards_at_once <= parallel_shards
    assert source.connections_per_shard * source.shards_at_once <= connections
