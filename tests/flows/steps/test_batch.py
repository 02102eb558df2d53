"""What a batch's task does with what it fetches: each shard is one staged object, whatever portions it came in."""

from collections.abc import Iterator
from typing import Any

import pytest

from flows.steps.batch import _staged
from flows.steps.connected import Crawl
from flows.steps.parameters import LakeLocation
from lake.assemble import bundle, staging
from lake.assemble.staging import read_staged
from lake.crawl import Batch, Fetched, Shard
from lake.resource import Document
from lake.store import Store
from tests.lake import NOON, keys
from tests.lake.assemble.manifests import SOURCE, shard

CRAWL = Crawl("crawl", SOURCE, LakeLocation(bucket="lake"))
BATCH = Batch(0, (shard(1, 2, 3), shard(4, 5, number=1)))


class InPortions:
    """Connections that give one document at a time; `lost` is the id of one that cannot be packed."""

    def __init__(self, lost: int = 0) -> None:
        self._lost = lost
        self.portions: list[Fetched] = []

    def fetch(self, asked: Shard) -> Iterator[Fetched]:
        for item in asked.wanted:
            # At most the last one is still to be packed.
            assert not any(portion.received for portion in self.portions[:-1])
            id_ = item.reference.id
            body: Any = None if id_ == self._lost else b'{"id":%d}' % id_
            self.portions.append(Fetched([Document("berry", id_, f"berry/{id_}", None, NOON, body)], requests=1))
            yield self.portions[-1]


def test_each_shard_is_one_staged_object_and_what_was_packed_is_not_kept(store: Store, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(staging, "SMALL_BYTES", 0)
    connections: Any = InPortions()
    manifests = list(_staged(store, CRAWL, BATCH, connections))
    assert [(found.number, found.documents, found.requests) for found in manifests] == [(0, 3, 3), (1, 2, 2)]
    assert [read_staged(store, found.staged)["id"].to_pylist() for found in manifests] == [[1, 2, 3], [4, 5]]
    assert keys(store) == {found.key for found in manifests}
    assert not any(portion.received for portion in connections.portions)


def test_small_shards_of_a_batch_share_an_object(store: Store, monkeypatch: pytest.MonkeyPatch):
    connections: Any = InPortions()
    one, two = _staged(store, CRAWL, BATCH, connections)
    assert {one.key, two.key} == keys(store)
    assert (one.key, one.start, two.start) == (two.key, 0, one.packed_bytes)
    assert [read_staged(store, each.staged)["id"].to_pylist() for each in (one, two)] == [[1, 2, 3], [4, 5]]
    monkeypatch.setattr(bundle, "BUNDLE_BYTES", one.packed_bytes)
    one, two = _staged(store, CRAWL, BATCH, connections)
    assert (one.key != two.key, one.start, two.start) == (True, 0, 0)
    assert [read_staged(store, each.staged).num_rows for each in (one, two)] == [3, 2]


@pytest.mark.parametrize(("lost", "whole"), [(1, []), (3, []), (5, [0])])
def test_a_portion_that_cannot_be_packed_ends_the_batch(store: Store, lost: int, whole: list[int]):
    connections: Any = InPortions(lost)
    found: list[int] = []
    with pytest.raises(TypeError):
        found.extend(manifest.number for manifest in _staged(store, CRAWL, BATCH, connections))
    assert found == whole
