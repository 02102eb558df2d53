"""What earlier runs have asked for is believed as far as it holds: for one snapshot, one source, and for a while."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import msgspec
import pytest

from lake.assemble.asked import Asked, Asking
from lake.commit import Commit
from lake.crawl import Listing, Source
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
    begun = Asking.since(store, None, SOURCE)
    manifests = [manifest(began=NOON), failed(1), manifest(resource="item", began=NOON + HOUR)]
    manifests[1] = msgspec.structs.replace(manifests[1], began=NOON + HOUR)
    begun.after([listing(NOON + HOUR), listing(NOON, "item")], manifests, {}).note(None, first)
    return Asking.since(store, first, SOURCE)


def test_what_was_asked_for_is_known_from_its_first_question_on_even_if_another_run_put_it(noted: Asking):
    """That run was killed, and this one took up what it had staged."""
    assert noted.known == {"berry": Asked(NOON, (1,)), "item": Asked(NOON)}
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
    assert spared.known == {"berry": Asked(NOON), "item": Asked(NOON)}
    late = NOON + 2 * HOUR
    refused = noted.after([listing(late)], [msgspec.structs.replace(failed(9), began=late)], {"berry"})
    assert refused.known == noted.known
    assert noted.after([listing(late)], [manifest()], {}).known["berry"] == Asked(None)


def test_a_record_holds_for_its_snapshot_and_its_source_alone(store: Store, noted: Asking, first: Commit):
    others = [
        (replace(first, snapshot=NEW), SOURCE),
        (first, replace(SOURCE, base_url="https://nuts.test/")),
        (first, replace(SOURCE, reask_seconds=0)),
        (None, SOURCE),
    ]
    assert not any(Asking.since(store, *other).known for other in others)


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
        assert Asking.since(store, first, SOURCE).known == {}
    noted.note(first, first)
    assert Asking.since(store, first, SOURCE).known == noted.known


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
    assert Asking.since(store, first, SOURCE).known["berry"] == Asked(NOON, (1, 5))
