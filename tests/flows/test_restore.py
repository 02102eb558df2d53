"""A bad night: a bad snapshot was published, an earlier one is restored, and the next refresh goes on from it."""

from datetime import UTC, datetime

import pytest
from prefect.exceptions import ParameterTypeError

from flows.local.replica import Running
from flows.report import lines
from flows.restore import restore
from flows.steps.events import PUBLISHED
from flows.steps.outcome import published_by
from lake.commit import commit_seqs, read_commit
from lake.errors import RestoreError
from lake.read import Lake
from lake.store import Store
from tests.flows.conftest import LOCATION, Refresh
from tests.flows.lakeside import asked, current, error_of, event, overtaken, release
from tests.lake import keys, snapshots_of
from tests.lake.assemble.lakeside import changed, hashes

SINCE = datetime.now(UTC)
BAD, GOOD = 7_777, 4
PIKACHU = "pokemon/25"


def height(store: Store) -> int:
    rows = Lake(store).read("pokemon", [("pokemon_id", "==", 25)])
    return int(rows["height_dm"].iloc[0])


def test_a_bad_snapshot_is_taken_back_and_the_next_refresh_goes_on(
    store: Store, running: Running, run_refresh: Refresh, documents: dict[str, bytes]
):
    run_refresh(resources=("pokemon", "type"))
    good = current(store)
    release(running, spoilt := changed(documents, PIKACHU, height=BAD))
    run_refresh(resources=("pokemon", "type"))
    bad = current(store)
    assert (height(store), bad.parent) == (BAD, good.snapshot)

    # Another run publishes while the files are copied.
    def rival() -> None:
        release(running, changed(spoilt, "type/1", name="plain"))
        run_refresh(resources=("pokemon", "type"))

    with overtaken(rival):
        state = restore(good.snapshot, "heights are wrong", "misty", LOCATION, return_state=True)
    now = current(store)
    assert published_by(state) == now.snapshot
    assert str(state.message).startswith(
        f"published {now.snapshot}, which restores {good.snapshot}, by misty: heights are wrong; against"
    )
    assert (now.seq, hashes(now), height(store)) == (4, hashes(good), GOOD)
    assert event(PUBLISHED, f"pokelake.snapshot.{now.snapshot}", SINCE)["parent"] == now.parent != bad.snapshot
    assert f"- It restores {good.snapshot}, by misty: heights are wrong." in lines(now, None, [], "s3://lake")

    # The attempt that lost the race is gone.
    seqs = commit_seqs(store)
    assert snapshots_of(keys(store)) == {read_commit(store, seq).snapshot for seq in seqs}

    # The source is still bad under the version that the lake has had: it is asked, and not believed to be known.
    release(running, spoilt)
    running.reset()
    run_refresh(resources=("pokemon", "type"))
    assert (current(store).parent, height(store)) == (now.snapshot, BAD)
    state = restore(good.snapshot, "heights are wrong", "misty", LOCATION, return_state=True)
    again = current(store)

    # It is mended, and back at the version of the restored snapshot: everything is asked for, and nothing is sent.
    release(running, documents)
    running.reset()
    state = run_refresh(resources=("pokemon", "type"))
    assert str(state.message).startswith("unchanged: every file is unchanged")
    assert asked(running, {PIKACHU}) == {PIKACHU: 1}
    running.reset()
    state = run_refresh(resources=("pokemon", "type"))
    assert str(state.message).startswith("unchanged: upstream is still at ")
    assert (asked(running, {PIKACHU}), current(store)) == ({}, again)

    state = restore(good.snapshot, "once more", lake=LOCATION, return_state=True)
    assert str(state.message).startswith(f"unchanged: readers see every file of {good.snapshot} already")
    error = error_of(restore(again.snapshot, "once more", lake=LOCATION, return_state=True), RestoreError)
    assert "it is the current snapshot" in str(error)
    with pytest.raises(ParameterTypeError, match="reason"):
        restore(good.snapshot, " ", lake=LOCATION)
