"""The flow that looks whether a lake is what its commits say."""

import json
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

from prefect import flow, task
from prefect.cache_policies import NO_CACHE
from prefect.client.schemas import State

from flows.steps.artifacts import artifact_key, create
from flows.steps.bar import progress
from flows.steps.ended import TELLING
from flows.steps.logs import harmless
from flows.steps.memory import return_freed_memory
from flows.steps.numbers import phase
from flows.steps.outcome import ended
from flows.steps.parameters import LakeLocation
from flows.steps.progress import CrawlReport, crawl_progress
from flows.steps.watch import run_name, watched
from lake import Lake
from lake.publish.damage import Verification
from lake.publish.verify import Progress
from lake.publish.verify import verify as look

# Ten years of snapshots of all of PokeAPI are 40 GB; a small container hashes 50 MB a second.
LONGEST_SECONDS = 4 * 60 * 60


@flow(
    name="verify",
    persist_result=False,
    flow_run_name=run_name,
    timeout_seconds=LONGEST_SECONDS,
    on_completion=TELLING,
    on_failure=TELLING,
    on_crashed=TELLING,
    on_cancellation=TELLING,
)
@watched
def verify(
    lake: LakeLocation = LakeLocation(),  # noqa: B008
    as_of: str | None = None,
    every: bool = False,
) -> State[Any]:
    """Compare what lies in the lake with its commits: each file of a snapshot is read whole, and hashed.

    Whatever snapshot is read, all commits must be readable and in their order, and have all their files, of the right
    sizes; what no commit names is named. A run ends well if all is whole. If something is damaged it fails, and its
    message and its artifact say what, where, and what to do. Nothing is written.

    Requires: the S3Bucket block of the lake, or `lake.bucket` and AWS credentials in the environment.

    Args:
        lake: Where the lake lies.
        as_of: A snapshot's name, a date (its end, UTC) or a time. Default: the current snapshot.
        every: Whether the files of all snapshots are read; snapshots share none.
    """
    return_freed_memory()
    found = verify_files(lake, as_of, every)
    show(lake, found)
    found.require_sound()
    return ended(found.line())


@task(task_run_name="verify files", cache_policy=NO_CACHE, persist_result=False)
def verify_files(lake: LakeLocation, as_of: str | None, every: bool) -> Verification:
    """Verify the lake, and the files of one snapshot or of all."""
    store = lake.open()
    snapshots = None if every else [Lake(store).commit(as_of).snapshot]
    with phase("verify", f"verifying {'all snapshots' if snapshots is None else snapshots[0]}"):
        return look(store, shown_in(lake.place()), snapshots)


def shown_in(place: str) -> Progress:
    """Return what shows how far the verification of a lake is: on a terminal, and the files by an artifact as well."""

    @contextmanager
    def show_progress(what: str, total: int) -> Iterator[Callable[[int], None]]:
        if what != "files":
            with progress(what, total) as advance:
                yield advance
            return
        with crawl_progress(CrawlReport(place, total, "verification", "file")) as note:
            yield lambda done: note(done, True)

    return show_progress


def show(lake: LakeLocation, found: Verification) -> None:
    """Show by an artifact all that is wrong, and what is foreign."""
    rows = [*(one.facts() for one in found.damages), *(one.facts() for one in found.foreign)]
    with harmless("what was verified"):
        create("table", artifact_key("verified", lake.place()), found.line(), json.dumps(rows))
