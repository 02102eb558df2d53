"""What a crawl leaves in the bucket before anything is published: staged documents, and Prefect's small results."""

import secrets
from collections.abc import Mapping, Sequence
from typing import Any

from prefect_aws import S3Bucket

from lake.crawl import Fetched, Shard
from lake.documents import Document, digest, pack, to_arrow
from lake.errors import StoreError
from lake.layout import RESULTS, staging_key
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


def prove_results(results: S3Bucket, store: Store) -> None:
    """Prove that Prefect's results can be written, read and deleted, for Prefect itself swallows such failures.

    Raises:
        StoreError: They cannot, or lie elsewhere than in the lake.
    """
    name = f"probe-{secrets.token_hex(8)}"
    try:
        results.write_path(name, b"probe")
        found = store.find(RESULTS + name)
    except Exception as error:
        raise StoreError(
            f"results block: {results.bucket_name}/{results.bucket_folder} cannot be used: {error}"
        ) from error
    if found != b"probe":
        raise StoreError(
            f"results block: expected the results in {store.uri(RESULTS)}, found them in"
            f" s3://{results.bucket_name}/{results.bucket_folder}; run `pokelake setup`"
        )
    store.delete([RESULTS + name])


def forget_results(store: Store, folder: str) -> None:
    """Delete Prefect's results below a folder, so that the next run asks the source again."""
    store.delete([item.key for item in store.list(f"{RESULTS}{folder}")])
