"""Publishing as one transaction: write a draft, refuse what its audits found, and commit."""

import re
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from prefect import runtime, task
from prefect.cache_policies import NO_CACHE
from prefect.transactions import Transaction, transaction

from flows.steps.bar import progress
from flows.steps.deadline import BUILD_SECONDS
from flows.steps.numbers import phase
from flows.steps.parameters import LakeLocation
from flows.steps.units import RunUnits
from lake.assemble.draft import Crawled, Draft, write_draft
from lake.assemble.held import HeldDraft, hold, waiting
from lake.assemble.mend import Mending
from lake.assemble.restore import write_restored
from lake.commit import Commit
from lake.documents import DOCUMENTS
from lake.errors import ConflictError, PublishError
from lake.layout import new_snapshot_id
from lake.publish import (
    claim_attempt,
    commit_snapshot,
    file_hashes,
    forget_attempt,
    note_attempt,
    questions,
    remove_snapshot,
)
from lake.resource import Failure
from lake.text import counted
from lake.verdict import Restored

# The rules of audits that say that the source has another shape than before.
DRIFT_RULES = {
    "drift",
    "emptied-field",
    "left-out",
    "lost-rows",
    "new-collection",
    "new-field",
    "nulls",
    "vanished-collection",
}


@dataclass(frozen=True, slots=True)
class Publication:
    """The outcome of publishing: the commit that readers see, whether this run made it, and the ids of new Pokémon.

    `rejected` are the documents that were fetched and that a table cannot take as they are. `drifts` are findings about
    the shape of the source that the parent did not have. `parent` is the commit that one of this run follows.
    """

    commit: Commit
    is_new: bool
    new_pokemon: tuple[int, ...] = ()
    rejected: tuple[Failure, ...] = ()
    drifts: tuple[str, ...] = ()
    parent: Commit | None = None


def publish(
    lake: LakeLocation,
    parent: Commit | None,
    crawled: Crawled,
    allow_shrink: Sequence[str] = (),
    is_rebuild: bool = False,
    mending: Mending | None = None,
) -> Publication | HeldDraft:
    """Write, audit and publish a snapshot of the parent's documents and the crawl's; a rebuild builds every table.

    `mending` has what is known to be damaged in the parent. What only a person can publish is held instead, unless the
    same draft waits already.

    Raises:
        PublishError: An audit found something that must not be published; nothing was published.
        ConflictError: Another run published first.
    """
    run, snapshot = runtime.flow_run.id, new_snapshot_id(datetime.now(UTC))
    with _attempting(lake, run, snapshot) as attempt:
        with phase("build", "building tables"):
            draft, rejected = write_snapshot(lake, snapshot, parent, crawled, allow_shrink, is_rebuild, mending)
        if draft is not None:
            draft.require_sound()
        if draft is not None and questions(draft.findings):
            held = _hold(lake, draft, parent, crawled, allow_shrink, is_rebuild)
            _forget(lake, run, snapshot)
            return held
        if parent is not None and (draft is None or not draft.is_new(parent)):
            _forget(lake, run, snapshot)
            return Publication(parent, is_new=False, rejected=rejected)
        assert draft is not None, "without a parent everything is new"
        commit = _send(lake, run, attempt, draft.commit)
    drifts = new_drifts(commit, parent) if parent else ()
    return Publication(commit, True, draft.new_pokemon, rejected, drifts, parent)


def publish_restored(lake: LakeLocation, of: Commit, parent: Commit, note: Restored) -> Publication:
    """Publish an earlier snapshot again, as a new one on its parent, the current one; not if that has the same files.

    Raises:
        DamagedObjectError: A file of the earlier one is not what its commit says; nothing was published.
        ConflictError: Another run published first.
    """
    run, snapshot = runtime.flow_run.id, new_snapshot_id(datetime.now(UTC))
    with _attempting(lake, run, snapshot) as attempt:
        with phase("copy", f"copying {counted(len(of.keys()), 'file')} of {of.snapshot}"):
            commit = copy_snapshot(lake, snapshot, of, parent, note)
        if commit is None:
            _forget(lake, run, snapshot)
            return Publication(parent, is_new=False)
        return Publication(_send(lake, run, attempt, commit), is_new=True, parent=parent)


@contextmanager
def _attempting(lake: LakeLocation, run: str | None, snapshot: str) -> Iterator[Transaction]:
    """Note that a snapshot is being written; if the block fails, remove what was, unless its commit was sent."""
    with transaction() as attempt:
        attempt.set("lake", lake)
        attempt.set("snapshot", snapshot)
        attempt.set("is_sent", False)
        # Staged here, because the hooks of a task are not run when the task itself fails.
        attempt.stage(snapshot, on_rollback_hooks=[_remove])
        if run:
            note_attempt(lake.open(), run, snapshot)
        yield attempt


def _send(lake: LakeLocation, run: str | None, attempt: Transaction, commit: Commit) -> Commit:
    """Publish a snapshot that is written, and return its commit."""
    if run:
        claim_attempt(lake.open(), run, commit.snapshot)
    # This is no task: a task that fails rolls the attempt back before anybody can note what became of the commit.
    attempt.set("is_sent", True)
    try:
        with phase("publish", f"publishing {commit.snapshot}"):
            return commit_snapshot(lake.open(), commit)
    except (ConflictError, PublishError):
        attempt.set("is_sent", False)
        raise


@task(task_run_name="copy {of.snapshot}", cache_policy=NO_CACHE, persist_result=False, timeout_seconds=BUILD_SECONDS)
def copy_snapshot(lake: LakeLocation, snapshot: str, of: Commit, parent: Commit, note: Restored) -> Commit | None:
    """Copy the files of an earlier snapshot; return the commit that would publish it, None if nothing would change."""
    return write_restored(lake.open(), snapshot, of, parent, note, run_facts())


def _hold(
    lake: LakeLocation,
    draft: Draft,
    parent: Commit | None,
    crawled: Crawled,
    allow_shrink: Sequence[str],
    is_rebuild: bool,
) -> HeldDraft:
    """Hold a draft, or return the one that waits if it would publish the same tables on the same parent."""
    store = lake.open()
    before, on = waiting(store), parent.snapshot if parent else None
    if before is not None and (before.parent and before.parent.snapshot, _without_documents(before.files)) == (
        on,
        _without_documents(file_hashes(draft.commit.tables)),
    ):
        return before
    with phase("hold", f"holding {draft.commit.snapshot} for a verdict"):
        return hold(store, draft, parent, crawled, allow_shrink, is_rebuild)


def _without_documents(files: Mapping[str, str]) -> dict[str, str]:
    """Return the hashes of all files but the documents', which say when each was fetched."""
    return {name: hash_ for name, hash_ in files.items() if not name.startswith(f"{DOCUMENTS.name}/")}


def new_drifts(commit: Commit, parent: Commit) -> tuple[str, ...]:
    """Return the findings of a commit about the shape of its source that the parent did not have.

    One that differs only in its numbers is the same one, because documents come and go every night.
    """
    before = {_without_numbers(entry) for entry in parent.audits}
    found = [entry for entry in commit.audits if entry["rule"] in DRIFT_RULES and _without_numbers(entry) not in before]
    return tuple(f"{entry['subject']}: {entry['message']}" for entry in found)


def _without_numbers(entry: Mapping[str, Any]) -> tuple[str, str, str]:
    return entry["rule"], entry["subject"], re.sub(r"[\d,]+", "", entry["message"])


@task(task_run_name="build {snapshot}", cache_policy=NO_CACHE, persist_result=False, timeout_seconds=BUILD_SECONDS)
def write_snapshot(
    lake: LakeLocation,
    snapshot: str,
    parent: Commit | None,
    crawled: Crawled,
    allow_shrink: Sequence[str],
    is_rebuild: bool,
    mending: Mending | None,
) -> tuple[Draft | None, tuple[Failure, ...]]:
    """Write all files of a snapshot that no reader knows yet; the draft is None if nothing differs from the parent.

    With it come the documents that were fetched and that a table cannot take.
    """
    rejected: list[Failure] = []
    draft = write_draft(
        lake.open(),
        snapshot,
        parent,
        crawled,
        progress,
        allow_shrink,
        is_rebuild,
        run_facts(),
        rejected.extend,
        mending,
        RunUnits(lake),
    )
    return draft, tuple(rejected)


def _forget(lake: LakeLocation, run: str | None, snapshot: str) -> None:
    """Remove the written files of a snapshot that is not published, and the note on them."""
    remove_snapshot(lake.open(), snapshot)
    if run:
        forget_attempt(lake.open(), run, snapshot)


def _remove(attempt: Transaction) -> None:
    """Remove the written files, unless a commit was sent: its answer may be lost although the commit exists."""
    if not attempt.get("is_sent"):
        remove_snapshot(attempt.get("lake").open(), attempt.get("snapshot"))


def run_facts() -> dict[str, Any]:
    """Return the facts of this run that its commit keeps."""
    return {
        "flow_run_id": runtime.flow_run.id,
        "flow_run_name": runtime.flow_run.name,
        "deployment": runtime.deployment.name,
        "code_version": runtime.deployment.version,
    }
