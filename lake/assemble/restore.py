"""Restoring: an earlier snapshot is published again, as a new one with a name, a folder and a commit of its own."""

from collections import Counter
from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import UTC, datetime
from difflib import get_close_matches
from typing import Any

from lake.assemble.draft import Progress
from lake.assemble.piece import KINDS
from lake.assemble.stored import StoredFile, document_files, open_documents
from lake.commit import Commit
from lake.errors import DamagedObjectError, LakeError, MissingObjectError, RestoreError
from lake.past import Past
from lake.publish import SnapshotWriter, same_files
from lake.publish.verify import damages_of
from lake.store import PARALLEL_REQUESTS, Store
from lake.verdict import Restored

# Names that are told to somebody who names a snapshot that there is not, and those of which they are chosen.
_NEAR, _NAMED = 5, 100


def find_snapshot(store: Store, name: str) -> tuple[Commit, Commit]:
    """Return the commit of a snapshot that may be restored, and the current one.

    Raises:
        RestoreError: There is no such snapshot, or it is the current one.
        LakeError: Nothing was ever published.
    """
    past = Past(store)
    current = past.current()
    if current is None:
        raise LakeError(f"{store.uri()}: nothing was ever published here, so there is nothing to restore")
    if name == current.snapshot:
        raise RestoreError(name, "it is the current snapshot, which readers see already")
    found = past.named(name)
    if found is None:
        near = ", ".join(get_close_matches(name, past.names(_NAMED), _NEAR, cutoff=0))
        raise RestoreError(name, f"{store.uri()} has no snapshot of this name; the nearest names are {near}")
    return found, current


def require_whole(store: Store, commit: Commit, progress: Progress) -> None:
    """Raise `RestoreError` unless every file of a snapshot is what its commit says; all of them are read."""
    if damages := damages_of(store, commit, progress):
        found = "\n- ".join(f"{one.where}: expected {one.expected}, found {one.found}" for one in damages[:_NEAR])
        more = f"\n- and {len(damages) - _NEAR:,} more" if len(damages) > _NEAR else ""
        raise RestoreError(commit.snapshot, f"it is not whole:\n- {found}{more}")


def write_restored(
    store: Store, snapshot: str, of: Commit, parent: Commit, note: Restored, run: Mapping[str, Any]
) -> Commit | None:
    """Copy the files of a snapshot into the folder of a new one, and return the commit that would publish it.

    None if the current snapshot, its parent, has the same files. What the commit says of tables, source, failures and
    findings is what the restored one says, because all of it holds for these files. It names no version of the source:
    the next refresh asks for every document, by the restored ETags, and so does one that is under way.

    Raises:
        DamagedObjectError: A file is not what its commit says; nothing may be published.
    """
    if same_files(of.tables, parent):
        return None
    with SnapshotWriter(store, snapshot, of) as writer:
        for name in of.tables:
            writer.carry(name)
    return Commit(
        seq=parent.seq + 1,
        snapshot=snapshot,
        parent=parent.snapshot,
        committed_at=datetime.now(UTC).isoformat(timespec="seconds"),
        tables=writer.tables,
        source=replace(of.source, version=None),
        run=dict(run),
        fingerprint=of.fingerprint,
        changes=changes(store, parent, of),
        stale=of.stale,
        missing=of.missing,
        audits=tuple(entry for entry in of.audits if entry["rule"] != "damaged"),
        restores=note,
    )


def changes(store: Store, before: Commit, after: Commit) -> dict[str, dict[str, int]]:
    """Count the documents of each resource that one snapshot has otherwise than another."""
    then, now = document_files(before), document_files(after)

    def compare(name: str) -> dict[str, int]:
        old, new = then.get(name, ()), now.get(name, ())
        if [stored.file.sha256 for stored in old] == [stored.file.sha256 for stored in new]:
            return dict.fromkeys(KINDS, 0)
        return {**dict.fromkeys(KINDS, 0), **_changes(store, old, new)}

    names = sorted(then.keys() | now.keys())
    with ThreadPoolExecutor(PARALLEL_REQUESTS, "compare") as pool:
        return dict(zip(names, pool.map(compare, names), strict=True))


def _changes(store: Store, before: Sequence[StoredFile], after: Sequence[StoredFile]) -> Counter[str]:
    new = open_documents(store, after).hashes()
    try:
        old = open_documents(store, before).hashes()
    except (DamagedObjectError, MissingObjectError):
        # What they differ in from lost ones is not known.
        return Counter(modified=len(new))
    return Counter(
        added=len(new.keys() - old.keys()),
        modified=sum(old[path] != hash_ for path, hash_ in new.items() if path in old),
        deleted=len(old.keys() - new.keys()),
    )
