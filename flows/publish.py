"""The tasks that publish: write a snapshot's files, audit them, and commit, as one transaction."""

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from typing import Any

from prefect import runtime, task
from prefect.cache_policies import NO_CACHE
from prefect.transactions import Transaction, get_transaction, transaction

from flows.build import Manifest, SnapshotBuilder
from flows.crawl import failures
from flows.parameters import LakeLocation
from flows.progress import progress
from lake import tables
from lake.commit import Commit
from lake.errors import ConflictError, PublishError
from lake.layout import new_snapshot_id
from lake.publish import (
    Finding,
    Level,
    SnapshotWriter,
    audit_run,
    commit_snapshot,
    remove_snapshot,
    same_files,
)


@dataclass(frozen=True, slots=True)
class Publication:
    """What publishing came to: the commit that readers see, and whether this run made it."""

    commit: Commit
    is_new: bool


def publish(
    lake: LakeLocation,
    parent: Commit | None,
    source: dict[str, Any],
    manifests: Sequence[Manifest],
    allow_shrink: Sequence[str],
) -> Publication:
    """Write, audit and publish a snapshot of the parent's documents and the crawl's.

    Raises:
        PublishError: An audit found something that must not be published unasked; nothing was.
        ConflictError: Another run published first.
    """
    with transaction():
        draft, findings = write_snapshot(lake, parent, source, manifests, allow_shrink)
        refused = [finding for finding in findings if finding.level != Level.WARN]
        if refused:
            raise PublishError(draft.snapshot, parent.snapshot if parent else None, [str(f) for f in refused])
        if parent is not None and same_files(draft.tables, parent):
            remove_snapshot(lake.open(), draft.snapshot)
            return Publication(parent, is_new=False)
        commit(lake, draft)
    return Publication(draft, is_new=True)


@task(cache_policy=NO_CACHE, persist_result=False)
def write_snapshot(
    lake: LakeLocation,
    parent: Commit | None,
    source: dict[str, Any],
    manifests: Sequence[Manifest],
    allow_shrink: Sequence[str],
) -> tuple[Commit, list[Finding]]:
    """Write all files of a snapshot that no reader knows yet; return its commit, not yet created, and the findings."""
    store = lake.open()
    snapshot = new_snapshot_id(datetime.now(UTC))
    current = get_transaction()
    if current is not None:
        current.set("lake", lake)
        current.set("snapshot", snapshot)
    builder = SnapshotBuilder(store, parent, manifests)
    allowed = allowed_to_shrink(allow_shrink, builder.resources)
    total = sum(manifest["documents"] + manifest["unchanged"] for manifest in manifests)
    with progress("publish", total) as advance, SnapshotWriter(store, snapshot) as writer:
        outcome = builder.build(writer, allowed, advance)
    failed = failures(manifests)
    stale = [entry for entry in failed if entry["id"] in outcome.ids_before[entry["resource"]]]
    missing = [entry for entry in failed if entry not in stale]
    findings = outcome.findings + audit_run(
        source["answers"],
        outcome.deleted,
        {resource: len(ids) for resource, ids in outcome.ids_before.items()},
        allowed,
    )
    draft = Commit(
        seq=parent.seq + 1 if parent else 1,
        snapshot=snapshot,
        parent=parent.snapshot if parent else None,
        committed_at=datetime.now(UTC).isoformat(timespec="seconds"),
        tables=writer.tables,
        source={**source, "json_bytes": outcome.json_bytes},
        run=run_facts(),
        fingerprint=tables.fingerprint(),
        changes=outcome.changes,
        stale=tuple(stale),
        missing=tuple(missing),
        audits=tuple(asdict(finding) for finding in findings),
    )
    return draft, findings


def allowed_to_shrink(names: Sequence[str], resources: Sequence[str]) -> set[str]:
    """Return the tables and resources that may lose rows: those named, and what a named resource fills."""
    filled = {table.name for name in names for table in tables.tables_of(name)}
    return {*names, *filled, *(["documents"] if set(names) & set(resources) else [])}


@write_snapshot.on_rollback
def _remove(current: Transaction) -> None:
    """Remove what was written, unless a commit was sent: its answer may be lost although the commit exists."""
    if current.get("snapshot", None) and not _SENT.get(current.get("snapshot")):
        remove_snapshot(current.get("lake").open(), current.get("snapshot"))


# Snapshots whose commit was sent, with False for those that another writer's commit kept out.
_SENT: dict[str, bool] = {}


@task(cache_policy=NO_CACHE, persist_result=False)
def commit(lake: LakeLocation, draft: Commit) -> None:
    """Publish a snapshot that is written and audited."""
    _SENT[draft.snapshot] = True
    try:
        commit_snapshot(lake.open(), draft)
    except (ConflictError, PublishError):
        _SENT[draft.snapshot] = False
        raise


def run_facts() -> dict[str, Any]:
    """Return what a commit says of the run that made it."""
    return {
        "flow_run_id": runtime.flow_run.id,
        "flow_run_name": runtime.flow_run.name,
        "deployment": runtime.deployment.name,
        "code_version": runtime.deployment.version,
    }
