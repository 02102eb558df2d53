"""What a crawl asks for lies in the bucket, for whatever process fetches a part of it."""

import pytest

from lake.assemble.plan import read_batch, write_plan
from lake.crawl import Batch, Shard, Wanted
from lake.errors import StoreError
from lake.layout import STAGING
from lake.resource import Reference
from lake.store import Store
from tests.lake import keys

PIKACHU = Wanted(Reference("pokemon", 25, "https://pokeapi.co/api/v2/pokemon/25/", "pokemon/25"), 'W/"1"')
GONE = Wanted(Reference("pokemon", 9999, "https://pokeapi.co/api/v2/pokemon/9999/", "pokemon/9999"), None, False)
ODD = Wanted(Reference("berry", -1, "", "berry/-1"), problem="no address")
BATCHES = [
    Batch(0, (Shard("pokemon", 0, (PIKACHU, GONE)), Shard("pokemon", 1, (GONE,)))),
    Batch(1, (Shard("berry", 0, (ODD,), is_inline=True),)),
]


def test_each_batch_is_read_as_it_was_planned(store: Store):
    plan = write_plan(store, "crawl", BATCHES)
    assert [read_batch(store, plan, number) for number in (1, 0)] == [BATCHES[1], BATCHES[0]]
    assert keys(store, STAGING) == {plan.key}


def test_the_same_plan_is_written_once(store: Store):
    assert write_plan(store, "crawl", BATCHES) == write_plan(store, "crawl", BATCHES)
    assert write_plan(store, "crawl", BATCHES[:1]).key != write_plan(store, "crawl", BATCHES).key


def test_a_process_reads_a_plan_once(store: Store, monkeypatch: pytest.MonkeyPatch):
    plan, read = write_plan(store, "crawl", BATCHES), list[str]()
    find = store.find
    monkeypatch.setattr(store, "find", lambda key: read.append(key) or find(key))
    for _ in range(3):
        read_batch(store, plan, 0)
    assert read == [plan.key]


def test_a_plan_that_somebody_changed_is_not_followed(store: Store):
    """It would name other addresses to send the source's key to."""
    plan = write_plan(store, "crawl", BATCHES)
    body = store.get(plan.key)
    store.delete([plan.key])
    with pytest.raises(StoreError, match="found none; run again, and it is written anew"):
        read_batch(store, plan, 0)
    store.create(plan.key, body[:-1] + b"x")
    with pytest.raises(StoreError, match="found another"):
        read_batch(store, plan, 0)
