"""A draft: a snapshot whose files are written and audited, and the commit that would publish it."""

from collections.abc import Callable, Collection, Mapping, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from functools import cache, partial
from typing import Any

import pyarrow.compute as pc

from lake.address import either_scheme
from lake.assemble.audit import audit, kept_findings
from lake.assemble.build import Advance
from lake.assemble.failures import failed_documents, rejected_documents
from lake.assemble.groups import build_tables, described
from lake.assemble.index import Index
from lake.assemble.infer import fingerprint_of, infer, inferred_tables, typed
from lake.assemble.mend import Mending, damaged_files
from lake.assemble.merge import merge_documents
from lake.assemble.merged import MergedResource, Merging, changed, write_merged
from lake.assemble.shared import forget_shared
from lake.assemble.staging import Manifest, final_failures
from lake.assemble.stored import StoredFile, document_files
from lake.assemble.units import RunUnits, in_threads
from lake.assemble.work import Work, also_build, cut_groups, plan_work, tables_in
from lake.commit import Commit, SourceFacts
from lake.documents import DOCUMENT_INDEX
from lake.errors import DamagedObjectError, MissingObjectError, PublishError
from lake.layout import snapshot_folder
from lake.publish import Finding, Level, SnapshotWriter, refusals, remove_snapshot, same_files
from lake.resource import Failure
from lake.source import HELD_HOURS, TOLERANCES, Tolerances
from lake.store import Store
from lake.tables import Catalog
from lake.tables.inferred import UnassumedError

# Documents name it also where they come from a mirror.
POKEAPI_URL = "https://pokeapi.co/api/v2/"

# Shows progress: takes the name of the work and the number of its steps, yields a function that is told of each step.
Progress = Callable[[str, int], AbstractContextManager[Advance]]


@dataclass(frozen=True, slots=True)
class Crawled:
    """The result of a crawl: the facts of its source for the commit, the manifests of its shards, and its reach.

    A partial crawl asked for new documents only, so documents that could not be fetched before still count as such. Of
    the resources in `anew` it asked for every document, because their file in the lake is lost. `began` has the files
    of documents that the crawl began from, if another run has published since. `tolerances` and `held_hours` are
    settings of its source. `picked` has the ids of each resource that a crawl of single documents asked for.
    """

    source: SourceFacts
    manifests: Sequence[Manifest]
    is_partial: bool = False
    began: Mapping[str, tuple[StoredFile, ...]] | None = None
    anew: Collection[str] = ()
    tolerances: Tolerances = TOLERANCES
    picked: Mapping[str, Collection[int]] = field(default_factory=dict)
    held_hours: int = HELD_HOURS


@dataclass(frozen=True, slots=True)
class Draft:
    """A snapshot that waits for its commit: the commit, what the audits found, and the ids of new Pokémon.

    A repair takes the place of files that are missing or damaged in the bucket, so it is published although every file
    may equal the parent's.
    """

    commit: Commit
    findings: tuple[Finding, ...]
    new_pokemon: tuple[int, ...]
    is_repair: bool = False

    def require_sound(self) -> None:
        """Raise `PublishError` if an audit found what must not be published, whoever allows it."""
        if any(finding.level == Level.BLOCK for finding in self.findings):
            raise PublishError(self.commit.snapshot, self.commit.parent, refusals(self.findings))

    def is_new(self, parent: Commit | None) -> bool:
        """Tell whether there is something to publish: another file than the parent's, or one that is repaired."""
        return self.is_repair or not same_files(self.commit.tables, parent)


def write_draft(
    store: Store,
    snapshot: str,
    parent: Commit | None,
    crawled: Crawled,
    progress: Progress,
    allow_shrink: Collection[str] = (),
    is_rebuild: bool = False,
    run: Mapping[str, Any] | None = None,
    note_rejected: Callable[[list[Failure]], None] = lambda failures: None,
    mending: Mending | None = None,
    run_units: RunUnits = in_threads,
) -> Draft | None:
    """Write and audit all files of a snapshot that no reader knows yet; None if nothing differs from the parent.

    A rebuild builds every table. `run` has the facts of the run that the commit keeps. A fetched document that a table
    cannot take as it is keeps its last good version; `note_rejected` is told of these. Tables whose files at hand are
    missing or damaged are built anew. Both are known only when it has been tried, and then everything is written anew,
    unless `mending` knows what is damaged, because somebody has read all files. So it is where documents have more than
    was assumed of them. `run_units` does the units of work.

    Raises:
        StoreError: A staged object differs from its manifest, or documents at hand are lost that were not fetched anew.
    """
    rejected, whole = dict[str, Failure](), set[str]()
    while True:
        listed = list(store.list(snapshot_folder(parent.snapshot))) if parent is not None else []
        if mending is None:
            mending = Mending(damaged=damaged_files(store, parent, is_read=is_rebuild, listed=listed))
        if parent is not None:
            gone = _vanished(parent, crawled.source) & set(allow_shrink)
            fetched = set(crawled.anew) - crawled.source.refused.keys()
            mending.require_fetched(store, parent, fetched, gone)
        try:
            draft, faults = _attempt(
                SnapshotWriter(store, snapshot, parent, listed),
                parent,
                crawled,
                progress,
                allow_shrink,
                is_rebuild,
                run,
                mending,
                rejected,
                run_units,
                whole,
            )
        except UnassumedError as error:
            whole.update(error.args)
        except (DamagedObjectError, MissingObjectError):
            damaged = {**mending.damaged, **damaged_files(store, parent, is_read=True)}
            if damaged == mending.damaged:
                raise
            mending = replace(mending, damaged=damaged)
        else:
            if not faults:
                note_rejected(list(rejected.values()))
                return draft
            rejected |= {failure.path: failure for failure in faults}
            mending = mending.rejecting(faults)
        remove_snapshot(store, snapshot)


def _attempt(
    writer: SnapshotWriter,
    parent: Commit | None,
    crawled: Crawled,
    progress: Progress,
    allow_shrink: Collection[str],
    is_rebuild: bool,
    run: Mapping[str, Any] | None,
    mending: Mending,
    rejected: Mapping[str, Failure],
    run_units: RunUnits,
    whole: Collection[str],
) -> tuple[Draft | None, list[Failure]]:
    """Write and audit all files; if documents that the crawl brought are at fault, return them, and no draft.

    Raises:
        UnassumedError: Some resources, which it names, have documents unlike those that were looked at.
    """
    store, snapshot, source = writer.store, writer.snapshot, crawled.source
    # Nearly all refreshes change nothing, and need none of them.
    inferred = cache(partial(inferred_tables, store, parent))
    vanished = _vanished(parent, source)
    with progress("documents", sum(m.documents + m.unchanged for m in crawled.manifests)) as advance:
        dropped = vanished & set(allow_shrink)
        merging = merge_documents(
            store,
            snapshot,
            parent,
            crawled.manifests,
            source.kind,
            dropped,
            advance,
            crawled.began,
            mending,
            run_units,
            inferred,
        )
    merged = merging.resources
    now = source.kind, fingerprint_of(source)
    is_anew = is_rebuild or parent is None or (parent.source.kind, parent.fingerprint) != now
    if not (is_anew or changed(merged) or mending.tables or mending.damaged):
        return None, []
    looked_at = {name: item.after for name, item in merged.items() if item.after and (is_anew or item.is_changed)}
    inference = infer(store, snapshot, source, inferred(), looked_at, run_units, whole)
    catalog = inference.catalog
    work = _work(catalog, merged, None if is_rebuild else parent)
    work = also_build(catalog, _held(merged), work, mending.tables)
    parsed = sum(item.rows for name, item in merged.items() if name in work.resources)
    bases = bases_of(source, parent)
    with writer, progress("tables", parsed) as advance:
        index = merging.index_after(is_rebuild)
        forget_shared(store, merging.staged)
        write_merged(writer, snapshot, merging, index, is_rebuild or DOCUMENT_INDEX.name in mending.damaged)
        for declared in tables_in(catalog, _held(merged), parent):
            if declared.name not in work.tables:
                writer.carry(declared.name)
        groups = cut_groups(catalog, _held(merged), work)
        at_hand = writer.listed(work.tables)
        built = build_tables(
            store,
            snapshot,
            catalog,
            at_hand,
            merging,
            index,
            groups,
            bases,
            advance,
            run_units,
            inference.assumed,
        )
        for name, table in ((name, table) for result in built for name, table in result.tables.items()):
            writer.tables[name] = described(writer, catalog.table(name), table)
    faults = [fault for result in built for fault in result.faults]
    if faulty := list(rejected_documents(store, merged, faults)):
        return None, faulty
    allowed = allowed_to_shrink(catalog, allow_shrink)
    findings = [
        *inference.findings,
        *typed(parent, catalog),
        *audit(store, catalog, parent, source, merged, built, vanished, allowed, crawled.tolerances),
        *mending.findings(parent),
        *kept_findings(parent, work),
    ]
    failed = [*final_failures(crawled.manifests), *rejected.values()]
    stale, missing = failed_documents(parent, source, crawled.is_partial, failed, merging, index, crawled.picked)
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
        fingerprint=fingerprint_of(source),
        changes={name: dict(item.changes) for name, item in merged.items()},
        stale=tuple(stale),
        missing=tuple(missing),
        audits=tuple(finding.entry() for finding in findings),
    )
    new_pokemon = _new_pokemon(merging, index) if parent else ()
    return Draft(commit, tuple(findings), new_pokemon, bool(mending.damaged)), []


def bases_of(source: SourceFacts, parent: Commit | None = None) -> frozenset[str]:
    """Return the addresses below which references must lie: PokeAPI's, the source's, that of the crawl before it."""
    urls = (POKEAPI_URL, source.base_url, parent.source.base_url if parent else "")
    return frozenset().union(*(either_scheme(url) for url in urls))


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


def _new_pokemon(merging: Merging, index: Index) -> tuple[int, ...]:
    """Return the ids of the Pokémon that the parent does not have."""
    pokemon = merging.resources.get("pokemon")
    if pokemon is None or not pokemon.before or not pokemon.changes["added"]:
        return ()
    before, after = merging.ids_before("pokemon"), index.ids("pokemon")
    return tuple(after.filter(pc.invert(pc.is_in(after, before))).to_pylist())
