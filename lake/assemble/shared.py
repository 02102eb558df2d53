"""Rows that units of work on a snapshot share through the store; they are staged, and removed when it is written."""

from io import BytesIO

import msgspec
import pyarrow as pa
import pyarrow.parquet as pq

from lake.documents import digest
from lake.errors import StoreError
from lake.layout import unit_key, units_folder
from lake.store import Store


class SharedRows(msgspec.Struct, frozen=True):
    """The key of some staged rows that units of work on a snapshot share, and the hash of the object's content."""

    key: str
    sha256: str


def share(store: Store, snapshot: str, name: str, rows: pa.Table) -> SharedRows:
    """Put some rows into the store for the units of work on a snapshot."""
    sink = BytesIO()
    pq.write_table(rows, sink, compression="zstd")
    body = sink.getvalue()
    place = SharedRows(unit_key(snapshot, name), digest(body))
    store.create(place.key, body)
    return place


def read_shared(store: Store, place: SharedRows) -> pa.Table:
    """Return rows that were staged for units of work.

    Raises:
        StoreError: The object is gone, or is another one.
    """
    body = store.find(place.key)
    if body is None or digest(body) != place.sha256:
        raise StoreError(f"{store.uri(place.key)}: expected what was staged, found something else; run again", True)
    return pq.read_table(BytesIO(body))


def forget_shared(store: Store, snapshot: str) -> None:
    """Remove what units of work on a snapshot shared."""
    store.delete([item.key for item in store.list(units_folder(snapshot))])
