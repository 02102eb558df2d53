"""What earlier runs have asked for is believed as far as it holds: for one snapshot, one source, and for a while."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import msgspec
import pytest

from lake.assemble.asked import Asked, Asking
from lake.commit import Commit
from lake.crawl import OVERLAP, Listing, Rest, Source
from lake.layout import ASKED, asked_key
from lake.store import Store
from tests.lake import keys
from tests.lake.assemble.manifests import failed, failure, manifest
from tests.lake.publish import draft
from tests.lake.publish.killing import NEW, OLD

SOURCE = Source("https://berries.test/", reask_seconds=3600)
NOON = datetime(2026, 8, 8, 12, tzinfo=UTC)
HOUR = timedelta(hours=1)


def listing(at: datetime | None, name: str = "berry") -> Listing:
    return Listing(name, at=at)


@pytest.fixture
def first(store: Store) -> Commit:
    return draft(OLD, {}, None)


@pytest.fixture
def noted(store: Store, first: Commit) -> Asking:
    """Return what is known after a first crawl of all berries and items, at noon, in which one berry failed."""
    begun = Asking.read(store, None, SOURCE)
    manifests = [manifest(began=NOON), failed(1), manifest(resource="item", began=NOON + HOUR)]
    manifests[1] = msgspec.structs.replace(manifests[1], began=NOON + HOUR)
    begun.after([listing(NOON + HOUR), listing(NOON, "item")], manifests, {}).note(None, first)
    return Asking.read(store, first, SOURCE)


def test_what_was_asked_for_is_known_from_its_first_question_on_even_if_another_run_put_it(noted: Asking):
    """That run was killed, and this one took up what it had staged."""
    assert noted.known == {"berry": Asked(NOON, (1,)), "item": Asked(NOON, listed=NOON)}
    assert noted.again(listing(NOON + HOUR - timedelta(seconds=1))) == {1}
    assert noted.again(listing(NOON + HOUR)) is None


def test_what_nobody_can_know_is_asked_for(noted: Asking):
    """A time to come, of a clock that was wrong; a listing that earlier code has kept; another collection."""
    for found in (listing(NOON - HOUR), listing(None), listing(NOON, "machine")):
        assert noted.again(found) is None


def test_documents_that_readers_see_stale_are_asked_for_again(noted: Asking, first: Commit):
    parent = replace(first, stale=(failure(7), failure(7, "item")), missing=(failure(8),))
    assert replace(noted, parent=parent).again(listing(NOON)) == {1, 7, 8}


def test_a_spared_or_refused_collection_keeps_its_time_and_one_of_unknown_time_has_none(noted: Asking):
    later = NOON + HOUR / 2
    spared = noted.after([listing(later)], [manifest(began=later)], {})
    assert spared.known == {"berry": Asked(NOON), "item": Asked(NOON, listed=NOON)}
    late = NOON + 2 * HOUR
    refused = noted.after([listing(late)], [msgspec.structs.replace(failed(9), began=late)], {"berry"})
    assert (refused.known, refused.known["berry"].failed) == (noted.known, (1,))
    assert noted.after([listing(late)], [manifest()], {}).known["berry"] == Asked(None)


def test_a_record_holds_for_its_snapshot_and_its_source_alone(store: Store, noted: Asking, first: Commit):
    others = [
        (replace(first, snapshot=NEW), SOURCE),
        (first, replace(SOURCE, base_url="https://nuts.test/")),
        (first, replace(SOURCE, reask_seconds=0)),
        (None, SOURCE),
    ]
    assert not any(Asking.read(store, *other).known for other in others)


def test_a_run_that_another_one_overtook_notes_nothing(store: Store, noted: Asking, first: Commit):
    """Of what both have changed, readers see what the other one found."""
    rival = replace(first, snapshot=NEW, seq=2)
    noted.note(rival, replace(rival, seq=3))
    assert keys(store, ASKED) == {asked_key(1)}


def test_what_is_no_record_is_not_believed_and_stops_nothing(store: Store, noted: Asking, first: Commit):
    record = store.get(asked_key(1))
    zoneless = record.replace(b"12:00:00Z", b"12:00:00")
    assert zoneless != record
    for number, body in enumerate((b"", b"<html>", b"[" * 100_000, b"\xff", b"[]", zoneless), 2):
        store.create(asked_key(number), body)
        assert Asking.read(store, first, SOURCE).known == {}
    noted.note(first, first)
    assert Asking.read(store, first, SOURCE).known == noted.known


def test_of_two_runs_that_end_at_once_both_leave_a_record(
    store: Store, noted: Asking, first: Commit, monkeypatch: pytest.MonkeyPatch
):
    create = store.create

    def overtaken(key: str, body: bytes, content_type: str = "") -> None:
        monkeypatch.setattr(store, "create", create)
        store.create(key, b"another")
        create(key, body, content_type)

    monkeypatch.setattr(store, "create", overtaken)
    noted.note(first, first, [failure(5)])
    assert keys(store, ASKED) == {asked_key(number) for number in (1, 2, 3)}
    assert Asking.read(store, first, SOURCE).known["berry"] == Asked(NOON, (1, 5))


# Listings of what changed since a time

CHANGING = Source("https://league.test/", "rest", rest=Rest(since_parameter="since", complete_every=3))


def changing(store: Store, parent: Commit, source: Source = CHANGING) -> Asking:
    """Return what is known after everything was listed at noon."""
    begun = Asking.read(store, None, source)
    begun.after([listing(NOON)], [manifest(began=NOON + HOUR)], {}).note(None, parent)
    return Asking.read(store, parent, source)


def test_changes_are_listed_since_all_were_known_with_an_overlap_until_everything_is_due(store: Store, first: Commit):
    asking = changing(store, first)
    for hours in range(2):
        now = NOON + hours * HOUR
        assert asking.since(["berry", "item"], now) == {"berry": now - OVERLAP}
        asking = asking.after([listing(now + HOUR)], [], {}, since=["berry"])
    assert asking.since(["berry"], NOON + 3 * HOUR) == {}
    assert asking.after([listing(NOON + 3 * HOUR)], [], {}).known == {
        "berry": Asked(NOON + 3 * HOUR, (), NOON + 3 * HOUR)
    }


def test_everything_is_listed_where_a_change_may_be_unknown(store: Store, first: Commit):
    asking, now = changing(store, first), NOON + HOUR
    broken = msgspec.structs.replace(failed(1), began=now)
    later = {
        "one failed": asking.after([listing(now)], [broken], {}, since=["berry"]),
        "refused": asking.after([listing(now)], [], {"berry"}, since=["berry"]),
        "unknown time": asking.after([listing(None)], [], {}, since=["berry"]),
        "of a document readers see another version": replace(asking, parent=replace(first, stale=(failure(3),))),
        "another path": changed_settings(store, first, collections=(("berry", "berries"),)),
        "each run lists everything": changed_settings(store, first, complete_every=1),
        "another parameter": changed_settings(store, first, since_parameter="after"),
    }
    assert {name: found.since(["berry"], now) for name, found in later.items()} == {name: {} for name in later}
    assert asking.since(["berry"], NOON - HOUR) == {}


def changed_settings(store: Store, first: Commit, **changes: Any) -> Asking:
    assert CHANGING.rest is not None
    return Asking.read(store, first, replace(CHANGING, rest=replace(CHANGING.rest, **changes)))


def test_what_is_spared_by_a_complete_listing_is_still_listed_if_it_changed(store: Store, first: Commit):
    """Of a collection whose changes are not all known, nothing is spared."""
    both = replace(CHANGING, reask_seconds=24 * 3600)
    asking, now = changing(store, first, both), NOON + 2 * HOUR
    spared = asking.after([listing(now)], [manifest(began=now)], {})
    assert spared.known == {"berry": Asked(NOON, (), NOON)}
    unknown = asking.after([listing(now)], [msgspec.structs.replace(failed(1), began=now)], {}, since=["berry"])
    assert (asking.again(listing(now)), unknown.again(listing(now))) == (frozenset(), None)
    assert asking.again(replace(listing(now), is_inline=True)) is None
