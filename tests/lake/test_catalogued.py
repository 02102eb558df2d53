"""Notes of what catalogs name: what lies there, and that nothing of it is lost or alarms."""

from lake.catalogued import forget_notes, named_by_catalogs, note_snapshot
from lake.layout import CATALOGS, snapshot_folder
from lake.publish.garbage import GRACE, find_expired, find_garbage, forget, remove
from lake.store import Store
from tests.lake import keys
from tests.lake.publish.killing import NEW, OLD, RIVAL
from tests.lake.publish.littering import DAY, LONG, age, chain, found, put, whole

OURS, THEIRS = "123456789012.us-east-1.pokemon", "123456789012.eu-west-1.pokemon"


def test_each_catalog_has_its_own_notes(store: Store):
    assert named_by_catalogs(store) == {}
    for catalog, snapshot in ((OURS, OLD), (OURS, OLD), (OURS, NEW), (THEIRS, OLD)):
        note_snapshot(store, catalog, snapshot)
    assert named_by_catalogs(store) == {OLD: {OURS, THEIRS}, NEW: {OURS}}
    forget_notes(store, OURS, {NEW})
    assert named_by_catalogs(store) == {OLD: {THEIRS}, NEW: {OURS}}
    forget_notes(store, OURS)
    assert named_by_catalogs(store) == {OLD: {THEIRS}}


def test_what_is_no_note_names_nothing(store: Store):
    put(store, f"{CATALOGS}{OURS}/1", f"{CATALOGS}{OLD}", f"{CATALOGS}Odd/{OLD}")
    assert named_by_catalogs(store) == {}


def test_a_snapshot_that_a_catalog_names_is_kept_with_all_after_it(store: Store):
    chain(store, 90, 40, 20)
    note_snapshot(store, OURS, NEW)
    forget(store, find_expired(store, keep=1))
    assert whole(store) == [2, 3]
    forget_notes(store, OURS)
    forget(store, find_expired(store, keep=1))
    assert whole(store) == [3]


def test_the_files_of_a_forgotten_snapshot_stay_while_a_catalog_names_it(store: Store):
    """As if it was named just when it was forgotten."""
    chain(store, 90, 40, 20)
    forget(store, find_expired(store, keep=1))
    note_snapshot(store, OURS, OLD)
    age(store, "", LONG + DAY)
    assert found(store) == {snapshot_folder(NEW)}
    remove(store, find_garbage(store, GRACE, set()))
    assert keys(store, snapshot_folder(OLD)) != set()
    assert list(named_by_catalogs(store)) == [OLD]
    forget_notes(store, OURS)
    assert found(store) == {snapshot_folder(OLD)}
    assert keys(store, snapshot_folder(RIVAL)) != set()
