"""Where the names stand that ids of a resource have lost: at the documents of the snapshot in the making."""

from collections.abc import Iterator, Sequence

import pyarrow as pa
import pyarrow.compute as pc

from lake.assemble.merged import MergedResource
from lake.assemble.stored import StoredFile, open_documents
from lake.identity import judged, names_in, standing, stands_elsewhere
from lake.resource import IdentityChange
from lake.store import Store


def identities_of(store: Store, merged: MergedResource) -> Iterator[IdentityChange]:
    """Yield the documents of a resource that have another name, and tell which of their ids were reused.

    All of its documents are read, if any such id is not known to be reused: 0.2 s for the largest resource of PokeAPI.
    The other bearer of a name may have come earlier, because `discover` brings what is new, and a refresh the rest.
    """
    names = {change.before_name for change in merged.identities if not change.is_reused}
    where = standing(_named(store, merged.after), names) if names else {}
    yield from judged(merged.identities, where)


def names_elsewhere(store: Store, merged: MergedResource) -> tuple[int, int]:
    """Return how many vanished documents of a resource had a name, and how many of those stand under other ids."""
    gone, _ = merged.replaced
    paths = pa.array(merged.deleted, pa.string())
    parts = [rows.filter(pc.is_in(rows["path"], paths)).drop_null() for rows in _named(store, gone)]
    vanished = [(row["name"], row["id"]) for part in parts for row in part.to_pylist()]
    where = standing(_named(store, merged.after), {name for name, _ in vanished})
    return len(vanished), sum(stands_elsewhere(where, name, id_) for name, id_ in vanished)


def _named(store: Store, files: Sequence[StoredFile]) -> Iterator[pa.Table]:
    """Yield id, path and name of documents, a row group at a time."""
    for rows in open_documents(store, files).row_groups():
        yield rows.select(["id", "path"]).append_column("name", names_in(rows["body"]))
