"""Building a snapshot from what a crawl has staged."""

from datetime import UTC, datetime

import pytest

from flows.build import SnapshotBuilder
from lake.documents import Document, pack, to_arrow
from lake.errors import StoreError
from lake.publish import SnapshotWriter
from lake.store import Store


def test_a_staged_object_that_lost_a_document_is_refused(store: Store):
    """A document that was received must not be missing without a word."""
    received = Document("berry", 1, "berry/1", None, datetime(2026, 8, 8, tzinfo=UTC), b'{"id":1}')
    store.create("staging/crawl/berry-0000-0a1b2c3d.parquet", pack(to_arrow([received])))
    manifest = {
        "resource": "berry",
        "number": 0,
        "again": False,
        "last_id": 2,
        "key": "staging/crawl/berry-0000-0a1b2c3d.parquet",
        "documents": 2,
        "gone": [],
    }
    builder = SnapshotBuilder(store, None, [manifest])
    with (
        pytest.raises(StoreError, match="expected 2 whole documents, found 1; run again"),
        SnapshotWriter(store, "20260808T041200Z-1f3a9c02") as writer,
    ):
        builder.build(writer, ())
