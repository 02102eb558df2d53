"""The flow that removes garbage, and forgets old snapshots if it is told to."""

import re
from collections.abc import Callable, Iterator, Sequence
from datetime import timedelta
from typing import Annotated, Any, TypeVar

from prefect import flow, task
from prefect.artifacts import create_table_artifact
from prefect.cache_policies import NO_CACHE
from prefect.client.orchestration import get_client
from prefect.client.schemas import State
from prefect.client.schemas.filters import FlowRunFilter
from prefect.client.schemas.responses import DeploymentResponse
from prefect.client.schemas.sorting import DeploymentSort, FlowRunSort
from pydantic import Field

from blocks.knobs import is_frozen
from flows.steps.ended import TELLING
from flows.steps.held import clean_drafts
from flows.steps.logs import note
from flows.steps.outcome import Outcome, ended, frozen
from flows.steps.parameters import LakeLocation
from flows.steps.predecessors import follow_predecessors
from flows.steps.watch import UNFINISHED, run_name, watched
from lake.catalogued import named_by_catalogs
from lake.errors import LakeError
from lake.layout import CODE
from lake.publish.garbage import GRACE, Expired, Garbage, find_expired, find_garbage, forget, remove
from lake.store import Store
from lake.text import counted, shown

GRACE_HOURS = GRACE // timedelta(hours=1)

# The documents that a killed run staged serve its successors for a day; a shorter grace period would remove them.
GraceHours = Annotated[int, Field(ge=24)]
Keep = Annotated[int, Field(ge=1)]

# The most deployments or runs that Prefect returns at once.
PAGE = 200

_T = TypeVar("_T")


# A maintain deletes a thousand objects a second; the first one of an old lake has a million.
LONGEST_SECONDS = 2 * 60 * 60


@flow(
    name="maintain",
    persist_result=False,
    flow_run_name=run_name,
    timeout_seconds=LONGEST_SECONDS,
    on_completion=TELLING,
    on_failure=TELLING,
    on_crashed=TELLING,
    on_cancellation=TELLING,
)
@watched
def maintain(
    lake: LakeLocation = LakeLocation(),  # noqa: B008
    grace_hours: GraceHours = GRACE_HOURS,
    expire_days: Keep | None = None,
    dry_run: bool = False,
    keep: Keep | None = None,
    keep_days: Keep | None = None,
) -> State[Any]:
    """Remove files that no commit names, leftovers of crawls, and code that nothing refers to, after a grace period.

    Every published snapshot is kept unless `keep` or `keep_days` is given; then older snapshots are forgotten, and a
    later run removes their files, after the grace period. The current one always stays, and that on which a held draft
    was written which waits, or that a catalog names, with all after it. A run ends as unchanged when there was nothing
    to do, as planned after a dry run, or as frozen when the operator wants nothing to be touched; a dry run touches
    nothing.

    Requires: the S3Bucket block of the lake, or `lake.bucket` and AWS credentials in the environment; for code to be
    removed, the Prefect server that has its deployments. Optional: the Variable `pokelake_frozen`.

    Args:
        lake: Where the lake lies.
        grace_hours: How long everything stays after it was last written to.
        expire_days: The former name of `keep_days`.
        dry_run: Whether only to say what would be done.
        keep: How many snapshots stay, the newest ones. Default: all.
        keep_days: How long a snapshot stays after another took its place. Default: for ever.

    Raises:
        LakeError: More than one of them says which snapshots stay.
    """
    given = {"keep": keep, "keep_days": keep_days, "expire_days": expire_days}
    if len(named := [name for name, value in given.items() if value is not None]) > 1:
        raise LakeError(f"{' and '.join(named)}: expected one of them, because each says which snapshots stay")
    days = keep_days if expire_days is None else expire_days
    if not dry_run and is_frozen():
        return frozen()
    store = lake.open()
    if not dry_run:
        clean_drafts(lake)
        follow_predecessors(lake.block)
    garbage = collect_garbage(lake, timedelta(hours=grace_hours), code_in_use(store), dry_run)
    expired = forget_expired(lake, keep, days, dry_run) if named else []
    if not garbage and not expired:
        return ended(f"there is nothing to remove in {store.uri()}", Outcome.UNCHANGED)
    would = "would be" if dry_run else "were"
    create_table_artifact(
        [*map(_removed, garbage), *map(_forgotten, expired)],
        key="pokelake-maintain",
        description=f"Objects that {would} removed from {store.uri()}, and snapshots that {would} forgotten.",
    )
    message = describe(garbage, [one.snapshot for one in expired])
    if dry_run:
        return ended(f"nothing was done; this would be done: {message}", Outcome.PLANNED)
    return ended(message)


@task(task_run_name="collect garbage", cache_policy=NO_CACHE, persist_result=False)
def collect_garbage(lake: LakeLocation, grace: timedelta, codes: set[str] | None, dry_run: bool) -> list[Garbage]:
    """Remove the garbage of a lake, and return it; in a dry run, only return it."""
    store = lake.open()
    garbage = find_garbage(store, grace, codes)
    return garbage if dry_run else remove(store, garbage)


@task(task_run_name="forget old snapshots", cache_policy=NO_CACHE, persist_result=False)
def forget_expired(lake: LakeLocation, keep: int | None, days: int | None, dry_run: bool) -> list[Expired]:
    """Forget all but the newest commits, or those whose successor is older; in a dry run, only return them."""
    store = lake.open()
    expired = find_expired(store, timedelta(days=days) if days is not None else None, keep)
    if named := named_by_catalogs(store):
        note(f"snapshots that catalogs name stay, with all after them: {', '.join(sorted(named))}")
    if not dry_run:
        forget(store, expired)
    return expired


def code_in_use(store: Store) -> set[str] | None:
    """Return the code versions that deployments and unfinished runs refer to.

    Returns None if no deployment pulls its code from this lake: then the code was pushed for another Prefect server,
    and this one cannot tell which code is in use.
    """
    with get_client(sync_client=True) as client:
        deployments = list(
            _pages(lambda start: client.read_deployments(sort=DeploymentSort.NAME_ASC, limit=PAGE, offset=start))
        )
        runs = _pages(
            lambda start: client.read_flow_runs(
                flow_run_filter=FlowRunFilter(state=UNFINISHED), sort=FlowRunSort.ID_DESC, limit=PAGE, offset=start
            )
        )
        versions = {run.deployment_version for run in runs} | {deployment.version for deployment in deployments}
    pulled = {version for item in deployments for version in _pulled(store, item)}
    return pulled | {version for version in versions if version} if pulled else None


def _pulled(store: Store, deployment: DeploymentResponse) -> Iterator[str]:
    """Yield the code version that a deployment pulls from a lake; another one may lie in the same bucket, or below."""
    folder = re.compile(f"{re.escape(store.prefix + CODE)}([^/]+)/?")
    for step in deployment.pull_steps or ():
        for given in step.values():
            # Deployments that were made before have a step of prefect-aws, which is given both by name.
            env = given.get("env") or {}
            bucket, place = given.get("bucket") or env.get("BUCKET"), given.get("folder") or env.get("FOLDER")
            if bucket == store.bucket and (found := folder.fullmatch(str(place))):
                yield found[1]


def _pages(read: Callable[[int], list[_T]]) -> Iterator[_T]:
    """Yield everything that Prefect returns page by page."""
    start = 0
    while page := read(start):
        yield from page
        start += len(page)


def describe(garbage: Sequence[Garbage], forgotten: Sequence[str]) -> str:
    """Say how many objects of each kind were removed, and name the snapshots that were forgotten."""
    kinds = dict.fromkeys(item.kind for item in garbage)
    parts = []
    for kind in kinds:
        items = [item for item in garbage if item.kind == kind]
        objects, size = sum(item.objects for item in items), sum(item.bytes for item in items)
        parts.append(f"{len(items):,} of {kind} removed ({counted(objects, 'object')}, {counted(size, 'byte')})")
    if forgotten:
        parts.append(f"{counted(len(forgotten), 'snapshot')} forgotten: {', '.join(map(shown, forgotten))}")
    return "; ".join(parts)


def _removed(item: Garbage) -> dict[str, Any]:
    return {
        "kind": item.kind,
        "what": shown(item.folder),
        "objects": item.objects,
        "bytes": item.bytes,
        "last written": item.youngest.isoformat(),
    }


def _forgotten(one: Expired) -> dict[str, Any]:
    return {
        "kind": "forgotten",
        "what": shown(one.snapshot),
        "objects": one.objects,
        "bytes": one.bytes,
        "last written": shown(one.committed_at),
    }
