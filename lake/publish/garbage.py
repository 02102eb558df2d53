"""Finds and removes garbage, the objects that no reader and no run can need any more, and expires old commits.

All times are S3's. A folder is as old as its youngest object, so a folder that a run in progress writes to is young.
"""

import secrets
from collections.abc import Collection, Iterable, Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import partial
from itertools import groupby, pairwise, takewhile

from lake.accept import first
from lake.catalogued import named_by_catalogs
from lake.commit import Commit, commit_seqs, each_commit, read_commit
from lake.layout import (
    ASKED,
    CHECKS,
    CODE,
    CODE_MANIFEST,
    COMMITS,
    HELD,
    REPORTS,
    RESULTS,
    SNAPSHOTS,
    STAGING,
    asked_number,
    commit_key,
    commit_seq,
    forgotten_key,
    in_reach,
    is_snapshot_id,
    newest_asked,
)
from lake.store import Store, StoredObject
from lake.verdict import kept_drafts

# The slowest crawl of all of PokeAPI, at one request a second, takes five hours, and the results of a killed run serve
# its successors for one day. Two days are more than both together.
GRACE = timedelta(days=2)

# How many levels of a key name the folder that is kept or removed as a whole: snapshots/<id>, staging/<crawl>,
# code/<version>, held/<draft>, reports/<id>, and results/shards/<crawl>. A result that is not of a crawl is kept or
# removed by itself, and so is a record of what a run asked for.
_LEVELS = {SNAPSHOTS: 2, STAGING: 2, RESULTS: 3, CHECKS: 2, ASKED: 3, CODE: 2, HELD: 2, REPORTS: 2}


@dataclass(frozen=True, slots=True)
class Garbage:
    """One folder, or one object outside of all folders, that may be removed: its objects, their bytes and age.

    `kind` is its root, such as snapshots; `youngest` is the time of its youngest object.
    """

    kind: str
    folder: str
    objects: int
    bytes: int
    youngest: datetime


@dataclass(frozen=True, slots=True)
class Expired:
    """One commit that may be forgotten, and what its snapshot has: objects and bytes."""

    seq: int
    snapshot: str
    committed_at: str
    objects: int
    bytes: int


def find_garbage(store: Store, grace: timedelta, codes_in_use: Collection[str] | None) -> list[Garbage]:
    """Return the garbage that is older than the grace period.

    Garbage is: a snapshot that neither a commit nor a catalog names, its checks and its report; staged documents and
    results of crawls; all records of what runs asked for but the newest; a held draft that is decided, past its
    deadline or not whole; a code version that is not in use and did not make a snapshot that is kept. What a waiting
    draft needs is kept until its deadline, whatever the grace period. If `codes_in_use` is None, nobody knows which are
    in use, and all code stays. So does every object whose name is not one of this lake's.

    Of a commit only its names are kept, and of folders only those that may be garbage.

    Raises:
        LakeError: A commit cannot be read, so nobody knows which files it needs.
    """
    now = _now(store)
    needed = _Needed(store, codes_in_use)
    needed.look()
    found = [one for root in _LEVELS for one in _folders(store, root) if not needed.has(root, one.folder)]
    # What was published, put back or held since then has its commit or its draft by now.
    needed.look()
    held = kept_drafts(store, now)
    drafts = {draft.id for draft in held}
    needed.snapshots.update(name for draft in held for name in draft.needs)
    needed.snapshots.update(named_by_catalogs(store) if found else ())
    old = (one for one in found if now - one.youngest > grace and not needed.has(f"{one.kind}/", one.folder))
    return [one for one in old if one.folder.split("/")[1] not in drafts or f"{one.kind}/" != HELD]


class _Needed:
    """What commits name, as far as they were looked at."""

    def __init__(self, store: Store, codes_in_use: Collection[str] | None) -> None:
        self.snapshots = set[str]()
        self._store = store
        self._codes = None if codes_in_use is None else set(codes_in_use)
        self._seen = set[int]()
        self._asked = newest_asked(item.key for item in store.list(ASKED))

    def look(self) -> None:
        """Read the commits that were not read yet."""
        seqs = [seq for seq in commit_seqs(self._store) if seq not in self._seen]
        for snapshot, code in each_commit(self._store, seqs, _names):
            self.snapshots.add(snapshot)
            if self._codes is not None:
                self._codes.add(code)
        self._seen.update(seqs)

    def has(self, root: str, folder: str) -> bool:
        """Tell whether a commit, or a deployment, needs a folder, or nobody knows."""
        name = folder.split("/")[1]
        if root == ASKED:
            return asked_number(folder) in (None, self._asked)
        if root in (SNAPSHOTS, CHECKS, REPORTS):
            return name in self.snapshots or not is_snapshot_id(name)
        if root == CODE:
            return self._codes is None or name in self._codes or not folder.endswith("/")
        return False


def _names(commit: Commit) -> tuple[str, str]:
    return commit.snapshot, str(commit.run.get("code_version"))


def _folders(store: Store, root: str) -> Iterator[Garbage]:
    """Yield what lies below a root, each folder that is kept or removed as a whole as one."""

    def folder_of(item: StoredObject) -> str:
        levels = item.key.split("/")
        folder = "/".join(levels[: _LEVELS[root]])
        return f"{folder}/" if len(levels) > _LEVELS[root] else folder

    for folder, items in groupby(store.list(root), folder_of):
        objects, size, youngest, manifest = 0, 0, None, None
        for item in items:
            objects, size = objects + 1, size + item.size
            youngest = item.modified if youngest is None else max(youngest, item.modified)
            manifest = item if root == CODE and item.key.endswith(f"/{CODE_MANIFEST}") else manifest
        assert youngest is not None, "a folder is one because an object lies in it"
        if manifest is not None:
            objects, size = 1, manifest.size
        yield Garbage(root.removesuffix("/"), folder, objects, size, youngest)


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
        lying = list(store.list(item.folder))
        if any(found.modified > item.youngest for found in lying):
            continue
        if not item.folder.endswith("/"):
            lying = [found for found in lying if found.key == item.folder]
        store.delete([found.key for found in (_first(lying) if f"{item.kind}/" == CODE else lying)])
        removed.append(item)
    return removed


def find_expired(store: Store, older_than: timedelta | None = None, keep: int | None = None) -> list[Expired]:
    """Return the commits, oldest first, whose successor is older than `older_than`, or all but the newest `keep`.

    So every state that readers saw within that time is kept, or as many snapshots; the newest commit always, and all
    from the first one that a catalog names, or on which a held draft was written that waits.
    """
    assert (older_than is None) != (keep is None), "a snapshot expires by its age, or by how many are newer"
    now = _now(store)
    times = {seq: item.modified for item in store.list(COMMITS) if (seq := commit_seq(item.key)) is not None}
    reached = in_reach(times)
    current = first(reversed(reached), partial(read_commit, store))
    bases = {draft.parent.seq for draft in kept_drafts(store, now) if draft.parent}
    seqs = [seq for seq in reached if current is not None and seq <= current.seq]
    expired = list[int]()
    for place, (seq, successor) in enumerate(pairwise(seqs)):
        is_kept = older_than is not None and now - times[successor] <= older_than
        is_kept = is_kept or (keep is not None and len(seqs) - place <= keep)
        # Stop at the first one to keep: even if S3's times are out of order, the commits that stay have no gap.
        if is_kept or seq in bases:
            break
        expired.append(seq)
    named = named_by_catalogs(store) if expired else {}
    return list(takewhile(lambda one: one.snapshot not in named, each_commit(store, expired, _expired)))


def _expired(commit: Commit) -> Expired:
    sizes = commit.sizes().values()
    return Expired(commit.seq, commit.snapshot, commit.committed_at, len(sizes), sum(sizes))


def forget(store: Store, expired: Iterable[Expired]) -> None:
    """Delete commits, oldest first; their files become garbage, and stay for another grace period.

    A copy of the commit in the snapshot's folder makes that folder young. To undo this, put the copy back.
    """
    for one in expired:
        key = commit_key(one.seq)
        store.create(forgotten_key(one.snapshot), store.get(key))
        store.delete([key])


def _now(store: Store) -> datetime:
    """Return the time by S3's clock."""
    key = f"{STAGING}probe-{secrets.token_hex(8)}"
    store.create(key, b"")
    [probe] = store.list(key)
    store.delete([key])
    return probe.modified
