"""Finds and removes garbage, the objects that no reader and no run can need any more, and expires old commits.

All times are S3's. A folder is as old as its youngest object, so a folder that a run in progress writes to is young.
"""

import secrets
from collections.abc import Collection, Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import partial
from itertools import pairwise

from lake.accept import newest
from lake.commit import Commit, read_commit, read_commits
from lake.layout import (
    CHECKS,
    CODE,
    CODE_MANIFEST,
    COMMITS,
    HELD,
    RESULTS,
    SNAPSHOTS,
    STAGING,
    commit_key,
    commit_seq,
    forgotten_key,
    in_reach,
    is_snapshot_id,
)
from lake.store import Store, StoredObject
from lake.verdict import kept_drafts

# The slowest crawl of all of PokeAPI, at one request a second, takes five hours, and the results of a killed run serve
# its successors for one day. Two days are more than both together.
GRACE = timedelta(days=2)

# How many levels of a key name the folder that is kept or removed as a whole: snapshots/<id>, staging/<crawl>,
# code/<version>, held/<draft>, and results/shards/<crawl>. A result that is not of a crawl is kept or removed by
# itself.
_LEVELS = {SNAPSHOTS: 2, STAGING: 2, RESULTS: 3, CHECKS: 2, CODE: 2, HELD: 2}


@dataclass(frozen=True, slots=True)
class Garbage:
    """One folder, or one object outside of all folders, that may be removed.

    `kind` is its root, such as snapshots; `youngest` is the time of its youngest object.
    """

    kind: str
    folder: str
    keys: tuple[str, ...]
    bytes: int
    youngest: datetime


def find_garbage(store: Store, grace: timedelta, codes_in_use: Collection[str] | None) -> list[Garbage]:
    """Return the garbage that is older than the grace period.

    Garbage is: a snapshot that no commit names, and its checks; staged documents and results of crawls; a held draft
    that is decided, past its deadline or not whole; a code version that is not in use and did not make a snapshot that
    is kept. What a waiting draft needs is kept until its deadline, whatever the grace period. If `codes_in_use` is
    None, nobody knows which are in use, and all code stays. So does every object whose name is not one of this lake's.

    Raises:
        LakeError: A commit cannot be read, so nobody knows which files it needs.
    """
    now = _now(store)
    # Listed before the commits: a snapshot that is published in between then has its commit in the list.
    folders = {root: _folders(store, root) for root in _LEVELS}
    commits = read_commits(store)
    held = kept_drafts(store, now)
    drafts = {draft.id for draft in held}
    snapshots = {commit.snapshot for commit in commits} | {name for draft in held for name in draft.needs}
    codes = {str(commit.run.get("code_version")) for commit in commits} | set(codes_in_use or ())

    def is_needed(root: str, folder: str) -> bool:
        name = folder.split("/")[1]
        if root in (SNAPSHOTS, CHECKS):
            return name in snapshots or not is_snapshot_id(name)
        if root == HELD:
            return name in drafts
        if root == CODE:
            return name in codes or codes_in_use is None or not folder.endswith("/")
        return False

    garbage = []
    for root, found in folders.items():
        for folder, items in found.items():
            youngest = max(item.modified for item in items)
            if now - youngest > grace and not is_needed(root, folder):
                first = _first(items) if root == CODE else items
                keys, size = tuple(item.key for item in first), sum(item.size for item in first)
                garbage.append(Garbage(root.removesuffix("/"), folder, keys, size, youngest))
    return garbage


def _first(code: list[StoredObject]) -> list[StoredObject]:
    """Return the objects of a code version to remove first: its manifest if it has one, and else the rest.

    One run removes the manifest, a later one the rest. Without its manifest a version never looks whole, so a push
    uploads it anew. A push that still found the manifest uploaded nothing, but until the later run its deployment is
    saved, the version is in use, and the rest stays.
    """
    return [item for item in code if item.key.endswith(f"/{CODE_MANIFEST}")] or code


def remove(store: Store, garbage: Iterable[Garbage]) -> list[Garbage]:
    """Delete garbage and return what was deleted; a folder that was written to since it was found stays."""
    removed = []
    for item in garbage:
        if any(found.modified > item.youngest for found in store.list(item.folder)):
            continue
        store.delete(item.keys)
        removed.append(item)
    return removed


def find_expired(store: Store, older_than: timedelta | None = None, keep: int | None = None) -> list[Commit]:
    """Return the commits, oldest first, whose successor is older than `older_than`, or all but the newest `keep`.

    So every state that readers saw within that time is kept, or as many snapshots; the newest commit always, and all
    from the first one on which a held draft was written that waits.
    """
    assert (older_than is None) != (keep is None), "a snapshot expires by its age, or by how many are newer"
    now = _now(store)
    expired = []
    found = {seq: item for item in store.list(COMMITS) if (seq := commit_seq(item.key)) is not None}
    current = newest(in_reach(found), partial(read_commit, store))
    bases = [draft.parent.seq for draft in kept_drafts(store, now) if draft.parent]
    commits = [(seq, found[seq]) for seq in in_reach(found) if current is not None and seq <= current.seq]
    for place, ((seq, _), (_, successor)) in enumerate(pairwise(commits)):
        is_kept = older_than is not None and now - successor.modified <= older_than
        is_kept = is_kept or (keep is not None and len(commits) - place <= keep)
        # Stop at the first one to keep: even if S3's times are out of order, the commits that stay have no gap.
        if is_kept or seq in bases:
            break
        expired.append(read_commit(store, seq))
    return expired


def forget(store: Store, commits: Iterable[Commit]) -> None:
    """Delete commits, oldest first; their files become garbage, and stay for another grace period.

    A copy of the commit in the snapshot's folder makes that folder young. To undo this, put the copy back.
    """
    for commit in commits:
        key = commit_key(commit.seq)
        store.create(forgotten_key(commit.snapshot), store.get(key))
        store.delete([key])


def _now(store: Store) -> datetime:
    """Return the time by S3's clock."""
    key = f"{STAGING}probe-{secrets.token_hex(8)}"
    store.create(key, b"")
    [probe] = store.list(key)
    store.delete([key])
    return probe.modified


def _folders(store: Store, root: str) -> dict[str, list[StoredObject]]:
    """Return all objects below a root, grouped by the folder that is kept or removed as a whole."""
    folders: dict[str, list[StoredObject]] = {}
    for item in store.list(root):
        levels = item.key.split("/")
        folder = "/".join(levels[: _LEVELS[root]])
        folders.setdefault(f"{folder}/" if len(levels) > _LEVELS[root] else folder, []).append(item)
    return folders
