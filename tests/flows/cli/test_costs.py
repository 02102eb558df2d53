"""What a lake takes in S3, and what that costs at list price."""

from unittest.mock import Mock

import pytest

from flows.cli import status
from flows.cli.costs import GIGABYTE, Storage, dollars, measure, price_of, requests_in
from lake.errors import StoreError
from lake.layout import commit_key, forgotten_key, snapshot_folder
from lake.publish.garbage import find_expired, forget
from lake.store import Store
from lake.traffic import requests_to_s3
from tests.lake.publish.killing import NEW, OLD, RIVAL
from tests.lake.publish.littering import chain, put
from tests.lake.shelf import commit_of, snapshot_of


def test_each_snapshot_and_all_that_lies_in_the_lake_are_added_up_from_listings(store: Store):
    chain(store, 40, 20)
    put(store, "staging/0123456789abcdef/item-0001", "snapshots/readme.txt")
    found = measure(store)
    assert found is not None
    assert found.snapshots == {name: sum(item.size for item in store.list(f"snapshots/{name}/")) for name in (OLD, NEW)}
    assert found.total == sum(item.size for item in store.list(""))
    assert found.line().startswith("2 snapshots of 0.0 MB to 0.0 MB, 0.0 MB forgotten or unpublished, 0.0 MB in all")


def test_a_snapshot_that_was_forgotten_is_not_counted(store: Store):
    chain(store, 90, 40, 20)
    put(store, "snapshots/20260809T041200Z-00000000/types/part-0.parquet")
    forget(store, find_expired(store, keep=2))
    found = measure(store)
    assert found is not None
    assert found.snapshots.keys() == {NEW, RIVAL}
    assert found.facts()["unpublished_bytes"] == 1 + sum(item.size for item in store.list(f"snapshots/{OLD}/"))


def test_a_gigabyte_for_a_month_and_requests_have_their_list_price():
    assert Storage({}, 100 * GIGABYTE).dollars_a_month == pytest.approx(2.30)
    assert price_of({"PutObject": 600, "ListObjectsV2": 400}) == pytest.approx(0.005)
    assert price_of({"GetObject": 9_000, "HeadBucket": 1_000}) == pytest.approx(0.004)
    assert price_of({"DeleteObjects": 1_000_000}) == 0
    assert requests_in({"s3_requests": 7, "s3_GetObject": 7, "seconds": 1.5}) == {"GetObject": 7}
    assert [dollars(amount) for amount in (0, 0.000_004_6, 0.5, 1_234.5)] == ["$0", "$0.0000046", "$0.5", "$1,234.50"]


def test_who_may_not_list_the_lake_does_not_know_what_it_takes():
    refusing = Mock()
    refusing.list.side_effect = StoreError("AccessDenied")
    assert measure(refusing) is None


def test_the_last_run_is_the_last_one_that_left_its_numbers(monkeypatch: pytest.MonkeyPatch):
    killed = {"name": "killed", "s3_requests": None}
    ended = {"name": "refresh", "s3_requests": 3_000, "s3_PutObject": 1_000, "s3_GetObject": 2_000}
    monkeypatch.setattr(status, "read_runs", lambda place, limit: [killed, ended])
    assert status.read_last("lake") == {
        "name": "refresh",
        "requests": 3_000,
        "dollars": 0.0058,
        "by_kind": {"PutObject": 1_000, "GetObject": 2_000},
    }
    monkeypatch.setattr(status, "read_runs", lambda place, limit: [killed])
    assert status.read_last("lake") is None


def test_what_is_published_is_told_from_what_is_not_by_few_commits(store: Store):
    """Three folders of sixty are not: one forgotten, one left by a run, one that is being written."""
    for seq in range(1, 61):
        store.create(commit_key(seq), commit_of(seq).to_json())
        store.create(f"{snapshot_folder(snapshot_of(seq))}x", b"12345")
    gone, left, new = snapshot_of(0), f"{snapshot_of(33)[:-8]}ffffffff", snapshot_of(61)
    for name in (left, new):
        store.create(f"{snapshot_folder(name)}x", b"1")
    store.create(forgotten_key(gone), b"1")
    before = requests_to_s3()["GetObject"]
    found = measure(store)
    assert found is not None
    assert (found.snapshots, found.unpublished) == ({snapshot_of(seq): 5 for seq in range(1, 61)}, 3)
    assert requests_to_s3()["GetObject"] - before <= 14
    store.delete([f"{snapshot_folder(name)}x" for name in (left, new)])
    before = requests_to_s3()["GetObject"]
    found = measure(store)
    assert found is not None
    assert (len(found.snapshots), requests_to_s3()["GetObject"] - before) == (60, 0)
