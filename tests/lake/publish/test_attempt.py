"""What a dead run was writing is removed, unless its commit may be on its way; and never what another run writes."""

import pytest

from lake.commit import head
from lake.errors import ConflictError
from lake.publish import claim_attempt, commit_snapshot, note_attempt, remove_attempts
from lake.store import Store
from tests.lake import keys, snapshots_of
from tests.lake.publish import draft
from tests.lake.publish.killing import NEW, OLD, RIVAL, read, write

DEAD, ALIVE = "0b3a", "77f1"


def folders(store: Store) -> set[str]:
    return snapshots_of(keys(store))


def test_only_the_drafts_of_the_dead_run_that_were_not_sent_are_removed(store: Store):
    for run, snapshot in ((DEAD, OLD), (DEAD, NEW), (ALIVE, RIVAL)):
        note_attempt(store, run, snapshot)
        write(store, snapshot)
    claim_attempt(store, DEAD, OLD)
    assert remove_attempts(store, DEAD) == [NEW]
    assert folders(store) == {OLD, RIVAL}
    assert remove_attempts(store, DEAD) == remove_attempts(store, "never heard of") == []


def test_a_run_that_only_seemed_dead_sends_no_commit_of_removed_files(store: Store):
    """Fargate's container may go on beside the one that took its place."""
    note_attempt(store, DEAD, NEW)
    write(store, NEW)
    remove_attempts(store, DEAD)
    with pytest.raises(ConflictError):
        claim_attempt(store, DEAD, NEW)


def test_a_commit_that_arrives_after_the_removal_names_whole_files(store: Store):
    """The run died between its claim and the answer to its commit."""
    note_attempt(store, DEAD, NEW)
    commit = draft(NEW, write(store, NEW), None)
    claim_attempt(store, DEAD, NEW)
    assert remove_attempts(store, DEAD) == []
    commit_snapshot(store, commit)
    found = head(store)
    assert found is not None
    assert read(store, found) == NEW
