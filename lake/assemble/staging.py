"""What a crawl leaves in the bucket before anything is published: the staged documents of its shards."""

from collections.abc import Mapping, Sequence
from typing import Any

from lake.crawl import Fetched, Shard
from lake.documents import Document, digest, pack, to_arrow
from lake.layout import staging_key
from lake.store import Store

# What `stage` returns, and a task's result keeps: plain JSON values.
Manifest = Mapping[str, Any]


def stage(store: Store, crawl: str, shard: Shard, fetched: Fetched) -> Manifest:
    """Put a shard's received documents into one staged object, and return its manifest."""
    manifest: dict[str, Any] = {
        "resource": shard.resource,
        "number": shard.number,
        "again": False,
        "last_id": shard.wanted[-1].reference.id,
        "key": None,
        "sha256": None,
        "documents": len(fetched.received),
        "json_bytes": sum(len(item.body) for item in fetched.received),
        "unchanged": len(fetched.unchanged),
        "gone": [reference.id for reference in fetched.gone],
        "failed": [
            {"resource": reference.resource, "id": reference.id, "path": reference.path, "reason": reason}
            for reference, reason in fetched.failed
        ],
        "requests": fetched.requests,
        "versions": dict(fetched.versions),
    }
    if fetched.received:
        documents = [
            Document(item.reference.resource, item.reference.id, item.reference.path, item.etag, item.at, item.body)
            for item in fetched.received
        ]
        rows = to_arrow(documents)
        documents.clear()
        fetched.received.clear()
        body = pack(rows)
        manifest["key"] = staging_key(crawl, shard.resource, shard.number)
        manifest["sha256"] = digest(body)
        store.create(manifest["key"], body)
    return manifest


def is_whole(store: Store, manifest: Manifest) -> bool:
    """Tell whether a shard's staged object still is what its manifest says."""
    if manifest["key"] is None:
        return True
    body = store.find(manifest["key"])
    return body is not None and digest(body) == manifest["sha256"]


def failures(manifests: Sequence[Manifest]) -> list[dict[str, Any]]:
    """Return the documents that could not be fetched even when asked once more: resource, id, path and reason."""
    return [entry for manifest in manifests if manifest["again"] for entry in manifest["failed"]]
