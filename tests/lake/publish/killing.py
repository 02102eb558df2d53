"""Snapshots of three small tables, one of two parts, and S3 clients that die, or are overtaken, at a request."""

import threading
from collections.abc import Callable, Iterator
from dataclasses import replace
from hashlib import sha256
from typing import Any

from lake.commit import Commit, TableFiles, commit_seqs, head, read_commit
from lake.fields import read_fields
from lake.layout import table_folder
from lake.publish import SnapshotWriter, commit_snapshot
from lake.store import Store
from tests.lake.publish import POKEMON, TYPES, draft, encode, pokemon

OLD, NEW, RIVAL = "20260706T040000Z-8be2d1f4", "20260808T041200Z-1f3a9c02", "20260808T041201Z-77aa01bc"
SLOTS = replace(TYPES, name="slots")
ROWS = {OLD: "pichu", NEW: "pikachu", RIVAL: "raichu"}

# What it takes to publish one: four files, two listings, and the commit. The table that does not change is copied from
# a parent, for which the parent's folder is listed. The first one stores two lists of fields as well.
FIRST_REQUESTS = 9
REQUESTS = 8


def write(store: Store, snapshot: str, parent: Commit | None = None) -> dict[str, TableFiles]:
    """Write a table of two parts and two of one; but for the last, none equals that of another snapshot."""
    with SnapshotWriter(store, snapshot, parent) as writer:
        rows = (pokemon(25, 1, ROWS[snapshot]), pokemon(26, 1, ROWS[snapshot]))
        writer.add(POKEMON, POKEMON.partition, encode(POKEMON, *rows, part_bytes=1))
        if parent is None:
            writer.add(SLOTS, None, encode(SLOTS, {"pokemon_id": 25, "slot": 1, "type_id": 13}))
        else:
            writer.carry(SLOTS.name)
        type_ = 13 + list(ROWS).index(snapshot)
        writer.add(TYPES, None, encode(TYPES, {"pokemon_id": 25, "slot": 1, "type_id": type_}))
    return writer.tables


def publish(store: Store, snapshot: str, parent: Commit | None) -> Commit:
    commit = draft(snapshot, write(store, snapshot, parent), parent)
    commit_snapshot(store, commit)
    return commit


def read(store: Store, commit: Commit) -> str:
    """Read all files and fields of a commit, check each, and return the one snapshot that the files belong to."""
    for name, table in commit.tables.items():
        assert table.schema is not None
        assert next(entry["name"] for entry in read_fields(store, table.schema)) in table.primary_key
        for file in table.files:
            body = store.get(f"{table_folder(commit.snapshot, name)}/{file.name}")
            assert (len(body), sha256(body).hexdigest()) == (file.bytes, file.sha256)
    return commit.snapshot


def seen_by_readers(store: Store) -> str:
    """Return what readers see, after a look at everything that was ever published."""
    seqs = commit_seqs(store)
    commits = [read_commit(store, seq) for seq in seqs]
    assert seqs == list(range(1, len(seqs) + 1)), "a gap in the chain"
    assert [commit.parent for commit in commits] == [None, *(commit.snapshot for commit in commits[:-1])]
    for commit in commits:
        read(store, commit)
    current = head(store)
    assert current == commits[-1]
    return current.snapshot


class Interrupted:
    """An S3 client of one process: at its n-th request something happens, `before` or `after` it is applied."""

    def __init__(self, client: Any, at: int, act: Callable[[], object], moment: str) -> None:
        self._client, self.meta = client, client.meta
        self._lock = threading.Lock()
        self._at, self._act, self._moment = at, act, moment
        self.requests = 0
        self.is_dead = False

    def _ask(self, request: Callable[[], object]) -> object:
        with self._lock:
            if self.is_dead:
                raise Killed
            self.requests += 1
            if self.requests != self._at:
                return request()
            if self._moment == "before":
                self._act()
                return request()
            answer = request()
            self._act()
            return answer

    def put_object(self, **arguments):
        return self._ask(lambda: self._client.put_object(**arguments))

    def copy_object(self, **arguments):
        return self._ask(lambda: self._client.copy_object(**arguments))

    def head_object(self, **arguments):
        return self._ask(lambda: self._client.head_object(**arguments))

    def get_object(self, **arguments):
        return self._ask(lambda: self._client.get_object(**arguments))

    def delete_objects(self, **arguments):
        return self._ask(lambda: self._client.delete_objects(**arguments))

    def get_paginator(self, name):
        paginator = self._client.get_paginator(name)

        class Pages:
            def paginate(_, **arguments) -> Iterator[object]:
                yield from self._ask(lambda: list(paginator.paginate(**arguments)))

        return Pages()


class Killed(BaseException):
    """The process is gone: nothing catches this, and no request follows."""


def killed_at(client: Any, at: int, moment: str) -> Interrupted:
    def kill() -> None:
        killed.is_dead = True
        raise Killed

    killed = Interrupted(client, at, kill, moment)
    return killed
