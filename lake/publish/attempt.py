"""Attempts: which run writes which draft below ``snapshots/``, so that what a dead run left there can be removed.

A run notes a draft before it writes it, and claims it before it sends its commit. Whoever removes the draft of a dead
run claims it as well. A claim is an object that is created once: so no draft is removed that a sent commit may name,
and no commit is sent that names a removed one.
"""

from lake.errors import ConflictError
from lake.layout import attempt_claim_key, attempt_folder, attempt_key, is_snapshot_id, snapshot_folder
from lake.store import Store

_SENT, _REMOVED = b"its commit is sent", b"its files are removed"


def note_attempt(store: Store, run: str, snapshot: str) -> None:
    """Note that a run begins to write a draft."""
    store.create(attempt_key(run, snapshot), b"")


def claim_attempt(store: Store, run: str, snapshot: str) -> None:
    """Claim a draft whose commit is to be sent next.

    Raises:
        ConflictError: Somebody took this run for dead, and removed the draft.
    """
    store.create(attempt_claim_key(run, snapshot), _SENT)


def forget_attempt(store: Store, run: str, snapshot: str) -> None:
    """Remove the note on a draft whose files the run itself has removed, because there was nothing to publish."""
    store.delete([attempt_key(run, snapshot)])


def remove_attempts(store: Store, run: str) -> list[str]:
    """Remove the drafts of a dead run, but for those whose commit it may have sent; return those that had files."""
    folder, removed = attempt_folder(run), []
    for item in list(store.list(folder)):
        snapshot = item.key.removeprefix(folder)
        if not is_snapshot_id(snapshot):
            continue
        try:
            store.create(attempt_claim_key(run, snapshot), _REMOVED)
        except ConflictError:
            continue
        if files := [file.key for file in store.list(snapshot_folder(snapshot))]:
            store.delete(files)
            removed.append(snapshot)
    return removed
