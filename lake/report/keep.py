"""Keeps the page of a snapshot in the bucket, where a browser opens it as a page."""

from lake.errors import ConflictError
from lake.layout import report_key
from lake.store import Store

# Without it S3 says that it is some bytes, which a browser saves.
HTML = "text/html; charset=utf-8"


def is_kept(store: Store, snapshot: str) -> bool:
    """Tell whether a snapshot's page lies in the bucket."""
    key = report_key(snapshot)
    return any(item.key == key for item in store.list(key))


def keep(store: Store, snapshot: str, page: bytes, anew: bool = False) -> bool:
    """Create a snapshot's page, and tell whether that was done; one that lies there already stays.

    With `anew` the one that lies there is deleted first.

    Raises:
        StoreError: S3 refused it, as it does for a role that may only read.
    """
    key = report_key(snapshot)
    if anew:
        store.delete([key])
    try:
        store.create(key, page, HTML)
    except ConflictError:
        return False
    return True
