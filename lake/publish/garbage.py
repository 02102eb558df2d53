"""Garbage: what no reader and no run can need any more; and the expiry of commits, which makes some.

All times are S3's, and a folder is as old as its youngest object, so whatever a run in progress writes is young.
"""

import secrets
from collections.abc import Collection, Iterable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from datetime import datetime, timedelta
from itertools import pairwise

from lake.commit import Commit, commit_seqs, read_commit
from lake.layout import (
    CHECKS,
    CODE,
    CODE_MANIFEST,
    COMMITS,
    RESULTS,
    SNAPSHOTS,
    STAGING,
    commit_key,
    commit_seq,
    forgotten_key,
    is_snapshot_id,
)
from lake.store import PARALLEL_REQUESTS, Store, StoredObject

# The slowest crawl of all of PokeAPI, at one request a second, takes five hours, and what a killed run left serves its
# successors for one day. Two days are more than both together.
GRACE = timedelta(days=2)

# How many levels of a key name what is kept or removed as one: a snapshot, a crawl, a code version; of the results all
# those of one crawl, and each of the others by itself.
_LEVELS = {SNAPSHOTS: 2, STAGING: 2, RESULTS: 3, CHECKS: 2, CODE: 2}


@dataclass(frozen=True, slots=True)
class Garbage:
    """One folder, or an object beside them, that may be removed: what kind of thing, its objects, and their age."""

    kind: str
    folder: str
    keys: tuple[str, ...]
    bytes: int
    youngest: datetime


def find_garbage(store: Store, grace: timedelta, codes_in_use: Collection[str] | None) -> list[Garbage]:
    """Return what is older than the grace period and needed by nobody.

    That is: snapshots that no commit names, and the checks of such; staged documents and results of crawls; code
    versions that are not in use and did not make a snapshot that is kept. `codes_in_use` is None where nobody knows
    them; then code is left as it is, and so is everything that is not named as this lake names things.

    Raises:
        LakeError: A commit cannot be read, so what it needs is not known.
    """
    now = _now(store)
    # Listed before the commits, so that a snapshot published in between is seen as such.
    folders = {root: _folders(store, root) for root in _LEVELS}
    commits = _commits(store)
    snapshots = {commit.snapshot for commit in commits}
    codes = {commit.run.get("code_version") for commit in commits} | set(codes_in_use or ())

    def is_needed(root: str, folder: str) -> bool:
        name = folder.split("/")[1]
        if root in (SNAPSHOTS, CHECKS):
            return name in snapshots or not is_snapshot_id(name)
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
    """Return what goes first of a code version: its manifest, and everything else in a later run.

    A push that finds a version there uploads nothing. By the later run its deployment is saved, and the version in
    use; and a version that has lost some files never looks whole.
    """
    return [item for item in code if item.key.endswith(f"/{CODE_MANIFEST}")] or code


def remove(store: Store, garbage: Iterable[Garbage]) -> list[Garbage]:
    """Delete what was found, and return it, without the folders that something has been written to since: they stay."""
    removed = []
    for item in garbage:
        if any(found.modified > item.youngest for found in store.list(item.folder)):
            continue
        store.delete(item.keys)
        removed.append(item)
    return removed


def find_expired(store: Store, older_than: timedelta) -> list[Commit]:
    """Return the commits, oldest first, that were succeeded by another longer ago than that.

    So every state that readers saw within that time is kept, and the newest commit always.
    """
    now = _now(store)
    expired = []
    commits = [(seq, item) for item in store.list(COMMITS) if (seq := commit_seq(item.key)) is not None]
    for (seq, _), (_, successor) in pairwise(commits):
        # What is left is a chain without gaps, also where S3's times are not in its order.
        if now - successor.modified <= older_than:
            break
        expired.append(read_commit(store, seq))
    return expired


def forget(store: Store, commits: Iterable[Commit]) -> None:
    """Delete commits, oldest first; their files are garbage from now on, and stay for another grace period.

    A copy of the commit in the snapshot's folder makes that folder young; put back, it undoes this.
    """
    for commit in commits:
        key = commit_key(commit.seq)
        store.create(forgotten_key(commit.snapshot), store.get(key))
        store.delete([key])


def _now(store: Store) -> datetime:
    """Return what S3's clock says."""
    key = f"{STAGING}probe-{secrets.token_hex(8)}"
    store.create(key, b"")
    [probe] = store.list(key)
    store.delete([key])
    return probe.modified


def _folders(store: Store, root: str) -> dict[str, list[StoredObject]]:
    """Return all objects below a root by the folder, with its slash, that they are kept or removed with."""
    folders: dict[str, list[StoredObject]] = {}
    for item in store.list(root):
        levels = item.key.split("/")
        folder = "/".join(levels[: _LEVELS[root]])
        folders.setdefault(f"{folder}/" if len(levels) > _LEVELS[root] else folder, []).append(item)
    return folders


def _commits(store: Store) -> list[Commit]:
    with ThreadPoolExecutor(PARALLEL_REQUESTS) as pool:
        return list(pool.map(lambda seq: read_commit(store, seq), commit_seqs(store)))
