"""The flow that builds the tables of a snapshot from its documents alone."""

from collections.abc import Iterable, Sequence
from typing import Any

import pyarrow as pa
from prefect import flow, task
from prefect.cache_policies import NO_CACHE
from prefect.client.schemas import State

from flows.steps.bar import progress
from flows.steps.ended import PUBLISHING, TELLING
from flows.steps.events import announce
from flows.steps.gate import held_back, verdict_first
from flows.steps.memory import return_freed_memory
from flows.steps.outcome import Outcome, ended
from flows.steps.parameters import LakeLocation
from flows.steps.publish import publish
from flows.steps.runner import Runner, distributed
from flows.steps.watch import run_name, watched
from lake.assemble.build import build_group, species_generations
from lake.assemble.draft import Crawled, bases_of
from lake.assemble.held import HeldDraft
from lake.assemble.index import Index, index_of_files, write_index
from lake.assemble.infer import infer, inferred_tables
from lake.assemble.mend import damaged_files
from lake.assemble.stored import document_files, open_documents
from lake.assemble.units import in_threads
from lake.assemble.work import Work, cut_groups, tables_in
from lake.commit import Commit, DataFile, head
from lake.documents import DOCUMENT_INDEX, DOCUMENTS
from lake.publish import EncodedFile
from lake.read.history import History
from lake.schema import Table
from lake.text import counted, shown

# Files that a state's message names.
NAMED_FILES = 10


# All of PokeAPI is read, built and compared within five minutes.
LONGEST_SECONDS = 2 * 60 * 60


@flow(
    name="rebuild",
    persist_result=False,
    flow_run_name=run_name,
    timeout_seconds=LONGEST_SECONDS,
    on_completion=TELLING,
    on_failure=PUBLISHING,
    on_crashed=PUBLISHING,
    on_cancellation=PUBLISHING,
)
@watched
@distributed
def rebuild(
    lake: LakeLocation = LakeLocation(),  # noqa: B008
    as_of: str | None = None,
    runner: Runner = "",
) -> State[Any]:
    """Build the tables of a snapshot from its documents; publish them if it is the current one and they differ.

    The tables of an earlier snapshot are compared with the published ones, and nothing is written, because published
    files never change. The same documents and the same code give the same bytes. A rebuild ends as published, as
    unchanged, or as different when the tables of an earlier snapshot differ. One whose audits ask waits for a verdict.

    Requires: the S3Bucket block of the lake, or `lake.bucket` and AWS credentials in the environment.

    Args:
        lake: Where the lake lies.
        as_of: A snapshot's name, a date (its end, UTC) or a time. Default: the current snapshot.
        runner: Where tasks work, as for a refresh.
    """
    return_freed_memory()
    if (state := verdict_first(lake)) is not None:
        return state
    store = lake.open()
    snapshot = History(store).commit(as_of)
    if snapshot == head(store):
        publication = publish(lake, snapshot, Crawled(snapshot.source, (), is_partial=True), is_rebuild=True)
        if isinstance(publication, HeldDraft):
            return held_back(lake, publication)
        if publication.is_new:
            announce(lake, publication.commit, snapshot, {})
            return ended(f"published {publication.commit.snapshot}, rebuilt from {snapshot.snapshot}")
        return ended(f"every file of {snapshot.snapshot} is unchanged", Outcome.UNCHANGED)
    if damaged := damaged_files(store, snapshot, is_read=True):
        files = [f"{name}/{file.name}" for name, found in damaged.items() for file in found]
        return ended(
            f"{counted(len(files), 'file')} of {snapshot.snapshot} missing or damaged in the bucket; nothing was"
            f" written, because published files never change: {', '.join(files[:NAMED_FILES])}",
            Outcome.DIFFERENT,
        )
    differing = rebuild_tables(lake, snapshot)
    if not differing:
        return ended(f"every file of {snapshot.snapshot} is unchanged", Outcome.UNCHANGED)
    return ended(
        f"{len(differing)} of {len(snapshot.tables)} tables of {snapshot.snapshot} differ when this code builds them;"
        f" nothing was written: {', '.join(map(shown, differing))}",
        Outcome.DIFFERENT,
    )


@task(task_run_name="build {snapshot.snapshot} again", cache_policy=NO_CACHE, persist_result=False)
def rebuild_tables(lake: LakeLocation, snapshot: Commit) -> list[str]:
    """Build every table of a snapshot, and return those whose files differ from the published ones; none is kept."""
    store, bases = lake.open(), bases_of(snapshot.source)
    stored = document_files(snapshot)
    catalog = infer(store, "", snapshot.source, inferred_tables(store, snapshot), stored, in_threads).catalog
    documents = {resource: open_documents(store, file) for resource, file in stored.items()}
    built = {DOCUMENTS.name: _hashes(snapshot.tables[DOCUMENTS.name].files)}
    if DOCUMENT_INDEX.name in snapshot.tables:
        index = Index({resource: index_of_files(store, files) for resource, files in stored.items()})
        built[DOCUMENT_INDEX.name] = _hashes(write_index(index, lambda file: None))

    every = Work(frozenset(table.name for table in tables_in(catalog, stored, snapshot)), frozenset(stored))
    generations = species_generations(open_documents(store, stored.get("pokemon-species", ())), bases)
    with progress("tables", sum(item.file.rows for files in stored.values() for item in files)) as advance:
        for group in cut_groups(catalog, stored, every):
            found = build_group(catalog, group, documents, generations, _forget, _no_rows, advance, bases)
            built |= {name: _hashes(files) for name, files in found.files.items()}
    names = built.keys() | snapshot.tables.keys()
    published = {name: _hashes(table.files) for name, table in snapshot.tables.items()}
    return sorted(name for name in names if built.get(name) != published.get(name))


def _hashes(files: Iterable[DataFile]) -> dict[str, str]:
    return {file.name: file.sha256 for file in files}


def _forget(table: Table, file: EncodedFile) -> None:
    """Keep nothing of a file: its hash tells whether it is the published one."""


def _no_rows(table: Table, resources: Sequence[str]) -> Iterable[pa.Table]:
    raise AssertionError(f"{table.name}: the rows of {', '.join(resources)} must be built from documents")
