"""What a crawl leaves before anything is published: staged documents, manifests, and what is made of failures."""

from collections import Counter
from dataclasses import replace
from datetime import UTC, datetime

import msgspec
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from msgspec.structs import replace as replaced

from lake.assemble import packed
from lake.assemble.bundle import Bundle
from lake.assemble.packed import unpack
from lake.assemble.staging import (
    Manifest,
    Staging,
    final_failures,
    is_whole,
    second_round,
    source_facts,
    stage,
)
from lake.commit import SourceFacts
from lake.crawl import Fetched, Listing, Shard, Upstream
from lake.documents import digest, to_arrow
from lake.resource import Document
from lake.store import Store
from tests.lake import keys
from tests.lake.assemble.manifests import SOURCE, failed, failure, manifest, reference, shard

NOW = datetime(2026, 8, 8, tzinfo=UTC)


def berry(id_: int) -> Document:
    return Document("berry", id_, f"berry/{id_}", None, NOW, b'{"id":%d}' % id_)


def test_a_manifest_says_what_became_of_each_document_and_where_those_lie_that_came(store: Store):
    fetched = Fetched(
        received=[berry(2), berry(1)],
        unchanged=[reference(3)],
        gone=[reference(4), reference(5)],
        failed=[(reference(6), "status 503")],
        requests=7,
        versions=Counter({"red": 3}),
    )
    found = stage(store, "crawl", shard(1, 2, 3, 4, 5, 6, number=3), fetched)
    [key] = keys(store)
    assert key.startswith("staging/crawl/berry-0003-")
    assert found == manifest(
        number=3,
        last_id=6,
        documents=2,
        json_bytes=16,
        unchanged=1,
        gone=(4, 5),
        failed=(failure(6),),
        requests=7,
        versions={"red": 3},
        key=key,
        sha256=digest(store.get(key)),
        round=1,
        span=(1, 2),
        packed_bytes=len(store.get(key)),
    )
    assert unpack(store.get(key)) == to_arrow([berry(1), berry(2)])
    # They may be large, and nobody needs them any longer.
    assert fetched.received == []


def test_however_a_shard_came_in_portions_it_is_staged_the_same(store: Store, monkeypatch: pytest.MonkeyPatch):
    """Its size in the bucket decides where documents are cut into parts."""
    monkeypatch.setattr(packed, "PAGE_BYTES", 20)
    asked = shard(1, 2, 3, 4, 5)
    whole = Fetched([berry(1), berry(2), berry(5)], [reference(3)], [reference(4)], requests=5, versions=Counter(red=3))
    at_once = stage(store, "crawl", asked, whole)
    staging = Staging(store, "crawl", asked)
    for portion in (
        Fetched([berry(1)], requests=1, versions=Counter(red=1)),
        Fetched([berry(2)], [reference(3)], [reference(4)], requests=3, versions=Counter(red=1)),
        Fetched([berry(5)], requests=1, versions=Counter(red=1)),
    ):
        staging.add(portion)
        assert portion.received == []
    found = staging.end()
    assert found.key
    assert store.get(found.key) == store.get(at_once.key or "")
    assert pq.ParquetFile(pa.BufferReader(store.get(found.key))).num_row_groups == 2
    assert msgspec.structs.replace(found, key=at_once.key) == at_once


def test_a_manifest_survives_as_json(store: Store):
    """It is the task's result."""
    found = stage(store, "crawl", shard(1, 2), Fetched(received=[berry(1)], failed=[(reference(2), "Ärger")]))
    assert msgspec.json.decode(msgspec.json.encode(found), type=Manifest) == found
    assert msgspec.convert(msgspec.to_builtins(found), Manifest) == found


def test_where_no_document_came_nothing_is_staged(store: Store):
    found = stage(store, "crawl", shard(1), Fetched(unchanged=[reference(1)]))
    assert (found.key, found.sha256, found.documents, found.unchanged) == (None, None, 0, 1)
    assert keys(store) == set()
    assert is_whole(store, SOURCE, "crawl", shard(1), found)


def test_two_attempts_at_a_shard_do_not_touch_each_other(store: Store):
    found = {stage(store, "crawl", shard(1), Fetched(received=[berry(1)])).key for _ in range(2)}
    assert found == keys(store)
    assert len(found) == 2


def test_a_staged_object_that_is_damaged_or_gone_is_not_whole(store: Store):
    found = stage(store, "crawl", shard(1), Fetched(received=[berry(1)]))
    assert is_whole(store, SOURCE, "crawl", shard(1), found)
    body = bytearray(store.get(str(found.key)))
    body[len(body) // 2] ^= 1
    store.delete([str(found.key)])
    assert not is_whole(store, SOURCE, "crawl", shard(1), found)
    store.create(str(found.key), bytes(body))
    assert not is_whole(store, SOURCE, "crawl", shard(1), found)


def test_shards_that_share_an_object_are_believed_no_more_than_others(store: Store):
    bundle, shards, found = Bundle(store), (shard(1, 2), shard(3)), list[Manifest]()
    for number, wanted in enumerate(shards):
        staging = Staging(store, "3f9a", wanted)
        staging.add(Fetched(received=[berry(item.reference.id) for item in wanted.wanted]))
        found.append(staging.end(bundle))
        assert keys(store) == set(), number
    bundle.write()
    for one, wanted in zip(found, shards, strict=True):
        read = msgspec.json.decode(msgspec.json.encode(one), type=Manifest)
        assert read == one
        assert is_whole(store, SOURCE, "3f9a", wanted, read)
    assert not is_whole(store, SOURCE, "3f9a", shards[0], replaced(found[0], start=1))
    assert not is_whole(store, SOURCE, "3f9a", shards[1], replaced(found[1], start=0))
    assert not is_whole(store, SOURCE, "3f9a", shards[1], replaced(found[0], last_id=3))


def test_what_earlier_code_staged_is_a_whole_object(store: Store):
    wanted = shard(1, 2)
    found = stage(store, "3f9a", wanted, Fetched(received=[berry(1), berry(2)]))
    assert is_whole(store, SOURCE, "3f9a", wanted, replaced(found, packed_bytes=0, span=None))


def test_a_failure_is_final_in_the_second_round():
    assert failed(1, round_=1).final_failures == ()
    manifests = [failed(2, round_=1), failed(1, "item"), manifest(), failed(1)]
    assert final_failures(manifests) == [failure(1, "item"), failure(1)]


def test_what_failed_is_asked_for_once_more_a_shard_for_each_resource():
    """As it was asked for at first: only if it changed."""
    shards = [shard(1, 2), shard(3, 4, number=1), shard(1, 2, 3, resource="item"), shard(1, resource="type")]
    manifests = [
        manifest(failed=(failure(2),)),
        manifest(failed=(failure(3),), number=1),
        manifest(failed=(failure(1, "item"),), resource="item"),
        manifest(resource="type"),
    ]
    assert second_round(manifests, shards) == [
        shard(2, 3, number=4),
        shard(1, resource="item", number=4),
    ]
    assert second_round([manifest()], shards) == []


def test_a_document_that_came_within_its_listing_is_looked_for_there_again():
    """It has no URL of its own, and its listing must not land as the document."""
    [again] = second_round([manifest(failed=(failure(2),))], [replace(shard(1, 2), is_inline=True)])
    assert again == Shard("berry", 1, shard(2).wanted, is_inline=True)


def test_an_inline_shard_of_changes_is_asked_again_for_changes_alone():
    """Of the whole listing, what it lacks would be gone."""
    first = replace(shard(1, 2), is_inline=True, changes="https://berries.test/berries?since=1")
    [again] = second_round([manifest(failed=(failure(2),))], [first])
    assert again == replace(first, number=1, wanted=shard(2).wanted)


def facts(upstream: Upstream, *manifests: Manifest) -> SourceFacts:
    listings = [Listing("item"), Listing("berry", refusal="status 403")]
    return source_facts(SOURCE, upstream, listings, manifests)


def test_a_commit_says_of_its_source_what_was_listed_crawled_refused_and_answered():
    upstream = Upstream("red", {name: f"https://pokeapi.test/api/v2/{name}/" for name in ("type", "item", "berry")})
    manifests = manifest(requests=3, versions={"red": 2}), manifest(requests=4, versions={"red": 3})
    assert facts(upstream, *manifests) == SourceFacts(
        base_url="https://pokeapi.test/api/v2/",
        kind="pokeapi",
        version="red",
        answers={"red": 5},
        listed=("berry", "item", "type"),
        resources=("item", "berry"),
        refused={"berry": "status 403"},
        requests=7,
    )


def test_of_very_many_versions_a_commit_counts_the_commonest():
    few = facts(Upstream(None, {}), manifest(versions={f"{number:1000}": 1 for number in range(1000)} | {"red": 2}))
    assert (few.version, len(few.answers), few.answers["red"]) == (None, 100, 2)


@pytest.mark.parametrize(
    ("version", "answers", "expected"),
    [
        ("red", [{"red": 1}, {"red": 2}], "red"),
        ("red", [{"red": 1}, {"blue": 2}], None),
        # The version that the source gave before the crawl is not the one that it was crawled in.
        ("red", [{"blue": 1}], None),
        # Answers need not say any.
        ("red", [{}, {}], "red"),
        ("red", [], "red"),
        (None, [{"red": 1}], None),
        (None, [{"red": 1}, {"blue": 2}], None),
        (None, [{}], None),
    ],
)
def test_a_crawl_that_met_several_versions_belongs_to_none(
    version: str | None, answers: list[dict[str, int]], expected: str | None
):
    found = facts(Upstream(version, {}), *(manifest(versions=given) for given in answers))
    assert found.version == expected
    assert found.answers == dict(sum((Counter(given) for given in answers), Counter()))
