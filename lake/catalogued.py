"""Which snapshots are named by catalogs outside of the bucket: a note in it for each, so that `maintain` keeps them.

Whoever changes a catalog writes the note before, and removes the notes of what the catalog names no longer after.
"""

from collections.abc import Collection

from lake.layout import CATALOGS, catalogued, catalogued_folder, catalogued_key
from lake.store import Store


def named_by_catalogs(store: Store) -> dict[str, set[str]]:
    """Return each snapshot that a catalog names, with the catalogs that name it."""
    found: dict[str, set[str]] = {}
    for item in store.list(CATALOGS):
        if (note := catalogued(item.key)) is not None:
            found.setdefault(note[1], set()).add(note[0])
    return found


def note_snapshot(store: Store, catalog: str, snapshot: str) -> None:
    """Note that a catalog names a snapshot, or is about to."""
    store.create(catalogued_key(catalog, snapshot), b"")


def forget_notes(store: Store, catalog: str, but: Collection[str] = ()) -> None:
    """Remove the notes of a catalog, but those of the snapshots that it names."""
    kept = {catalogued_key(catalog, snapshot) for snapshot in but}
    store.delete([item.key for item in store.list(catalogued_folder(catalog)) if item.key not in kept])
