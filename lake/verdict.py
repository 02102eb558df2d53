"""What people decided, as far as all rooms know it: an earlier snapshot restored, a draft that an audit held back.

A draft lies in a folder of its own below ``held/``. Creating ``verdict.json`` there decides it; no object is changed,
so of two verdicts one wins. Whatever lies there is believed only if a writer of a lake could have made it.
"""

import logging
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Annotated, TypeVar

import msgspec
from msgspec import Meta

from lake.errors import MissingObjectError, NoDraftError, OversizeError
from lake.layout import HELD, CommitNumber, SnapshotId, draft_key, is_snapshot_id, verdict_key
from lake.source import MAX_HELD_HOURS
from lake.store import Store
from lake.text import shown

# A draft of 500 resources, each with a hundred shards, has 20 MB.
_MAX_BYTES = 64 << 20

_DAY = timedelta(days=1)

# Characters of the reason that a person gives.
REASON_CHARACTERS = 2_000

# Whom a verdict of the lake itself names.
LAKE = "pokelake"

Time = Annotated[datetime, Meta(tz=True)]

_D = TypeVar("_D", bound="DraftHead")
_T = TypeVar("_T")


class Act(StrEnum):
    """What a verdict does with a held draft.

    PUBLISH: It is published as it is.
    DROP: It is not published.
    SUPERSEDED: A newer state of the source took its place.
    EXPIRED: Nobody decided before its deadline.
    """

    PUBLISH = "publish"
    DROP = "drop"
    SUPERSEDED = "superseded"
    EXPIRED = "expired"


@dataclass(frozen=True, slots=True)
class Verdict:
    """A verdict on a held draft: what is done with it, who said so, when (UTC), and why.

    `findings` names the findings that are accepted, each as ``rule/subject``; null accepts all.
    """

    draft: SnapshotId
    act: Act
    by: str
    at: str
    reason: str = ""
    findings: tuple[str, ...] | None = None

    def __post_init__(self) -> None:
        # Who and why may be any text.
        object.__setattr__(self, "by", shown(self.by))
        object.__setattr__(self, "at", shown(self.at))
        object.__setattr__(self, "reason", shown(self.reason, REASON_CHARACTERS))

    @property
    def why(self) -> str:
        """The reason in brackets, after a blank; nothing if none was given."""
        return f" ({self.reason})" if self.reason else ""


@dataclass(frozen=True, slots=True)
class Restored:
    """The earlier snapshot that a commit publishes again, who said so, and why."""

    snapshot: SnapshotId
    by: str
    reason: str

    def __post_init__(self) -> None:
        # Who and why may be any text.
        object.__setattr__(self, "by", shown(self.by))
        object.__setattr__(self, "reason", shown(self.reason, REASON_CHARACTERS))

    def __str__(self) -> str:
        return f"restores {self.snapshot}, by {self.by}: {self.reason}"


class Base(msgspec.Struct, frozen=True):
    """The published snapshot that a draft was written on."""

    snapshot: SnapshotId
    seq: CommitNumber


class DraftHead(msgspec.Struct, frozen=True, kw_only=True):
    """What must be known of a held draft to keep it: until when, and the snapshots whose files it needs."""

    id: SnapshotId
    created_at: Time
    deadline: Time
    parent: Base | None = None
    needs: tuple[SnapshotId, ...] = ()


def read_draft(store: Store, draft: str, type_: type[_D]) -> _D:
    """Return a held draft, or its head, as that type.

    Raises:
        MissingObjectError: There is no such draft.
        NoDraftError: The object is none that a run writes.
    """
    found = _read(store, draft_key(draft), type_)
    longest = timedelta(hours=MAX_HELD_HOURS)
    if found.id != draft or not timedelta() <= found.deadline - found.created_at <= longest:
        raise NoDraftError(store.uri(draft_key(draft)), "it is another draft's, or its deadline is out of range")
    return found


def read_verdict(store: Store, draft: str) -> Verdict | None:
    """Return the verdict on a held draft; None if there is none yet.

    Raises:
        NoDraftError: The object is no verdict on this draft.
    """
    try:
        found = _read(store, verdict_key(draft), Verdict)
    except MissingObjectError:
        return None
    if found.draft != draft:
        raise NoDraftError(store.uri(verdict_key(draft)), "it is a verdict on another draft")
    return found


def drafts_in(store: Store) -> list[tuple[str, bool]]:
    """Return the ids of all held drafts, the newest by S3's clock first, and whether each has a verdict."""
    objects = {item.key: item for item in store.list(HELD)}
    ids = {key.split("/")[1] for key in objects}
    drafts = [objects[draft_key(id_)] for id_ in ids if is_snapshot_id(id_) and draft_key(id_) in objects]
    drafts.sort(key=lambda item: (item.modified, item.key), reverse=True)
    return [(id_, verdict_key(id_) in objects) for id_ in (item.key.split("/")[1] for item in drafts)]


def kept_drafts(store: Store, now: datetime) -> list[DraftHead]:
    """Return the drafts that must be kept at this time: until its deadline, one that waits or is to be published."""
    kept = []
    for id_, is_decided in drafts_in(store):
        try:
            head = read_draft(store, id_, DraftHead)
            verdict = read_verdict(store, id_) if is_decided else None
        except NoDraftError as error:
            warn(error)
            continue
        except MissingObjectError:
            continue
        # No clock is wrong by a day: S3 would have refused to take the draft.
        is_open = head.created_at - _DAY < now < head.deadline
        if is_open and (verdict is None or verdict.act is Act.PUBLISH):
            kept.append(head)
    return kept


def warn(error: NoDraftError) -> None:
    """Say that an object is passed over."""
    logging.getLogger(__name__).warning("%s; it is passed over", error)


def _read(store: Store, key: str, type_: type[_T]) -> _T:
    try:
        return msgspec.json.decode(store.get(key, _MAX_BYTES), type=type_)
    except (msgspec.DecodeError, UnicodeDecodeError, OversizeError) as error:
        raise NoDraftError(store.uri(key), str(error)) from error
    except RecursionError as error:
        raise NoDraftError(store.uri(key), "it is nested too deeply") from error
