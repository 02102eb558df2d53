"""The tasks that publish: write a snapshot's files, audit them, and commit, as one transaction."""

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from typing import Any

import pyarrow.compute as pc
from prefect import runtime, task
from prefect.cache_policies import NO_CACHE
from prefect.transactions import Transaction, transaction

from flows.steps.parameters import LakeLocation
from flows.steps.progress import progress
from lake import documents, tables
from lake.assemble.audit import audit, kept_findings
from lake.assemble.build import build_tables, plan_work, rows_of_resources, tables_in
from lake.assemble.merge import Merged, changed, document_files, merge_documents
from lake.assemble.staging import Manifest, failures
from lake.commit import Commit
from lake.documents import DOCUMENTS
from lake.errors import ConflictError, PublishError
from lake.layout import new_snapshot_id
from lake.publish import Finding, Level, SnapshotWriter, commit_snapshot, remove_snapshot, same_files


@dataclass(frozen=True, slots=True)
class Crawled:
    """What a crawl came to: what a commit says of its source, the manifests of its shards, and whether it was partial.

    A partial crawl asked for new documents only, so what could not be fetched before still counts as such.
    """

    source: Mapping[str, Any]
    manifests: Sequence[Manifest]
    is_partial: bool = False


@dataclass(frozen=True, slots=True)
class Publication:
    """What publishing came to: the commit that readers see, whether this run made it, and the ids of new Pokémon."""

    commit: Commit
    is_new: bool
    new_pokemon: tuple[int, ...] = ()


def publish(
    lake: LakeLocation,
    parent: Commit | None,
    crawled: Crawled,
    allow_shrink: Sequence[str] = (),
    is_rebuild: bool = False,
) -> Publication:
    """Write, audit and publish a snapshot of the parent's documents and the crawl's; a rebuild builds every table.

    Raises:
        PublishError: An audit found something that must not be published unasked; nothing was.
        ConflictError: Another run published first.
    """
    snapshot = new_snapshot_id(datetime.now(UTC))
    with transaction() as attempt:
        attempt.set("lake", lake)
        attempt.set("snapshot", snapshot)
        # Staged here, for the hooks of a task are not run when the task itself fails.
        attempt.stage(snapshot, on_rollback_hooks=[_remove])
        written = write_snapshot(lake, snapshot, parent, crawled, allow_shrink, is_rebuild)
        if written is None:
            assert parent is not None
            return Publication(parent, is_new=False)
        draft, findings, new_pokemon = written
        refused = [finding for finding in findings if finding.level != Level.WARN]
        if refused:
            raise PublishError(draft.snapshot, parent.snapshot if parent else None, [str(f) for f in refused])
        if parent is not None and same_files(draft.tables, parent):
            remove_snapshot(lake.open(), draft.snapshot)
            return Publication(parent, is_new=False)
        commit(lake, draft)
    return Publication(draft, is_new=True, new_pokemon=new_pokemon if parent else ())


@task(cache_policy=NO_CACHE, persist_result=False)
def write_snapshot(
    lake: LakeLocation,
    snapshot: str,
    parent: Commit | None,
    crawled: Crawled,
    allow_shrink: Sequence[str],
    is_rebuild: bool,
) -> tuple[Commit, list[Finding], tuple[int, ...]] | None:
    """Write all files of a snapshot that no reader knows yet; None where nothing differs from the parent.

    Returns its commit, not yet created, what the audits found, and the ids of Pokémon that the parent did not have.
    """
    store = lake.open()
    kind = crawled.source["kind"]
    allowed = allowed_to_shrink(allow_shrink, kind)
    vanished = document_files(parent).keys() - set(crawled.source["listed"])
    with progress("documents", sum(m["documents"] + m["unchanged"] for m in crawled.manifests)) as advance:
        merged = merge_documents(store, parent, crawled.manifests, kind, vanished & set(allow_shrink), advance)
    files = {name: item.documents for name, item in merged.items() if item.file}
    altered = changed(merged)
    added = {name for name, item in merged.items() if item.changes["added"]}
    deleted = {name for name, item in merged.items() if item.changes["deleted"]}
    work = plan_work(kind, files, altered, deleted, None if is_rebuild else parent, added)
    if parent is not None and not altered and not work.tables:
        return None
    with (
        progress(
            "tables", sum(item.file.rows for n, item in merged.items() if item.file and n in work.resources)
        ) as done,
        SnapshotWriter(store, snapshot, parent) as writer,
    ):
        writer.add(DOCUMENTS, documents.PARTITION, [item.file for item in merged.values() if item.file])
        found = build_tables(
            kind,
            files,
            work,
            lambda table, encoded, nulls: writer.add(table, table.partition, encoded, nulls),
            lambda table, resources: rows_of_resources(store, parent, table, resources),
            done,
        )
        for table in tables_in(kind, files, parent):
            if table.name not in work.tables:
                writer.carry(table.name)
    findings = [*audit(parent, crawled.source, merged, found, vanished, allowed), *kept_findings(parent, work)]
    stale, missing = _failed(parent, crawled, merged)
    draft = Commit(
        seq=parent.seq + 1 if parent else 1,
        snapshot=snapshot,
        parent=parent.snapshot if parent else None,
        committed_at=datetime.now(UTC).isoformat(timespec="seconds"),
        tables=dict(sorted(writer.tables.items())),
        source=dict(crawled.source),
        run=run_facts(),
        fingerprint=tables.fingerprint(),
        changes={name: dict(item.changes) for name, item in merged.items()},
        stale=tuple(stale),
        missing=tuple(missing),
        audits=tuple(asdict(finding) for finding in findings),
    )
    return draft, findings, _new_ids(merged.get("pokemon"))


def allowed_to_shrink(names: Sequence[str], kind: str) -> set[str]:
    """Return the tables and resources that may lose rows: those named, and what a named resource fills."""
    return {*names, *(table.name for name in names for table in tables.tables_of(name, kind))}


def _failed(
    parent: Commit | None, crawled: Crawled, merged: Mapping[str, Merged]
) -> tuple[list[dict[str, Any]], list[dict[str, Any]]]:
    """Return the documents that could not be fetched: those that keep an older version, and those that have none."""
    failed = failures(crawled.manifests)
    if parent is not None:
        asked = set() if crawled.is_partial else set(crawled.source["resources"]) - crawled.source["refused"].keys()
        again = {entry["path"] for entry in failed}
        failed += [
            entry
            for entry in (*parent.stale, *parent.missing)
            if entry["path"] not in again and entry["resource"] not in asked
        ]
    stale, missing = [], []
    for entry in failed:
        item = merged.get(entry["resource"])
        was_there = item is not None and entry["id"] in item.parent.at_hand()
        is_there = item is not None and entry["id"] in item.documents.at_hand()
        if was_there and is_there:
            stale.append(entry)
        elif not was_there and not is_there:
            missing.append(entry)
    return stale, missing


def _new_ids(pokemon: Merged | None) -> tuple[int, ...]:
    if pokemon is None:
        return ()
    ids = pokemon.documents.ids()
    return tuple(ids.filter(pc.invert(pc.is_in(ids, pokemon.parent.ids()))).to_pylist())


def _remove(attempt: Transaction) -> None:
    """Remove what was written, unless a commit was sent: its answer may be lost although the commit exists."""
    if not _SENT.get(attempt.get("snapshot")):
        remove_snapshot(attempt.get("lake").open(), attempt.get("snapshot"))


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
