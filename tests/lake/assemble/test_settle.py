"""A collection that could not be crawled is kept from before, and never stops the others."""

from dataclasses import replace

import pytest

from lake.assemble.draft import Crawled
from lake.assemble.settle import settle
from lake.assemble.staging import Manifest
from lake.crawl import Listing, Shard, Upstream
from lake.errors import SourceError
from tests.lake.assemble.manifests import SOURCE, failed, manifest, shard
from tests.lake.commits import COMMIT

UPSTREAM = Upstream("red", {name: f"{SOURCE.base_url}{name}/" for name in ("berry", "item", "move", "type")})


def settled(
    shards: list[Shard],
    *manifests: Manifest,
    upstream: Upstream = UPSTREAM,
    refused: str = "",
    first: bool = False,
    allow: tuple[str, ...] = (),
    tolerated: float = 0.02,
) -> Crawled:
    names = dict.fromkeys(of.resource for of in shards)
    listings = [Listing(name) for name in names] + ([Listing(refused, refusal="status 403")] if refused else [])
    source = replace(SOURCE, tolerated_failures=tolerated)
    return settle(source, upstream, listings, shards, manifests, None if first else COMMIT, allow)


@pytest.mark.parametrize(
    ("count", "wanted", "tolerated"),
    [(1, 1, 0.02), (1, 100, 0.02), (2, 100, 0.02), (3, 150, 0.02), (0, 100, 0.0), (2, 2, 1.0)],
)
def test_a_share_of_a_collection_may_fail_and_one_document_of_the_smallest(count: int, wanted: int, tolerated: float):
    crawled = settled([shard(*range(1, wanted + 1))], failed(count), tolerated=tolerated)
    assert (crawled.source.refused, len(crawled.manifests)) == ({}, 1)


@pytest.mark.parametrize(
    ("count", "wanted", "tolerated"), [(2, 99, 0.02), (3, 149, 0.02), (2, 2, 0.02), (1, 100, 0.0), (2, 2, 0.9)]
)
def test_a_collection_of_which_more_failed_is_kept_and_the_rest_goes_on(count: int, wanted: int, tolerated: float):
    shards = [shard(*range(1, wanted + 1)), shard(1, resource="item")]
    crawled = settled(shards, failed(count), manifest(resource="item"), tolerated=tolerated)
    assert [of.resource for of in crawled.manifests] == ["item"]
    [(name, why)] = crawled.source.refused.items()
    assert name == "berry"
    documents = "1 document" if wanted == 1 else f"{wanted} documents"
    assert why.startswith(
        f"{count} of {documents} could not be fetched, more than the tolerated {tolerated:.0%}, such as berry/1 (status"
    )


def test_failures_count_when_they_are_final():
    crawled = settled([shard(1, 2), shard(1, 2, resource="item")], failed(2, round_=1), failed(1, "item"))
    assert crawled.source.refused == {}


def test_an_operator_takes_a_collection_as_it_came():
    crawled = settled([shard(1, 2), shard(1, resource="item")], failed(2), allow=("berry",))
    assert (crawled.source.refused, [of.resource for of in crawled.manifests]) == ({}, ["berry"])


ODD = replace(UPSTREAM, odd={"../x": "expected a name"})


def test_what_the_root_lists_and_nobody_can_crawl_is_named():
    crawled = settled([shard(1)], manifest(), upstream=ODD, refused="type")
    assert crawled.source.refused == {"../x": "expected a name", "type": "status 403"}


@pytest.mark.parametrize("name", ["berry", "type", "../x"])
def test_a_first_snapshot_waits_for_every_collection_unless_told_otherwise(name: str):
    upstream = ODD if name == "../x" else UPSTREAM
    of_berry = failed(2) if name == "berry" else manifest()
    given = [shard(1, 2), shard(1, resource="item")], of_berry
    refused = "type" if name == "type" else ""
    with pytest.raises(SourceError, match="1 collection could not be crawled, and a first snapshot waits") as caught:
        settled(*given, upstream=upstream, refused=refused, first=True)
    assert f'--allow-shrink {name} (the parameter allow_shrink=["{name}"] of a deployment)' in str(caught.value)
    assert settled(*given, upstream=upstream, refused=refused, first=True, allow=(name,))


@pytest.mark.parametrize(("troubled", "asked"), [(1, 1), (2, 2), (3, 4), (3, 12), (4, 16)])
def test_where_several_collections_fail_the_source_is_in_trouble(troubled: int, asked: int):
    shards = [shard(1, 2, resource=f"r{number}") for number in range(asked)]
    manifests = [failed(2, f"r{number}") for number in range(troubled)]
    with pytest.raises(
        SourceError, match=f"{troubled} of {asked} collections? failed; nothing was published"
    ) as caught:
        settled(shards, *manifests)
    assert "Run again when the source has recovered" in str(caught.value)


@pytest.mark.parametrize(("troubled", "asked"), [(1, 2), (2, 4), (3, 13), (2, 3)])
def test_where_a_few_collections_fail_they_alone_are_kept(troubled: int, asked: int):
    shards = [shard(1, 2, resource=f"r{number}") for number in range(asked)]
    crawled = settled(shards, *(failed(2, f"r{number}") for number in range(troubled)))
    assert len(crawled.source.refused) == troubled
