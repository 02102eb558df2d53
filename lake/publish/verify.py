"""Verifies a lake: every file of a snapshot, the chain of commits, and what lies beside them. Nothing is written."""

from collections.abc import Callable, Collection, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import AbstractContextManager
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from functools import lru_cache, partial
from itertools import pairwise, zip_longest

from lake.accept import accepted
from lake.commit import Commit, DataFile, ahead, read_commit
from lake.errors import MissingObjectError, NoCommitError
from lake.layout import (
    COMMITS,
    commit_key,
    commit_seq,
    file_key,
    forgotten_prefix,
    in_reach,
    snapshot_folder,
    table_folder,
)
from lake.publish.damage import Damage, Kind, Verification, file_advice
from lake.publish.fields import lost_fields
from lake.publish.foreign import beside, foreign_of, leftovers
from lake.store import FETCHES, PARALLEL_REQUESTS, Store, StoredObject
from lake.text import counted, minute, shown

# Shows progress, as when a draft is written.
Progress = Callable[[str, int], AbstractContextManager[Callable[[int], None]]]

_RESTORE = "put back the commit that was there, from a version of the bucket or a backup"


@dataclass(frozen=True, slots=True)
class _Seen:
    """A commit, as far as it must be remembered until all are read, and what is wrong by its listing."""

    seq: int
    snapshot: str
    parent: str | None
    files: int
    damages: tuple[Damage, ...]
    foreign: tuple[StoredObject, ...]
    # Tables, and resources of documents, that it has whole, and its parent damaged.
    repairs: frozenset[str]
    # The hashes of the lists of fields that it names, shared by all commits that name the same.
    schemas: frozenset[str]


def verify(
    store: Store,
    progress: Progress,
    snapshots: Collection[str] | None = None,
    now: datetime | None = None,
    looks_beside: bool = True,
) -> Verification:
    """Compare what lies in a lake with its commits, and return all that is wrong.

    Each commit must be readable and follow the one that it names; each snapshot must have all its files, of the right
    size. The files of `snapshots`, or of all, are read whole and hashed, a few at a time, of each a piece at a time.
    Those that are named must be whole, and what was repaired since is wrong of them as well. Who may list only the
    lake's folders does not look beside them.

    Raises:
        LakeError: A commit is of a later format; the bucket cannot be used.
    """
    now = now or datetime.now(UTC)
    keys = [(item, commit_seq(item.key)) for item in store.list(COMMITS)]
    reached = in_reach(seq for _, seq in keys if seq is not None)
    foreign = [foreign_of(store, item.key, [item], now) for item, seq in keys if seq is None]
    seen, damages = _chain(store, reached, progress)
    far = sorted({seq for _, seq in keys if seq is not None} - set(reached))
    damages += [_no_commit(store.uri(commit_key(seq)), "its number is far above all others") for seq in far]
    damages += _breaks(store, seen, reached)
    lost, strange = lost_fields(store, frozenset().union(*(one.schemas for one in seen)), now)
    damages, foreign = [*damages, *lost], [*foreign, *strange]
    chosen = {one.seq: one for one in seen if snapshots is None or one.snapshot in snapshots}
    current = seen[-1].snapshot if seen else None
    read = files = 0
    with progress("files", sum(one.files for one in chosen.values())) as advance:
        for one, after in zip_longest(seen, seen[1:]):
            found = [*one.damages]
            if one.seq in chosen and (commit := accepted(one.seq, partial(read_commit, store))) is not None:
                found += _hash(store, commit, {damage.where for damage in found}, advance)
                files, read = files + one.files, read + sum(table.bytes for table in commit.tables.values())
            # A snapshot may be forgotten meanwhile, and its files go.
            if found and store.find(commit_key(one.seq)) is not None:
                damages += [_advised(store.uri(), damage, current, after) for damage in found]
            foreign += [foreign_of(store, item.key, [item], now) for item in one.foreign]
    # The one before the oldest was forgotten.
    named = {one.snapshot for one in seen} | {one.parent for one in seen if one.seq > reached[0]}
    foreign += leftovers(store, named, seen[-1].seq if seen else 0, now)
    foreign += beside(store, now) if looks_beside else ()
    names, asked = tuple(one.snapshot for one in chosen.values()), frozenset(snapshots or ())
    return Verification(store.uri(), len(seen), names, files, read, tuple(damages), tuple(foreign), asked)


def damages_of(store: Store, commit: Commit, progress: Progress) -> list[Damage]:
    """Return what is wrong with the files of one snapshot; all of them are read."""
    found = [damage for damage in _look(store, commit).damages if damage.file is not None]
    with progress("files", len(commit.keys())) as advance:
        return [*found, *_hash(store, commit, {damage.where for damage in found}, advance)]


def _chain(store: Store, seqs: Collection[int], progress: Progress) -> tuple[list[_Seen], list[Damage]]:
    """Read all commits, and list the files of each."""
    with progress("commits", len(seqs)) as advance:

        def look(seq: int) -> _Seen | Damage | None:
            try:
                return _look(store, read_commit(store, seq))
            except NoCommitError as error:
                return _no_commit(error.uri, error.finding)
            except MissingObjectError:
                # It was forgotten since it was listed.
                return None
            finally:
                advance(1)

        found = list(ahead(look, seqs))
    return [one for one in found if isinstance(one, _Seen)], [one for one in found if isinstance(one, Damage)]


def _look(store: Store, commit: Commit) -> _Seen:
    planned, folders = commit.sizes(), tuple(f"{table_folder(commit.snapshot, name)}/" for name in commit.tables)
    found = {item.key: item for item in store.list(snapshot_folder(commit.snapshot))}
    damages = []
    for table, file in _files(commit):
        key = file_key(commit.snapshot, table, file.name)
        if key not in found:
            damages.append(_of_file(store, Kind.MISSING, commit, table, file, "an object", "none"))
        elif (size := found[key].size) != file.bytes:
            expected = counted(file.bytes, "byte")
            damages.append(_of_file(store, Kind.SIZE, commit, table, file, expected, counted(size, "byte")))
    others = [item for key, item in found.items() if key not in planned]
    damages += [_stray(store, commit, item) for item in others if item.key.startswith(folders)]
    known = (*folders, forgotten_prefix(commit.snapshot))
    foreign = [item for item in others if not item.key.startswith(known)]
    repairs = frozenset(entry["subject"] for entry in commit.audits if entry["rule"] == "damaged")
    schemas = _shared(frozenset(table.schema for table in commit.tables.values() if table.schema is not None))
    return _Seen(
        commit.seq, commit.snapshot, commit.parent, len(planned), tuple(damages), tuple(foreign), repairs, schemas
    )


@lru_cache(maxsize=256)
def _shared(schemas: frozenset[str]) -> frozenset[str]:
    return schemas


def _stray(store: Store, commit: Commit, item: StoredObject) -> Damage:
    return Damage(
        Kind.STRAY,
        store.uri(shown(item.key)),
        "only the files that the commit names",
        f"an object of {counted(item.size, 'byte')}, written {minute(item.modified)}",
        "find out who put it there, and delete it: whoever reads the folder of the table reads it as well",
        commit.snapshot,
    )


def _breaks(store: Store, seen: Sequence[_Seen], seqs: Sequence[int]) -> Iterator[Damage]:
    """Yield what is wrong with the order of commits: each must follow the one before it.

    Where an object lies between two that is no commit, it is what is wrong; numbers that were passed over are not.
    """
    for before, one in pairwise(seen):
        if one.parent != before.snapshot and not any(before.seq < seq < one.seq for seq in seqs):
            yield Damage(
                Kind.LOST_COMMIT,
                store.uri(commit_key(one.seq)),
                f"the commit of {one.parent}, which it follows, before it" if one.parent else "to be the first",
                f"that of {before.snapshot}, number {before.seq}",
                f"{_RESTORE}, before `maintain` removes the files of its snapshot, which no commit names now",
                one.snapshot,
            )


def _hash(store: Store, commit: Commit, known: Collection[str], advance: Callable[[int], None]) -> Iterator[Damage]:
    """Read the files of a snapshot, but for those that are `known` as damaged, and yield what is wrong with them."""

    def read(place: tuple[str, DataFile]) -> Damage | None:
        table, file = place
        key = file_key(commit.snapshot, table, file.name)
        if store.uri(key) in known:
            return None
        for _ in range(FETCHES):
            found = store.digest(key)
            if found is None:
                return _of_file(store, Kind.MISSING, commit, table, file, "an object", "none")
            if found == (file.bytes, file.sha256):
                return None
        assert found is not None
        expected = f"the content with SHA-256 {file.sha256}"
        return _of_file(store, Kind.CONTENT, commit, table, file, expected, f"another, {found[1]}")

    with ThreadPoolExecutor(PARALLEL_REQUESTS, "verify") as pool:
        for damage in pool.map(read, _files(commit)):
            advance(1)
            if damage is not None:
                yield damage


def _files(commit: Commit) -> list[tuple[str, DataFile]]:
    return [(name, file) for name, table in commit.tables.items() for file in table.files]


def _of_file(store: Store, kind: Kind, commit: Commit, table: str, file: DataFile, expected: str, found: str) -> Damage:
    where = store.uri(file_key(commit.snapshot, table, file.name))
    return Damage(kind, where, expected, found, "", commit.snapshot, table, file)


def _advised(uri: str, damage: Damage, current: str | None, after: _Seen | None) -> Damage:
    if damage.snapshot is None or damage.table is None:
        return damage
    is_repaired = after is not None and after.parent == damage.snapshot and damage.subject in after.repairs
    if after and is_repaired:
        return damage.repaired_in(after.snapshot)
    return replace(damage, advice=file_advice(uri, damage.snapshot, current, damage.table))


def _no_commit(uri: str, finding: str) -> Damage:
    advice = f"{_RESTORE}, or delete the object while nothing is publishing; `maintain` stops until then"
    return Damage(Kind.NO_COMMIT, uri, "a commit", f"an object that is none: {finding}", advice)
