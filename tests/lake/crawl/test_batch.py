"""How the shards of a crawl are put together into tasks."""

from collections.abc import Sequence

import pytest

from lake.crawl import Shard, Wanted, batches
from lake.crawl.cut import SHARD_DOCUMENTS
from lake.resource import Reference


def shards(documents: int, etag: str | None = None, resource: str = "pokemon") -> list[Shard]:
    """Return shards of so many documents, the same ones in each, because a million others would take seconds."""
    wanted = tuple(Wanted(Reference(resource, id_, "", ""), etag) for id_ in range(SHARD_DOCUMENTS))
    starts = range(0, documents, SHARD_DOCUMENTS)
    return [Shard(resource, at // SHARD_DOCUMENTS, wanted[: documents - at]) for at in starts]


def sizes(given: Sequence[Shard]) -> list[int]:
    cut = batches(given)
    assert [shard for batch in cut for shard in batch.shards] == list(given)
    assert [batch.number for batch in cut] == list(range(len(cut)))
    return [sum(len(shard.wanted) for shard in batch.shards) for batch in cut]


def test_whole_documents_come_by_hundreds_and_known_ones_by_thousands():
    assert set(sizes(shards(128 * 160))) == {256}
    assert sizes(shards(128 * 128, etag="one")) == [4_096] * 4
    assert sizes(shards(128 * 16)) == [256] * 8


@pytest.mark.parametrize(("documents", "most"), [(16_000, 200), (160_000, 2_000), (1_600_000, 2_000)])
@pytest.mark.parametrize("etag", [None, "one"])
def test_a_crawl_has_never_more_tasks_than_the_database_likes(documents: int, most: int, etag: str | None):
    small = [shard for number in range(100) for shard in shards(20, etag, f"small-{number}")]
    assert len(sizes([*shards(documents, etag), *small])) <= most


def test_a_small_crawl_is_cut_so_that_several_tasks_can_share_it():
    resources = [shard for name in ("berry", "item", "move", "type") for shard in shards(40, resource=name)]
    assert sizes(resources) == [40, 40, 40, 40]
    assert sizes(shards(10)) == [10]
    assert sizes([]) == []


def test_the_name_of_a_batch_tells_what_it_asks_for():
    [one], [same], [other] = (batches(shards(10, etag)) for etag in ("one", "one", "two"))
    assert one.name == same.name != other.name
    assert one.name.startswith("0000-")
