"""Staged documents and manifests that someone else wrote into the bucket: none of them is believed."""

import io
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

import msgspec
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from lake.assemble.merge import merge_documents
from lake.assemble.staging import Manifest, is_whole, read_staged, stage
from lake.crawl import Fetched, Shard, Source, Wanted
from lake.documents import digest, to_arrow
from lake.errors import StoreError
from lake.resource import Document, Failure, Reference
from lake.store import Store
from tests.lake import pack

NOW = datetime(2026, 8, 8, tzinfo=UTC)
SOURCE = Source("https://pokeapi.test/api/v2/")
CRAWL = "0123456789abcdef"


def reference(id_: int) -> Reference:
    return Reference("berry", id_, f"{SOURCE.base_url}berry/{id_}/", f"berry/{id_}")


def berry(id_: int) -> Document:
    return reference(id_).received(None, NOW, b'{"id":%d}' % id_)


# Documents 1 and 2 come, 3 is unchanged, 4 is gone, 5 cannot be fetched; only 4 is not listed.
SHARD = Shard("berry", 3, tuple(Wanted(reference(id_), None, is_listed=id_ != 4) for id_ in range(1, 6)))


@pytest.fixture
def manifest(store: Store) -> Manifest:
    fetched = Fetched([berry(1), berry(2)], [reference(3)], [reference(4)], [(reference(5), "status 503")], 5)
    return stage(store, CRAWL, SHARD, fetched)


def believed(store: Store, manifest: Manifest, shard: Shard = SHARD, source: Source = SOURCE) -> bool:
    return is_whole(store, source, CRAWL, shard, manifest)


def forged(store: Store, manifest: Manifest, body: bytes, **members: Any) -> Manifest:
    """Put another object in the place of the staged one, and return a manifest that has its hash."""
    assert manifest.key is not None
    store.delete([manifest.key])
    store.create(manifest.key, body)
    return msgspec.structs.replace(manifest, sha256=digest(body), **members)


def test_what_a_crawl_staged_is_believed(store: Store, manifest: Manifest):
    assert believed(store, manifest)


PLACES = {
    "another crawl's": "staging/fedcba9876543210/berry-0003-01234567.parquet",
    "another lake's": "../other/staging/berry-0003-01234567.parquet",
    "a published file": "snapshots/20260808T041200Z-1f3a9c02/documents/resource=berry/part-0.parquet",
    "a way out": f"staging/{CRAWL}/berry-0003-/../../commits/1.parquet",
    "a line more": f"staging/{CRAWL}/berry-0003-01234567.parquet\n",
    "nothing": "",
}


@pytest.mark.parametrize("key", PLACES.values(), ids=PLACES)
def test_a_manifest_that_leads_elsewhere_is_not_believed(store: Store, manifest: Manifest, key: str):
    """Even if the very documents lie there."""
    assert manifest.key is not None
    if key:
        store.create(key, store.get(manifest.key))
    assert not believed(store, msgspec.structs.replace(manifest, key=key))


OTHERS: dict[str, dict[str, Any]] = {
    "another resource": {"resource": "item"},
    "another number": {"number": 2},
    "another end": {"last_id": 10**30},
    "the second round": {"round": 2},
    "deletes what is listed": {"gone": (3,), "unchanged": 1},
    "deletes what was not asked for": {"gone": (99,)},
    "deletes twice": {"gone": (4, 4), "unchanged": 0},
    "fails what was not asked for": {"failed": (Failure("berry", 99, "berry/99", ""),)},
    "fails another resource": {"failed": (Failure("item", 5, "item/5", ""),)},
    "fails by another path": {"failed": (Failure("berry", 5, "../../\x1b[2J", ""),)},
    "fails what came": {"failed": (Failure("berry", 1, "berry/1", ""),)},
    "leaves some out": {"unchanged": 0, "failed": ()},
    "counts below zero": {"unchanged": -1},
    "fewer documents": {"documents": 1},
    "no documents": {"documents": 0, "key": None},
    "no hash": {"sha256": None},
}


@pytest.mark.parametrize("members", OTHERS.values(), ids=OTHERS)
def test_a_manifest_that_is_not_of_its_shard_is_not_believed(store: Store, manifest: Manifest, members: dict[str, Any]):
    assert not believed(store, msgspec.structs.replace(manifest, **members))


def document(id_: int = 2, resource: str = "berry", path: str = "berry/2", body: bytes = b'{"id":2}') -> Document:
    return Document(resource, id_, path, None, NOW, body)


DOCUMENTS = {
    "another id": document(99),
    "another resource": document(resource="item"),
    "another path": document(path="berry/02"),
    "one that is there twice": document(1, path="berry/1", body=b'{"id":1}'),
    "no JSON": document(body=b"<html>"),
    "another document": document(body=b'{"id":3}'),
    "nested too deep": document(body=b'{"id":2,"names":' + b"[" * 100_000 + b"]" * 100_000 + b"}"),
}


@pytest.mark.parametrize("second", DOCUMENTS.values(), ids=DOCUMENTS)
def test_documents_that_such_a_shard_cannot_bring_are_not_believed(store: Store, manifest: Manifest, second: Document):
    """Although object and manifest fit each other."""
    found = forged(store, manifest, pack(to_arrow([berry(1), second])))
    assert not believed(store, found)


def nothing_known(rows: pa.Table) -> pa.Table:
    return rows.set_column(6, "body", pa.nulls(rows.num_rows, pa.string()))


def no_text(rows: pa.Table) -> pa.Table:
    broken = pa.array([b"\xff\xfe"] * rows.num_rows, pa.binary())
    return rows.set_column(2, "path", broken.view(pa.string()))


SCHEMAS: dict[str, Callable[[pa.Table], pa.Table]] = {
    "a column less": lambda rows: rows.drop_columns(["path"]),
    "a column more": lambda rows: rows.append_column("more", rows["id"]),
    "another name": lambda rows: rows.rename_columns(["resource", *rows.column_names[1:]]),
    "another type": lambda rows: rows.set_column(1, "id", pa.array(["one", "two"])),
    "a list": lambda rows: rows.set_column(1, "id", pa.array([[1], [2]])),
    "nulls": nothing_known,
    "no UTF-8": no_text,
    "no rows": lambda rows: rows.slice(0, 0),
    "no columns": lambda rows: rows.select([]),
}


def parquet(rows: pa.Table) -> bytes:
    sink = io.BytesIO()
    pq.write_table(rows, sink)
    return sink.getvalue()


GARBAGE = {
    **{name: parquet(change(to_arrow([berry(1), berry(2)]))) for name, change in SCHEMAS.items()},
    "empty": b"",
    "no Parquet": b"<html>" * 100,
    "cut": pack(to_arrow([berry(1), berry(2)]))[:-20],
    "without a middle": (whole := pack(to_arrow([berry(1), berry(2)])))[:40] + b"\0" * 80 + whole[120:],
}


@pytest.mark.parametrize("body", GARBAGE.values(), ids=GARBAGE)
def test_an_object_that_holds_no_documents_is_not_believed_and_publishes_nothing(
    store: Store, manifest: Manifest, body: bytes
):
    """It may also have been put there after the crawl looked at it."""
    found = forged(store, manifest, body)
    assert not believed(store, found)
    with pytest.raises(StoreError, match=r"berry-0003-\w+\.parquet: expected 2 whole documents, found .*; run again"):
        read_staged(store, found)


def test_what_is_changed_after_the_crawl_looked_at_it_is_never_published(store: Store, manifest: Manifest):
    forged(store, manifest, pack(to_arrow([berry(1), document(body=b'{"id":2,"name":"other"}')])))
    with pytest.raises(StoreError, match="expected 2 whole documents, found others; run again, and they are fetched"):
        merge_documents(store, "20260808T041200Z-1f3a9c02", None, [manifest], "pokeapi")


def test_what_is_gone_after_the_crawl_looked_at_it_is_fetched_anew(store: Store, manifest: Manifest):
    assert manifest.key is not None
    store.delete([manifest.key])
    assert not believed(store, manifest)
    with pytest.raises(StoreError, match="expected 2 whole documents, found none; run again, and they are fetched"):
        merge_documents(store, "20260808T041200Z-1f3a9c02", None, [manifest], "pokeapi")


def test_an_inline_shard_may_bring_more_than_was_asked_for_but_of_its_resource_alone(store: Store):
    source = Source("https://league.test/v1/", "rest")
    asked = Shard("berry", 0, tuple(Wanted(reference(id_)) for id_ in (1, 2)), is_inline=True)
    found = stage(store, CRAWL, asked, Fetched([berry(1), berry(7)], gone=[reference(2)]))
    assert believed(store, found, asked, source)
    # Of a listing of changes nothing is gone.
    assert not believed(store, found, replace(asked, changes="https://league.test/v1/berries?since=1"), source)
    other = Document("item", 7, "item/7", None, NOW, b"{}")
    assert not believed(store, forged(store, found, pack(to_arrow([berry(1), other]))), asked, source)
