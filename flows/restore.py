"""The flow that publishes an earlier snapshot again."""

from typing import Annotated, Any

from prefect import flow
from prefect.client.schemas import State
from pydantic import Field

from flows.steps.answer import NOBODY
from flows.steps.bar import progress
from flows.steps.ended import PUBLISHING, TELLING
from flows.steps.events import announce
from flows.steps.memory import return_freed_memory
from flows.steps.numbers import phase
from flows.steps.outcome import again_if_beaten, describe_changes, ended, unchanged
from flows.steps.parameters import LakeLocation
from flows.steps.publish import Publication, publish_restored
from flows.steps.watch import run_name, watched
from lake.assemble.restore import find_snapshot, require_whole
from lake.verdict import REASON_CHARACTERS, Restored

# Why, which a blank does not say.
Reason = Annotated[str, Field(pattern=r"\S", max_length=REASON_CHARACTERS)]

# A snapshot is read to verify it, and then copied within S3.
LONGEST_SECONDS = 2 * 60 * 60


@flow(
    name="restore",
    persist_result=False,
    flow_run_name=run_name,
    timeout_seconds=LONGEST_SECONDS,
    on_completion=TELLING,
    on_failure=PUBLISHING,
    on_crashed=PUBLISHING,
    on_cancellation=PUBLISHING,
)
@watched
def restore(
    snapshot: str,
    reason: Reason,
    by: str = "",
    lake: LakeLocation = LakeLocation(),  # noqa: B008
) -> State[Any]:
    """Publish an earlier snapshot again: as a new one, whose commit says what it restores, why and by whom.

    Its files are read and compared with its commit first. If another run publishes meanwhile, this one goes on from
    there. The next refresh starts from what was restored, and fetches whatever the source has otherwise: hold it by the
    Variable `pokelake_frozen` if the source is what was bad; a restore works all the same. It ends as published, or as
    unchanged if readers see the same files already.

    Requires: the S3Bucket block of the lake, or `lake.bucket` and AWS credentials in the environment.

    Args:
        snapshot: The name of the snapshot.
        reason: Why; the commit keeps it.
        by: Who restores it; the commit keeps it.
        lake: Where the lake lies.

    Raises:
        RestoreError: There is no such snapshot, it is the current one, or it is not whole; nothing was written.
    """
    return_freed_memory()
    return again_if_beaten(lambda: _restore(lake, snapshot, reason, by))


def _restore(lake: LakeLocation, snapshot: str, reason: str, by: str) -> State[Any]:
    store = lake.open()
    of, current = find_snapshot(store, snapshot)
    with phase("verify", f"verifying {of.snapshot}"):
        require_whole(store, of, progress)
    note = Restored(of.snapshot, by.strip() or NOBODY, reason.strip())
    publication: Publication = publish_restored(lake, of, current, note)
    commit = publication.commit
    if not publication.is_new:
        return unchanged(commit, f"readers see every file of {of.snapshot} already")
    announce(lake, commit, current, {})
    return ended(f"published {commit.snapshot}, which {note}; against {current.snapshot}: {describe_changes(commit)}")
