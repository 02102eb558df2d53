"""Tests of the lake."""

from lake.store import Store


def keys(store: Store, folder: str = "") -> set[str]:
    """Return the keys of everything in a folder."""
    return {item.key for item in store.list(folder)}
