"""Held drafts: snapshots that an audit holds back until a person decides, kept with all it takes to publish them.

A draft's documents are copied, so it depends on nothing that is only staged. One draft waits in a lake; whatever is
held next takes its place.
"""

from collections.abc import Collection, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

import msgspec

from lake.assemble.draft import Crawled, Draft
from lake.assemble.staging import Manifest, part_of
from lake.assemble.stored import StoredFile
from lake.commit import Commit, Sha256, SourceFacts
from lake.errors import (
    ConflictError,
    DamagedObjectError,
    MissingObjectError,
    NoDraftError,
    StoreError,
    UnknownNameError,
)
from lake.layout import SnapshotId, draft_key, held_documents_key, is_snapshot_id, verdict_key
from lake.publish import Finding, file_hashes, questions
from lake.resource import is_resource_name
from lake.source import HELD_HOURS, TOLERANCES, Tolerances
from lake.store import PARALLEL_REQUESTS, Store
from lake.verdict import LAKE, Act, Base, DraftHead, Verdict, drafts_in, read_draft, read_verdict, warn


class HeldDraft(DraftHead, frozen=True, kw_only=True):
    """A snapshot that waits for a verdict, with what is needed to publish it without asking the source again.

    `files` has the hash of every file that it would publish, by table and name. `began` has the files of documents that
    its crawl began from, if that was not its parent. `again` is the draft in whose place it waits, and `reason` says
    why. `run` are the facts of the run that held it.
    """

    source: SourceFacts
    manifests: tuple[Manifest, ...]
    is_partial: bool = False
    is_rebuild: bool = False
    # Earlier code kept one file of each resource.
    began: dict[str, tuple[StoredFile, ...] | StoredFile] | None = None
    anew: tuple[str, ...] = ()
    picked: dict[str, tuple[int, ...]] = msgspec.field(default_factory=dict)
    allow_shrink: tuple[str, ...] = ()
    tolerances: Tolerances = TOLERANCES
    held_hours: int = HELD_HOURS
    fingerprint: str
    files: dict[str, Sha256]
    findings: tuple[Finding, ...]
    changes: dict[str, dict[str, int]] = msgspec.field(default_factory=dict)
    new_pokemon: tuple[int, ...] = ()
    run: dict[str, str | None] = msgspec.field(default_factory=dict)
    again: SnapshotId | None = None
    reason: str = ""

    @property
    def version(self) -> str | None:
        """The upstream version that was crawled, None if there was none or several."""
        return self.source.version

    @property
    def questions(self) -> list[Finding]:
        """The findings that ask, the largest loss first."""
        return questions(self.findings)

    def is_open(self, now: datetime | None = None) -> bool:
        """Tell whether its deadline is still to come."""
        return (now or datetime.now(UTC)) < self.deadline

    def crawled(self) -> Crawled:
        """Return the result of its crawl."""
        return Crawled(
            self.source,
            self.manifests,
            self.is_partial,
            self._began(),
            self.anew,
            self.tolerances,
            self.picked,
            self.held_hours,
        )

    def _began(self) -> dict[str, tuple[StoredFile, ...]] | None:
        if self.began is None:
            return None
        return {name: (files,) if isinstance(files, StoredFile) else files for name, files in self.began.items()}


@dataclass(frozen=True, slots=True)
class Standing:
    """A held draft, and the verdict on it; None if there is none yet."""

    draft: HeldDraft
    verdict: Verdict | None


def hold(
    store: Store,
    draft: Draft,
    parent: Commit | None,
    crawled: Crawled,
    allow_shrink: Collection[str] = (),
    is_rebuild: bool = False,
    again: str | None = None,
    reason: str = "",
    now: datetime | None = None,
) -> HeldDraft:
    """Keep a draft for a person to decide, under the id of its snapshot; whatever waits is superseded.

    The caller removes the written files of the snapshot, because they are written again when it is published.

    Raises:
        StoreError: A staged object is gone, or is not what its manifest says.
    """
    began = now or datetime.now(UTC)
    id_ = draft.commit.snapshot
    folders = {manifest.key.rpartition("/")[0] for manifest in crawled.manifests if manifest.key is not None}
    etags = {item.key: item.etag for folder in folders for item in store.list(f"{folder}/")}
    with ThreadPoolExecutor(PARALLEL_REQUESTS, thread_name_prefix="hold") as pool:
        copies = pool.map(lambda pair: _copy(store, id_, etags, *pair), enumerate(crawled.manifests))
        manifests = tuple(copies)
    others = {stored.snapshot for files in (crawled.began or {}).values() for stored in files}
    held = HeldDraft(
        id=id_,
        created_at=began,
        deadline=began + timedelta(hours=crawled.held_hours),
        parent=Base(parent.snapshot, parent.seq) if parent else None,
        needs=tuple(sorted(others | ({parent.snapshot} if parent else set()))),
        source=crawled.source,
        manifests=manifests,
        is_partial=crawled.is_partial,
        is_rebuild=is_rebuild,
        began=dict(crawled.began) if crawled.began is not None else None,
        anew=tuple(sorted(crawled.anew)),
        picked={name: tuple(sorted(ids)) for name, ids in crawled.picked.items()},
        allow_shrink=tuple(allow_shrink),
        tolerances=crawled.tolerances,
        held_hours=crawled.held_hours,
        fingerprint=draft.commit.fingerprint,
        files=file_hashes(draft.commit.tables),
        findings=draft.findings,
        changes=draft.commit.changes,
        new_pokemon=draft.new_pokemon,
        run=_texts(draft.commit.run),
        again=again,
        reason=reason,
    )
    # Listed before it is there: of two runs that hold at the same time, none takes the place of the other's.
    older = undecided(store)
    store.create(draft_key(id_), msgspec.json.format(msgspec.json.encode(held), indent=1))
    supersede(store, f"{id_} is held in its place", older, now)
    return held


def _copy(store: Store, draft: str, etags: Mapping[str, str], number: int, manifest: Manifest) -> Manifest:
    key, staged = held_documents_key(draft, manifest.resource, number), manifest.staged
    if staged is None:
        return manifest
    try:
        if staged.is_small:
            packed = part_of(store.get(staged.key), staged)
            if packed is None:
                raise DamagedObjectError(store.uri(staged.key), staged.sha256)
            store.create(key, packed)
        else:
            store.copy(staged.key, key, etags.get(staged.key, ""), staged.sha256)
    except DamagedObjectError as error:
        found = f"{store.uri(staged.key)}: expected what was staged, found something else; run again"
        raise StoreError(found, True) from error
    return msgspec.structs.replace(manifest, key=key, start=0)


def _texts(run: Mapping[str, Any]) -> dict[str, str | None]:
    return {name: None if value is None else str(value) for name, value in run.items()}


def supersede(store: Store, reason: str, only: Collection[str] | None = None, now: datetime | None = None) -> list[str]:
    """Give every draft that waits, or `only` these, the verdict that something newer took its place; return their ids.

    One past its deadline has expired. A refresh that found a newer state of the source, and has nothing to hold, calls
    this.
    """
    superseded = []
    for id_ in undecided(store):
        draft = accepted(store, id_) if only is None or id_ in only else None
        if draft is None:
            continue
        if not draft.is_open(now):
            expire(store, draft, now)
        elif decide_itself(store, id_, Act.SUPERSEDED, reason, now):
            superseded.append(id_)
    return superseded


def expire(store: Store, draft: HeldDraft, now: datetime | None = None) -> Verdict | None:
    """Give a draft past its deadline the verdict that says so; None if a person was faster."""
    reason = f"nobody decided until {draft.deadline.isoformat(timespec='seconds')}"
    return decide_itself(store, draft.id, Act.EXPIRED, reason, now)


def undecided(store: Store) -> list[str]:
    """Return the ids of the drafts without a verdict, the newest first."""
    return [id_ for id_, is_decided in drafts_in(store) if not is_decided]


def waiting(store: Store, now: datetime | None = None) -> HeldDraft | None:
    """Return the draft that waits for a verdict, None if none does."""
    for id_ in undecided(store):
        if (draft := accepted(store, id_)) is not None and draft.is_open(now):
            return draft
    return None


def held_drafts(store: Store) -> list[Standing]:
    """Return all held drafts that lie in the lake, decided or not, the newest first; what is none is passed over."""
    found = []
    for id_, is_decided in drafts_in(store):
        draft = accepted(store, id_)
        try:
            verdict = read_verdict(store, id_) if is_decided else None
        except NoDraftError as error:
            warn(error)
            continue
        if draft is not None:
            found.append(Standing(draft, verdict))
    return found


def read_held(store: Store, draft: str) -> HeldDraft:
    """Return a held draft by its id.

    Raises:
        UnknownNameError: There is none; the message names the one that waits.
        NoDraftError: The object of this id is none.
    """
    try:
        if is_snapshot_id(draft):
            return _read(store, draft)
    except MissingObjectError:
        pass
    current = waiting(store)
    raise UnknownNameError("held draft", draft, [current.id] if current else [])


def _read(store: Store, id_: str) -> HeldDraft:
    draft = read_draft(store, id_, HeldDraft)
    first = {manifest.resource for manifest in draft.manifests if manifest.round == 1}
    for number, manifest in enumerate(draft.manifests):
        keys = (None, held_documents_key(id_, manifest.resource, number))
        is_own = is_resource_name(manifest.resource) and manifest.key in keys and manifest.start == 0
        if not is_own or manifest.resource not in first:
            raise NoDraftError(store.uri(draft_key(id_)), f"manifests[{number}]: expected one of this draft's shards")
    return draft


def accepted(store: Store, id_: str) -> HeldDraft | None:
    """Return a held draft, None if its object is none, which a warning says."""
    try:
        return _read(store, id_)
    except NoDraftError as error:
        warn(error)
    except MissingObjectError:
        pass
    return None


def decide_itself(store: Store, id_: str, act: Act, reason: str, now: datetime | None = None) -> Verdict | None:
    """Give a draft a verdict of the lake itself, and return it; None if another verdict was faster."""
    at = (now or datetime.now(UTC)).isoformat(timespec="seconds")
    verdict = Verdict(id_, act, LAKE, at, reason)
    try:
        store.create(verdict_key(id_), msgspec.json.encode(verdict))
    except ConflictError:
        return None
    return verdict
