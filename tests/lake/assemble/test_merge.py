"""Merging what a crawl has staged into the parent's documents."""

import json
from collections.abc import Iterable
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from lake.assemble.merge import Merged, merge_documents
from lake.commit import Commit
from lake.documents import DOCUMENTS, PARTITION, Document, pack, to_arrow
from lake.errors import StoreError
from lake.publish import SnapshotWriter
from lake.store import Store

SNAPSHOT = "20260706T040000Z-8be2d1f4"
THEN = datetime(2026, 7, 6, tzinfo=UTC)
SHARD = 128


def stage(store: Store, number: int, bodies: dict[int, Any], gone: Iterable[int] = (), again: bool = False) -> dict:
    """Stage documents of berries as one shard, and return its manifest."""
    later = THEN + timedelta(days=bool(list(store.list("snapshots/"))))
    rows = [
        Document("berry", id_, f"berry/{id_}", None, later, json.dumps(body).encode()) for id_, body in bodies.items()
    ]
    key = f"staging/crawl/berry-{number:04d}-{'again' if again else 'first'}.parquet"
    store.delete([key])
    store.create(key, pack(to_arrow(rows)))
    return {
        "resource": "berry",
        "number": number,
        "again": again,
        "last_id": max([*bodies, *gone]),
        "key": key,
        "documents": len(rows),
        "json_bytes": 1,
        "gone": list(gone),
    }


def shards(store: Store, bodies: dict[int, Any]) -> list[dict]:
    """Stage documents by ascending id, a shard for each 128 of them."""
    ids = sorted(bodies)
    cuts = [ids[start : start + SHARD] for start in range(0, len(ids), SHARD)]
    return [stage(store, number, {id_: bodies[id_] for id_ in cut}) for number, cut in enumerate(cuts)]


def publish(store: Store, manifests: list[dict]) -> Commit:
    """Publish what was staged as the only documents of a snapshot."""
    merged = merge_documents(store, None, manifests, "pokeapi")["berry"]
    with SnapshotWriter(store, SNAPSHOT) as writer:
        writer.add(DOCUMENTS, PARTITION, [merged.file])
    return Commit(1, SNAPSHOT, None, "", writer.tables, {}, {}, "")


def merge(store: Store, parent: Commit, manifests: list[dict]) -> Merged:
    return merge_documents(store, parent, manifests, "pokeapi")["berry"]


def berries(count: int) -> dict[int, Any]:
    return {id_: {"id": id_, "names": [1, 2, id_]} for id_ in range(1, count + 1)}


def test_a_staged_object_that_lost_a_document_is_refused(store: Store):
    """A document that was received must not be missing without a word."""
    manifest = {**stage(store, 0, berries(1)), "documents": 2}
    with pytest.raises(StoreError, match="expected 2 whole documents, found 1; run again"):
        merge_documents(store, None, [manifest], "pokeapi")


def test_another_order_of_lists_is_no_change_in_any_shard(store: Store):
    parent = publish(store, shards(store, berries(300)))
    reordered = {id_: {"names": body["names"][::-1], "id": id_} for id_, body in berries(300).items()}
    merged = merge(store, parent, shards(store, reordered))
    assert merged.changes == {"added": 0, "modified": 0, "deleted": 0, "reordered": 300}
    assert not merged.is_changed
    assert merged.carried == parent.tables["documents"].files[0]


def test_each_deleted_document_is_named_and_counted_once(store: Store):
    parent = publish(store, shards(store, berries(300)))
    manifests = [stage(store, 0, {1: berries(1)[1]}, gone=[2, 7]), stage(store, 1, {299: {"id": 299}}, gone=[300])]
    merged = merge(store, parent, manifests)
    assert merged.deleted == ("berry/2", "berry/7", "berry/300")
    assert merged.changes == {"added": 0, "modified": 1, "deleted": 3, "reordered": 0}
    assert len(merged.documents.ids()) == 297


def test_a_document_that_was_fetched_is_not_deleted_by_a_shard_that_missed_it(store: Store):
    parent = publish(store, shards(store, berries(3)))
    first, again = stage(store, 0, {1: {"id": 1}}, gone=[2, 3]), stage(store, 1, {2: {"id": 2}}, again=True)
    merged = merge(store, parent, [first, again])
    assert merged.deleted == ("berry/3",)
    assert merged.changes == {"added": 0, "modified": 2, "deleted": 1, "reordered": 0}


def test_a_deletion_of_what_another_run_deleted_already_is_none(store: Store):
    parent = publish(store, shards(store, berries(3)))
    merged = merge(store, parent, [stage(store, 0, {1: {"id": 1}}, gone=[4])])
    assert (merged.deleted, merged.changes["deleted"]) == ((), 0)


def test_the_last_document_that_goes_leaves_no_file(store: Store):
    parent = publish(store, shards(store, berries(1)))
    manifest = {**stage(store, 0, {}, gone=[1]), "key": None}
    merged = merge(store, parent, [manifest])
    assert (merged.file, merged.is_changed, merged.deleted) == (None, True, ("berry/1",))
