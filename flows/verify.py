"""The flow that looks whether a lake is what its commits say."""

import json
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from typing import Any

from prefect import flow, task
from prefect.cache_policies import NO_CACHE
from prefect.client.schemas import State

from flows.steps.artifacts import artifact_key, create
from flows.steps.bar import progress
from flows.steps.ended import PUBLISHING, TELLING
from flows.steps.events import announce
from flows.steps.gate import held_back, verdict_first
from flows.steps.logs import harmless, note
from flows.steps.memory import return_freed_memory
from flows.steps.numbers import phase
from flows.steps.outcome import again_if_beaten, ended
from flows.steps.parameters import LakeLocation
from flows.steps.progress import CrawlReport, crawl_progress
from flows.steps.publish import Publication, publish
from flows.steps.watch import run_name, watched
from lake import tables
from lake.assemble.draft import Crawled
from lake.assemble.held import HeldDraft
from lake.assemble.infer import fingerprint_of, inferred_tables
from lake.assemble.mend import Mending, twins_of
from lake.commit import Commit, DataFile, head
from lake.documents import DOCUMENT_INDEX, DOCUMENTS
from lake.publish.damage import Verification
from lake.publish.fields import restore_fields
from lake.publish.verify import Progress
from lake.publish.verify import verify as look
from lake.read.history import History
from lake.store import Store
from lake.text import counted, listed

# Ten years of snapshots of all of PokeAPI are 40 GB; a small container hashes 50 MB a second.
LONGEST_SECONDS = 4 * 60 * 60

# Files that a state's message names.
NAMED_FILES = 10


@flow(
    name="verify",
    persist_result=False,
    flow_run_name=run_name,
    timeout_seconds=LONGEST_SECONDS,
    on_completion=TELLING,
    on_failure=PUBLISHING,
    on_crashed=PUBLISHING,
    on_cancellation=PUBLISHING,
)
@watched
def verify(
    lake: LakeLocation = LakeLocation(),  # noqa: B008
    as_of: str | None = None,
    every: bool = False,
    repair: bool = False,
) -> State[Any]:
    """Compare what lies in the lake with its commits: each file of a snapshot is read whole, and hashed.

    Whatever snapshot is read, all commits must be readable and in their order, and have all their files, of the right
    sizes; what no commit names is named. A run ends well if all is whole, or if later snapshots have
    repaired what is not, unless `as_of` names it. If something is damaged it fails, and its message and its artifact
    say what, where, and what to do. Nothing is written, unless it is to repair, also while runs are frozen: then the
    current snapshot is published anew, as a new one, in which damaged tables are built from the documents, and damaged
    documents are taken from another snapshot that has the same file whole; a list of fields that is missing is stored.

    Requires: the S3Bucket block of the lake, or `lake.bucket` and AWS credentials in the environment.

    Args:
        lake: Where the lake lies.
        as_of: A snapshot's name, a date (its end, UTC) or a time. Default: the current snapshot.
        every: Whether the files of all snapshots are read; snapshots share none.
        repair: Whether the current snapshot is published anew if a file of it is missing or damaged.

    Raises:
        UnsoundError: Something is damaged, or still is after the repair.
        StoreError: Documents are damaged, and no other snapshot has them whole; nothing was published.
    """
    return_freed_memory()
    if repair and (state := verdict_first(lake)) is not None:
        return state
    return again_if_beaten(lambda: _verify(lake, as_of, every, repair), "verifying its snapshot")


def _verify(lake: LakeLocation, as_of: str | None, every: bool, repair: bool) -> State[Any]:
    found = verify_files(lake, as_of, every, repair)
    show(lake, found)
    if repair and (fields := restored_fields(lake.open(), found)):
        note(f"stored anew: {', '.join(listed(fields, NAMED_FILES))}")
        found = found.without(fields)
    current = head(lake.open()) if repair else None
    if current is None or not (damaged := found.damaged(current.snapshot)):
        found.require_sound()
        return ended(found.said())
    publication = publish_repaired(lake, current, damaged)
    if isinstance(publication, HeldDraft):
        return held_back(lake, publication)
    commit = publication.commit
    announce(lake, commit, current, {})
    files = [f"{table}/{file.name}" for table, every_file in damaged.items() for file in every_file]
    said = (
        f"published {commit.snapshot}, which repairs {counted(len(files), 'file')} of {current.snapshot}:"
        f" {', '.join(listed(files, NAMED_FILES))}"
    )
    note(said)
    found.repaired_in(commit.snapshot, current.snapshot).require_sound()
    return ended(said)


def restored_fields(store: Store, found: Verification) -> list[str]:
    """Store the lists of fields anew that are missing and can be made; return where each lies."""
    inferred = [table.table() for table in inferred_tables(store, head(store))]
    return restore_fields(store, found.damages, (*tables.TABLES, DOCUMENTS, DOCUMENT_INDEX, *inferred))


def publish_repaired(
    lake: LakeLocation, current: Commit, damaged: Mapping[str, tuple[DataFile, ...]]
) -> Publication | HeldDraft:
    """Publish a snapshot anew; what code of another version has built, this one builds wholly."""
    twins = twins_of(lake.open(), current, damaged)
    crawled = Crawled(current.source, (), is_partial=True)
    is_rebuild = current.fingerprint != fingerprint_of(current.source)
    return publish(lake, current, crawled, is_rebuild=is_rebuild, mending=Mending(damaged=damaged, twins=twins))


@task(task_run_name="verify files", cache_policy=NO_CACHE, persist_result=False)
def verify_files(lake: LakeLocation, as_of: str | None, every: bool, repair: bool) -> Verification:
    """Verify the lake, and the files of one snapshot or of all; those of the current one, if it is to be repaired."""
    store = lake.open()
    readers = History(store)
    names = [None] if every else [as_of, None] if repair else [as_of]
    snapshots = {readers.commit(name).snapshot for name in names}
    with phase("verify", f"verifying {'all snapshots' if every else ', '.join(sorted(snapshots))}"):
        # The role of a task may list the lake's folders alone.
        return look(store, shown_in(lake.place()), None if every else snapshots, looks_beside=False)


def shown_in(place: str) -> Progress:
    """Return what shows how far the verification of a lake is: on a terminal, and the files by an artifact as well."""

    @contextmanager
    def show_progress(what: str, total: int) -> Iterator[Callable[[int], None]]:
        if what != "files":
            with progress(what, total) as advance:
                yield advance
            return
        with crawl_progress(CrawlReport(place, total, "verification", "file", emits=False)) as note:
            yield lambda done: note(done, True)

    return show_progress


def show(lake: LakeLocation, found: Verification) -> None:
    """Show by an artifact all that is wrong, and what is foreign."""
    rows = [*(one.facts() for one in found.damages), *(one.facts() for one in found.foreign)]
    with harmless("what was verified"):
        create("table", artifact_key("verified", lake.place()), found.line(), json.dumps(rows))
