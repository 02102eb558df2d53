"""Merging what a crawl has staged into the parent's documents."""

import json
from collections.abc import Iterable
from datetime import UTC, datetime, timedelta
from typing import Any

import msgspec
import pytest

from lake.assemble.merge import merge_documents
from lake.assemble.merged import MergedResource
from lake.assemble.staging import Manifest
from lake.assemble.stored import open_documents
from lake.commit import Commit, SourceFacts
from lake.documents import DOCUMENTS, DOCUMENTS_PARTITION, digest, to_arrow
from lake.errors import StoreError
from lake.layout import snapshot_folder
from lake.publish import table_files
from lake.resource import Document
from lake.store import Store
from tests.lake import pack

OLD, NEW = "20260706T040000Z-8be2d1f4", "20260808T041200Z-1f3a9c02"
THEN = datetime(2026, 7, 6, tzinfo=UTC)
SHARD = 128


def stage(store: Store, number: int, bodies: dict[int, Any], gone: Iterable[int] = (), round_: int = 1) -> Manifest:
    """Stage documents of berries as one shard, and return its manifest."""
    later = THEN + timedelta(days=bool(list(store.list("snapshots/"))))
    rows = [
        Document("berry", id_, f"berry/{id_}", None, later, json.dumps(body).encode()) for id_, body in bodies.items()
    ]
    key = f"staging/crawl/berry-{number:04d}-{round_}.parquet"
    store.delete([key])
    body = pack(to_arrow(rows))
    if rows:
        store.create(key, body)
    return msgspec.convert(
        {
            "resource": "berry",
            "number": number,
            "last_id": max([*bodies, *gone]),
            "key": key if rows else None,
            "sha256": digest(body) if rows else None,
            "documents": len(rows),
            "json_bytes": 1,
            "unchanged": 0,
            "gone": list(gone),
            "failed": [],
            "requests": len(rows),
            "versions": {},
            "round": round_,
        },
        Manifest,
    )


def shards(store: Store, bodies: dict[int, Any]) -> list[Manifest]:
    """Stage documents by ascending id, a shard for each 128 of them."""
    ids = sorted(bodies)
    cuts = [ids[start : start + SHARD] for start in range(0, len(ids), SHARD)]
    return [stage(store, number, {id_: bodies[id_] for id_ in cut}) for number, cut in enumerate(cuts)]


def publish(store: Store, manifests: list[Manifest]) -> Commit:
    """Return the commit of a snapshot that has what was staged as its only documents."""
    after = merge_documents(store, OLD, None, manifests, "pokeapi").resources["berry"].after
    files = [stored.file for stored in after]
    tables = {DOCUMENTS.name: table_files(DOCUMENTS, DOCUMENTS_PARTITION, files)}
    return Commit(1, OLD, None, "", tables, SourceFacts(), {}, "")


def merge(store: Store, parent: Commit, manifests: list[Manifest]) -> MergedResource:
    return merge_documents(store, NEW, parent, manifests, "pokeapi").resources["berry"]


def written(store: Store) -> list[str]:
    """Return the keys of what was written of the new snapshot."""
    return [item.key for item in store.list(snapshot_folder(NEW))]


def berries(count: int) -> dict[int, Any]:
    return {id_: {"id": id_, "names": [1, 2, id_]} for id_ in range(1, count + 1)}


def test_a_staged_object_that_lost_a_document_is_refused(store: Store):
    """A document that was received must not be missing without a word."""
    manifest = msgspec.structs.replace(stage(store, 0, berries(1)), documents=2)
    with pytest.raises(StoreError, match="expected 2 whole documents, found 1; run again"):
        merge_documents(store, NEW, None, [manifest], "pokeapi")


def test_another_order_of_lists_is_no_change_in_any_shard(store: Store):
    parent = publish(store, shards(store, berries(300)))
    reordered = {id_: {"names": body["names"][::-1], "id": id_} for id_, body in berries(300).items()}
    merged = merge(store, parent, shards(store, reordered))
    assert merged.changes == {"added": 0, "modified": 0, "deleted": 0, "reordered": 300}
    assert not merged.is_changed
    assert merged.after == merged.before
    assert written(store) == []


def test_each_deleted_document_is_named_and_counted_once(store: Store):
    parent = publish(store, shards(store, berries(300)))
    manifests = [stage(store, 0, {1: berries(1)[1]}, gone=[2, 7]), stage(store, 1, {299: {"id": 299}}, gone=[300])]
    merged = merge(store, parent, manifests)
    assert merged.deleted == ("berry/2", "berry/7", "berry/300")
    assert merged.changes == {"added": 0, "modified": 1, "deleted": 3, "reordered": 0}
    assert len(open_documents(store, merged.after).ids()) == 297
    assert written(store) == [f"{snapshot_folder(NEW)}documents/resource=berry/part-0.parquet"]


def test_a_document_that_was_fetched_is_not_deleted_by_a_shard_that_missed_it(store: Store):
    parent = publish(store, shards(store, berries(3)))
    first, again = stage(store, 0, {1: {"id": 1}}, gone=[2, 3]), stage(store, 1, {2: {"id": 2}}, round_=2)
    merged = merge(store, parent, [first, again])
    assert merged.deleted == ("berry/3",)
    assert merged.changes == {"added": 0, "modified": 2, "deleted": 1, "reordered": 0}


def test_a_deletion_of_what_another_run_deleted_already_is_none(store: Store):
    parent = publish(store, shards(store, berries(3)))
    merged = merge(store, parent, [stage(store, 0, {1: {"id": 1}}, gone=[4])])
    assert (merged.deleted, merged.changes["deleted"]) == ((), 0)


def test_the_last_document_that_goes_leaves_no_file(store: Store):
    parent = publish(store, shards(store, berries(1)))
    merged = merge(store, parent, [stage(store, 0, {}, gone=[1])])
    assert (merged.after, merged.is_changed, merged.deleted) == ((), True, ("berry/1",))
    assert written(store) == []


def test_a_resource_that_nothing_was_staged_of_is_not_even_read(store: Store):
    parent = publish(store, shards(store, berries(3)))
    store.delete([f"{snapshot_folder(OLD)}documents/resource=berry/part-0.parquet"])
    merged = merge(store, parent, [])
    assert (merged.after, merged.is_changed) == (merged.before, False)
