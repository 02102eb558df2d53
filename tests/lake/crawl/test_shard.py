"""A shard's name tells what it asks for."""

from dataclasses import replace

import pytest

from lake.crawl import Shard, Wanted
from tests.lake.crawl import BASE, reference

SHARD = Shard("pokemon", 3, (Wanted(reference("pokemon/25"), 'W/"1"'),))
ITEM = SHARD.wanted[0]


@pytest.mark.parametrize(
    "other",
    [
        replace(SHARD, resource="type"),
        replace(SHARD, number=4),
        replace(SHARD, wanted=()),
        replace(SHARD, wanted=(ITEM, ITEM)),
        replace(SHARD, wanted=(replace(ITEM, etag='W/"2"'),)),
        replace(SHARD, wanted=(replace(ITEM, etag=None),)),
        replace(SHARD, wanted=(replace(ITEM, is_listed=False),)),
        replace(SHARD, wanted=(replace(ITEM, reference=replace(ITEM.reference, url=f"{BASE}pokemon/25")),)),
    ],
)
def test_a_shard_that_asks_for_anything_else_has_another_name(other: Shard):
    assert other.name != SHARD.name
