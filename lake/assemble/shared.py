"""Rows that units of work on a snapshot share: they go with the units themselves if they are few, else by the store.

There they are staged, and removed as soon as nobody needs them.
"""

from collections.abc import Iterable
from io import BytesIO

import msgspec
import pyarrow as pa
import pyarrow.parquet as pq

from lake.documents import digest
from lake.errors import StoreError
from lake.layout import unit_key
from lake.store import Store

# Rows of so many bytes, packed, may go with a unit of work or its result. The ids of all of PokeAPI are 38 kB.
FEW_BYTES = 64 << 10


class SharedRows(msgspec.Struct, frozen=True):
    """Some rows that units of work on a snapshot share: few of them packed, or the key of a staged object.

    With either comes the hash of the content.
    """

    sha256: str
    key: str = ""
    body: bytes | None = None


def share(store: Store, snapshot: str, name: str, rows: pa.Table) -> SharedRows:
    """Pack some rows for the units of work on a snapshot; put them into the store if they are many."""
    sink = BytesIO()
    pq.write_table(rows, sink, compression="zstd")
    body = sink.getvalue()
    if len(body) <= FEW_BYTES:
        return SharedRows(digest(body), body=body)
    place = SharedRows(digest(body), unit_key(snapshot, name))
    store.create(place.key, body)
    return place


def read_shared(store: Store, place: SharedRows) -> pa.Table:
    """Return rows that units of work share.

    Raises:
        StoreError: The object is gone, or is another one.
    """
    body = store.find(place.key) if place.body is None else place.body
    if body is None or digest(body) != place.sha256:
        raise StoreError(f"{store.uri(place.key)}: expected what was staged, found something else; run again", True)
    return pq.read_table(BytesIO(body))


def forget_shared(store: Store, places: Iterable[SharedRows]) -> None:
    """Remove what lies in the store of rows that nobody needs any longer.

    What a unit that was done twice, or that failed, has left there goes with everything that was staged.
    """
    store.delete([place.key for place in places if place.key])
