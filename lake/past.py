"""Finds commits of a lake: the current one, all, or that of a name or a time, and reads as few others as it can."""

from collections.abc import Callable, Iterator
from datetime import datetime
from functools import lru_cache, partial
from itertools import islice
from typing import NamedTuple, TypeVar

from lake.accept import accepted, first
from lake.commit import Commit, ahead, read_commit
from lake.layout import forgotten_prefix, snapshot_folder
from lake.numbers import following, newest_first
from lake.store import PARALLEL_REQUESTS, Store

# Commits that are kept whole, and those of which the place is known.
_WHOLE, _PLACES = 8, 4096

# By how many places a commit may lie beside where its name or its time belong: clocks of two runs may differ.
_BESIDE = 4

_K = TypeVar("_K", str, datetime)


class Place(NamedTuple):
    """Where a commit stands: its number, its snapshot, and when it was made."""

    seq: int
    snapshot: str
    committed_at: datetime


class Past:
    """The commits of one lake; remembers the last few that were read, because they never change."""

    def __init__(self, store: Store) -> None:
        self._store = store
        self._read = lru_cache(_WHOLE)(partial(read_commit, store))
        self._places: dict[int, Place] = {}

    def current(self) -> Commit | None:
        """Return the current commit; None if nothing was ever published."""
        return first(newest_first(self._store), self._read)

    def commits(self, limit: int | None = None) -> Iterator[Commit]:
        """Yield every commit, or so many, the newest first; a few are read ahead, and none is kept."""
        read = partial(read_commit, self._store)
        found = ahead(lambda seq: accepted(seq, read), newest_first(self._store), min(limit or 8, PARALLEL_REQUESTS))
        return islice((commit for commit in found if commit is not None), limit)

    def named(self, snapshot: str) -> Commit | None:
        """Return the commit of a snapshot, None if there is none.

        Names begin with the time at which their snapshots were begun, so they ascend with the numbers.
        """
        newest = self._newest()
        if newest is None:
            return None
        seq = self._last(newest, lambda place: place.snapshot, snapshot)
        if seq is not None:
            near = [*islice(self._before(seq + 1), _BESIDE), *islice(self._after(seq, newest), _BESIDE)]
            if match := next((place for place in near if place.snapshot == snapshot), None):
                return self._read(match.seq)
            if not self._has_files(snapshot):
                return None
        return next((commit for commit in self.commits() if commit.snapshot == snapshot), None)

    def _has_files(self, snapshot: str) -> bool:
        """Tell whether there is anything of a snapshot that was not forgotten."""
        folders = (snapshot_folder(snapshot), forgotten_prefix(snapshot))
        lying, forgotten = (next(self._store.list(folder), None) is not None for folder in folders)
        return lying and not forgotten

    def at(self, moment: datetime) -> Commit | None:
        """Return the newest of the commits that were made by then, None if there is none.

        Their times ascend with the numbers, but for clocks that were wrong.
        """
        newest = self._newest()
        if newest is None:
            return None
        seq = self._last(newest, lambda place: place.committed_at, moment)
        if seq is None:
            return next((one for one in self.commits() if datetime.fromisoformat(one.committed_at) <= moment), None)
        while near := [one for one in islice(self._after(seq, newest), _BESIDE) if one.committed_at <= moment]:
            seq = near[-1].seq
        return self._read(seq) if seq else None

    def names(self, most: int) -> list[str]:
        """Return the names of the newest snapshots, and of others that were met, the newest first."""
        found = {commit.seq: commit.snapshot for commit in self.commits(most)}
        found |= {place.seq: place.snapshot for place in self._places.values()}
        return [name for _, name in sorted(found.items(), reverse=True)]

    def _last(self, newest: Place, key: Callable[[Place], _K], wanted: _K) -> int | None:
        """Return the last number whose commit has a key that is not above the wanted one, 0 if there is none.

        None if the keys are seen not to ascend.
        """
        oldest = next(self._after(0, newest), newest)
        if key(newest) <= wanted:
            return newest.seq
        # A moment that is none is before all and after all.
        if not key(oldest) <= wanted:
            return 0
        low, high = (oldest.seq, key(oldest)), (newest.seq, key(newest))
        while high[0] - low[0] > 1:
            middle = (low[0] + high[0]) // 2
            place = next(self._after(middle - 1, newest), newest)
            if place.seq >= high[0]:
                high = middle, high[1]
            elif not low[1] <= key(place) <= high[1]:
                return None
            elif key(place) <= wanted:
                low = place.seq, key(place)
            else:
                high = middle, key(place)
        return low[0]

    def _newest(self) -> Place | None:
        commit = self.current()
        return self._noted(commit) if commit else None

    def _after(self, seq: int, newest: Place) -> Iterator[Place]:
        """Yield the places of commits after a number, up to the newest."""
        while seq < newest.seq:
            if (place := self._place(seq + 1)) is not None:
                yield place
                seq += 1
                continue
            for number in following(self._store, seq + 1) or [newest.seq]:
                seq = number
                if (place := self._place(number)) is not None:
                    yield place
                    break

    def _before(self, seq: int) -> Iterator[Place]:
        """Yield the places of commits below a number, the newest first."""
        while seq > 1 and (place := self._place(seq - 1)) is not None:
            yield place
            seq -= 1
        for number in newest_first(self._store, seq):
            if (place := self._place(number)) is not None:
                yield place

    def _place(self, seq: int) -> Place | None:
        if seq in self._places:
            return self._places[seq]
        commit = accepted(seq, self._read)
        return self._noted(commit) if commit else None

    def _noted(self, commit: Commit) -> Place:
        if len(self._places) >= _PLACES:
            self._places.clear()
        place = Place(commit.seq, commit.snapshot, datetime.fromisoformat(commit.committed_at))
        self._places[commit.seq] = place
        return place
