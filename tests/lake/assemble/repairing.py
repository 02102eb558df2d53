"""Verifying and repairing a lake without Prefect."""

from contextlib import nullcontext
from datetime import UTC, datetime

from lake.assemble.draft import Crawled, write_draft
from lake.assemble.mend import Mending, twins_of
from lake.commit import Commit, head
from lake.layout import new_snapshot_id
from lake.publish import commit_snapshot
from lake.publish.damage import Verification
from lake.publish.verify import verify
from lake.store import Store
from tests.lake.assemble.lakeside import RUN


def look(store: Store, *snapshots: str) -> Verification:
    return verify(store, lambda what, total: nullcontext(lambda done: None), snapshots or None)


def repair(store: Store) -> Commit | None:
    """Publish the current snapshot anew as `pokelake verify --repair` does; None if it is whole."""
    current = head(store)
    assert current is not None
    damaged = look(store, current.snapshot).damaged(current.snapshot)
    if not damaged:
        return None
    draft = write_draft(
        store,
        new_snapshot_id(datetime.now(UTC)),
        current,
        Crawled(current.source, (), is_partial=True),
        lambda what, total: nullcontext(lambda done: None),
        run=RUN,
        mending=Mending(damaged=damaged, twins=twins_of(store, current, damaged)),
    )
    assert draft is not None
    assert draft.is_new(current)
    return commit_snapshot(store, draft.commit)
