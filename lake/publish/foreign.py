"""Foreign objects: what lies in the lake's folder and no commit names, of runs, of `maintain`, or of anybody."""

import re
from collections.abc import Collection, Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from functools import partial
from itertools import groupby, islice
from typing import Any

from lake.accept import accepted
from lake.commit import commit_seqs, read_commit
from lake.errors import StoreError
from lake.layout import FOLDERS, SCHEMAS, SNAPSHOTS, catalogued, forgotten_prefix, is_snapshot_id, snapshot_folder
from lake.publish.garbage import GRACE
from lake.store import Store, StoredObject
from lake.text import counted, minute, shown

# `maintain` runs every week, and removes what is older than its grace period; what is older than both stays for ever,
# or nobody runs it.
YOUNG = GRACE + timedelta(days=8)

# A folder beside the lake's may be that of anything: of no more of its objects is the size added up.
_COUNTED = 10_000

_COMMIT = re.compile(r"(^|/)commits/[0-9]{10}\.json$")


class Origin(StrEnum):
    """Whose a foreign object is.

    LEFT: A run writes it or has left it, and `maintain` removes it.
    FORGOTTEN: It is of a snapshot that `maintain` has forgotten, and removes.
    STRANGE: It lies in a folder of the lake, where no run writes it.
    BESIDE: It lies beside the folders of the lake, whose readers and runs never look there.
    """

    LEFT = "left"
    FORGOTTEN = "forgotten"
    STRANGE = "strange"
    BESIDE = "beside"


@dataclass(frozen=True, slots=True)
class Foreign:
    """Objects that no commit names, in a folder of their own, or one by itself.

    `objects` may be fewer than there are, if `has_more`.
    """

    where: str
    objects: int
    bytes: int
    youngest: datetime
    is_young: bool
    advice: str
    origin: Origin
    has_more: bool = False

    @property
    def is_alarming(self) -> bool:
        """Whether it counts as damage: it is old, and lies in a folder of the lake."""
        return not self.is_young and self.origin is not Origin.BESIDE

    def __str__(self) -> str:
        more = "more than " if self.has_more else ""
        size = f"{more}{counted(self.objects, 'object')} with {counted(self.bytes, 'byte')}"
        return f"{self.where}: {size} that no commit names, last written {minute(self.youngest)}; {self.advice}"

    def facts(self) -> dict[str, Any]:
        """Return it as plain values."""
        return {
            "where": self.where,
            "objects": self.objects,
            "bytes": self.bytes,
            "youngest": self.youngest.isoformat(timespec="seconds"),
            "young": self.is_young,
            "origin": self.origin.value,
            "do": self.advice,
        }


@dataclass(slots=True)
class _Sum:
    """What is remembered of the objects of a folder, however many there are."""

    first: StoredObject
    objects: int
    bytes: int
    youngest: datetime
    is_forgotten: bool
    is_lake: bool

    @classmethod
    def of(cls, items: Iterable[StoredObject], forgotten: str) -> "_Sum":
        """Add up a folder, of which there is an object at least."""
        found: _Sum | None = None
        for item in items:
            if found is None:
                found = cls(item, 0, 0, item.modified, False, False)
            found.objects, found.bytes = found.objects + 1, found.bytes + item.size
            found.youngest = max(found.youngest, item.modified)
            found.is_forgotten |= item.key.startswith(forgotten)
            found.is_lake |= _COMMIT.search(item.key) is not None
        assert found is not None, "a folder is one because an object lies in it"
        return found


def leftovers(store: Store, named: Collection[str | None], last: int, now: datetime) -> list[Foreign]:
    """Return what lies below ``snapshots/`` outside of the folders that commits name, of which `last` is the newest.

    A folder of a snapshot that was forgotten is among them, even if a commit names it as its parent.
    """
    found = dict[str, _Sum]()
    lying = (item for item in store.list(SNAPSHOTS) if catalogued(item.key) is None)
    for folder, items in groupby(lying, lambda item: "/".join(item.key.split("/")[:2])):
        name = folder.removeprefix(SNAPSHOTS)
        if name not in named and f"{folder}/" != SCHEMAS:
            found[folder] = _Sum.of(items, forgotten_prefix(name))
    if found:
        # What was published since commits were listed.
        later = (accepted(seq, partial(read_commit, store)) for seq in commit_seqs(store, last))
        for commit in filter(None, later):
            found.pop(snapshot_folder(commit.snapshot).rstrip("/"), None)
    return [_foreign(store, folder, one, now) for folder, one in found.items()]


def foreign_of(store: Store, place: str, items: Sequence[StoredObject], now: datetime) -> Foreign:
    """Return objects in a folder of the lake as foreign."""
    return _foreign(store, place, _Sum.of(items, forgotten_prefix(place.removeprefix(SNAPSHOTS))), now)


def _foreign(store: Store, place: str, found: _Sum, now: datetime) -> Foreign:
    is_young = now - found.youngest <= YOUNG
    look = "look whether `maintain` runs, which removes"
    if not is_snapshot_id(place.removeprefix(SNAPSHOTS)):
        origin, advice = Origin.STRANGE, "no run writes there: find out who did, and delete it"
    elif found.is_forgotten:
        origin = Origin.FORGOTTEN
        goes = "it goes with the first `maintain` after the grace period" if is_young else f"{look} it"
        advice = f"`maintain` has forgotten this snapshot; {goes}"
    elif is_young:
        origin, advice = Origin.LEFT, "a run may be writing there; what it leaves, `maintain` removes"
    else:
        origin = Origin.LEFT
        advice = f"{look} what runs have left, and whether somebody deleted a commit"
    where = store.uri(shown(place if found.first.key == place else f"{place}/"))
    return Foreign(where, found.objects, found.bytes, found.youngest, is_young, advice, origin)


def beside(store: Store, now: datetime) -> Iterator[Foreign]:
    """Yield what lies beside the lake's folders: each folder, and the objects that lie in none together.

    That may be another lake, or anything else in the bucket, so nothing is wrong. Nothing if a role may not list it.
    """
    try:
        top = [item for item in islice(store.top(), _COUNTED) if item not in FOLDERS]
        if loose := [item for item in top if isinstance(item, StoredObject)]:
            yield _beside(store, loose[0].key if len(loose) == 1 else "", loose, len(top) == _COUNTED, now)
        for folder in top:
            if isinstance(folder, str) and (items := list(islice(store.list(folder), _COUNTED + 1))):
                yield _beside(store, folder, items, len(items) > _COUNTED, now)
    except StoreError:
        return


def _beside(store: Store, place: str, items: Sequence[StoredObject], has_more: bool, now: datetime) -> Foreign:
    where = store.uri(shown(place) if place else "")
    found = _Sum.of(items[:_COUNTED], "\n")
    what = "another lake lies there" if found.is_lake else "it harms nobody, because this lake never looks there"
    is_young = now - found.youngest <= YOUNG
    return Foreign(where, found.objects, found.bytes, found.youngest, is_young, what, Origin.BESIDE, has_more)
