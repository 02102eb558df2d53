"""What earlier runs have asked for: one small record a run, so that the next one need not ask for everything.

A record holds for the snapshot that readers saw when its run ended. Where there is none, everything is asked for: after
a restore, after a run that was killed before it wrote one, and whenever somebody has deleted them.
"""

import logging
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from hashlib import sha256
from typing import Annotated, Self

import msgspec
from msgspec import Meta
from msgspec.structs import replace

from lake.assemble.staging import Manifest, final_failures
from lake.commit import Commit
from lake.crawl import OVERLAP, Listing, Source
from lake.errors import ConflictError, OversizeError
from lake.layout import ASKED, asked_key, newest_asked
from lake.resource import Failure, Moment
from lake.store import Store

_LOG = logging.getLogger(__name__)

# A million documents of which 2 % failed have a record of half a megabyte.
_MOST_BYTES = 16 << 20

# Runs that end at the same moment, and want the same number for their records.
_ATTEMPTS = 3


class Asked(msgspec.Struct, frozen=True):
    """What was asked for of one resource: all its documents at a time or later, but for those that `failed`.

    `listed` is the time until which every change is known, None if that is unknown or one failed; `runs` have listed
    only changes since everything was. Times are those of the source's clock.
    """

    at: Moment | None = None
    failed: tuple[int, ...] = ()
    listed: Moment | None = None
    runs: Annotated[int, Meta(ge=0)] = 0


class Record(msgspec.Struct, frozen=True, kw_only=True):
    """What was asked for of a source until a run ended after which readers saw a snapshot, by resource."""

    snapshot: str
    source: str
    resources: dict[str, Asked]


@dataclass(frozen=True, slots=True)
class Asking:
    """What was asked for of a source before a crawl that begins from a snapshot; nothing if that is not known."""

    store: Store
    parent: Commit | None
    source: Source
    known: Mapping[str, Asked] = field(default_factory=dict)

    @classmethod
    def read(cls, store: Store, parent: Commit | None, source: Source) -> Self:
        """Read the newest record. It is of no use if it is that of another snapshot, or of other settings."""
        number = _newest(store) if parent is not None and _is_kept(source) else 0
        try:
            body = store.find(asked_key(number), _MOST_BYTES) if number else None
            record = msgspec.json.decode(body or b"", type=Record)
        except (msgspec.DecodeError, UnicodeDecodeError, RecursionError, OversizeError):
            if number:
                uri = store.uri(asked_key(number))
                _LOG.warning("%s is no record that Pokélake writes; everything is asked for", uri)
            return cls(store, parent, source)
        is_own = parent is not None and (record.snapshot, record.source) == (parent.snapshot, _name(source))
        return cls(store, parent, source, record.resources if is_own else {})

    def again(self, listing: Listing) -> frozenset[int] | None:
        """Return which documents at hand without an ETag are asked for, within the source's interval; None for all.

        Those that failed the last time are. A time that is still to come is not believed.
        """
        name = listing.resource
        asked = self.known.get(name, Asked())
        if self.parent is None or asked.at is None or listing.at is None or listing.is_inline:
            return None
        # Without a time since when to list changes, everything must be asked for.
        if _lists_changes(self.source) and asked.listed is None:
            return None
        if not timedelta() <= listing.at - asked.at < timedelta(seconds=self.source.reask_seconds):
            return None
        return frozenset({*asked.failed, *(failure.id for failure in self._lacking() if failure.resource == name)})

    def since(self, resources: Iterable[str], now: datetime) -> dict[str, datetime]:
        """Return since when to list changes, of each of these resources of which everything need not be listed."""
        rest, lacking = self.source.rest, {failure.resource for failure in self._lacking()}
        if rest is None or not _lists_changes(self.source):
            return {}
        found = {}
        for name in resources:
            asked = self.known.get(name, Asked())
            if asked.listed is None or asked.listed > now or name in lacking:
                continue
            if asked.runs + 1 < rest.complete_every:
                found[name] = asked.listed - OVERLAP
        return found

    def _lacking(self) -> tuple[Failure, ...]:
        return (*self.parent.stale, *self.parent.missing) if self.parent is not None else ()

    def after(
        self,
        listings: Sequence[Listing],
        manifests: Sequence[Manifest],
        refused: Collection[str],
        since: Collection[str] = (),
    ) -> Self:
        """Return what was asked for after a crawl that has listed only the changes of some resources.

        What an earlier run of the same crawl has fetched was asked for then. Of a refused resource nothing was taken,
        so what was known of it still holds.
        """
        began = dict[str, list[datetime | None]]()
        for manifest in manifests:
            began.setdefault(manifest.resource, []).append(manifest.began)
        found = dict(self.known)
        for listing in listings:
            name, at = listing.resource, _earliest([listing.at, *began.get(listing.resource, ())])
            before = self.known.get(name, Asked())
            if name in refused:
                found[name] = replace(before, listed=None)
            elif name in since:
                found[name] = replace(before, listed=at, runs=before.runs + 1)
            elif self.again(listing) is not None:
                # Those that were spared may have changed since the changes were last listed.
                found[name] = replace(before, failed=(), runs=0)
            else:
                found[name] = Asked(at, listed=at)
        failed = [failure for failure in final_failures(manifests) if failure.resource not in refused]
        return type(self)(self.store, self.parent, self.source, _with(found, failed))

    def note(self, on: Commit | None, current: Commit, rejected: Iterable[Failure] = ()) -> None:
        """Write the record of a run after which readers see a snapshot; documents that no table took are asked again.

        `on` is what readers saw when the run published. If that is not what its crawl began from, some of what came may
        have been left out, and there is no record.
        """
        if not (_is_kept(self.source) and self.known) or (on and on.snapshot) != (self.parent and self.parent.snapshot):
            return
        known = dict(sorted(_with(self.known, rejected).items()))
        body = msgspec.json.encode(Record(snapshot=current.snapshot, source=_name(self.source), resources=known))
        for attempt in range(1, _ATTEMPTS + 1):
            try:
                self.store.create(asked_key(_newest(self.store) + 1), body)
            except ConflictError:
                if attempt == _ATTEMPTS:
                    raise
            else:
                return


def _earliest(times: Sequence[datetime | None]) -> datetime | None:
    """Return the earliest of some times, None if one of them is not known."""
    known = [at for at in times if at is not None]
    return min(known) if len(known) == len(times) else None


def _with(known: Mapping[str, Asked], failures: Iterable[Failure]) -> dict[str, Asked]:
    """Return what was asked for, with documents that are to be asked for again."""
    found = dict(known)
    for failure in failures:
        of = found.get(failure.resource, Asked())
        found[failure.resource] = replace(of, failed=tuple(sorted({*of.failed, failure.id})), listed=None)
    return found


def _newest(store: Store) -> int:
    return newest_asked(item.key for item in store.list(ASKED))


def _is_kept(source: Source) -> bool:
    """Tell whether the settings of a source need records."""
    return source.reask_seconds > 0 or _lists_changes(source)


def _lists_changes(source: Source) -> bool:
    """Tell whether a source can list what changed since a time, and its settings say how."""
    return source.kind == "rest" and source.rest is not None and bool(source.rest.since_parameter)


def _name(source: Source) -> str:
    """Return what tells this source from one that lists other things, or names them otherwise."""
    return sha256(f"{source.kind} {source.base_url} {source.rest}".encode()).hexdigest()[:16]
