"""A draft: a snapshot whose files are written and audited, and the commit that would publish it."""

from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import AbstractContextManager
from dataclasses import asdict, dataclass, replace
from datetime import UTC, datetime
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc

from lake import tables
from lake.assemble.audit import audit, kept_findings
from lake.assemble.build import Advance, BuiltGroup, Found, species_generations, write_group
from lake.assemble.merge import MergedResource, StoredFile, changed, document_files, merge_documents, open_documents
from lake.assemble.staging import Manifest, final_failures
from lake.assemble.work import Group, Work, cut_groups, plan_work, tables_in
from lake.commit import Commit, SourceFacts, TableFiles
from lake.documents import DOCUMENTS, DOCUMENTS_PARTITION
from lake.publish import Finding, SnapshotWriter, table_files
from lake.resource import Failure
from lake.store import PARALLEL_REQUESTS, Store
from lake.tables import Catalog, catalog_of

# Groups of tables that are built at the same time; each parses a few batches ahead and holds its files until they are
# written.
GROUPS_AT_ONCE = 2

# Shows progress: takes the name of the work and the number of its steps, yields a function that is told of each step.
Progress = Callable[[str, int], AbstractContextManager[Advance]]


@dataclass(frozen=True, slots=True)
class Crawled:
    """The result of a crawl: the facts of its source for the commit, the manifests of its shards, and its reach.

    A partial crawl asked for new documents only, so documents that could not be fetched before still count as such.
    `began` has the files of documents that the crawl began from, if another run has published since.
    """

    source: SourceFacts
    manifests: Sequence[Manifest]
    is_partial: bool = False
    began: Mapping[str, StoredFile] | None = None


@dataclass(frozen=True, slots=True)
class Draft:
    """A snapshot that waits for its commit: the commit, what the audits found, and the ids of new Pokémon."""

    commit: Commit
    findings: tuple[Finding, ...]
    new_pokemon: tuple[int, ...]


def write_draft(
    store: Store,
    snapshot: str,
    parent: Commit | None,
    crawled: Crawled,
    progress: Progress,
    allow_shrink: Collection[str] = (),
    is_rebuild: bool = False,
    run: Mapping[str, Any] | None = None,
) -> Draft | None:
    """Write and audit all files of a snapshot that no reader knows yet; None if nothing differs from the parent.

    A rebuild builds every table. `run` has the facts of the run that the commit keeps.

    Raises:
        StoreError: A staged object differs from its manifest, or a file of the parent from its commit.
    """
    catalog = catalog_of(crawled.source.kind)
    vanished = _vanished(parent, crawled.source)
    with progress("documents", sum(m.documents + m.unchanged for m in crawled.manifests)) as advance:
        dropped = vanished & set(allow_shrink)
        merged = merge_documents(
            store, snapshot, parent, crawled.manifests, catalog.kind, dropped, advance, crawled.began
        )
    work = _work(catalog, merged, None if is_rebuild else parent)
    if parent is not None and not changed(merged) and not work.tables:
        return None
    parsed = sum(item.after.file.rows for name, item in merged.items() if item.after and name in work.resources)
    with SnapshotWriter(store, snapshot, parent) as writer, progress("tables", parsed) as advance:
        writer.tables[DOCUMENTS.name] = _documents(writer, snapshot, merged)
        for table in tables_in(catalog, _held(merged), parent):
            if table.name not in work.tables:
                writer.carry(table.name)
        built, found = _build(store, snapshot, parent, merged, cut_groups(catalog, _held(merged), work), advance)
        writer.tables |= built
    allowed = allowed_to_shrink(catalog, allow_shrink)
    referenced = {resource for check in found.checks.values() for resource, _ in check.referenced().values()}
    ids = _ids(store, merged, referenced)
    findings = [
        *audit(parent, crawled.source, merged, ids, found, vanished, allowed),
        *kept_findings(parent, work),
    ]
    stale, missing = _failed(store, parent, crawled, merged)
    source = crawled.source
    if any(item.contested for item in merged.values()):
        # Nobody knows whose answers were younger, so the next run asks for all of them.
        source = replace(source, version=None)
    commit = Commit(
        seq=parent.seq + 1 if parent else 1,
        snapshot=snapshot,
        parent=parent.snapshot if parent else None,
        committed_at=datetime.now(UTC).isoformat(timespec="seconds"),
        tables=dict(sorted(writer.tables.items())),
        source=source,
        run=dict(run or {}),
        fingerprint=tables.fingerprint(),
        changes={name: dict(item.changes) for name, item in merged.items()},
        stale=tuple(stale),
        missing=tuple(missing),
        audits=tuple(asdict(finding) for finding in findings),
    )
    return Draft(commit, tuple(findings), _new_ids(store, merged.get("pokemon")) if parent else ())


def allowed_to_shrink(catalog: Catalog, names: Collection[str]) -> set[str]:
    """Return the tables and resources that may lose rows: those named, and the tables that a named resource fills."""
    return {*names, *(table.name for name in names for table in catalog.tables_of(name))}


def _vanished(parent: Commit | None, source: SourceFacts) -> set[str]:
    """Return the resources that the parent has and the source no longer lists."""
    return document_files(parent).keys() - source.listed if source.listed is not None else set()


def _held(merged: Mapping[str, MergedResource]) -> set[str]:
    """Return the resources that have documents in the snapshot."""
    return {name for name, item in merged.items() if item.after}


def _work(catalog: Catalog, merged: Mapping[str, MergedResource], parent: Commit | None) -> Work:
    added, deleted = ({name for name, item in merged.items() if item.changes[kind]} for kind in ("added", "deleted"))
    return plan_work(catalog, _held(merged), changed(merged), deleted, parent, added)


def _documents(writer: SnapshotWriter, snapshot: str, merged: Mapping[str, MergedResource]) -> TableFiles:
    """Carry over the documents that did not change, and describe the table of all documents."""
    stored = [item.after for item in merged.values() if item.after]
    for item in stored:
        if item.snapshot != snapshot:
            writer.copy(DOCUMENTS.name, item.file)
    return table_files(DOCUMENTS, DOCUMENTS_PARTITION, [item.file for item in stored])


def _build(
    store: Store,
    snapshot: str,
    parent: Commit | None,
    merged: Mapping[str, MergedResource],
    groups: Sequence[Group],
    advance: Advance,
) -> tuple[dict[str, TableFiles], Found]:
    """Build and write groups of tables, a few at a time, the one with the most bytes of documents first."""
    files = {name: item.after for name, item in merged.items() if item.after}
    species = files.get("pokemon-species")
    needed = species is not None and any(group.needs_generations for group in groups)
    generations = species_generations(open_documents(store, species)) if needed else {}

    def build(group: Group) -> BuiltGroup:
        return write_group(store, snapshot, parent, group, files, generations, advance)

    built, found = dict[str, TableFiles](), Found()
    by_size = sorted(groups, key=lambda group: -sum(files[name].file.bytes for name in group.parsed))
    with ThreadPoolExecutor(GROUPS_AT_ONCE, thread_name_prefix="group") as pool:
        for one in sorted(pool.map(build, by_size), key=lambda one: min(one.tables)):
            built |= one.tables
            found.add(one.found)
    return built, found


def _ids(store: Store, merged: Mapping[str, MergedResource], names: Iterable[str]) -> dict[str, pa.Array]:
    """Return the ids of the documents of some resources."""
    known = sorted(merged.keys() & set(names))
    with ThreadPoolExecutor(PARALLEL_REQUESTS) as pool:
        ids = pool.map(lambda name: open_documents(store, merged[name].after).ids(), known)
        return dict(zip(known, ids, strict=True))


def _failed(
    store: Store, parent: Commit | None, crawled: Crawled, merged: Mapping[str, MergedResource]
) -> tuple[list[Failure], list[Failure]]:
    """Return the documents that could not be fetched: those that keep an older version, and those that have none."""
    failed = final_failures(crawled.manifests)
    if parent is not None:
        source = crawled.source
        asked = set() if crawled.is_partial else set(source.resources) - source.refused.keys()
        again = {failure.path for failure in failed}
        failed += [
            failure
            for failure in (*parent.stale, *parent.missing)
            if failure.path not in again and failure.resource not in asked
        ]
    resources = sorted({failure.resource for failure in failed} & merged.keys())
    before, after = (
        {name: set(open_documents(store, getattr(merged[name], which)).ids().to_pylist()) for name in resources}
        for which in ("before", "after")
    )
    stale, missing = [], []
    for failure in failed:
        was_there = failure.id in before.get(failure.resource, ())
        is_there = failure.id in after.get(failure.resource, ())
        if was_there and is_there:
            stale.append(failure)
        elif not was_there and not is_there:
            missing.append(failure)
    return stale, missing


def _new_ids(store: Store, pokemon: MergedResource | None) -> tuple[int, ...]:
    """Return the ids of the Pokémon that the parent does not have."""
    if pokemon is None or not pokemon.changes["added"]:
        return ()
    before, after = (open_documents(store, stored).ids() for stored in (pokemon.before, pokemon.after))
    return tuple(after.filter(pc.invert(pc.is_in(after, before))).to_pylist())
