"""A store of commits that are made when they are read, so a lake of ten thousand costs nothing; it counts requests."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from unittest.mock import Mock

from lake.commit import Commit
from lake.errors import OversizeError
from lake.layout import COMMITS, commit_key, commit_seq, snapshot_folder
from lake.numbers import PAGE
from lake.store import Store, StoredObject
from tests.lake import NOON
from tests.lake.commits import COMMIT

HOUR = timedelta(hours=1)


def snapshot_of(seq: int) -> str:
    """Return the name of the snapshot of a commit, of which there is one an hour."""
    return f"{NOON + seq * HOUR:%Y%m%dT%H%M%SZ}-{seq:08x}"


def commit_of(seq: int, late: timedelta = timedelta()) -> Commit:
    """Return a commit that was made a minute after its snapshot was begun, by a clock that may be wrong."""
    at = NOON + seq * HOUR + timedelta(minutes=1) + late
    return replace(COMMIT, seq=seq, snapshot=snapshot_of(seq), parent=snapshot_of(seq - 1), committed_at=at.isoformat())


class Shelf(Store):
    """A lake of commits with these numbers; some objects are none, and some clocks were wrong."""

    def __init__(
        self, seqs: Sequence[int], junk: Sequence[str] = (), late: Mapping[int, timedelta] | None = None
    ) -> None:
        super().__init__("lake", "pokelake", Mock())
        self.seqs, self.late = set(seqs), late or {}
        self.bodies: dict[str, bytes] = dict.fromkeys(junk, b"no commit")
        self.keys = sorted({*map(commit_key, seqs), *junk})
        self.listings = self.reads = 0

    @property
    def requests(self) -> int:
        """How many requests were made."""
        return self.listings + self.reads

    def list(self, folder: str, after: str = "") -> Iterator[StoredObject]:
        keys = self.keys if folder == COMMITS else self._files(folder)
        later = [key for key in keys if key > after]
        for start in range(0, len(later) + 1, PAGE):
            self.listings += 1
            for key in later[start : start + PAGE]:
                yield StoredObject(key, 1, NOON)
            if len(later) <= start + PAGE:
                return

    def _files(self, folder: str) -> Sequence[str]:
        return [f"{folder}x" for seq in self.seqs if folder == snapshot_folder(snapshot_of(seq))]

    def find(self, key: str, limit: int | None = None) -> bytes | None:
        self.reads += 1
        if key in self.bodies:
            return self.bodies[key]
        seq = commit_seq(key)
        if seq is None or seq not in self.seqs:
            return None
        body = commit_of(seq, self.late.get(seq, timedelta())).to_json()
        if limit is not None and len(body) > limit:
            raise OversizeError(self.uri(key), limit, len(body))
        return body


def made_at(seq: int) -> datetime:
    """Return when a commit was made."""
    return datetime.fromisoformat(commit_of(seq).committed_at)
