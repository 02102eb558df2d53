"""Deciding a held draft: exactly that draft is published or dropped; what has become another one is held again."""

from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from typing import Any

import msgspec

from lake.assemble.decided import Ending, held_again_as, published_as, remove_held
from lake.assemble.draft import Crawled, Draft, Progress, write_draft
from lake.assemble.held import HeldDraft, decide_itself, expire, held_drafts, hold, waiting
from lake.assemble.infer import fingerprint_of
from lake.assemble.staging import Manifest, read_staged
from lake.assemble.stored import document_files
from lake.commit import Commit, head, read_commit
from lake.crawl import crawler
from lake.errors import (
    ConflictError,
    DecidedError,
    MissingObjectError,
    NoDraftError,
    PublishError,
    UnansweredError,
    UnknownNameError,
)
from lake.layout import commit_key, new_snapshot_id, verdict_key
from lake.publish import commit_snapshot, file_hashes, questions, remove_snapshot
from lake.publish.check import SHOWN_ROWS
from lake.resource import Failure, Reference
from lake.store import PARALLEL_REQUESTS, Store
from lake.verdict import LAKE, Act, Verdict, read_verdict

# Races that one decision may lose. Whoever loses one finds that the head has moved, and holds the draft again.
_ATTEMPTS = 3


@dataclass(frozen=True, slots=True)
class Decision:
    """What a verdict led to.

    `verdict` is the one that stands. `commit` is the snapshot that readers see if it was published or unchanged, `held`
    the new draft, with its reason, if it is held again. `rejected` are documents that no table could take.
    """

    draft: HeldDraft
    verdict: Verdict
    outcome: Ending
    commit: Commit | None = None
    held: HeldDraft | None = None
    rejected: tuple[Failure, ...] = ()


def decide(
    store: Store,
    held: HeldDraft,
    verdict: Verdict,
    progress: Progress,
    run: Mapping[str, Any] | None = None,
    now: datetime | None = None,
) -> Decision:
    """Carry out a verdict on a held draft: publish exactly that draft, or drop it.

    If the head has moved, or this code gives other tables, it is held again with the reason: a new draft on the head.
    A decision that was killed goes on when it is repeated with the same verdict. `run` has the facts of the run that
    the commit keeps.

    Raises:
        UnansweredError: The verdict names the findings that it accepts, and more of them ask; the draft waits on.
        UnknownNameError: It names a finding that does not ask.
        DecidedError: The draft has another verdict, of a person or of the lake.
        PublishError: An audit of this code finds what must not be published.
        NoDraftError: What lies in the draft's folder is not what a run held there.
        StoreError: A document that it needs is gone.
    """
    verdict = _standing(store, held, verdict, now)
    if verdict.act is Act.DROP:
        return Decision(held, verdict, Ending.DROPPED)
    for attempt in range(1, _ATTEMPTS + 1):
        if commit := published_as(store, held):
            return Decision(held, verdict, Ending.PUBLISHED, commit)
        if again := held_again_as(held_drafts(store), held):
            return Decision(held, verdict, Ending.HELD_AGAIN, held=again)
        try:
            return _publish(store, held, verdict, progress, run, now)
        except ConflictError:
            if attempt == _ATTEMPTS:
                raise
    raise AssertionError("the last attempt returns or raises")


def require_takeable(store: Store, held: HeldDraft, verdict: Verdict, now: datetime | None = None) -> None:
    """Raise what `decide` would, unless a draft takes a verdict now; nothing is written, so another may be faster."""
    if before := read_verdict(store, held.id):
        _require_same(held, before, verdict)
        return
    _require_answered(held, verdict)
    if not held.is_open(now):
        raise DecidedError(held.id, Act.EXPIRED, LAKE, held.deadline.isoformat(timespec="seconds"), "nobody decided")


def _require_answered(held: HeldDraft, verdict: Verdict) -> None:
    asked = [finding.name for finding in held.questions]
    accepted = _accepted(verdict, asked)
    if unknown := sorted(accepted - set(asked)):
        raise UnknownNameError("finding that asks", unknown[0], asked)
    if verdict.act is Act.PUBLISH and (rest := [name for name in asked if name not in accepted]):
        raise UnansweredError(held.id, rest)


def _require_same(held: HeldDraft, before: Verdict, verdict: Verdict) -> None:
    asked = [finding.name for finding in held.questions]
    if (before.act, _accepted(before, asked)) != (verdict.act, _accepted(verdict, asked)):
        raise DecidedError(held.id, before.act, before.by, before.at, before.reason)


def _standing(store: Store, held: HeldDraft, verdict: Verdict, now: datetime | None) -> Verdict:
    """Return the verdict that stands on a draft: this one, which is written, or the same one of an earlier try."""
    assert verdict.draft == held.id, "a verdict is on the draft that it names"
    before = read_verdict(store, held.id)
    if before is None:
        _require_answered(held, verdict)
        accepted = _accepted(verdict, [finding.name for finding in held.questions])
        before = _write(store, held, replace(verdict, findings=tuple(sorted(accepted))), now)
    _require_same(held, before, verdict)
    return before


def _accepted(verdict: Verdict, asked: Sequence[str]) -> set[str]:
    """Return the names of the findings that a verdict accepts."""
    if verdict.act is not Act.PUBLISH:
        return set()
    return set(asked if verdict.findings is None else verdict.findings)


def _write(store: Store, held: HeldDraft, verdict: Verdict, now: datetime | None) -> Verdict:
    """Write a verdict, and return the one that stands then: that of a rival, or of the lake past the deadline."""
    current = waiting(store, now)
    if current is not None and current.id != held.id and held.is_open(now):
        decide_itself(store, held.id, Act.SUPERSEDED, f"{current.id} is held in its place", now)
    elif held.is_open(now):
        try:
            store.create(verdict_key(held.id), msgspec.json.encode(verdict))
        except ConflictError:
            pass
        else:
            return verdict
    else:
        expire(store, held, now)
    found = read_verdict(store, held.id)
    if found is None:
        raise MissingObjectError(store.uri(verdict_key(held.id)))
    return found


def _publish(
    store: Store,
    held: HeldDraft,
    verdict: Verdict,
    progress: Progress,
    run: Mapping[str, Any] | None,
    now: datetime | None,
) -> Decision:
    """Write the draft again and publish it; if it is not the same any longer, hold it again."""
    _require_documents(store, held)
    current = head(store)
    crawled = _on(store, current, held)
    snapshot, is_sent, rejected = new_snapshot_id(datetime.now(UTC)), False, list[Failure]()
    try:
        draft = write_draft(
            store, snapshot, current, crawled, progress, held.allow_shrink, held.is_rebuild, run, rejected.extend
        )
        if draft is None or not draft.is_new(current):
            remove_held(store, held.id)
            return Decision(held, verdict, Ending.UNCHANGED, current, rejected=tuple(rejected))
        draft.require_sound()
        if reason := _difference(held, current, draft, verdict):
            again = hold(store, draft, current, crawled, held.allow_shrink, held.is_rebuild, held.id, reason, now)
            return Decision(held, verdict, Ending.HELD_AGAIN, held=again, rejected=tuple(rejected))
        is_sent = True
        try:
            commit = commit_snapshot(store, replace(draft.commit, verdict=verdict))
        except (ConflictError, PublishError):
            is_sent = False
            raise
        return Decision(held, verdict, Ending.PUBLISHED, commit, rejected=tuple(rejected))
    finally:
        # The answer to a commit that was sent may be lost although the commit exists.
        if not is_sent:
            remove_snapshot(store, snapshot)


def _on(store: Store, current: Commit | None, held: HeldDraft) -> Crawled:
    """Return the result of a draft's crawl, to be merged into the current snapshot."""
    crawled = held.crawled()
    if not _is_moved(held, current):
        return crawled
    if held.is_rebuild and current is not None:
        # It has no documents of its own.
        return replace(crawled, source=current.source)
    if held.began is not None:
        return crawled
    before = read_commit(store, held.parent.seq) if held.parent else None
    if before is not None and held.parent is not None and before.snapshot != held.parent.snapshot:
        raise NoDraftError(store.uri(commit_key(held.parent.seq)), "it is not the commit that the draft was written on")
    return replace(crawled, began=document_files(before))


def _is_moved(held: HeldDraft, current: Commit | None) -> bool:
    return (held.parent.snapshot if held.parent else None) != (current.snapshot if current else None)


def _difference(held: HeldDraft, current: Commit | None, draft: Draft, verdict: Verdict) -> str:
    """Say why what was written is not the draft that was decided; nothing if it is."""
    if _is_moved(held, current):
        before, after = (of.snapshot if of else "nothing" for of in (held.parent, current))
        return f"another run has published since: readers saw {before}, and see {after}"
    now = file_hashes(draft.commit.tables)
    if now != held.files:
        names = {name for name in now.keys() | held.files.keys() if now.get(name) != held.files.get(name)}
        differing = sorted({name.split("/")[0] for name in names})
        named = ", ".join(differing[:SHOWN_ROWS]) + (", …" if len(differing) > SHOWN_ROWS else "")
        return (
            f"the code is another: {held.fingerprint} built the tables then, {fingerprint_of(held.source)} builds"
            f" others now: {named}"
        )
    more = [finding.name for finding in questions(draft.findings) if finding.name not in (verdict.findings or ())]
    return f"the audits of this code ask more: {', '.join(more[:SHOWN_ROWS])}" if more else ""


def _require_documents(store: Store, held: HeldDraft) -> None:
    """Raise unless a draft's documents are what its source may have sent: whoever may write there can change them."""
    known = crawler(held.source.kind)

    def check(manifest: Manifest) -> None:
        if manifest.key is None:
            return
        rows = read_staged(store, manifest.anywhere).select(["resource_name", "id", "path", "body"])
        first, last = manifest.span or (-(2**63), 2**63 - 1)
        for resource, id_, path, body in zip(*rows.columns, strict=True):
            of = Reference(resource.as_py(), id_.as_py(), "", path.as_py())
            is_own = of.resource == manifest.resource and (manifest.round == 2 or of.id <= manifest.last_id)
            is_own = is_own and first <= of.id <= last
            if not is_own or known.problem(of, body.as_buffer().to_pybytes()) is not None:
                raise NoDraftError(store.uri(manifest.key), f"{of.path}: the source sends no such document")

    with ThreadPoolExecutor(PARALLEL_REQUESTS, thread_name_prefix="look") as pool:
        list(pool.map(check, held.manifests))
