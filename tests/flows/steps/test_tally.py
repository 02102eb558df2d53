"""What is said of each resource of a crawl."""

import re

import pytest

from flows.steps import tally
from flows.steps.numbers import counting
from flows.steps.tally import Tally, titles
from lake.assemble.staging import Manifest
from lake.crawl import Batch, Shard, Wanted
from lake.resource import Failure, Reference


def shard(resource: str, number: int, size: int) -> Shard:
    return Shard(resource, number, tuple(Wanted(Reference(resource, id_, "", "")) for id_ in range(size)))


def manifest(resource: str, documents: int, unchanged: int, failed: int = 0) -> Manifest:
    failures = tuple(Failure(resource, id_, "", "status 503") for id_ in range(failed))
    counts = {"number": 0, "last_id": 0, "json_bytes": 10 * documents, "requests": documents + unchanged + failed}
    return Manifest(
        resource=resource, documents=documents, unchanged=unchanged, failed=failures, gone=(), versions={}, **counts
    )


SHARDS = [shard("pokemon", 0, 128), shard("type", 0, 18), shard("pokemon", 1, 22)]


def test_tasks_are_called_by_their_resource_and_their_place_in_it():
    several = [shard(name, 0, 3) for name in ("ability", "berry", "item")]
    groups = [SHARDS[:1], SHARDS[1:2], SHARDS[2:], several, several[1:]]
    named = titles([Batch(number, tuple(group)) for number, group in enumerate(groups)])
    assert named == ["pokemon 1/2", "type 1/1", "pokemon 2/2", "ability and 2 more", "berry and item"]


def test_a_resource_is_told_once_all_of_it_is_in(monkeypatch: pytest.MonkeyPatch):
    said: list[str] = []
    monkeypatch.setattr(tally, "note", said.append)
    with counting() as numbers:
        one = Tally(SHARDS)
        one.note(SHARDS[0], manifest("pokemon", 0, 128), is_fetched=False)
        one.begin("type")
        one.note(SHARDS[1], manifest("type", 3, 13, 2), is_fetched=True)
        one.note(SHARDS[2], manifest("pokemon", 12, 10), is_fetched=True)
        one.note_again([manifest("type", 1, 0, 1)])
    assert [re.sub(r"\d\.\d s", "0.0 s", line) for line in said] == [
        "crawl: type 16 of 18 documents, 3 sent, 2 failed, 0.0 s",
        "crawl: pokemon 150 of 150 documents, 12 sent, 0 failed, 0.0 s, 128 of them fetched by an earlier run",
        "crawl: 2 documents asked for again, 1 failed again",
    ]
    assert (numbers.documents, numbers.sent, numbers.requests, numbers.bytes) == (39, 16, 42, 160)
