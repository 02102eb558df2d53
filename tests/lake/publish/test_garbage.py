"""Garbage: what nobody needs goes after its grace period, and nothing else ever does, whoever is at work meanwhile."""

from dataclasses import replace
from datetime import datetime, timedelta

import moto.s3.models
import pytest

from lake.errors import LakeError
from lake.layout import ASKED, asked_key, check_key, commit_key, report_key, snapshot_folder
from lake.publish import commit_snapshot
from lake.publish.garbage import GRACE, Garbage, find_garbage, remove
from lake.store import Store
from tests.lake import keys
from tests.lake.publish import draft
from tests.lake.publish.killing import NEW, OLD, RIVAL, write
from tests.lake.publish.littering import (
    CODE,
    CRAWL,
    DAY,
    LISTING,
    LONG,
    OTHER_CODE,
    OTHER_LISTING,
    SHARDS,
    age,
    chain,
    found,
    put,
    whole,
)


@pytest.fixture
def littered(store) -> Store:
    """Return a lake with two snapshots and garbage of every kind."""
    chain(store, 9, 8)
    write(store, RIVAL)
    age(store, snapshot_folder(RIVAL), LONG)
    put(store, f"{CRAWL}pokemon-0001", f"{SHARDS}pokemon-0001", LISTING, f"{CODE}MANIFEST.json")
    put(store, check_key(RIVAL, "1"), report_key(RIVAL))
    return store


GARBAGE = {snapshot_folder(RIVAL), CRAWL, SHARDS, LISTING, f"checks/{RIVAL}/", f"reports/{RIVAL}/", CODE}


def test_published_snapshots_are_no_garbage_however_old(store):
    chain(store, 900, 800, 700)
    put(store, check_key(OLD, "1"), report_key(OLD))
    assert found(store, set()) == set()


def test_of_every_kind_what_nobody_needs_is_found(littered):
    assert found(littered, set()) == GARBAGE


def test_what_is_found_is_removed_and_nothing_else(littered):
    needed = {key for key in keys(littered) if not key.startswith(tuple(GARBAGE))}
    removed = remove(littered, find_garbage(littered, GRACE, set()))
    assert {item.folder for item in removed} == GARBAGE
    assert keys(littered) == needed
    assert whole(littered) == [1, 2]


def test_garbage_says_what_it_is_and_how_much(store):
    put(store, f"{CRAWL}item-0001", ago=LONG + DAY)
    put(store, f"{CRAWL}item-0002")
    [item] = find_garbage(store, GRACE, None)
    [_, younger] = store.list(CRAWL)
    assert item == Garbage("staging", CRAWL, 2, 2, younger.modified)


def test_a_folder_is_as_old_as_its_youngest_object(store):
    """A run in progress has written something of late; what it wrote first may be older."""
    write(store, NEW)
    age(store, snapshot_folder(NEW), LONG)
    put(store, f"{CRAWL}item-0001", f"{CODE}lake/store.py")
    put(store, f"{snapshot_folder(NEW)}moves/part-0.parquet", f"{CRAWL}item-0002", f"{CODE}MANIFEST.json", ago=DAY)
    assert found(store, set()) == set()


@pytest.mark.parametrize(("ago", "is_found"), [(GRACE - timedelta(hours=1), False), (GRACE + timedelta(hours=1), True)])
def test_the_grace_period_decides(store, ago, is_found):
    put(store, f"{CRAWL}item-0001", ago=ago)
    assert (found(store) == {CRAWL}) is is_found


def test_ages_are_measured_by_the_clock_of_s3(store, monkeypatch):
    """Where the clocks of S3 and of this machine are a year apart, everything would be a year old here."""
    monkeypatch.setattr(moto.s3.models, "utcnow", lambda: datetime(2020, 1, 1))
    put(store, f"{CRAWL}item-0001", ago=DAY)
    assert found(store) == set()


def test_measuring_leaves_nothing_behind(store):
    find_garbage(store, GRACE, None)
    assert keys(store) == set()


def test_a_probe_that_a_killed_run_left_is_garbage(store):
    put(store, "staging/probe-00", "results/probe-11")
    assert found(store) == {"staging/probe-00", "results/probe-11"}


def test_listings_age_one_by_one(store):
    """Every upstream version leaves one, so together they would never be old."""
    put(store, LISTING)
    put(store, OTHER_LISTING, ago=DAY)
    assert found(store) == {LISTING}


def test_the_results_of_one_crawl_age_together(store):
    put(store, f"{SHARDS}item-0001")
    put(store, f"{SHARDS}item-0002", ago=DAY)
    assert found(store) == set()


def test_of_the_records_of_what_runs_asked_for_the_newest_stays(store):
    """However old it is; the next run needs no other. What others keep there stays as well."""
    put(store, *(asked_key(number) for number in (3, 7, 8)), f"{ASKED}notes.txt", ago=2 * LONG)
    put(store, asked_key(6), ago=DAY)
    assert found(store) == {asked_key(3), asked_key(7)}
    remove(store, find_garbage(store, GRACE, None))
    assert keys(store, ASKED) == {asked_key(6), asked_key(8), f"{ASKED}notes.txt"}


def test_code_in_use_stays(store):
    put(store, f"{CODE}MANIFEST.json", f"{OTHER_CODE}MANIFEST.json")
    assert found(store, {CODE.split("/")[1]}) == {OTHER_CODE}


def test_code_that_made_a_snapshot_stays_as_long_as_that(store):
    put(store, f"{CODE}MANIFEST.json", f"{OTHER_CODE}MANIFEST.json")
    commit = replace(draft(NEW, write(store, NEW), None), run={"code_version": CODE.split("/")[1]})
    commit_snapshot(store, commit)
    assert found(store, set()) == {OTHER_CODE}


def test_where_nobody_knows_the_code_in_use_all_of_it_stays(store):
    put(store, f"{CODE}MANIFEST.json")
    assert found(store, None) == set()


def test_what_others_keep_in_the_bucket_is_no_garbage(store):
    put(store, "notes.txt", "snapshots/notes.txt", "snapshots/mine/x", "checks/mine/x", "code/notes.txt", "other/x/y")
    put(store, "reports/mine/index.html", "commits/notes.txt", "stagings/x/y")
    assert found(store, set()) == set()


HOSTILE = (
    "staging//a",
    "staging/../snapshots/a",
    "staging/\x1b[2J\u202e\0/a",
    "staging/line\rreturn/a",
    "staging/%2e%2e/a",
    'staging/a b+c?&<>/"',
    f"results/{OLD}",
    f"results/shards/../../snapshots/{OLD}/a",
    f"checks/{OLD}/a",
    f"code/../snapshots/{OLD}/a",
    f"held/{OLD}/a",
    "held/../commits/a",
    # The last one, because a folder stays if anything below it is younger.
    "staging/",
)


def test_names_that_lead_elsewhere_are_names_alone(store):
    """They lead to nothing but themselves, and what else is in the bucket stays."""
    put(store, *HOSTILE)
    put(store, f"kept/{OLD}/a", "kept/../commits/a", f"snapshots/../{OLD}", "snapshots/", "staging2/line\nreturn/a")
    [commit] = chain(store, 30)
    assert commit.snapshot == OLD
    before = keys(store)
    remove(store, find_garbage(store, GRACE, {"3f9a0c11d2e4"}))
    assert before - keys(store) == set(HOSTILE) - {f"checks/{OLD}/a"}
    assert whole(store) == [1]


def test_a_commit_that_cannot_be_read_stops_everything(littered):
    """It may be one of a later version of this code, and name any of the files."""
    littered.create(commit_key(3), b'{"format": 3}')
    with pytest.raises(LakeError, match="upgrade"):
        find_garbage(littered, GRACE, set())


def test_what_was_written_to_since_it_was_found_stays(store):
    """A push of code that is there already, or a run that takes up an old crawl."""
    put(store, f"{CODE}lake/store.py", f"{CODE}MANIFEST.json", f"{CRAWL}item-0001")
    garbage = find_garbage(store, GRACE, set())
    put(store, f"{CODE}pushed-0001", ago=0 * DAY)
    assert [item.folder for item in remove(store, garbage)] == [CRAWL]
    assert keys(store) == {f"{CODE}{name}" for name in ("lake/store.py", "MANIFEST.json", "pushed-0001")}
