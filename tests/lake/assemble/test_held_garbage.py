"""Held drafts and `maintain`: what waits is kept with all that it needs, and everything else goes."""

from datetime import UTC, datetime, timedelta

import pytest

from lake.assemble.decided import Ending
from lake.assemble.held import HeldDraft, read_held, waiting
from lake.layout import HELD, draft_key, held_documents_key, held_folder, verdict_key
from lake.publish.garbage import GRACE, find_expired, find_garbage, forget, remove
from lake.store import Store
from lake.verdict import kept_drafts
from tests.lake import keys, snapshots_of
from tests.lake.assemble.holding import abilities, decided, dropping, fewer, full, hold_back, publishing
from tests.lake.assemble.lakeside import Lakeside, changed
from tests.lake.publish.killing import Killed, killed_at
from tests.lake.publish.littering import LONG, age, put

OTHER = "20260808T041200Z-1f3a9c02"


@pytest.fixture
def lake(store: Store) -> Lakeside:
    """Return a lake with all abilities."""
    return full(store)


def maintain(lake: Lakeside, grace: timedelta = timedelta()) -> None:
    """Remove all garbage, from a lake in which everything is older than any grace period."""
    age(lake.store, "", LONG)
    remove(lake.store, find_garbage(lake.store, grace, set()))


def held_ids(lake: Lakeside) -> set[str]:
    return {key.split("/")[1] for key in keys(lake.store, HELD)}


def test_a_draft_that_waits_is_published_after_maintain_took_all_that_was_staged(lake: Lakeside):
    held = hold_back(lake, lake.crawl(fewer()))
    maintain(lake)
    assert keys(lake.store, "staging/") == set()
    assert waiting(lake.store) == held
    assert decided(lake, held, publishing(held)).outcome == Ending.PUBLISHED


def test_what_is_decided_or_past_its_deadline_goes_after_the_grace_period(lake: Lakeside):
    late = hold_back(lake, lake.crawl(fewer()), now=datetime.now(UTC) - timedelta(hours=73))
    remove(lake.store, find_garbage(lake.store, GRACE, set()))
    assert held_ids(lake) == {late.id}
    maintain(lake, GRACE)
    assert held_ids(lake) == set()
    dropped = hold_back(lake, lake.crawl(fewer()))
    decided(lake, dropped, dropping(dropped))
    maintain(lake, GRACE)
    assert held_ids(lake) == set()


def test_a_draft_that_is_to_be_published_is_kept_until_its_deadline(lake: Lakeside):
    held = hold_back(lake, lake.crawl(fewer()))
    dying = Lakeside(Store(lake.store.bucket, lake.store.prefix, killed_at(lake.store._s3, 4, "after")))
    with pytest.raises(Killed):
        decided(dying, held, publishing(held))
    assert verdict_key(held.id) in keys(lake.store, HELD)
    maintain(lake)
    assert decided(lake, held, publishing(held)).outcome == Ending.PUBLISHED


def test_what_a_killed_hold_left_goes_after_the_grace_period(lake: Lakeside):
    put(lake.store, held_documents_key(OTHER, "ability", 0), ago=GRACE / 2)
    remove(lake.store, find_garbage(lake.store, GRACE, set()))
    assert held_ids(lake) == {OTHER}
    maintain(lake, GRACE)
    assert held_ids(lake) == set()


@pytest.mark.parametrize(
    "body", [b"", b"{}", b"[" * 100_000, b'{"id": "' + OTHER.encode() + b'"}', b"\xff", b"\x80\x04"]
)
def test_what_is_no_draft_keeps_nothing_and_stops_nothing(lake: Lakeside, body: bytes):
    held = hold_back(lake, lake.crawl(fewer()))
    lake.store.create(draft_key(OTHER), body)
    lake.store.create(f"{HELD}\x1b[2J/draft.json", body)
    assert [head.id for head in kept_drafts(lake.store, datetime.now(UTC))] == [held.id]
    assert waiting(lake.store) == held
    maintain(lake)
    assert held_ids(lake) == {held.id}


def test_a_draft_from_the_future_keeps_nothing(lake: Lakeside):
    hold_back(lake, lake.crawl(fewer()), now=datetime(9000, 1, 1, tzinfo=UTC))
    maintain(lake)
    assert held_ids(lake) == set()


def test_the_snapshot_on_which_a_draft_waits_is_not_forgotten(lake: Lakeside):
    """Its files say what another run has changed since."""
    held = hold_back(lake, lake.crawl(fewer()))
    older = lake.commit
    lake.fill(changed(abilities(), "ability/10", is_main_series=False))
    age(lake.store, "", timedelta(days=30))
    assert find_expired(lake.store, timedelta(days=1)) == []
    again = decided(lake, held, publishing(held)).held
    assert again is not None
    assert older.snapshot in again.needs
    decided(lake, again, dropping(again))
    lake.store.delete(keys(lake.store, held_folder(held.id)))
    assert [one.snapshot for one in find_expired(lake.store, timedelta(days=1))] == [older.snapshot]


def test_files_that_a_draft_needs_stay_although_their_commit_is_forgotten(lake: Lakeside):
    older = lake.commit
    first = hold_back(lake, lake.crawl(fewer()))
    lake.fill(changed(abilities(), "ability/10", is_main_series=False))
    held = decided(lake, first, publishing(first)).held
    assert isinstance(held, HeldDraft)
    lake.store.delete(keys(lake.store, held_folder(first.id)))
    forget(lake.store, [older])
    maintain(lake)
    assert older.snapshot in snapshots_of(keys(lake.store))
    assert decided(lake, read_held(lake.store, held.id), publishing(held)).outcome == Ending.PUBLISHED
    maintain(lake)
    lake.store.delete(keys(lake.store, HELD))
    maintain(lake)
    assert older.snapshot not in snapshots_of(keys(lake.store))
